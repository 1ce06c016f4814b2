"""PromQL's aggregations: a vector goes in; one value for each group, or some of its series, come
out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import groupby

from opsgen.promql import Grouping
from opsgen.proofs.operators import Vector, dropping, keeping
from opsgen.proofs.state import LabelSet, Unsupported


def quantile(share: float, values: Sequence[float]) -> float:
    """Prometheus' quantile of a set of values: linear between the two nearest ranks."""
    if not values or math.isnan(share):
        return math.nan
    if share < 0 or share > 1:
        return math.copysign(math.inf, share)
    ordered = sorted(values, key=_nan_first)
    rank = share * (len(ordered) - 1)
    low = math.floor(rank)
    high = min(low + 1, len(ordered) - 1)
    weight = rank - low
    return ordered[low] * (1 - weight) + ordered[high] * weight


def _nan_first(value: float) -> tuple[bool, float]:
    return not math.isnan(value), value


def _average(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _variance(values: Sequence[float]) -> float:
    mean = _average(values)
    return sum((value - mean) ** 2 for value in values) / len(values)


def _extreme(pick: Callable[[Sequence[float]], float]) -> Callable[[Sequence[float]], float]:
    """The least or the greatest value, leaving out NaN."""

    def extreme(values: Sequence[float]) -> float:
        numbers = [value for value in values if not math.isnan(value)]
        return pick(numbers) if numbers else math.nan

    return extreme


_PLAIN: dict[str, Callable[[Sequence[float]], float]] = {
    "sum": sum,
    "avg": _average,
    "min": _extreme(min),
    "max": _extreme(max),
    "count": len,
    "group": lambda _values: 1.0,
    "stdvar": _variance,
    "stddev": lambda values: math.sqrt(_variance(values)),
}
# What these give depends only on which series are there, not on their values.
PRESENCE_ONLY = frozenset({"count", "group"})
# Gives the vector's aggregation; the number is the parameter (`5` of topk), where there is one.
Aggregation = Callable[[Vector, float | None], Vector]
_Key = Callable[[LabelSet], LabelSet]


def aggregation(op: str, grouping: Grouping | None) -> Aggregation:
    """What the aggregation makes of a vector and its parameter; raises Unsupported for one that is
    not known."""
    key = _group_key(grouping)
    if op in _PLAIN:
        return _of_values(_PLAIN[op], key)
    if op == "quantile":
        return _of_quantile(key)
    if op in ("topk", "bottomk"):
        highest = op == "topk"
        return lambda vector, count: _ranked(vector, int(_number(count)), key, highest)
    raise Unsupported(f"the aggregation {op} can't be proven from a steady state")


def _of_values(plain: Callable[[Sequence[float]], float], key: _Key) -> Aggregation:
    def aggregate(vector: Vector, _parameter: float | None) -> Vector:
        groups = _groups(vector, key)
        return {group: float(plain(values)) for group, values in groups.items()}

    return aggregate


def _of_quantile(key: _Key) -> Aggregation:
    def aggregate(vector: Vector, share: float | None) -> Vector:
        groups = _groups(vector, key)
        return {group: quantile(_number(share), values) for group, values in groups.items()}

    return aggregate


def _number(parameter: float | None) -> float:
    if parameter is None:
        raise Unsupported("an aggregation lacks its parameter")
    return parameter


def _group_key(grouping: Grouping | None) -> _Key:
    """Which group a series belongs to; the answer for a set of labels is remembered."""
    if grouping is None or (not grouping.labels and not grouping.without):
        return lambda _labels: ()
    known: dict[LabelSet, LabelSet] = {}
    part = dropping if grouping.without else keeping

    def key(labels: LabelSet) -> LabelSet:
        found = known.get(labels)
        if found is None:
            found = known[labels] = part(labels, grouping.labels)
        return found

    return key


def _groups(vector: Vector, key: _Key) -> dict[LabelSet, list[float]]:
    groups: dict[LabelSet, list[float]] = {}
    for labels, value in vector.items():
        groups.setdefault(key(labels), []).append(value)
    return groups


def _ranked(vector: Vector, count: int, key: _Key, highest: bool) -> Vector:
    """The `count` highest or lowest series of each group, with their own labels; NaN comes last."""

    def group(item: tuple[LabelSet, float]) -> LabelSet:
        return key(item[0])

    def rank(item: tuple[LabelSet, float]) -> tuple[bool, float]:
        value = item[1]
        return math.isnan(value), -value if highest else value

    by_rank = sorted(vector.items(), key=lambda item: (group(item), rank(item)))
    chosen: Vector = {}
    for _, items in groupby(by_rank, key=group):
        chosen.update(list(items)[: max(0, count)])
    return chosen
