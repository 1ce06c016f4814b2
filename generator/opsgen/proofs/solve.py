"""Alert conditions go in; a healthy state in which none of them fires, and failing states in which
each of them does, come out.

The search changes as few sources as it can. It prefers an outage (no traffic, mostly errors, every
request slow, a series gone) to a near miss, since windows of days must react within the time that a
proof has. Only where no outage makes an alert fire does it work out levels from the numbers that
the alert compares with. Nothing is random: equal input gives equal proofs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from itertools import combinations, islice

from opsgen.promql import Call
from opsgen.promql.tree import walk
from opsgen.proofs.buckets import BucketBounds
from opsgen.proofs.conditions import (
    CompiledRule,
    Condition,
    SearchProblem,
    SourceSettings,
    Unprovable,
    with_setting,
)
from opsgen.proofs.functions import ALWAYS_ZERO
from opsgen.proofs.label_values import TARGET_LABELS
from opsgen.proofs.levels import TIERS, Choices, failing_choices, healthy_choices, start
from opsgen.proofs.neutral import Names, neutral
from opsgen.proofs.series import HISTOGRAM_PARTS
from opsgen.proofs.state import LabelSet, Series, SeriesLevel, State, Unsupported
from opsgen.proofs.world import indexed

_MOST_CHANGES = 3
_MOST_ASSIGNMENTS = 4_000
_ALWAYS_ZERO_HERE = (
    " is 0 as long as nothing changes, and a proof's series stay level or grow steadily"
)


@dataclass(frozen=True)
class Scenario:
    """A failing state, after a healthy past, and the keys of all the conditions that fire in it, in
    the given order.

    `least` are the healthy and the failing state without the series that make no difference to what
    fires in either, where a condition that fires compares with the past: such a proof lasts so long
    that every series counts.
    """

    fires: tuple[str, ...]
    state: State
    least: tuple[State, State] | None = None


@dataclass(frozen=True)
class Proofs:
    """A state in which nothing fires, and failing ones that between them make everything fire."""

    healthy: State
    scenarios: tuple[Scenario, ...]


def prove(
    conditions: Sequence[Condition], bounds: BucketBounds | None = None, pushed: bool = False
) -> Proofs:
    """States that prove all conditions at once; raises Unprovable for the first that can't be.

    All series are those of a scrape, and have `instance` and `job`. Where series may be `pushed`,
    states without those labels do as well.

    `bounds` are the finite bucket boundaries of histograms by base name
    (`http_request_duration_seconds`), ascending. Healthy is judged with itself as the past, and
    with none, as when Prometheus has just started; failing states with the healthy one as the past.
    """
    alike, names = neutral(conditions)
    limits = tuple(sorted((base, tuple(finite)) for base, finite in (bounds or {}).items()))
    for target_labels in (TARGET_LABELS, ()) if pushed else (TARGET_LABELS,):
        with suppress(Unprovable):
            return _named(_searched(alike, limits, target_labels), names)
    # Says why, in the conditions' own words.
    return _searched(tuple(conditions), limits, TARGET_LABELS)


def _named(proofs: Proofs, names: Names) -> Proofs:
    scenarios = tuple(_with_names(scenario, names) for scenario in proofs.scenarios)
    return Proofs(names.restored(proofs.healthy), scenarios)


def _with_names(scenario: Scenario, names: Names) -> Scenario:
    least = scenario.least
    if least is not None:
        healthy, failing = least
        least = names.restored(healthy), names.restored(failing)
    return replace(scenario, state=names.restored(scenario.state), least=least)


@lru_cache(maxsize=1024)
def _searched(
    conditions: tuple[Condition, ...],
    bounds: tuple[tuple[str, tuple[Decimal, ...]], ...],
    target_labels: tuple[str, ...],
) -> Proofs:
    problem = SearchProblem(conditions, dict(bounds), target_labels)
    healthy = _healthy(problem)
    covered: set[int] = set()
    scenarios: list[Scenario] = []
    for index in range(len(conditions)):
        if index not in covered:
            failing, firing = _failing(problem, index, healthy)
            covered |= firing
            scenarios.append(_scenario(problem, healthy, failing, firing))
    return Proofs(problem.state(healthy), tuple(scenarios))


def _scenario(
    problem: SearchProblem, healthy: SourceSettings, failing: SourceSettings, firing: frozenset[int]
) -> Scenario:
    keys = tuple(problem.rules[index].key for index in sorted(firing))
    state = problem.state(failing)
    if not any(problem.rules[index].reads_past for index in firing):
        return Scenario(keys, state)
    return Scenario(keys, state, _least(problem, keys, problem.state(healthy), state))


def _least(
    problem: SearchProblem, fires: Sequence[str], healthy: State, failing: State
) -> tuple[State, State]:
    """Both states without the series that make no difference to what fires in either."""
    before, after = dict(healthy), dict(failing)
    families = dict.fromkeys(_family(series) for series in (*healthy, *failing))
    for family in families:
        _, metrics = family
        readers = [rule for rule in problem.rules if rule.metrics & metrics]
        fewer = _without(before, family), _without(after, family)
        if all(_fires_as_expected(rule, *fewer, rule.key in fires) for rule in readers):
            before, after = fewer
    return State(before.items()), State(after.items())


def _healthy(problem: SearchProblem) -> SourceSettings:
    """Settings in which no rule fires: everything is busy and fast, except what sets off a rule."""
    settings: SourceSettings = tuple(start(source) for source in problem.sources)
    # Each repair leaves fewer rules firing than before, so this ends.
    while (index := _first_firing(problem, settings)) is not None:
        settings = _calmed(problem, index, settings)
    return settings


def _first_firing(problem: SearchProblem, settings: SourceSettings) -> int | None:
    rules = range(len(problem.rules))
    return next((index for index in rules if not _is_quiet(problem, index, settings)), None)


def _is_quiet(problem: SearchProblem, index: int, settings: SourceSettings) -> bool:
    fires = problem.fires(index, settings, settings)
    return fires is False and problem.is_certain(index, settings, settings)


def _loud(problem: SearchProblem, rules: Sequence[int], settings: SourceSettings) -> list[int]:
    """Those of the rules that may fire."""
    return [index for index in rules if not _is_quiet(problem, index, settings)]


def _calmed(problem: SearchProblem, index: int, settings: SourceSettings) -> SourceSettings:
    """The rule made quiet by the fewest changes that leave fewer rules firing; raises Unprovable if
    there are none."""
    disturbed: list[int] = []
    for changes, tier in _plans(problem, index):
        best: SourceSettings | None = None
        best_difference = 0
        for changed, candidate in _candidates(problem, index, changes, tier, settings, None):
            if not _is_quiet(problem, index, candidate):
                continue
            affected = problem.affected(changed)
            firing = _loud(problem, affected, candidate)
            if not firing:
                return candidate
            difference = len(firing) - len(_loud(problem, affected, settings))
            if difference < best_difference:
                best, best_difference = candidate, difference
            if not disturbed or len(firing) < len(disturbed):
                disturbed = firing
        if best is not None:
            return best
    others = " and ".join(problem.rules[i].key for i in disturbed)
    raise _unprovable(problem, index, f"and {others} are silent" if others else "is silent")


def _failing(
    problem: SearchProblem, index: int, healthy: SourceSettings
) -> tuple[SourceSettings, frozenset[int]]:
    """Settings in which the rule and few others fire, and all that fire; raises Unprovable if there
    are none."""
    for changes, tier in _plans(problem, index):
        best: tuple[SourceSettings, frozenset[int]] | None = None
        for changed, candidate in _candidates(problem, index, changes, tier, healthy, healthy):
            if not problem.fires(index, candidate, healthy):
                continue
            firing = _all_firing(problem, changed, candidate, healthy)
            if firing is not None and (best is None or len(firing) < len(best[1])):
                best = candidate, firing
            if best is not None and len(best[1]) == 1:
                return best
        if best is not None:
            return best
    raise _unprovable(problem, index, "fires")


def _all_firing(
    problem: SearchProblem, changed: Sequence[int], now: SourceSettings, healthy: SourceSettings
) -> frozenset[int] | None:
    """Every rule that fires; None where that is not certain of some."""
    affected = problem.affected(changed)
    if not all(problem.is_certain(index, now, healthy) for index in affected):
        return None
    return frozenset(index for index in affected if problem.fires(index, now, healthy))


def _plans(problem: SearchProblem, index: int) -> Iterator[tuple[int, int]]:
    """(number of changes, tier of settings), simplest first."""
    most = min(_MOST_CHANGES, len(problem.reads[index]))
    return ((changes, tier) for changes in range(1, most + 1) for tier in TIERS)


def _candidates(
    problem: SearchProblem,
    index: int,
    changes: int,
    tier: int,
    settings: SourceSettings,
    past: SourceSettings | None,
) -> Iterator[tuple[tuple[int, ...], SourceSettings]]:
    """Which sources were changed, and the settings; `past` is None where a state is to be its own
    past."""
    choices = healthy_choices if past is None else failing_choices
    candidates = (
        (changed, candidate)
        for changed in combinations(problem.reads[index], changes)
        for candidate in _assignments(problem, choices, changed, tier, settings, past)
    )
    return islice(candidates, _MOST_ASSIGNMENTS)


def _assignments(
    problem: SearchProblem,
    choices: Choices,
    changed: Sequence[int],
    tier: int,
    now: SourceSettings,
    past: SourceSettings | None,
) -> Iterator[SourceSettings]:
    """The settings with each of the sources set to each of its choices."""
    if not changed:
        yield now
        return
    first, *rest = changed
    before = now if past is None else past
    for setting in dict.fromkeys(choices(problem, first, tier, now, before)):
        if setting != now[first]:
            chosen = with_setting(now, first, setting)
            yield from _assignments(problem, choices, rest, tier, chosen, past)


def _unprovable(problem: SearchProblem, index: int, does: str) -> Unprovable:
    reason = _reason(problem, index) or f"opsgen found no steady state in which it {does}"
    return Unprovable(problem.rules[index].key, reason)


def _reason(problem: SearchProblem, index: int) -> str:
    """Why the search failed, as far as that is known."""
    if index in problem.obstacles:
        return problem.obstacles[index]
    for part in walk(problem.rules[index].exprs[0]):
        if isinstance(part, Call) and part.function in ALWAYS_ZERO:
            return f"{part.function}(){_ALWAYS_ZERO_HERE}"
    return ""


# What has to stay or go together: the labels, and the metrics with them.
_Family = tuple[LabelSet, frozenset[str]]


def _family(series: Series) -> _Family:
    """The three metrics of a histogram are one family; any other series is a family of its own."""
    part = next((part for part in HISTOGRAM_PARTS if series.metric.endswith(part)), None)
    if part is None:
        return series.labels, frozenset({series.metric})
    base = series.metric.removesuffix(part)
    labels = tuple(pair for pair in series.labels if pair[0] != "le")
    return labels, frozenset(f"{base}{part}" for part in HISTOGRAM_PARTS)


def _without(levels: Mapping[Series, SeriesLevel], family: _Family) -> dict[Series, SeriesLevel]:
    return {series: level for series, level in levels.items() if _family(series) != family}


def _fires_as_expected(
    rule: CompiledRule,
    before: Mapping[Series, SeriesLevel],
    after: Mapping[Series, SeriesLevel],
    expected: bool,
) -> bool:
    past, now = indexed(before.items()), indexed(after.items())
    try:
        if rule.fires_ever(past, past):
            return False
        return rule.fires_always(now, past) if expected else not rule.fires_ever(now, past)
    except Unsupported:
        return False
