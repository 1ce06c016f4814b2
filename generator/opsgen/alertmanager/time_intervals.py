"""Computes from an Alertmanager configuration whether a route may notify at a moment, or from when.

Reads intervals as opsgen writes them. An interval is a list of spans: it is active if all
conditions of one span hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LONGEST_WAIT = timedelta(days=35)


def is_active(config: Mapping[str, Any], route: Mapping[str, Any], moment: datetime) -> bool:
    """Whether the route notifies at this moment, which has a time zone. If not, the notification
    waits."""
    listed = config.get("time_intervals") or ()
    spans = {interval["name"]: interval["time_intervals"] for interval in listed}
    muted = route.get("mute_time_intervals") or ()
    if any(_holds(spans[name], moment) for name in muted):
        return False
    active = route.get("active_time_intervals") or ()
    return not active or any(_holds(spans[name], moment) for name in active)


def active_from(
    config: Mapping[str, Any], route: Mapping[str, Any], moment: datetime
) -> datetime | None:
    """The first minute, from this moment on, at which the route notifies; None if it does not
    notify within five weeks."""
    for minutes in range(int(_LONGEST_WAIT.total_seconds()) // 60):
        found = moment + timedelta(minutes=minutes)
        if is_active(config, route, found):
            return found
    return None


def _holds(spans: Iterable[Mapping[str, Any]], moment: datetime) -> bool:
    return any(_span_holds(span, _local(moment, span)) for span in spans)


def _local(moment: datetime, span: Mapping[str, Any]) -> datetime:
    return moment.astimezone(ZoneInfo(span.get("location", "UTC")))


def _span_holds(span: Mapping[str, Any], local: datetime) -> bool:
    """Conditions that the span does not have always hold."""
    return all(holds(span[key], local) for key, holds in _CONDITIONS.items() if span.get(key))


def _is_within(times: Iterable[Mapping[str, str]], local: datetime) -> bool:
    clock = f"{local:%H:%M}"
    return any(one["start_time"] <= clock < one["end_time"] for one in times)


_CONDITIONS: Mapping[str, Callable[[Any, datetime], bool]] = {
    "times": _is_within,
    "weekdays": lambda ranges, local: any(_is_on(days, local) for days in ranges),
    "days_of_month": lambda days, local: str(local.day) in days,
    "months": lambda months, local: str(local.month) in months,
    "years": lambda years, local: str(local.year) in years,
}


def _is_on(days: str, local: datetime) -> bool:
    """`days` is `monday:friday` or `sunday`. Alertmanager's week begins on Sunday, and no range
    crosses its end."""
    first, _, last = days.partition(":")
    week = (_DAYS[-1], *_DAYS[:-1])
    return week.index(first) <= week.index(_DAYS[local.weekday()]) <= week.index(last or first)
