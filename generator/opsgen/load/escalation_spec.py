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

_PAGE = Field(description="The policy of pages.", examples=["critical"])
_TICKET = Field(description="The policy of tickets; default: that of pages.")
_INFO = Field(description="The policy of infos; default: that of tickets.")
Tier = Annotated[WholeNumber, Field(ge=1, le=4)]


class EscalationCase(Strict):
    """Other policies for services of certain environments or tiers; all that it names must fit."""

    environment: Annotated[
        tuple[Slug, ...],
        OneOrMany(),
        Field(description="Environments, any of them.", examples=["staging"]),
    ] = ()
    tier: Annotated[
        tuple[Tier, ...], OneOrMany(), Field(description="Tiers, any of them.", examples=[[3, 4]])
    ] = ()
    page: Annotated[Slug | None, _PAGE] = None
    ticket: Annotated[Slug | None, _TICKET] = None
    info: Annotated[Slug | None, _INFO] = None


class EscalationChoice(Strict):
    """A policy for every severity, and others where something is special."""

    page: Annotated[Slug | None, _PAGE] = None
    ticket: Annotated[Slug | None, _TICKET] = None
    info: Annotated[Slug | None, _INFO] = None
    where: Annotated[
        tuple[EscalationCase, ...],
        Field(
            description="Other policies for certain environments or tiers; a later one wins.",
            examples=[[{"environment": "staging", "page": "working-hours"}]],
        ),
    ] = ()


class StepSpec(Strict):
    """One step of a policy: whom to tell, after how long, and when."""

    notify: Annotated[
        tuple[Slug, ...],
        Field(
            min_length=1, description="The channels that are told.", examples=[["payments-slack"]]
        ),
    ]
    after: Annotated[
        DurationField | None,
        Field(
            description="How long after the alert began to fire; the first step has none.",
            examples=["15m"],
        ),
    ] = None
    during: Annotated[
        Slug | None,
        Field(
            description="The hours in which it may notify; default: always.", examples=["office"]
        ),
    ] = None


class PolicySpec(Strict):
    """The steps of a policy in their order, and how often each tells again."""

    steps: Annotated[
        tuple[StepSpec, ...], Field(min_length=1, description="The steps, in their order.")
    ]
    repeat: Annotated[
        PositiveDurationField | None,
        Field(
            description=(
                "After how long a step tells again; default: repeat_interval of the severity."
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
            description="A day or a range of days, or a list of such.",
            examples=["monday to friday", ["monday to thursday", "saturday"]],
        ),
    ]
    from_: Annotated[
        TimeOfDay, Field(alias="from", description="When they begin, quoted.", examples=["09:00"])
    ]
    to: Annotated[
        TimeOfDay,
        Field(
            description="When they end, quoted; not after `from` means the next day.",
            examples=["18:00"],
        ),
    ]
    timezone: Annotated[
        Text, Field(description="An IANA time zone.", examples=["Europe/Berlin"])
    ] = "UTC"
    holidays: Annotated[
        tuple[Date, ...],
        Field(
            description="Days, quoted, on which nobody works.",
            examples=[["2027-01-01", "2027-12-25"]],
        ),
    ] = ()
