"""Hours of the project file in, the time intervals that Alertmanager reads out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from opsgen.model.oncall import Hours

# In Alertmanager's order: a week begins on Sunday, and no range may cross its end.
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")


_MIDNIGHT, _DAYS_END = "00:00", "24:00"


def time_intervals_of(hours: Hours) -> Iterator[dict[str, Any]]:
    """The hours, and their holidays where they have any, as Alertmanager's time intervals.

    A span over midnight becomes two, up to 24:00 and from 00:00 on the next day: 22:00-06:00 is
    refused.
    """
    days = frozenset(day for entry in hours.days or _DAYS for day in _days_of(entry))
    next_days = frozenset((day + 1) % len(_DAYS) for day in days)
    on_the_day = [(start, end if start < end else _DAYS_END) for start, end in hours.times]
    on_the_next = [
        (_MIDNIGHT, end) for start, end in hours.times if start >= end and end != _MIDNIGHT
    ]
    intervals = [_interval(days, on_the_day, hours.timezone)]
    if on_the_next:
        intervals.append(_interval(next_days, on_the_next, hours.timezone))
    yield {"name": hours.name, "time_intervals": intervals}
    if hours.holidays:
        dates = [_date(holiday, hours.timezone) for holiday in hours.holidays]
        yield {"name": holidays_of(hours), "time_intervals": dates}


def holidays_of(hours: Hours) -> str:
    """A name that no hours of the project file have: those are written without spaces."""
    return f"{hours.name} holidays"


def _date(holiday: str, timezone: str) -> dict[str, Any]:
    year, month, day = holiday.split("-")
    return {
        "days_of_month": [str(int(day))],
        "months": [str(int(month))],
        "years": [year],
        "location": timezone,
    }


def _interval(
    days: frozenset[int], times: Sequence[tuple[str, str]], timezone: str
) -> dict[str, Any]:
    interval: dict[str, Any] = {
        "weekdays": _weekdays(days) if len(days) < len(_DAYS) else [],
        "times": [{"start_time": start, "end_time": end} for start, end in times],
        "location": timezone,
    }
    return {key: value for key, value in interval.items() if value}


def _days_of(entry: str) -> Iterator[int]:
    """`monday:friday` to numbers from 0 for Sunday; also over the end of the week
    (`saturday:sunday`)."""
    first, _, last = entry.partition(":")
    start, end = _DAYS.index(first), _DAYS.index(last or first)
    return ((start + offset) % len(_DAYS) for offset in range((end - start) % len(_DAYS) + 1))


def _weekdays(days: frozenset[int]) -> list[str]:
    """Runs of days as Alertmanager writes them."""
    starts = [day for day in sorted(days) if day - 1 not in days]
    ends = [day for day in sorted(days) if day + 1 not in days]
    return [
        _DAYS[start] if start == end else f"{_DAYS[start]}:{_DAYS[end]}"
        for start, end in zip(starts, ends, strict=True)
    ]
