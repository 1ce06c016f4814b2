"""Numbers that the business cares about, with the conditions that alert."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from opsgen.load.forms import OneOrMany, Strict, exactly_one, refuse_all_but_one
from opsgen.load.match_spec import Match
from opsgen.load.name_fields import (
    Slug,
)
from opsgen.load.objective_spec import WAS
from opsgen.load.quantity_fields import (
    DurationField,
    NumberField,
    PercentField,
    PositiveDurationField,
)
from opsgen.load.scalars import mistake
from opsgen.load.text_fields import Text
from opsgen.model.oncall import Severity

_CONDITIONS = ("below", "above", "drop", "absent")


class BusinessAlertSpec(Strict):
    """One condition on a business signal: below, above, drop or absent."""

    model_config = ConfigDict(
        json_schema_extra={
            **exactly_one(*_CONDITIONS),
            "dependentRequired": {"against": ["drop"]},
            "dependentSchemas": {"absent": {"not": {"required": ["for"]}}},
        }
    )

    below: Annotated[
        NumberField | None, Field(description="It fires while the signal is below this.")
    ] = None
    above: Annotated[
        NumberField | None, Field(description="It fires while the signal is above this.")
    ] = None
    drop: Annotated[
        PercentField | None,
        Field(description="How much less than before is too little.", examples=["50%"]),
    ] = None
    absent: Annotated[
        PositiveDurationField | None,
        Field(description="For how long there may be no measurement at all.", examples=["10m"]),
    ] = None
    against: Annotated[
        PositiveDurationField | None,
        Field(
            description="With drop: how long ago it is compared with; default: 1w.", examples=["1w"]
        ),
    ] = None
    for_: Annotated[
        DurationField | None,
        Field(alias="for", description="How long it must last; default: 15m.", examples=["15m"]),
    ] = None
    severity: Annotated[
        Severity | None,
        Field(description="page wakes somebody; default: ticket.", examples=["page"]),
    ] = None

    @model_validator(mode="after")
    def _one(self) -> BusinessAlertSpec:
        refuse_all_but_one(self, _CONDITIONS, "an alert")
        if self.against is not None and self.drop is None:
            raise mistake("against goes with drop", "leave it out, or write drop")
        if self.for_ is not None and self.absent is not None:
            raise mistake("absent says already for how long", "leave out for")
        if self.drop is not None and not 0 < self.drop.value < 1:
            raise mistake(
                f"a drop of {self.drop} can't be told", "write a percentage between 0% and 100%"
            )
        return self


class BusinessSpec(Strict):
    """A number that the business cares about."""

    name: Annotated[
        Slug,
        Field(
            description="Its name, from which its alerts have theirs.",
            examples=["orders-completed"],
        ),
    ]
    title: Annotated[Text | None, Field(description="Its name for people.")] = None
    description: Annotated[Text | None, Field(description="What it says, in a sentence.")] = None
    query: Annotated[
        Text,
        Field(
            description="PromQL; the service's matchers are added to it.",
            examples=["sum(rate(orders_completed_total[5m]))"],
        ),
    ]
    was: Annotated[tuple[Slug, ...], OneOrMany(), WAS] = ()
    unit: Annotated[
        Text,
        Field(
            description="What it is counted in.", examples=["orders/s", "ratio", "seconds", "bytes"]
        ),
    ] = "count"
    match: Annotated[
        Match | None, Field(description="Matchers of its series, in place of the service's.")
    ] = None
    alerts: Annotated[
        tuple[BusinessAlertSpec, ...], Field(description="When somebody is told.")
    ] = ()
