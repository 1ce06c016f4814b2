"""Who is told of an alert, how, and when: severities, channels, hours, policies, teams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from opsgen.quantities import Duration

Severity = Literal["page", "ticket", "info"]
# From the worst on.
SEVERITIES: tuple[Severity, ...] = get_args(Severity)


@dataclass(frozen=True)
class OnCall:
    """Whom a provider tells itself of what a channel brings it, by the name that it has there."""

    kind: Literal["schedule", "user", "team"]
    name: str


@dataclass(frozen=True)
class Channel:
    """Where a notification goes: the kind (`slack`, `pagerduty`) and its options, as the project
    file gives them.

    `on_call` is whom the channel's provider tells, where its escalation is the provider's own.
    """

    name: str
    kind: str
    options: Mapping[str, object]
    on_call: OnCall | None = None


@dataclass(frozen=True)
class Hours:
    """When a step may notify: days as Alertmanager has them (`monday:friday`), times as `HH:MM`, an
    IANA time zone.

    A time that does not end after it begins ends on the next day. `holidays` are dates,
    `2027-12-25`, without any.
    """

    name: str
    days: tuple[str, ...]
    times: tuple[tuple[str, str], ...]
    timezone: str
    holidays: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """One step of an escalation policy: once an alert has fired for `after`, tell `notify`, but
    only in `during`."""

    after: Duration
    notify: tuple[Channel, ...]
    during: Hours | None


@dataclass(frozen=True)
class Handover:
    """The steps of a policy that a provider takes: Alertmanager tells `entry` once an alert has
    fired for `starts`, and the provider goes on from there. The delays of `steps` count from then,
    the first is at once; all of them begin again `again` after the last."""

    entry: Channel
    starts: Duration
    steps: tuple[Step, ...]
    again: Duration


@dataclass(frozen=True)
class Policy:
    """Whom Alertmanager tells, step by step; each tells again after `repeat`, or as the severity
    has it where that is None. The rest of the policy is its `handovers`, one for each provider."""

    name: str
    steps: tuple[Step, ...]
    repeat: Duration | None = None
    handovers: tuple[Handover, ...] = ()


@dataclass(frozen=True)
class PolicyCase:
    """Other policies for services of these environments and tiers; empty ones fit all."""

    environments: tuple[str, ...]
    tiers: tuple[int, ...]
    policies: Mapping[Severity, Policy]

    def fits(self, environment: str, tier: int) -> bool:
        return (not self.environments or environment in self.environments) and (
            not self.tiers or tier in self.tiers
        )


@dataclass(frozen=True)
class Team:
    """A team, how it is reached in chat (empty where it does not say), and its policy for every
    severity.

    `cases` are its other policies, of which the last that fits a service wins; a service's own team
    has none left. `owners` review its files, as CODEOWNERS names them.
    """

    name: str
    slack: str
    policies: Mapping[Severity, Policy]
    cases: tuple[PolicyCase, ...] = ()
    owners: tuple[str, ...] = ()


@dataclass(frozen=True)
class Watchdog:
    """An alert that always fires, told to `notify` every so often: when that hears nothing,
    alerting is broken."""

    notify: Channel
    every: Duration
