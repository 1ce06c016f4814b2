"""Who is told of an alert, how and when: severities, channels, hours, policies and teams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from opsgen.quantities import Duration

Severity = Literal["page", "ticket", "info"]
# The most urgent first.
SEVERITIES: tuple[Severity, ...] = get_args(Severity)


@dataclass(frozen=True)
class OnCall:
    """Whom a provider tells, by the name that it has at the provider."""

    kind: Literal["schedule", "user", "team"]
    name: str


@dataclass(frozen=True)
class Channel:
    """Where a notification goes: the kind (`slack`, `pagerduty`) and its options, as the project
    file gives them.

    `on_call` is whom the channel's provider tells, if the provider escalates on its own.
    """

    name: str
    kind: str
    options: Mapping[str, object]
    on_call: OnCall | None = None


@dataclass(frozen=True)
class Hours:
    """When a step may notify: days in Alertmanager's form (`monday:friday`), times as `HH:MM`, an
    IANA time zone.

    A time that ends before it begins ends on the next day. `holidays` are dates (`2027-12-25`) on
    which the step never notifies.
    """

    name: str
    days: tuple[str, ...]
    times: tuple[tuple[str, str], ...]
    timezone: str
    holidays: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """One step of an escalation policy: once an alert has fired for `after`, tell `notify`, but
    only during `during`."""

    after: Duration
    notify: tuple[Channel, ...]
    during: Hours | None


@dataclass(frozen=True)
class Handover:
    """The steps of a policy that a provider takes.

    Alertmanager tells `entry` once an alert has fired for `starts`; the provider does the rest. The
    delays of `steps` count from that moment, and the first is 0. The provider starts all of them
    again `again` after the last.
    """

    entry: Channel
    starts: Duration
    steps: tuple[Step, ...]
    again: Duration


@dataclass(frozen=True)
class Policy:
    """The steps that Alertmanager takes, and the `handovers` to providers. Each step is repeated
    after `repeat`; None means the interval of the severity."""

    name: str
    steps: tuple[Step, ...]
    repeat: Duration | None = None
    handovers: tuple[Handover, ...] = ()


@dataclass(frozen=True)
class PolicyCase:
    """Other policies for services of these environments and tiers; an empty tuple matches all."""

    environments: tuple[str, ...]
    tiers: tuple[int, ...]
    policies: Mapping[Severity, Policy]

    def fits(self, environment: str, tier: int) -> bool:
        return (not self.environments or environment in self.environments) and (
            not self.tiers or tier in self.tiers
        )


@dataclass(frozen=True)
class Team:
    """A team, its chat channel (empty if it names none), and its policy for every severity.

    `cases` are its other policies; the last one that matches a service wins. The team of a resolved
    service has none left. `owners` review its files, as CODEOWNERS names them.
    """

    name: str
    slack: str
    policies: Mapping[Severity, Policy]
    cases: tuple[PolicyCase, ...] = ()
    owners: tuple[str, ...] = ()


@dataclass(frozen=True)
class Watchdog:
    """An alert that always fires and is sent to `notify` at every interval: if it does not arrive,
    alerting is broken."""

    notify: Channel
    every: Duration
