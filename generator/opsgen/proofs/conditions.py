"""Alert conditions go in; a `SearchProblem` comes out. It says what fires in which settings.

It remembers every answer. A rule fires if it fires at the start of time; that is certain if it also
holds at later times, in a Prometheus without a past, and with rates that are off by a little.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from opsgen.promql import Binary, Node, Selector, Subquery
from opsgen.promql.rewrite import longest_lookback
from opsgen.promql.tree import COMPARISONS, selectors, walk
from opsgen.proofs.buckets import BucketBounds
from opsgen.proofs.label_values import TARGET_LABELS
from opsgen.proofs.series import SeriesSource, SourceSetting, selects, series_sources
from opsgen.proofs.state import State, Unsupported
from opsgen.proofs.steady import compiled
from opsgen.proofs.world import CompiledQuery, Index, Sample, World, asks_for_time, indexed
from opsgen.quantities import Duration

# promtool's clock starts at zero; what holds then and this much later holds in between.
_LATER = Duration.of("10d")
# Rates in Prometheus are off in their last digits: what they decide must not hang on so little.
_NUDGE = 1e-6

SourceSettings = tuple[SourceSetting, ...]


@dataclass(frozen=True)
class Condition:
    """One alert's expression, in terms of scraped series; it fires where its result is not empty.

    `sparse` is the same expression where rules are evaluated as rarely as a proof may do it: what
    is decided must hold there, too.
    """

    key: str
    expr: Node
    sparse: Node | None = None

    @property
    def exprs(self) -> tuple[Node, ...]:
        return (self.expr,) if self.sparse is None else (self.expr, self.sparse)


class Unprovable(Exception):
    """No steady states can prove the condition `key`; `reason` says which function or shape is in
    the way."""

    def __init__(self, key: str, reason: str) -> None:
        self.key = key
        self.reason = reason
        super().__init__(f"{key}: {reason}")


@dataclass(frozen=True)
class CompiledRule:
    """A condition, compiled, so that it can be asked whether it fires in a world."""

    key: str
    exprs: tuple[Node, ...]
    query: CompiledQuery
    sparse: CompiledQuery | None
    metrics: frozenset[str]
    reads_past: bool
    times: tuple[float, ...]

    @classmethod
    def of(cls, condition: Condition) -> CompiledRule:
        """Raises Unprovable for a shape that no steady state can answer."""
        try:
            query, *sparse = map(compiled, condition.exprs)
        except Unsupported as unsupported:
            raise Unprovable(condition.key, str(unsupported)) from None
        return cls(
            key=condition.key,
            exprs=condition.exprs,
            query=query,
            sparse=sparse[0] if sparse else None,
            metrics=frozenset(one.metric or "" for one in selectors(condition.expr)),
            reads_past=any(_reads_past(part) for part in walk(condition.expr)),
            times=_times_to_ask(condition.expr),
        )

    def fires(self, world: World) -> bool:
        """Whether it fires; raises Unsupported."""
        return _is_true(self.query(world))

    def fires_sparsely(self, world: World) -> bool:
        """Whether it fires where it is evaluated rarely; raises Unsupported."""
        return _is_true((self.sparse or self.query)(world))

    def fires_always(self, now: Index, past: Index) -> bool:
        """With that past, now and later."""
        return all(self.fires(World(now, past, time)) for time in self.times)

    def fires_ever(self, now: Index, past: Index) -> bool:
        """With that past or with none yet, now or later."""
        pasts = (past, {}) if self.reads_past else (past,)
        return any(self.fires(World(now, seen, time)) for seen in pasts for time in self.times)

    @cached_property
    def comparisons(self) -> tuple[tuple[CompiledQuery, CompiledQuery], ...]:
        """The two sides of every comparison in the condition whose values can be known."""
        parts = [part for expr in self.exprs for part in walk(expr)]
        found = []
        for part in parts:
            if isinstance(part, Binary) and part.op in COMPARISONS:
                try:
                    found.append((compiled(part.left), compiled(part.right)))
                except Unsupported:
                    continue
        return tuple(found)


def _is_true(value: object) -> bool:
    return bool(value) if isinstance(value, dict) else True


def _reads_past(part: Node) -> bool:
    return isinstance(part, Selector | Subquery) and part.offset_ms > 0


def _times_to_ask(expr: Node) -> tuple[float, ...]:
    """The start of time, and a later time for an expression that asks for the time."""
    if not any(asks_for_time(part) for part in walk(expr)):
        return (0.0,)
    later = _LATER + longest_lookback(expr) * 2
    return 0.0, float(later.seconds)


class SearchProblem:
    """The rules, the sources they read, and what is already known about which settings make which
    rules fire.

    Rules and sources are known by their index. `reads` has the sources of each rule, `readers` the
    rules of each source. Every series has the `target_labels`.
    """

    def __init__(
        self,
        conditions: Sequence[Condition],
        bounds: BucketBounds,
        target_labels: Sequence[str] = TARGET_LABELS,
    ) -> None:
        self.rules = [CompiledRule.of(condition) for condition in conditions]
        self.sources = _sources(conditions, bounds, target_labels)
        self.reads = [self._sources_of(rule) for rule in self.rules]
        self.readers = [self._readers_of(s) for s in range(len(self.sources))]
        self.past_read = self._sources_read_in_the_past()
        # Why a rule could not be asked, by the rule.
        self.obstacles: dict[int, str] = {}
        self._pieces: dict[tuple[int, SourceSetting, int], Index] = {}
        self._indexes: dict[tuple[tuple[int, ...], SourceSettings, int], Index] = {}
        self._firing: dict[tuple[int, SourceSettings, SourceSettings], bool | None] = {}
        self._certain: dict[tuple[int, SourceSettings, SourceSettings], bool] = {}

    def state(self, settings: SourceSettings) -> State:
        set_sources = zip(self.sources, settings, strict=True)
        return State(level for source, setting in set_sources for level in source.levels(setting))

    def fires(self, index: int, now: SourceSettings, past: SourceSettings) -> bool | None:
        """Whether the rule fires at the start of time; None where that can't be said."""
        key = self._key(index, now, past)
        if key not in self._firing:
            self._firing[key] = self._asked(index, self.world(index, now, past))
        return self._firing[key]

    def is_certain(self, index: int, now: SourceSettings, past: SourceSettings) -> bool:
        """Whether what `fires` says holds later too, without a past, with rates that are off by a
        little, and where rules are evaluated rarely."""
        key = self._key(index, now, past)
        if key not in self._certain:
            self._certain[key] = self._holds_everywhere(index, now, past)
        return self._certain[key]

    def _holds_everywhere(self, index: int, now: SourceSettings, past: SourceSettings) -> bool:
        fires = self.fires(index, now, past)
        if fires is None:
            return False
        others = self._other_worlds(index, now, past, fires)
        if not all(self._asked(index, world) == fires for world in others):
            return False
        return self._asked(index, self.world(index, now, past), sparsely=True) == fires

    def affected(self, changed: Sequence[int]) -> list[int]:
        """The rules that read any of these sources."""
        return sorted({index for s in changed for index in self.readers[s]})

    def world(self, index: int, now: SourceSettings, past: SourceSettings, nudge: int = 0) -> World:
        """What the rule is asked of; `nudge` says whether rates are a little higher or lower."""
        read = self.reads[index]
        current = self._index(read, now, nudge)
        before = current if past is now else self._index(read, past, nudge)
        return World(current, before, 0.0)

    def _sources_of(self, rule: CompiledRule) -> tuple[int, ...]:
        read = list(selectors(rule.exprs[0]))

        def is_read(source: SeriesSource) -> bool:
            return any(selects(selector, source) for selector in read)

        return tuple(s for s, source in enumerate(self.sources) if is_read(source))

    def _readers_of(self, s: int) -> list[int]:
        return [index for index, read in enumerate(self.reads) if s in read]

    def _sources_read_in_the_past(self) -> set[int]:
        pairs = zip(self.rules, self.reads, strict=True)
        return {s for rule, read in pairs if rule.reads_past for s in read}

    def _key(
        self, index: int, now: SourceSettings, past: SourceSettings
    ) -> tuple[int, SourceSettings, SourceSettings]:
        read = self.reads[index]
        seen = tuple(past[s] for s in read) if self.rules[index].reads_past else ()
        return index, tuple(now[s] for s in read), seen

    def _asked(self, index: int, world: World, sparsely: bool = False) -> bool | None:
        rule = self.rules[index]
        try:
            return rule.fires_sparsely(world) if sparsely else rule.fires(world)
        except Unsupported as unsupported:
            self.obstacles.setdefault(index, str(unsupported))
            return None

    def _other_worlds(
        self, index: int, now: SourceSettings, past: SourceSettings, fires: bool
    ) -> Iterator[World]:
        rule = self.rules[index]
        world = self.world(index, now, past)
        yield from (world._replace(time=time) for time in rule.times[1:])
        if rule.reads_past and not fires:
            yield world._replace(past={})
        for nudge in (1, -1):
            yield self.world(index, now, past, nudge)

    def _index(self, read: tuple[int, ...], settings: SourceSettings, nudge: int) -> Index:
        """The series of these sources by metric."""
        key = (read, tuple(settings[s] for s in read), nudge)
        found = self._indexes.get(key)
        if found is None:
            pieces = [self._piece(s, settings[s], nudge) for s in read]
            found = self._indexes[key] = _merged(pieces)
        return found

    def _piece(self, s: int, setting: SourceSetting, nudge: int) -> Index:
        """The series of one source by metric."""
        key = (s, setting, nudge)
        found = self._pieces.get(key)
        if found is None:
            found = indexed(self.sources[s].levels(setting))
            if nudge:
                found = _nudged(found, s, nudge)
            self._pieces[key] = found
        return found


