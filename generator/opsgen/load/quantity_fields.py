"""Durations, shares and numbers as people write them. A YAML scalar goes in; an exact value comes
out, or what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticKnownError

from opsgen.load.scalars import AS_TEXT, mistake, text_schema
from opsgen.load.shown import LONGEST_SHOWN, shown
from opsgen.quantities import Duration, Ratio, number_text

# A number outside of these is a typo, and would print as many zeros.
_SMALLEST_POWER, _LARGEST_POWER, _MOST_DIGITS = -18, 18, 34
_DURATION = r"(?=[0-9])([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?"
_PERCENT = r"[0-9]{1,6}(\.[0-9]{1,12})?\s*%"


@dataclass(frozen=True)
class LatencyObjective:
    """`99% under 300ms`: the share of requests that must be answered within the threshold."""

    objective: Ratio
    threshold: Duration

    def __str__(self) -> str:
        return f"{self.objective} under {self.threshold}"


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise PydanticKnownError("string_type")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _written(value: float | Decimal) -> str:
    return number_text(Decimal(repr(value)) if isinstance(value, float) else Decimal(value))


def _parsed(parse: Callable[[str], Any], text: str, what: str, right: str) -> Any:
    """Calls a parser of opsgen.quantities; its errors read `what is wrong; what would be right`."""
    if len(text) > LONGEST_SHOWN:
        raise mistake(f"'{shown(text)}' is not a valid {what}", right)
    try:
        return parse(text)
    except ValueError as error:
        wrong, _, better = str(error).rpartition("; ")
        raise mistake(wrong, better) from None


def _duration(value: Any) -> Duration:
    if isinstance(value, Duration):
        return value
    text = _written(value) if _is_number(value) else _text(value).strip()
    if re.fullmatch(r"[0-9]{1,12}", text):
        raise mistake(f"{text} has no unit", f"write {text}ms, {text}s or {text}m")
    if "." in text:
        raise mistake(
            f"'{shown(text)}' is not a valid duration",
            "write whole numbers and units: 30s, 1h30m, 1500ms",
        )
    duration: Duration = _parsed(
        Duration.parse, text, "duration", "write a number and a unit: 30s, 5m, 1h30m, 30d"
    )
    return duration


def _positive_duration(value: Any) -> Duration:
    duration = _duration(value)
    if not duration:
        raise mistake("a duration of 0 is not allowed here", "write a longer one: 30s, 5m, 1h30m")
    return duration


def _ratio(value: Any) -> Ratio:
    if isinstance(value, Ratio):
        return value
    text = _written(value) if _is_number(value) else _text(value).strip()
    ratio: Ratio = _parsed(
        Ratio.parse, text, "percentage", "write a plain number and its sign: 99.9%"
    )
    return ratio


def _percent(value: Any) -> Ratio:
    ratio = _ratio(value)
    if ratio.value > 1:
        raise mistake(f"{ratio} is more than 100%", "write a percentage from 0% to 100%")
    return ratio


def _objective(value: Any) -> Ratio:
    ratio = _ratio(value)
    if ratio.value == 1:
        raise mistake("an objective of 100% leaves no error budget", "write for example 99.99%")
    if not 0 < ratio.value < 1:
        raise mistake(
            f"an objective of {ratio} is not possible",
            "write a percentage between 0% and 100%, for example 99.9%",
        )
    return ratio


def _latency_objective(value: Any) -> LatencyObjective:
    if isinstance(value, LatencyObjective):
        return value
    text = _written(value) if _is_number(value) else _text(value)
    objective, under, threshold = text.partition(" under ")
    if not under:
        raise mistake(
            f"'{shown(text)}' is not a valid latency objective",
            "write a share and a threshold: 99% under 300ms",
        )
    return LatencyObjective(_objective(objective.strip()), _positive_duration(threshold.strip()))


def _number(value: Any) -> Decimal:
    if not (_is_number(value) or isinstance(value, str)):
        raise PydanticKnownError("decimal_type")
    text = repr(value) if isinstance(value, float) else str(value)
    number = _decimal(text) if len(text) <= LONGEST_SHOWN else None
    if number is None:
        raise mistake(f"'{shown(text)}' is not a number", "write a plain decimal number: 0.5")
    small_enough = (
        number.adjusted() <= _LARGEST_POWER and len(number.as_tuple().digits) <= _MOST_DIGITS
    )
    if number and not (small_enough and number.adjusted() >= _SMALLEST_POWER):
        raise mistake(f"{shown(text)} is out of range", "write a number between 1e-18 and 1e18")
    # In plain notation: 0E+50 is 0, and 1E+3 is 1000.
    return Decimal(number_text(number)) if number else Decimal(0)


def _json_number(number: Decimal) -> int | float:
    """For the defaults in a JSON Schema."""
    return int(number) if number == number.to_integral_value() else float(number)


def _decimal(text: str) -> Decimal | None:
    if not re.fullmatch(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?", text):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


DurationField = Annotated[
    Duration,
    PlainValidator(_duration),
    AS_TEXT,
    text_schema(
        _DURATION,
        "A duration: a number and a unit, largest unit first.",
        "30s",
        "5m",
        "1h30m",
        "30d",
    ),
]
PositiveDurationField = Annotated[
    Duration,
    PlainValidator(_positive_duration),
    AS_TEXT,
    text_schema(
        _DURATION,
        "A duration above zero: a number and a unit, largest unit first.",
        "30s",
        "5m",
        "1h30m",
        "30d",
    ),
]
PercentField = Annotated[
    Ratio,
    PlainValidator(_percent),
    AS_TEXT,
    text_schema(_PERCENT, "A percentage from 0% to 100%, with its sign.", "2%", "85%"),
]
ObjectiveField = Annotated[
    Ratio,
    PlainValidator(_objective),
    AS_TEXT,
    text_schema(_PERCENT, "A percentage between 0% and 100%, with its sign.", "99.9%", "99.5%"),
]
LatencyObjectiveField = Annotated[
    LatencyObjective,
    PlainValidator(_latency_objective),
    AS_TEXT,
    text_schema(
        rf"\s*{_PERCENT}\s* under \s*{_DURATION}\s*",
        "The share of requests that must be answered within a threshold.",
        "99% under 300ms",
    ),
]
NumberField = Annotated[
    Decimal,
    PlainValidator(_number),
    PlainSerializer(_json_number),
    WithJsonSchema(
        {"type": "number", "description": "A plain decimal number.", "examples": [0.5, 100]}
    ),
]

# More than this is no guard against chance any more, but blindness.
MinBadEventsField = Annotated[int, Field(strict=True, ge=1, le=1000)]
