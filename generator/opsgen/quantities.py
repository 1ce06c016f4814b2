"""Durations and ratios: reads and prints them as people write them (`1h30m`, `99.9%`), and stores
them exactly.

Values are `int` milliseconds or `Decimal`, so that no output ever has a binary fraction such as
0.014399999999999991.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import total_ordering

# Prometheus' units: a day is always 24h, a week 7d, a year 365d (model.ParseDuration in
# prometheus/common).
_UNIT_MS = {
    "y": 31_536_000_000,
    "w": 604_800_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}
_DURATION = re.compile(
    r"(?:\d+y)?(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m(?!s))?(?:\d+s)?(?:\d+ms)?", re.ASCII
)
_PART = re.compile(r"(\d+)(ms|[ywdhms])")
# Reads years and weeks, but prints days: '28d' is easier to compare with '30d' than '4w'.
_PRINTED_UNITS = ("d", "h", "m", "s", "ms")
_LONGEST_MS = 10 * _UNIT_MS["y"]
_MOST_CHARACTERS = 200
# Prometheus keeps durations as nanoseconds in 64 bits: some 292 years.
_LONGEST_OF_PROMETHEUS_MS = 2**63 // 1_000_000


def is_duration(text: str) -> bool:
    """Whether Prometheus reads the text as a duration; it reads `0` without a unit too."""
    if text == "0":
        return True
    if not text or len(text) > _MOST_CHARACTERS or not _DURATION.fullmatch(text):
        return False
    return _milliseconds(text) <= _LONGEST_OF_PROMETHEUS_MS


def _milliseconds(text: str) -> int:
    return sum(int(count) * _UNIT_MS[unit] for count, unit in _PART.findall(text))


def number_text(number: Decimal) -> str:
    """The shortest decimal notation: `0.0144`, `70`, `1.5`; without exponent or trailing zeros."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


@total_ordering
@dataclass(frozen=True)
class Duration:
    """A length of time, in whole milliseconds."""

    milliseconds: int

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Reads Prometheus' notation (`30s`, `1h30m`, `2w`); raises ValueError that says what would
        be right."""
        if not text or not _DURATION.fullmatch(text):
            raise ValueError(
                f"{text!r} is not a valid duration; write a number and a unit,"
                " largest unit first: 30s, 5m, 1h30m, 30d"
            )
        milliseconds = _milliseconds(text)
        if milliseconds > _LONGEST_MS:
            raise ValueError(f"{text!r} is longer than ten years; write a shorter duration")
        return cls(milliseconds)

    @classmethod
    def of(cls, text: str) -> Duration:
        """`parse` for durations in our own code and tables."""
        return cls.parse(text)

    @classmethod
    def from_seconds(cls, seconds: int | Decimal) -> Duration:
        return cls(int(seconds * 1000))

    @property
    def seconds(self) -> Decimal:
        return Decimal(self.milliseconds) / 1000

    @property
    def minutes(self) -> Decimal:
        return Decimal(self.milliseconds) / _UNIT_MS["m"]

    @property
    def hours(self) -> Decimal:
        return Decimal(self.milliseconds) / _UNIT_MS["h"]

    @property
    def days(self) -> Decimal:
        return Decimal(self.milliseconds) / _UNIT_MS["d"]

    def __mul__(self, factor: int) -> Duration:
        return Duration(self.milliseconds * factor)

    def __floordiv__(self, divisor: int) -> Duration:
        return Duration(self.milliseconds // divisor)

    def rounded_up(self, unit: Duration) -> Duration:
        """Rounded up to a whole multiple of the unit."""
        return Duration(-(-self.milliseconds // unit.milliseconds) * unit.milliseconds)

    def __sub__(self, other: Duration) -> Duration:
        return Duration(self.milliseconds - other.milliseconds)

    def __add__(self, other: Duration) -> Duration:
        return Duration(self.milliseconds + other.milliseconds)

    def __lt__(self, other: Duration) -> bool:
        return self.milliseconds < other.milliseconds

    def __bool__(self) -> bool:
        return self.milliseconds > 0

    def __str__(self) -> str:
        rest, parts = self.milliseconds, []
        for unit in _PRINTED_UNITS:
            count, rest = divmod(rest, _UNIT_MS[unit])
            if count:
                parts.append(f"{count}{unit}")
        return "".join(parts) or "0s"

    @property
    def in_words(self) -> str:
        """For sentences: `30 days`, `1 hour 30 minutes`."""
        names = {"d": "day", "h": "hour", "m": "minute", "s": "second", "ms": "millisecond"}
        parts = [(int(count), names[unit]) for count, unit in _PART.findall(str(self))]
        return " ".join(f"{count} {name}{'' if count == 1 else 's'}" for count, name in parts)


@total_ordering
@dataclass(frozen=True)
class Ratio:
    """A share of a whole: 1 is all of it. Written as a percentage."""

    value: Decimal

    @classmethod
    def parse(cls, text: str) -> Ratio:
        """Reads `99.9%`; raises ValueError that says what would be right."""
        digits = text.removesuffix("%").strip()
        if not text.endswith("%"):
            meant = _suggest_percentage(digits)
            raise ValueError(f"{text!r} is not a valid percentage; write it with its sign: {meant}")
        if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,12})?", digits):
            raise ValueError(
                f"{text!r} is not a valid percentage; write a plain number and its sign: 99.9%"
            )
        return cls(Decimal(digits) / 100)

    @property
    def percent(self) -> Decimal:
        return self.value * 100

    def __lt__(self, other: Ratio) -> bool:
        return self.value < other.value

    def __str__(self) -> str:
        return f"{number_text(self.percent)}%"


def _suggest_percentage(digits: str) -> str:
    """What somebody who forgot the sign most likely meant: 0.999 is a ratio, 99.9 a percentage."""
    try:
        number = Decimal(digits)
    except InvalidOperation:
        return "99.9%"
    if not number.is_finite() or number < 0 or number > 100 or number.adjusted() < -12:
        return "99.9%"
    return f"{number_text(number * 100 if number <= 1 else number)}%"
