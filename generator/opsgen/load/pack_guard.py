"""The guard of a pack's alert: how many events it needs, and what stands in for fewer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from opsgen.load.forms import Deferred
from opsgen.load.quantity_fields import DurationField
from opsgen.load.scalars import mistake
from opsgen.load.shown import shown
from opsgen.load.text_fields import Text

ONE_IN_THRESHOLD = "one-in-threshold"


def _fewest(value: object) -> object:
    if value == ONE_IN_THRESHOLD or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    wrong = f"'{shown(str(value))}' is not a number of events"
    raise mistake(wrong, f"write a whole number, or {ONE_IN_THRESHOLD}")


# A union would refuse a wrong value twice, once for each of its members.
AtLeast = Annotated[
    int | Literal["one-in-threshold"],
    PlainValidator(_fewest),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer"},
                {"const": ONE_IN_THRESHOLD, "type": "string"},
                # A number that a value of `each` fills in.
                {"pattern": r"^\{[a-z_]+\}$", "type": "string"},
            ]
        }
    ),
]


class CountSpec(Deferred):
    """The fewest events for which an alert may fire."""

    count: Annotated[Text, Field(description="A query that counts events over its window.")]
    at_least: Annotated[
        AtLeast,
        Field(
            description=(
                "A number, or as many as it takes for one bad event not to exceed the threshold."
            )
        ),
    ]
    over: Annotated[
        DurationField | None,
        Field(description="The window that its words say; default: that of the query."),
    ] = None
    of: Annotated[Text, Field(description="What it counts, for its words.")] = "events"


class StandInSpec(CountSpec):
    """What is compared in place of the signal's query where that has too few events."""

    query: Annotated[Text, Field(description="The same as the signal's query, over longer.")]


class GuardSpec(CountSpec):
    """The fewest events for which an alert may fire, and what stands in where there are fewer."""

    stand_ins: Annotated[
        tuple[StandInSpec, ...],
        Field(
            description=(
                "Queries over longer windows, tried in their order where there are too few events,"
                " so that a quiet service is not blind."
            )
        ),
    ] = ()

    @property
    def counts(self) -> tuple[CountSpec, ...]:
        """The guard itself, and those of its stand-ins."""
        return (self, *self.stand_ins)
