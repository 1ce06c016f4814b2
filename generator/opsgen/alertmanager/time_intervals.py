"""Alertmanager's time intervals: a configuration and a moment in, whether a route may notify then,
or from when, out.

Reads intervals as opsgen writes them: each is a list of spans, of which one must hold, and in it
all of its conditions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LONGEST_WAIT = timedelta(days=35)


def is_active(config: Mapping[str, Any], route: Mapping[str, Any], moment: datetime) -> bool:
    """Whether the route notifies at that moment, which has a time zone; otherwise the notification
    waits."""
    intervals = {
        interval["name"]: interval["time_intervals"]
        for interval in config.get("time_intervals") or ()
    }
    active, muted = (route.get(f"{kind}_time_intervals") or () for kind in ("active", "mute"))
    if any(_holds(intervals[name], moment) for name in muted):
        return False
    return not active or any(_holds(intervals[name], moment) for name in active)


def active_from(
    config: Mapping[str, Any], route: Mapping[str, Any], moment: datetime
) -> datetime | None:
    """The first minute from that moment on at which the route notifies; None where there is none
    within five weeks."""
    for minutes in range(int(_LONGEST_WAIT.total_seconds()) // 60):
        found = moment + timedelta(minutes=minutes)
        if is_active(config, route, found):
            return found
    return None


def _holds(spans: Iterable[Mapping[str, Any]], moment: datetime) -> bool:
    return any(
        _span_holds(span, moment.astimezone(ZoneInfo(span.get("location", "UTC"))))
        for span in spans
    )


def _span_holds(span: Mapping[str, Any], local: datetime) -> bool:
    time = f"{local:%H:%M}"
    return (
        (
            not span.get("times")
            or any(one["start_time"] <= time < one["end_time"] for one in span["times"])
        )
        and (not span.get("weekdays") or any(_is_on(days, local) for days in span["weekdays"]))
        and (not span.get("days_of_month") or str(local.day) in span["days_of_month"])
        and (not span.get("months") or str(local.month) in span["months"])
        and (not span.get("years") or str(local.year) in span["years"])
    )


def _is_on(days: str, local: datetime) -> bool:
    """`monday:friday` or `sunday`. Alertmanager's week begins on Sunday, so that no range crosses
    its end."""
    first, _, last = days.partition(":")
    week = (_DAYS[-1], *_DAYS[:-1])
    return week.index(first) <= week.index(_DAYS[local.weekday()]) <= week.index(last or first)
