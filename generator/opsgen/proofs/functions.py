"""PromQL's functions as tables: each row gives what the function makes of numbers, of a level over
a window, or of a histogram's buckets."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from opsgen.proofs.operators import Vector, distinct
from opsgen.proofs.state import LabelSet, Unsupported

# How far apart samples are taken to be where a value depends on their number.
SAMPLE_SPACING_SECONDS = 60.0


def _or_nan(function: Callable[[float], float]) -> Callable[[float], float]:
    def guarded(value: float) -> float:
        try:
            return function(value)
        except ValueError:
            return math.nan
        except OverflowError:
            return math.inf

    return guarded


def _logarithm(function: Callable[[float], float]) -> Callable[[float], float]:
    return _or_nan(lambda value: -math.inf if value == 0 else function(value))


def _whole(function: Callable[[float], int]) -> Callable[[float], float]:
    return lambda value: float(function(value)) if math.isfinite(value) else value


def _sign(value: float) -> float:
    return math.copysign(1.0, value) if value > 0 or value < 0 else value


def _round(value: float, nearest: float = 1.0) -> float:
    inverse = 1.0 / nearest if nearest else math.nan
    scaled = value * inverse + 0.5
    return math.floor(scaled) / inverse if math.isfinite(scaled) else scaled


def _clamp_min(value: float, least: float) -> float:
    if math.isnan(value) or math.isnan(least):
        return math.nan
    return max(value, least)


def _clamp_max(value: float, greatest: float) -> float:
    if math.isnan(value) or math.isnan(greatest):
        return math.nan
    return min(value, greatest)


# Functions of every value of a vector, and of the numbers beside it.
ELEMENTWISE: dict[str, Callable[..., float]] = {
    "abs": abs,
    "ceil": _whole(math.ceil),
    "floor": _whole(math.floor),
    "round": _round,
    "exp": _or_nan(math.exp),
    "ln": _logarithm(math.log),
    "log2": _logarithm(math.log2),
    "log10": _logarithm(math.log10),
    "sqrt": _or_nan(math.sqrt),
    "sgn": _sign,
    "clamp_min": _clamp_min,
    "clamp_max": _clamp_max,
    "deg": math.degrees,
    "rad": math.radians,
    "sin": _or_nan(math.sin),
    "cos": _or_nan(math.cos),
    "tan": _or_nan(math.tan),
    "asin": _or_nan(math.asin),
    "acos": _or_nan(math.acos),
    "atan": math.atan,
    "sinh": _or_nan(math.sinh),
    "cosh": _or_nan(math.cosh),
    "tanh": math.tanh,
    "asinh": math.asinh,
    "acosh": _or_nan(math.acosh),
    "atanh": _or_nan(math.atanh),
}
# They only change the order, which an alert does not see.
SORTING = frozenset({"sort", "sort_desc", "sort_by_label", "sort_by_label_desc"})

# Per second and over the window: functions of a series' slope. Those of _NEVER_FALL read a fall as
# a counter's reset.
_PER_SECOND = frozenset({"rate", "irate", "deriv"})
_OVER_WINDOW = frozenset({"increase", "delta"})
_NEVER_FALL = frozenset({"rate", "irate", "increase"})
SLOPES = _PER_SECOND | _OVER_WINDOW
# What a growing series gives is its raw value, which no steady state fixes.
_OF_LEVEL: dict[str, Callable[[float, float], float]] = {
    "avg_over_time": lambda level, _: level,
    "min_over_time": lambda level, _: level,
    "max_over_time": lambda level, _: level,
    "last_over_time": lambda level, _: level,
    "first_over_time": lambda level, _: level,
    "quantile_over_time": lambda level, _: level,
    "predict_linear": lambda level, _: level,
    "holt_winters": lambda level, _: level,
    "double_exponential_smoothing": lambda level, _: level,
    "sum_over_time": lambda level, window: level * window / SAMPLE_SPACING_SECONDS,
    "stddev_over_time": lambda _level, _: 0.0,
    "stdvar_over_time": lambda _level, _: 0.0,
    "mad_over_time": lambda _level, _: 0.0,
    "changes": lambda _level, _: 0.0,
}
_OF_PRESENCE: dict[str, Callable[[float], float]] = {
    "count_over_time": lambda window: window / SAMPLE_SPACING_SECONDS,
    "present_over_time": lambda _: 1.0,
    "resets": lambda _: 0.0,
}
OVER_TIME = SLOPES | frozenset(_OF_LEVEL) | frozenset(_OF_PRESENCE)
KEEPS_NAME = frozenset({"last_over_time", "first_over_time"})
# Nothing moves in a steady state, so these are 0 in every one of them.
ALWAYS_ZERO = frozenset(
    {"changes", "resets", "stddev_over_time", "stdvar_over_time", "mad_over_time"}
)


def over_time(function: str) -> Callable[[float, bool, float], float]:
    """The value of a function over a window of a series, given its level, whether that is a slope,
    and the window in seconds."""
    if function in SLOPES:
        return _of_slope(function)
    if function in _OF_PRESENCE:
        of_presence = _OF_PRESENCE[function]
        return lambda _level, _counter, window: of_presence(window)
    of_level = _OF_LEVEL[function]

    def value(level: float, counter: bool, window: float) -> float:
        if counter:
            raise Unsupported(f"{function}() of a growing counter has no constant value")
        return of_level(level, window)

    return value


def _of_slope(function: str) -> Callable[[float, bool, float], float]:
    per_second = function in _PER_SECOND
    never_falls = function in _NEVER_FALL
    falling = f"{function}() of a falling series reads every step as a counter's reset"

    def value(level: float, counter: bool, window: float) -> float:
        if not counter:
            return 0.0
        if never_falls and level < 0:
            raise Unsupported(falling)
        return level if per_second else level * window

    return value


# The upper bound of a bucket, and how many observations are at most that large.
_Bucket = tuple[float, float]


def histogram_quantile(share: float, buckets: Vector) -> Vector:
    """Prometheus' histogram_quantile on classic buckets, by groups of the other labels."""
    groups: dict[LabelSet, list[_Bucket]] = {}
    for labels, value in buckets.items():
        bound = _bound(dict(labels).get("le", ""))
        if bound is not None:
            others = tuple(pair for pair in labels if pair[0] not in ("le", "__name__"))
            groups.setdefault(others, []).append((bound, value))
    return {labels: _bucket_quantile(share, sorted(group)) for labels, group in groups.items()}


