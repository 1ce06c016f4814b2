"""Who is told of an alert: steps, policies and hours as people write them, in the project file and
in a spec."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from opsgen.load.forms import OneOrMany, Strict
from opsgen.load.name_fields import Slug
from opsgen.load.quantity_fields import DurationField, PositiveDurationField
from opsgen.load.scalars import WholeNumber
from opsgen.load.text_fields import Date, Text, TimeOfDay

_PAGE = Field(description="The policy for pages.", examples=["critical"])
_TICKET = Field(description="The policy for tickets; default: the policy for pages.")
_INFO = Field(description="The policy for infos; default: the policy for tickets.")
Tier = Annotated[WholeNumber, Field(ge=1, le=4)]


class EscalationCase(Strict):
    """Other policies for some environments or tiers. A service must match both, if both are
    given."""

    environment: Annotated[
        tuple[Slug, ...],
        OneOrMany(),
        Field(description="The service is in one of these environments.", examples=["staging"]),
    ] = ()
    tier: Annotated[
        tuple[Tier, ...],
        OneOrMany(),
        Field(description="The service is of one of these tiers.", examples=[[3, 4]]),
    ] = ()
    page: Annotated[Slug | None, _PAGE] = None
    ticket: Annotated[Slug | None, _TICKET] = None
    info: Annotated[Slug | None, _INFO] = None


class EscalationChoice(Strict):
    """A policy for each severity, and other policies for some environments or tiers."""

    page: Annotated[Slug | None, _PAGE] = None
    ticket: Annotated[Slug | None, _TICKET] = None
    info: Annotated[Slug | None, _INFO] = None
    where: Annotated[
        tuple[EscalationCase, ...],
        Field(
            description=(
                "Other policies for some environments or tiers. If several match, the last one"
                " wins."
            ),
            examples=[[{"environment": "staging", "page": "working-hours"}]],
        ),
    ] = ()


class StepSpec(Strict):
    """One step of a policy: whom to tell, after how long, and when."""

    notify: Annotated[
        tuple[Slug, ...],
        Field(
            min_length=1,
            description="The channels that this step notifies.",
            examples=[["payments-slack"]],
        ),
    ]
    after: Annotated[
        DurationField | None,
        Field(
            description=(
                "How long the alert must have fired and been bad until this step starts. The first"
                " step starts at once and has no `after`."
            ),
            examples=["15m"],
        ),
    ] = None
    during: Annotated[
        Slug | None,
        Field(
            description=(
                "The hours in which this step may notify, of the end of an alert too; default:"
                " always."
            ),
            examples=["office"],
        ),
    ] = None


class PolicySpec(Strict):
    """The steps of a policy in order, and how often each step notifies again."""

    steps: Annotated[tuple[StepSpec, ...], Field(min_length=1, description="The steps, in order.")]
    repeat: Annotated[
        PositiveDurationField | None,
        Field(
            description=(
                "How long until a step notifies again; default: repeat_interval of the severity."
            ),
            examples=["1h"],
        ),
    ] = None


class HoursSpec(Strict):
    """When people work: days, a time of day, and a time zone."""

    days: Annotated[
        tuple[Text, ...],
        OneOrMany(),
        Field(
            min_length=1,
            description="A day, a range of days, or a list of these.",
            examples=["monday to friday", ["monday to thursday", "saturday"]],
        ),
    ]
    from_: Annotated[
        TimeOfDay,
        Field(alias="from", description="When the hours begin, quoted.", examples=["09:00"]),
    ]
    to: Annotated[
        TimeOfDay,
        Field(
            description=(
                "When the hours end, quoted. If this is not after `from`, they end on the next day."
            ),
            examples=["18:00"],
        ),
    ]
    timezone: Annotated[
        Text, Field(description="An IANA time zone.", examples=["Europe/Berlin"])
    ] = "UTC"
    holidays: Annotated[
        tuple[Date, ...],
        Field(
            description="Dates, quoted, on which nobody works.",
            examples=[["2027-01-01", "2027-12-25"]],
        ),
    ] = ()
