"""A source of a search goes in; what it may be set to comes out: outages first, then levels around
the numbers that rules compare with."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from itertools import pairwise

from opsgen.proofs.conditions import SearchProblem, SourceSettings, with_setting
from opsgen.proofs.operators import QueryResult
from opsgen.proofs.series import HistogramSource, Load, SeriesSource, SourceSetting
from opsgen.proofs.state import Unsupported
from opsgen.proofs.world import CompiledQuery, World
from opsgen.quantities import number_text

# A thousand events a second pass every guard that asks for a fewest number of them.
_BUSY = Decimal(1000)
# Enough more than that to drown what is healthy: a hundred errors for every good request.
_SURGE = Decimal(100_000)
_ZERO = Decimal(0)
_ONE = Decimal(1)
_POWERS_OF_TEN = tuple(
    Decimal(1).scaleb(power) for power in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, -1, -2, -3, -6)
)
_MOST_ROOTS = 12

TIERS = range(3)
# (problem, source, tier, now, past): what the source may be set to, in the order of preference.
Choices = Callable[
    [SearchProblem, int, int, SourceSettings, SourceSettings], Iterator[SourceSetting]
]


def start(source: SeriesSource) -> SourceSetting:
    """Where the search for a healthy state begins: much traffic, fast requests; gauges at 1, as
    `up` should be."""
    is_busy = isinstance(source, HistogramSource) or source.counter
    return _at_level(source, _BUSY if is_busy else _ONE)


def healthy_choices(
    problem: SearchProblem, s: int, tier: int, now: SourceSettings, past: SourceSettings
) -> Iterator[SourceSetting]:
    """For a healthy state: as at the start, then nothing at all (of errors, say), then something in
    between."""
    source = problem.sources[s]
    # A series that an offset looks back at should have been something.
    zero_tier = 1 if s in problem.past_read and not source.narrow else 0
    if tier == 0:
        yield start(source)
    if tier == zero_tier == 0:
        yield _at_level(source, _ZERO)
    if tier >= 1:
        yield from _derived(problem, s, now, past)
        yield _at_level(source, _ZERO)
    if tier >= 2:
        yield from (_at_level(source, level) for level in _POWERS_OF_TEN)
        # A series that only one alert reads may be there only in trouble. Where several read it,
        # to leave it out would hide that they contradict each other.
        if len(problem.readers[s]) == 1:
            yield None


def failing_choices(
    problem: SearchProblem, s: int, tier: int, now: SourceSettings, past: SourceSettings
) -> Iterator[SourceSetting]:
    """For a failing state: outages, then levels around what rules compare with, then any."""
    source = problem.sources[s]
    if tier != 1:
        yield from _outages(source)
    if tier >= 1:
        yield from _derived(problem, s, now, past)
    if tier >= 2:
        yield from (_at_level(source, level) for level in _POWERS_OF_TEN)
        if _may_be_negative(source):
            yield from (_at_level(source, -level) for level in _POWERS_OF_TEN)


def _outages(source: SeriesSource) -> Iterator[SourceSetting]:
    if isinstance(source, HistogramSource):
        yield from (Load(_ZERO, 0), Load(_BUSY, len(source.bounds)), Load(_SURGE, 0), None)
    elif source.counter:
        yield from (_ZERO, _SURGE, *((-_SURGE,) if source.falls else ()), None)
    else:
        yield from (_ZERO, _ONE, None)


def _at_level(source: SeriesSource, level: Decimal) -> SourceSetting:
    return Load(level, 0) if isinstance(source, HistogramSource) else level


def _may_be_negative(source: SeriesSource) -> bool:
    return not isinstance(source, HistogramSource) and (source.falls or not source.counter)


def _derived(
    problem: SearchProblem, s: int, now: SourceSettings, past: SourceSettings
) -> Iterator[SourceSetting]:
    """Settings around and between the levels at which some comparison in some rule becomes true or
    false."""
    source = problem.sources[s]
    roots = _roots(problem, s, now, past)
    for level in _around(roots):
        if level >= 0 or _may_be_negative(source):
            yield _at_level(source, level)
    if isinstance(source, HistogramSource):
        yield from (Load(_BUSY, bucket) for bucket in range(1, len(source.bounds) + 1))


def _around(roots: Sequence[Decimal]) -> Iterator[Decimal]:
    factors = (2, Decimal("0.5"), 4, Decimal("0.25"))
    yield from (_rounded(root * factor) for root in roots for factor in factors)
    yield from (_between(low, high) for low, high in pairwise(roots))
    yield from (root + step for root in roots for step in (1, -1))
    yield from roots


def _rounded(level: Decimal) -> Decimal:
    """Two significant digits."""
    if not level:
        return level
    last_digit = Decimal(1).scaleb(level.adjusted() - 1)
    return Decimal(number_text(level.quantize(last_digit)))


def _between(low: Decimal, high: Decimal) -> Decimal:
    middle = (low + high) / 2
    rounded = _rounded(middle)
    return rounded if low < rounded < high else middle


def _roots(
    problem: SearchProblem, s: int, now: SourceSettings, past: SourceSettings
) -> list[Decimal]:
    """The levels of one source at which the two sides of a comparison are equal, if both are linear
    in it; ascending."""
    source = problem.sources[s]
    one, two = (with_setting(now, s, _probed(source, now[s], level)) for level in (1, 2))
    found: set[Decimal] = set()
    for index in problem.readers[s]:
        first = _gaps(problem, index, one, past)
        second = _gaps(problem, index, two, past)
        for pair in zip(first, second, strict=True):
            found |= _crossings(*pair)
    return sorted(found)[:_MOST_ROOTS]


def _crossings(first: Sequence[float], second: Sequence[float]) -> set[Decimal]:
    """The roots of each series' gap, given at the levels 1 and 2."""
    if len(first) != len(second):
        return set()
    roots = (_root(*gaps) for gaps in zip(first, second, strict=True))
    return {root for root in roots if root is not None}


def _probed(source: SeriesSource, setting: SourceSetting, level: int) -> SourceSetting:
    if isinstance(source, HistogramSource):
        return Load(Decimal(level), setting.bucket if isinstance(setting, Load) else 0)
    return Decimal(level)


def _root(first: float, second: float) -> Decimal | None:
    """Where the line through (1, first) and (2, second) crosses zero."""
    slope = second - first
    if not math.isfinite(slope) or abs(slope) < 1e-300:
        return None
    root = 1 - first / slope
    return Decimal(f"{root:.6g}") if math.isfinite(root) and abs(root) < 1e18 else None


def _gaps(
    problem: SearchProblem, index: int, now: SourceSettings, past: SourceSettings
) -> list[list[float]]:
    """For each comparison of the rule, by how much its left side exceeds its right, series by
    series."""
    world = problem.world(index, now, past)
    return [_gap(left, right, world) for left, right in problem.rules[index].comparisons]


def _gap(left: CompiledQuery, right: CompiledQuery, world: World) -> list[float]:
    try:
        lefts, rights = _numbers(left(world)), _numbers(right(world))
    except Unsupported:
        return []
    if len(lefts) == 1:
        return [lefts[0] - other for other in rights]
    if len(rights) == 1:
        return [other - rights[0] for other in lefts]
    return [one - other for one, other in zip(lefts, rights, strict=False)]


def _numbers(value: QueryResult) -> list[float]:
    return list(value.values()) if isinstance(value, dict) else [value]