def _bound(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _bucket_quantile(share: float, buckets: list[_Bucket]) -> float:
    """`bucketQuantile` of Prometheus' promql/quantile.go: linear within a bucket; the lowest bucket
    starts at 0."""
    if math.isnan(share):
        return math.nan
    if share < 0 or share > 1:
        return math.copysign(math.inf, share)
    if not _tells_a_quantile(buckets):
        return math.nan
    rank = share * buckets[-1][1]
    counts = [count for _, count in buckets[:-1]]
    index = next((i for i, count in enumerate(counts) if count >= rank), None)
    if index is None:
        # It falls into the +Inf bucket: the answer is the highest finite bound.
        return buckets[-2][0]
    return _within_bucket(rank, index, buckets)


def _tells_a_quantile(buckets: list[_Bucket]) -> bool:
    bound, observations = buckets[-1]
    if bound != math.inf or len(buckets) < 2:
        return False
    return observations != 0 and not math.isnan(observations)


def _within_bucket(rank: float, index: int, buckets: list[_Bucket]) -> float:
    end, count = buckets[index]
    if index == 0:
        return end if end <= 0 else end * _divided(rank, count)
    start, below = buckets[index - 1]
    return start + (end - start) * _divided(rank - below, count - below)


def _divided(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def label_replace(
    vector: Vector, target: str, replacement: str, source: str, pattern: str
) -> Vector:
    """As in PromQL: sets the target label where the pattern matches the whole source label."""
    try:
        compiled = re.compile(pattern, re.DOTALL)
    except re.error as error:
        wrong = f"the regular expression {pattern!r} is not understood ({error})"
        raise Unsupported(wrong) from None

    def replaced(labels: LabelSet) -> LabelSet:
        found = compiled.fullmatch(dict(labels).get(source, ""))
        if found is None:
            return labels
        return _with_label(labels, target, _expanded(replacement, found))

    return distinct((replaced(labels), value) for labels, value in vector.items())


def label_join(vector: Vector, target: str, separator: str, *sources: str) -> Vector:
    """As in PromQL: sets the target label to the values of the source labels, joined."""

    def joined(labels: LabelSet) -> LabelSet:
        values = dict(labels)
        text = separator.join(values.get(source, "") for source in sources)
        return _with_label(labels, target, text)

    return distinct((joined(labels), value) for labels, value in vector.items())


def _with_label(labels: LabelSet, name: str, value: str) -> LabelSet:
    others = [pair for pair in labels if pair[0] != name]
    return tuple(sorted([*others, (name, value)] if value else others))


def _expanded(replacement: str, found: re.Match[str]) -> str:
    """Go's Regexp.Expand: `$1`, `${1}` and `${name}`; an unknown group is empty, `$$` is a
    dollar."""
    numbered = (found[0], *found.groups())
    groups = {str(index): text or "" for index, text in enumerate(numbered)}
    groups |= {name: text or "" for name, text in found.groupdict().items()}

    def expand(reference: re.Match[str]) -> str:
        if reference[0] == "$$":
            return "$"
        return groups.get(reference[1] or reference[2], "")

    return re.sub(r"\$(?:\$|\{(\w+)\}|(\w+))", expand, replacement)
