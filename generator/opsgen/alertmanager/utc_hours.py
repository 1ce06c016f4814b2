"""Converts Alertmanager's time intervals from a time zone to UTC, for programs that know no time
zones.

Holidays are exact. Hours of the week are exact in every month in which the zone's offset to UTC
does not change. In a month in which clocks may change, both offsets hold, so that nobody misses a
notification.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

# In Alertmanager a week begins on Sunday, and no range may cross its end.
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_DAY = 24 * 60
_WHOLE_DAY = ({"start_time": "00:00", "end_time": "24:00"},)
_WHOLE_WEEK = (f"{_DAYS[0]}:{_DAYS[-1]}",)
_MONTHS = range(1, 13)
# The calendar repeats after 28 years, so that these are all days on which clocks may change.
_FIRST_DAY, _DAYS_OF_ALL_CALENDARS = datetime(2026, 1, 1, tzinfo=UTC), 28 * 365 + 7

_Span = Mapping[str, Any]
_Minutes = tuple[int, int]


def in_utc(spans: Iterable[_Span]) -> list[dict[str, Any]]:
    """Converts the spans of one interval, each with its `location`, to spans without one."""
    return [found for span in spans for found in (_date(span) if "years" in span else _week(span))]


def is_exact(timezone: str) -> bool:
    """Whether the zone has the same offset to UTC all year."""
    return len(_months_by_offset(timezone)) == 1


# --- dates ---


def _date(span: _Span) -> Iterator[dict[str, Any]]:
    """One day of the calendar, split where a day of UTC begins."""
    (year,), (month,), (day_of_month,) = span["years"], span["months"], span["days_of_month"]
    day = date(int(year), int(month), int(day_of_month))
    start, end = (_midnight(one, span) for one in (day, day + timedelta(days=1)))
    while start < end:
        next_day = datetime.combine(start.date() + timedelta(days=1), time.min, UTC)
        until = min(end, next_day)
        end_time = "24:00" if until == next_day else f"{until:%H:%M}"
        yield {
            "times": [{"start_time": f"{start:%H:%M}", "end_time": end_time}],
            "days_of_month": [str(start.day)],
            "months": [str(start.month)],
            "years": [str(start.year)],
        }
        start = until


def _midnight(day: date, span: _Span) -> datetime:
    return datetime.combine(day, time.min, ZoneInfo(span["location"])).astimezone(UTC)


# --- weeks ---


def _week(span: _Span) -> Iterator[dict[str, Any]]:
    """For every offset of the zone to UTC: its months, and the days that have the same times."""
    local = list(_local_times(span))
    for offset, months in _months_by_offset(span["location"]):
        pieces: list[tuple[int, _Minutes]] = []
        for day, (start, end) in local:
            pieces += _pieces(day, start - offset, end - offset)
        for days, times in _grouped(pieces):
            yield _span_of(days, times, months)


def _local_times(span: _Span) -> Iterator[tuple[int, _Minutes]]:
    """Every day of the week with each of its times, in the zone's own time."""
    times = [
        (_minutes(one["start_time"]), _minutes(one["end_time"]))
        for one in span.get("times") or _WHOLE_DAY
    ]
    for entry in span.get("weekdays") or _WHOLE_WEEK:
        yield from product(_days_of(entry), times)


def _span_of(
    days: Sequence[int], times: Iterable[_Minutes], months: Sequence[int]
) -> dict[str, Any]:
    """Leaves out the days if it has all of them, and the months too."""
    span: dict[str, Any] = {
        "times": [{"start_time": _clock(start), "end_time": _clock(end)} for start, end in times]
    }
    if len(days) < len(_DAYS):
        span["weekdays"] = _ranges(days, _DAYS)
    if len(months) < len(_MONTHS):
        span["months"] = [str(month) for month in months]
    return span


@lru_cache(maxsize=1024)
def _months_by_offset(timezone: str) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Every offset of the zone, in minutes ahead of UTC, and the months that may have it."""
    zone = ZoneInfo(timezone)
    found: dict[int, set[int]] = {}
    for number in range(_DAYS_OF_ALL_CALENDARS):
        midnight = _FIRST_DAY + timedelta(days=number)
        ahead = midnight.astimezone(zone).utcoffset() or timedelta()
        # Clocks may have changed at any time since the last midnight.
        day_before = midnight - timedelta(days=1)
        offset = int(ahead.total_seconds()) // 60
        found.setdefault(offset, set()).update({midnight.month, day_before.month})
    in_order = sorted(found.items())
    return tuple((offset, tuple(sorted(months))) for offset, months in in_order)


def _pieces(day: int, start: int, end: int) -> Iterator[tuple[int, _Minutes]]:
    """Splits a span of minutes, counted from the beginning of a day, where days begin. Each piece
    has its own day of the week."""
    while start < end:
        days, minute = divmod(start, _DAY)
        length = min(end - start, _DAY - minute)
        yield (day + days) % len(_DAYS), (minute, minute + length)
        start += length


def _grouped(
    pieces: Sequence[tuple[int, _Minutes]],
) -> Iterator[tuple[list[int], tuple[_Minutes, ...]]]:
    alike: dict[tuple[_Minutes, ...], list[int]] = {}
    for day in sorted({day for day, _ in pieces}):
        alike.setdefault(_joined(span for found, span in pieces if found == day), []).append(day)
    return ((days, times) for times, days in alike.items())


def _joined(spans: Iterable[_Minutes]) -> tuple[_Minutes, ...]:
    """Sorts the spans and joins those that touch."""
    joined: list[_Minutes] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return tuple(joined)


def _ranges(numbers: Sequence[int], names: Sequence[str]) -> list[str]:
    """Runs of sorted numbers, as Alertmanager writes them: `monday:friday`."""
    starts = [number for number in numbers if number - 1 not in numbers]
    ends = [number for number in numbers if number + 1 not in numbers]
    return [
        names[start] if start == end else f"{names[start]}:{names[end]}"
        for start, end in zip(starts, ends, strict=True)
    ]


def _days_of(entry: str) -> range:
    first, _, last = entry.partition(":")
    return range(_DAYS.index(first), _DAYS.index(last or first) + 1)


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
