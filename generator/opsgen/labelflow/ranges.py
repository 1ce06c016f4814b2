"""A PromQL tree goes in; the values that its result can have come out, whatever the series are."""

from __future__ import annotations

from collections.abc import Callable
from math import pi

from opsgen.labelflow.intervals import (
    ANYTHING,
    ONLY_NAN,
    OPERATIONS,
    TRUTH,
    Interval,
    at_least,
    averaged,
    between,
    floor_of,
    only,
    summed,
)
from opsgen.labelflow.known import Known
from opsgen.promql import Aggregate, Binary, Call, Node, Number, Selector, Subquery, Unary

Intervals = tuple[Interval, ...]

# Series that Prometheus or an exporter of everybody writes. Prometheus, "Jobs and instances";
# blackbox_exporter, README; ALERTS is always 1, and gone where nothing fires.
_SERIES = {
    "ALERTS": only(1),
    "probe_success": TRUTH,
    "scrape_duration_seconds": at_least(0),
    "scrape_samples_scraped": at_least(0, whole=True),
    "up": TRUTH,
}

_NOT_NEGATIVE = at_least(0, nan=True)
_COUNT = at_least(0, whole=True)
# A count of nothing is no series, not 0.
_COUNT_OF_SOME = at_least(1, whole=True)

# What a function gives whatever its argument is. Prometheus, "Query functions"; its dates are in
# UTC, Sunday is 0.
_FIXED = {
    "absent": only(1),
    "absent_over_time": only(1),
    "changes": _COUNT,
    "cos": between(-1, 1, nan=True),
    "count_over_time": _COUNT_OF_SOME,
    "day_of_month": between(1, 31, whole=True),
    "day_of_week": between(0, 6, whole=True),
    "day_of_year": between(1, 366, whole=True),
    "days_in_month": between(28, 31, whole=True),
    "exp": _NOT_NEGATIVE,
    "histogram_count": _NOT_NEGATIVE,
    "histogram_fraction": between(0, 1, nan=True),
    "histogram_stddev": _NOT_NEGATIVE,
    "histogram_stdvar": _NOT_NEGATIVE,
    "hour": between(0, 23, whole=True),
    "mad_over_time": _NOT_NEGATIVE,
    "minute": between(0, 59, whole=True),
    "month": between(1, 12, whole=True),
    "pi": only(pi),
    "present_over_time": only(1),
    "resets": _COUNT,
    "sgn": between(-1, 1, whole=True, nan=True),
    "sin": between(-1, 1, nan=True),
    "sqrt": _NOT_NEGATIVE,
    "stddev_over_time": _NOT_NEGATIVE,
    "stdvar_over_time": _NOT_NEGATIVE,
    "tanh": between(-1, 1, nan=True),
    "time": at_least(0),
}
_AGGREGATED = {
    "count": _COUNT_OF_SOME,
    "count_values": _COUNT_OF_SOME,
    "group": only(1),
    "stddev": _NOT_NEGATIVE,
    "stdvar": _NOT_NEGATIVE,
}
# They read a counter, which only grows; of a gauge that may be negative they make no sense.
_GROWTH = frozenset({"increase", "irate", "rate"})


def _same(one: Interval) -> Interval:
    return one


def _rounded_down(one: Interval) -> Interval:
    return Interval(floor_of(one.least), floor_of(one.greatest), whole=True, nan=one.nan)


def _rounded_up(one: Interval) -> Interval:
    return -_rounded_down(-one)


def _absolute(one: Interval) -> Interval:
    if one.least >= 0:
        return one
    return -one if one.greatest <= 0 else at_least(0, whole=one.whole, nan=one.nan)


def _or_nan(one: Interval) -> Interval:
    """A scalar of none or of many series is NaN."""
    return one | ONLY_NAN


# What a function makes of the values of its vector.
_MAPPED: dict[str, Callable[[Interval], Interval]] = {
    "abs": _absolute,
    "avg_over_time": averaged,
    "ceil": _rounded_up,
    "first_over_time": _same,
    "floor": _rounded_down,
    "info": _same,
    "label_join": _same,
    "label_replace": _same,
    "last_over_time": _same,
    "max_over_time": _same,
    "min_over_time": _same,
    "scalar": _or_nan,
    "sort": _same,
    "sort_by_label": _same,
    "sort_by_label_desc": _same,
    "sort_desc": _same,
    "sum_over_time": summed,
    "vector": _same,
}
_GATHERED: dict[str, Callable[[Interval], Interval]] = {
    "avg": averaged,
    "bottomk": _same,
    "limit_ratio": _same,
    "limitk": _same,
    "max": _same,
    "min": _same,
    "sum": summed,
    "topk": _same,
}


def result_range(node: Node, given: Intervals, known: Known) -> Interval:
    """The values of one node, from those of its operands."""
    match node:
        case Number():
            return only(float(node.value))
        case Selector():
            return ANYTHING if node.metric in known.recorded else _series(node.metric)
        case Aggregate():
            gather = _GATHERED.get(node.op)
            return gather(given[0]) if gather else _AGGREGATED.get(node.op, ANYTHING)
        case Call():
            return _call(node, given, known)
        case Binary():
            return _binary(node, *given)
        case Unary():
            return -given[0]
        case Subquery():
            return given[0]
        case _:
            return ANYTHING


def _series(metric: str | None) -> Interval:
    return _SERIES.get(metric or "", ANYTHING)


def _call(node: Call, given: Intervals, known: Known) -> Interval:
    if node.function in _MAPPED and given:
        return _MAPPED[node.function](given[0])
    if node.function in _GROWTH and node.args:
        return _NOT_NEGATIVE if _only_grows(node.args[0], given[0], known) else ANYTHING
    if node.function in _CLAMPED and len(given) == len(node.args) > 1:
        return _CLAMPED[node.function](given)
    return _FIXED.get(node.function, ANYTHING)


def _only_grows(node: Node, values: Interval, known: Known) -> bool:
    """A counter; not the sum of a histogram, whose observations may be negative."""
    if isinstance(node, Subquery):
        return values.least >= 0
    metric = node.metric if isinstance(node, Selector) else None
    if metric is None or ":" in metric or metric in known.recorded:
        return False
    return not metric.endswith("_sum")


def _clamped(given: Intervals) -> Interval:
    value, least, greatest = given
    return _clamped_max((_clamped_min((value, least)), greatest))


def _clamped_min(given: Intervals) -> Interval:
    """Its bound is a scalar that may be anything."""
    value, least = given
    low, high = max(value.least, least.least), max(value.greatest, least.greatest)
    return Interval(low, high, nan=value.nan or least.nan)


def _clamped_max(given: Intervals) -> Interval:
    value, greatest = given
    low, high = min(value.least, greatest.least), min(value.greatest, greatest.greatest)
    return Interval(low, high, nan=value.nan or greatest.nan)


_CLAMPED: dict[str, Callable[[Intervals], Interval]] = {
    "clamp": _clamped,
    "clamp_max": _clamped_max,
    "clamp_min": _clamped_min,
}


def _binary(node: Binary, left: Interval, right: Interval) -> Interval:
    """Of an arithmetic operator, or a comparison that gives 0 or 1; what filters is in `facts`."""
    return TRUTH if node.return_bool else OPERATIONS.get(node.op, _unknown)(left, right)


def _unknown(_left: Interval, _right: Interval) -> Interval:
    """Of an operator for histograms, and of one that bounds nothing."""
    return ANYTHING


# The same comparison, seen from the right side.
MIRRORED = {">": "<", ">=": "<=", "<": ">", "<=": ">=", "==": "==", "!=": "!="}
