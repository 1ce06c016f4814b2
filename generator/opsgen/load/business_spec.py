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
        NumberField | None, Field(description="The alert fires while the signal is below this.")
    ] = None
    above: Annotated[
        NumberField | None, Field(description="The alert fires while the signal is above this.")
    ] = None
    drop: Annotated[
        PercentField | None,
        Field(
            description=(
                "The alert fires while the signal is this much lower than it was `against` ago."
            ),
            examples=["50%"],
        ),
    ] = None
    absent: Annotated[
        PositiveDurationField | None,
        Field(
            description="The alert fires when there was no measurement for this long.",
            examples=["10m"],
        ),
    ] = None
    against: Annotated[
        PositiveDurationField | None,
        Field(
            description=(
                "With drop: the signal is compared with its value this long ago; default: 1w."
            ),
            examples=["1w"],
        ),
    ] = None
    for_: Annotated[
        DurationField | None,
        Field(
            alias="for",
            description="How long the condition must last before the alert fires; default: 15m.",
            examples=["15m"],
        ),
    ] = None
    severity: Annotated[
        Severity | None,
        Field(
            description="The severity of the alert: a page wakes somebody; default: ticket.",
            examples=["page"],
        ),
    ] = None

    @model_validator(mode="after")
    def _one(self) -> BusinessAlertSpec:
        refuse_all_but_one(self, _CONDITIONS, "an alert")
        if self.against is not None and self.drop is None:
            raise mistake(
                "against only works together with drop", "leave against out, or write drop"
            )
        if self.for_ is not None and self.absent is not None:
            raise mistake("absent already says for how long", "leave for out")
        if self.drop is not None and not 0 < self.drop.value < 1:
            raise mistake(
                f"a drop of {self.drop} can't be measured", "write a percentage between 0% and 100%"
            )
        return self


class BusinessSpec(Strict):
    """A number that the business cares about."""

    name: Annotated[
        Slug,
        Field(
            description="The signal's name. Its alerts are named after it.",
            examples=["orders-completed"],
        ),
    ]
    title: Annotated[Text | None, Field(description="The signal's name for people.")] = None
    description: Annotated[
        Text | None, Field(description="What the number means, in a sentence.")
    ] = None
    query: Annotated[
        Text,
        Field(
            description=("PromQL that gives the number. opsgen adds the service's matchers to it."),
            examples=["sum(rate(orders_completed_total[5m]))"],
        ),
    ]
    was: Annotated[tuple[Slug, ...], OneOrMany(), WAS] = ()
    unit: Annotated[
        Text,
        Field(
            description="The unit of the number.",
            examples=["orders/s", "ratio", "seconds", "bytes"],
        ),
    ] = "count"
    match: Annotated[
        Match | None,
        Field(description="Label matchers for this query, instead of the service's."),
    ] = None
    alerts: Annotated[
        tuple[BusinessAlertSpec, ...],
        Field(description="The conditions that alert; without any, the signal has only a panel."),
    ] = ()
