"""`opsgen route`: whom the alerts of a service notify, how and when.

The answer comes from the generated Alertmanager configuration, not from the policies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from opsgen.alertmanager.routing import routes_reached
from opsgen.alertmanager.time_intervals import active_from, is_active
from opsgen.channels import providers as handovers
from opsgen.model.oncall import SEVERITIES, Severity
from opsgen.model.service import Service
from opsgen.model.signal import Alert, Derived
from opsgen.quantities import Duration
from opsgen.signals.steps import STEP_LABEL

# `Sat 03:00` is looked up in this week: it begins on a Monday, and clocks do not change in it.
_ANY_WEEK = (2001, 1)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_AND_TIME = re.compile(r"([a-z]{3})[a-z]*\s+([01]?\d|2[0-3]):([0-5]\d)", re.IGNORECASE)


@dataclass(frozen=True)
class Notified:
    """One channel of one step: after how long and in which hours it is notified.

    `at` is when the channel is notified if the alert fires at the moment of the question; None if
    that is more than five weeks later, or if the question has no moment. `by` is the provider whose
    own escalation notifies the channel; empty for Alertmanager.
    """

    step: int
    after: Duration
    channel: str
    kind: str
    hours: tuple[str, ...]
    repeat: str
    waits: bool
    at: datetime | None
    by: str = ""


@dataclass(frozen=True)
class Question:
    """Which alerts the answer is about, and when they fire. None stands for all severities, all
    alerts, and no moment."""

    severity: str | None = None
    alert: str | None = None
    moment: datetime | None = None

    def is_about(self, alert: Alert) -> bool:
        return self.severity in (None, alert.severity) and self.alert in (None, alert.name)


@dataclass(frozen=True)
class Answer:
    """Whom the alerts of one service and one severity notify."""

    service: str
    severity: Severity
    alerts: tuple[str, ...]
    told: tuple[Notified, ...]


def moment_of(text: str, timezone: str) -> datetime:
    """Reads `Sat 03:00` (of any week) or `2027-12-25 03:00`; raises ValueError or KeyError for
    anything else, and for an unknown time zone."""
    zone = ZoneInfo(timezone)
    found = _DAY_AND_TIME.fullmatch(text.strip())
    if found is None:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=zone)
    name, hour, minute = found.groups()
    if name.lower() not in _DAYS:
        raise ValueError(f"{name!r} is not a day")
    number = _DAYS.index(name.lower()) + 1
    day = datetime.fromisocalendar(*_ANY_WEEK, number)
    return day.replace(hour=int(hour), minute=int(minute), tzinfo=zone)


def answers(
    service: Service,
    derived: Derived,
    config: Mapping[str, Any],
    question: Question,
) -> list[Answer]:
    """One answer for each severity that has an alert which the question is about. `config` is the
    fleet's Alertmanager configuration, parsed."""
    found = []
    for severity in SEVERITIES:
        of_severity = [alert for alert in derived.alerts if alert.severity == severity]
        asked = [alert for alert in of_severity if question.is_about(alert)]
        if asked:
            told = [
                *_told(service, asked[0], config, question.moment),
                *_told_by_providers(service, severity, question.moment),
            ]
            in_order = tuple(sorted(told, key=lambda one: one.after))
            names = tuple(dict.fromkeys(alert.name for alert in asked))
            found.append(Answer(service.name, severity, names, in_order))
    return found


def _told_by_providers(
    service: Service, severity: Severity, moment: datetime | None
) -> Iterator[Notified]:
    for one in handovers.told(service.team.policies[severity]):
        at = _later(moment, one.after)
        for channel in one.channels if one.by else ():
            yield Notified(
                step=0,
                after=one.after,
                channel=channel.name,
                kind=channel.kind,
                hours=(),
                repeat="",
                waits=False,
                at=at,
                by=one.by,
            )


