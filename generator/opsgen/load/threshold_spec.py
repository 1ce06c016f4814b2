"""From when on a service answers too slowly, fails too often, or runs short of what it runs on."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from opsgen.load.forms import AtLeastOne, Strict
from opsgen.load.quantity_fields import (
    DurationField,
    PercentField,
    PositiveDurationField,
)
from opsgen.model.settings import reference


class LatencySpec(Strict):
    """Thresholds on latency percentiles: a ticket while a percentile is above its threshold."""

    p50: Annotated[
        PositiveDurationField | None, Field(description=reference("latency.p50"), examples=["80ms"])
    ] = None
    p95: Annotated[
        PositiveDurationField | None,
        Field(description=reference("latency.p95"), examples=["250ms"]),
    ] = None
    p99: Annotated[
        PositiveDurationField | None,
        Field(description=reference("latency.p99"), examples=["800ms"]),
    ] = None
    for_: Annotated[
        DurationField | None,
        Field(alias="for", description=reference("latency.for"), examples=["10m"]),
    ] = None
    buckets: Annotated[
        tuple[PositiveDurationField, ...],
        AtLeastOne("leave the key out for the convention's"),
        Field(
            description=(
                "The histogram's bucket boundaries, if they differ from the convention's."
            ),
            examples=[["100ms", "250ms", "1s"]],
        ),
    ] = ()


class ErrorsSpec(Strict):
    """When the share of failed requests is too high."""

    above: Annotated[
        PercentField | None, Field(description=reference("errors.above"), examples=["2%"])
    ] = None
    for_: Annotated[
        DurationField | None,
        Field(alias="for", description=reference("errors.for"), examples=["5m"]),
    ] = None


class DiskSpec(Strict):
    """When a disk is too full, or will soon be full."""

    above: Annotated[
        PercentField | None,
        Field(description="A disk is too full when the share in use is above this."),
    ] = None
    full_within: Annotated[
        PositiveDurationField | None,
        Field(
            description="A disk is also too full when it will be full within this time.",
            examples=["4d"],
        ),
    ] = None


class ResourcesSpec(Strict):
    """When the service runs short of CPU, memory or disk."""

    cpu: Annotated[
        PercentField | None,
        Field(description="CPU is short when the share in use is above this."),
    ] = None
    memory: Annotated[
        PercentField | None,
        Field(description="Memory is short when the share in use is above this."),
    ] = None
    disk: Annotated[DiskSpec | None, Field(description="When a disk is too full.")] = None