def _merged(pieces: Iterable[Index]) -> Index:
    merged: dict[str, tuple[Sample, ...]] = {}
    for piece in pieces:
        for metric, series in piece.items():
            merged[metric] = merged[metric] + series if metric in merged else series
    return merged


def _nudged(index: Index, s: int, nudge: int) -> Index:
    # Neighbours go in different directions and by different amounts, so that ties between them
    # break too.
    direction = -1 if s % 2 else 1
    factor = 1 + nudge * _NUDGE * (1 + s % 5) * direction
    return {
        metric: tuple(_times(sample, factor) for sample in series)
        for metric, series in index.items()
    }


def _times(sample: Sample, factor: float) -> Sample:
    return sample._replace(level=sample.level * factor) if sample.counter else sample


def with_setting(settings: SourceSettings, s: int, setting: SourceSetting) -> SourceSettings:
    return (*settings[:s], setting, *settings[s + 1 :])


def _sources(
    conditions: Sequence[Condition], bounds: BucketBounds, target_labels: Sequence[str]
) -> tuple[SeriesSource, ...]:
    exprs = [condition.expr for condition in conditions]
    try:
        return series_sources(exprs, bounds, target_labels)
    except Unsupported as unsupported:
        culprit = next((c for c in conditions if not _is_satisfiable(c.expr)), conditions[0])
        raise Unprovable(culprit.key, str(unsupported)) from None


def _is_satisfiable(node: Node) -> bool:
    try:
        series_sources([node], {})
    except Unsupported:
        return False
    return True
