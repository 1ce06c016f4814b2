"""What a service promises: its SLOs."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from opsgen.load.forms import OneOrMany, Strict, exactly_one, refuse_all_but_one
from opsgen.load.name_fields import (
    LabelName,
    Slug,
)
from opsgen.load.quantity_fields import (
    LatencyObjectiveField,
    MinBadEventsField,
    ObjectiveField,
    PositiveDurationField,
)
from opsgen.load.scalars import mistake
from opsgen.load.text_fields import Text

WAS = Field(
    description=(
        "Its earlier names. What people wrote in the runbook about its alerts moves to the new"
        " name."
    ),
    examples=["orders"],
)


class SloSpec(Strict):
    """One SLO: for availability, for latency, or in the long form for any good or bad events and
    their total."""

    model_config = ConfigDict(
        json_schema_extra={
            **exactly_one("availability", "latency", "objective"),
            "dependentRequired": {
                "objective": ["name", "total"],
                "bad": ["objective"],
                "good": ["objective"],
                "total": ["objective"],
            },
            "if": {"required": ["objective"]},
            "then": exactly_one("bad", "good"),
        }
    )

    availability: Annotated[
        ObjectiveField | None,
        Field(description="The share of requests that must not fail.", examples=["99.9%"]),
    ] = None
    latency: Annotated[
        LatencyObjectiveField | None,
        Field(
            description="The share of requests that must be answered within a threshold.",
            examples=["99% under 250ms"],
        ),
    ] = None
    name: Annotated[
        Slug | None,
        Field(
            description=(
                "The SLO's name, for the label `slo`; default: availability or latency. The long"
                " form needs one."
            ),
            examples=["fresh-prices"],
        ),
    ] = None
    was: Annotated[tuple[Slug, ...], OneOrMany(), WAS] = ()
    objective: Annotated[
        ObjectiveField | None,
        Field(
            description="In the long form: the share of events that must be good.",
            examples=["99.5%"],
        ),
    ] = None
    window: Annotated[
        PositiveDurationField | None,
        Field(
            description=(
                "The period of the SLO, 1d to 365d; default: slo.window of opsgen.yaml, else 30d."
            ),
            examples=["30d", "28d"],
        ),
    ] = None
    min_bad_events: Annotated[
        MinBadEventsField | None,
        Field(
            description=(
                "The fewest bad events in a tier's long window for which it fires; default:"
                " slo.min_bad_events of opsgen.yaml, else 5."
            ),
            examples=[5],
        ),
    ] = None
    bad: Annotated[
        Text | None,
        Field(
            description="The bad events, as PromQL with rate() or increase().",
            examples=["rate(orders_failed_total[5m])"],
        ),
    ] = None
    good: Annotated[
        Text | None,
        Field(
            description="The good events, instead of `bad`, as PromQL with rate() or increase()."
        ),
    ] = None
    total: Annotated[
        Text | None,
        Field(
            description="All events, as PromQL with rate() or increase().",
            examples=["rate(orders_total[5m])"],
        ),
    ] = None
    grouping: Annotated[
        tuple[LabelName, ...],
        Field(
            description=("Labels. opsgen measures and alerts separately for each of their values.")
        ),
    ] = ()
    title: Annotated[Text | None, Field(description="The SLO's name for people.")] = None
    description: Annotated[
        Text | None, Field(description="What the SLO promises, in a sentence.")
    ] = None

    @model_validator(mode="after")
    def _one_form(self) -> SloSpec:
        refuse_all_but_one(self, ("availability", "latency", "objective"), "an SLO")
        if self.objective is None:
            extra = [key for key in ("bad", "good", "total") if getattr(self, key) is not None]
            if extra:
                raise mistake(
                    f"{extra[0]} only works with objective",
                    "write objective instead of availability or latency",
                )
            return self
        refuse_all_but_one(self, ("bad", "good"), "an SLO with objective")
        if self.total is None:
            raise mistake(
                "an SLO with objective needs a total",
                "write total: the rate of all events",
            )
        if self.name is None:
            raise mistake("an SLO with objective needs a name", "write name: a short slug")
        return self
