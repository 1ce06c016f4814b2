"""A steady state goes in; a `World` comes out, which a compiled expression is asked of: the series
that exist by metric, with their levels, and the time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from opsgen.promql import Call, Node
from opsgen.proofs.operators import QueryResult
from opsgen.proofs.state import LabelSet, Series, SeriesLevel


class Sample(NamedTuple):
    """One series and its level, ready to be computed with; `full` has the metric's name, `bare` has
    not."""

    full: LabelSet
    bare: LabelSet
    level: float
    counter: bool


# The series that exist, by metric.
Index = Mapping[str, tuple[Sample, ...]]


class World(NamedTuple):
    """What an expression is asked of: the state now, the state that selectors with an offset see,
    the Unix time."""

    now: Index
    past: Index
    time: float


CompiledQuery = Callable[[World], QueryResult]


def indexed(levels: Iterable[tuple[Series, SeriesLevel]]) -> Index:
    """The series by metric."""
    found: dict[str, tuple[Sample, ...]] = {}
    for series, level in levels:
        full = tuple(sorted([("__name__", series.metric), *series.labels]))
        sample = Sample(full, series.labels, float(level.value), level.counter)
        found[series.metric] = (*found.get(series.metric, ()), sample)
    return found


def asks_for_time(part: Node) -> bool:
    """Whether a part of an expression has another value at another time."""
    return isinstance(part, Call) and part.function in ("time", "timestamp")