def _told(
    service: Service, alert: Alert, config: Mapping[str, Any], moment: datetime | None
) -> Iterator[Notified]:
    labels = _labels_of(alert, service)
    policy = service.team.policies[alert.severity]
    kinds = {channel.name: channel.kind for step in policy.steps for channel in step.notify}
    for number, step in enumerate(policy.steps, start=1):
        # Alerts of the first step do not have this label.
        of_step = {STEP_LABEL: str(number)} if number > 1 else {}
        for route in routes_reached(config, labels | of_step):
            kind = kinds.get(route["receiver"], "")
            waits, at = _when(config, route, _later(moment, step.after))
            yield _told_by_route(route, number, step.after, kind, waits, at)


def _told_by_route(
    route: Mapping[str, Any],
    step: int,
    after: Duration,
    kind: str,
    waits: bool,
    at: datetime | None,
) -> Notified:
    return Notified(
        step=step,
        after=after,
        channel=route["receiver"],
        kind=kind,
        hours=tuple(route.get("active_time_intervals") or ()),
        repeat=str(route.get("repeat_interval", "")),
        waits=waits,
        at=at,
    )


def _labels_of(alert: Alert, service: Service) -> dict[str, str]:
    return {
        "alertname": alert.name,
        "service": service.name,
        "environment": service.environment,
        "severity": alert.severity,
        "signal": alert.signal,
    }


def _later(moment: datetime | None, after: Duration) -> datetime | None:
    return moment + timedelta(seconds=int(after.seconds)) if moment else None


def _when(
    config: Mapping[str, Any], route: Mapping[str, Any], moment: datetime | None
) -> tuple[bool, datetime | None]:
    if moment is None:
        return False, None
    return not is_active(config, route, moment), active_from(config, route, moment)


def as_json(answer: Answer) -> dict[str, Any]:
    """For programs."""
    return {
        "service": answer.service,
        "severity": answer.severity,
        "alerts": list(answer.alerts),
        "told": [_told_json(told) for told in answer.told],
    }


def _told_json(told: Notified) -> dict[str, Any]:
    return {
        "step": told.step,
        "after": str(told.after),
        "channel": told.channel,
        "by": told.by or "Alertmanager",
        "kind": told.kind,
        "hours": list(told.hours),
        "repeat": told.repeat,
        "waits": told.waits,
        "at": told.at.isoformat() if told.at else None,
    }


def as_text(found: Sequence[Answer], asked: str = "") -> Iterator[str]:
    """For people: a paragraph for each severity, a line for each channel."""
    for answer in found:
        yield f"{answer.service}, {answer.severity}: {', '.join(answer.alerts)}"
        for told in answer.told:
            yield f"  {_after(told):<18}{_channel(told)}{_waiting(told, asked)}"
        yield from _repeats(answer.told)
        yield ""


def _repeats(told: Sequence[Notified]) -> Iterator[str]:
    """Alertmanager does not tell of an end outside of a channel's hours, and not later either."""
    every = " or ".join(dict.fromkeys(one.repeat for one in told if one.repeat))
    if not every:
        return
    yield f"  repeated every {every} while the alert fires, and once when it ends"
    silent = [one for one in told if one.hours]
    if silent:
        named = " and ".join(dict.fromkeys(one.channel for one in silent))
        hours = " and ".join(dict.fromkeys(name for one in silent for name in one.hours))
        yield f"  not told to {named}: an end outside of {hours} hours"


def _after(told: Notified) -> str:
    return f"after {told.after.in_words}" if told.after else "at once"


def _channel(told: Notified) -> str:
    hours = f", in {' and '.join(told.hours)} hours" if told.hours else ""
    how = f"by {told.by}" if told.by else told.kind
    return f"{told.channel}{f' ({how})' if how else ''}{hours}"


def _waiting(told: Notified, asked: str) -> str:
    if not told.waits:
        return ""
    if told.at is None:
        return f"; {asked}: waits longer than five weeks"
    day = "%a" if told.at.year == _ANY_WEEK[0] else "%a %Y-%m-%d"
    return f"; {asked}: waits until {told.at:{day} %H:%M}"
