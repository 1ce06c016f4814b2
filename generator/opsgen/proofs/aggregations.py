"""PromQL's aggregations: a vector in, one value for each group, or the chosen series of each,
out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import groupby

from opsgen.promql import Grouping
from opsgen.proofs.operators import Vector, dropping, keeping
from opsgen.proofs.state import Labels, Unsupported


def quantile(share: float, values: Sequence[float]) -> float:
    """Prometheus' quantile of a set of values: linear between the two nearest ranks."""
    if not values or math.isnan(share):
        return math.nan
    if share < 0 or share > 1:
        return math.copysign(math.inf, share)
    ordered = sorted(values, key=lambda value: (not math.isnan(value), value))
    rank = share * (len(ordered) - 1)
    low = math.floor(rank)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] * (1 - (rank - low)) + ordered[high] * (rank - low)


def _average(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _variance(values: Sequence[float]) -> float:
    mean = _average(values)
    return sum((value - mean) ** 2 for value in values) / len(values)


def _extreme(pick: Callable[[Sequence[float]], float]) -> Callable[[Sequence[float]], float]:
    """The least or greatest that is a number at all."""
    return lambda values: pick([value for value in values if not math.isnan(value)] or [math.nan])


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
# Those that ask only whether series are there, whatever their values.
PRESENCE_ONLY = frozenset({"count", "group"})


def aggregation(op: str, grouping: Grouping | None) -> Callable[[Vector, float | None], Vector]:
    """What the aggregation makes of a vector and its parameter; raises Unsupported for one that is
    not known."""
    key = _group_key(grouping)
    if op in _PLAIN:
        plain = _PLAIN[op]
        return lambda vector, _: {
            group: float(plain(values)) for group, values in _groups(vector, key).items()
        }
    if op == "quantile":
        return lambda vector, share: {
            group: quantile(_number(share), values)
            for group, values in _groups(vector, key).items()
        }
    if op in ("topk", "bottomk"):
        return lambda vector, count: _ranked(vector, int(_number(count)), key, highest=op == "topk")
    raise Unsupported(f"the aggregation {op} can't be proven from a steady state")


def _number(parameter: float | None) -> float:
    if parameter is None:
        raise Unsupported("an aggregation lacks its parameter")
    return parameter


def _group_key(grouping: Grouping | None) -> Callable[[Labels], Labels]:
    if grouping is None or (not grouping.labels and not grouping.without):
        return lambda _labels: ()
    known: dict[Labels, Labels] = {}
    part = dropping if grouping.without else keeping

    def key(labels: Labels) -> Labels:
        found = known.get(labels)
        if found is None:
            found = known[labels] = part(labels, grouping.labels)
        return found

    return key


def _groups(vector: Vector, key: Callable[[Labels], Labels]) -> dict[Labels, list[float]]:
    groups: dict[Labels, list[float]] = {}
    for labels, value in vector.items():
        groups.setdefault(key(labels), []).append(value)
    return groups


def _ranked(vector: Vector, count: int, key: Callable[[Labels], Labels], highest: bool) -> Vector:
    """The `count` highest or lowest of each group, with their own labels; NaN comes last."""

    def rank(item: tuple[Labels, float]) -> tuple[bool, float]:
        return (math.isnan(item[1]), -item[1] if highest else item[1])

    grouped = sorted(vector.items(), key=lambda item: (key(item[0]), rank(item)))
    chosen = (
        list(items)[: max(0, count)] for _, items in groupby(grouped, key=lambda item: key(item[0]))
    )
    return {labels: value for items in chosen for labels, value in items}
