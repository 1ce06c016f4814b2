"""Alert conditions in; a `Problem` out, which says what fires in which settings, and remembers what
it was asked.

Whether a rule fires is asked of the start of time; whether that is certain, of later times, of a
Prometheus without a past, and of rates that are off by a little, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from opsgen.promql import Binary, Call, Node, Selector, Subquery
from opsgen.promql.rewrite import longest_lookback
from opsgen.promql.tree import COMPARISONS, selectors, walk
from opsgen.proofs.series import Bounds, Setting, Source, selects, sources
from opsgen.proofs.state import State, Unsupported
from opsgen.proofs.steady import Index, Query, Sample, World, compiled, indexed
from opsgen.quantities import Duration

# promtool's clock starts at zero; what holds then and this much later holds in between.
_LATER = Duration.of("10d")
# Rates in Prometheus are off in their last digits: what they decide must not hang on so little.
_NUDGE = 1e-6

Settings = tuple[Setting, ...]


@dataclass(frozen=True)
class Condition:
    """One alert's expression, in terms of scraped series; it fires where its result is not empty.

    `sparse` is the same where the rules are evaluated as rarely as a proof may: what is decided
    must hold there, too.
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
        super().__init__(f"{key}: {reason}; the spec can state its own proof series")


@dataclass(frozen=True)
class Rule:
    """A condition, ready to be asked."""

    key: str
    exprs: tuple[Node, ...]
    query: Query
    sparse: Query | None
    metrics: frozenset[str]
    reads_past: bool
    times: tuple[float, ...]

    @classmethod
    def of(cls, condition: Condition) -> Rule:
        try:
            query, *sparse = map(compiled, condition.exprs)
        except Unsupported as unsupported:
            raise Unprovable(condition.key, str(unsupported)) from None
        parts = list(walk(condition.expr))
        timed = any(
            isinstance(part, Call) and part.function in ("time", "timestamp") for part in parts
        )
        later = _LATER + longest_lookback(condition.expr) * 2
        return cls(
            condition.key,
            condition.exprs,
            query,
            sparse[0] if sparse else None,
            frozenset(selector.metric or "" for selector in selectors(condition.expr)),
            any(isinstance(part, Selector | Subquery) and part.offset_ms > 0 for part in parts),
            (0.0, float(later.seconds)) if timed else (0.0,),
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
    def comparisons(self) -> tuple[tuple[Query, Query], ...]:
        """The two sides of every comparison in the condition whose values can be known."""
        found = []
        for part in (part for expr in self.exprs for part in walk(expr)):
            if isinstance(part, Binary) and part.op in COMPARISONS:
                try:
                    found.append((compiled(part.left), compiled(part.right)))
                except Unsupported:
                    continue
        return tuple(found)


def _is_true(value: object) -> bool:
    return bool(value) if isinstance(value, dict) else True


class Problem:
    """The rules, the sources they read, and what is known already about which settings make which
    rules fire."""

    def __init__(self, conditions: Sequence[Condition], bounds: Bounds) -> None:
        self.rules = [Rule.of(condition) for condition in conditions]
        self.sources = _sources(conditions, bounds)
        self.reads = [self._sources_of(rule) for rule in self.rules]
        self.readers = [
            [i for i, read in enumerate(self.reads) if s in read] for s in range(len(self.sources))
        ]
        self.past_read = {
            s for i, rule in enumerate(self.rules) if rule.reads_past for s in self.reads[i]
        }
        self.obstacles: dict[int, str] = {}
        self._pieces: dict[tuple[int, Setting, int], Index] = {}
        self._indexes: dict[tuple[tuple[int, ...], Settings, int], Index] = {}
        self._firing: dict[tuple[int, Settings, Settings], bool | None] = {}
        self._certain: dict[tuple[int, Settings, Settings], bool] = {}

    def state(self, settings: Settings) -> State:
        return State(
            level
            for source, setting in zip(self.sources, settings, strict=True)
            for level in source.levels(setting)
        )

    def fires(self, index: int, now: Settings, past: Settings) -> bool | None:
        """Whether the rule fires at the start of time; None where that can't be said."""
        key = self._key(index, now, past)
        if key not in self._firing:
            self._firing[key] = self._asked(index, self.world(index, now, past))
        return self._firing[key]

    def is_certain(self, index: int, now: Settings, past: Settings) -> bool:
        """Whether what `fires` says holds later too, without a past, with rates that are off by a
        little, and where it is evaluated rarely."""
        key = self._key(index, now, past)
        if key not in self._certain:
            fires = self.fires(index, now, past)
            self._certain[key] = (
                fires is not None
                and all(
                    self._asked(index, world) == fires
                    for world in self._other_worlds(index, now, past, fires)
                )
                and self._asked(index, self.world(index, now, past), sparsely=True) == fires
            )
        return self._certain[key]

    def affected(self, changed: Sequence[int]) -> list[int]:
        """The rules that read any of these sources."""
        return sorted({index for s in changed for index in self.readers[s]})

    def world(self, index: int, now: Settings, past: Settings, nudge: int = 0) -> World:
        read = self.reads[index]
        current = self._index(read, now, nudge)
        return World(current, current if past is now else self._index(read, past, nudge), 0.0)

    def _sources_of(self, rule: Rule) -> tuple[int, ...]:
        read = list(selectors(rule.exprs[0]))
        return tuple(
            s
            for s, source in enumerate(self.sources)
            if any(selects(selector, source) for selector in read)
        )

    def _key(self, index: int, now: Settings, past: Settings) -> tuple[int, Settings, Settings]:
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
        self, index: int, now: Settings, past: Settings, fires: bool
    ) -> Iterator[World]:
        rule = self.rules[index]
        world = self.world(index, now, past)
        yield from (world._replace(time=time) for time in rule.times[1:])
        if rule.reads_past and not fires:
            yield world._replace(past={})
        for nudge in (1, -1):
            yield self.world(index, now, past, nudge)

    def _index(self, read: tuple[int, ...], settings: Settings, nudge: int) -> Index:
        key = (read, tuple(settings[s] for s in read), nudge)
        found = self._indexes.get(key)
        if found is None:
            merged: dict[str, tuple[Sample, ...]] = {}
            for s in read:
                for metric, series in self._piece(s, settings[s], nudge).items():
                    merged[metric] = merged[metric] + series if metric in merged else series
            found = self._indexes[key] = merged
        return found

    def _piece(self, s: int, setting: Setting, nudge: int) -> Index:
        key = (s, setting, nudge)
        found = self._pieces.get(key)
        if found is None:
            found = indexed(self.sources[s].levels(setting))
            if nudge:
                # Neighbours go in different directions and by different amounts, so that ties
                # between them break too.
                factor = 1 + nudge * _NUDGE * (1 + s % 5) * (-1 if s % 2 else 1)
                found = {
                    metric: tuple(_times(sample, factor) for sample in some)
                    for metric, some in found.items()
                }
            self._pieces[key] = found
        return found


def _times(sample: Sample, factor: float) -> Sample:
    return sample._replace(level=sample.level * factor) if sample.counter else sample


def with_setting(settings: Settings, s: int, setting: Setting) -> Settings:
    return (*settings[:s], setting, *settings[s + 1 :])


def _sources(conditions: Sequence[Condition], bounds: Bounds) -> tuple[Source, ...]:
    try:
        return sources([condition.expr for condition in conditions], bounds)
    except Unsupported as unsupported:
        culprit = next((c for c in conditions if not _is_satisfiable(c.expr)), conditions[0])
        raise Unprovable(culprit.key, str(unsupported)) from None


def _is_satisfiable(node: Node) -> bool:
    try:
        sources([node], {})
    except Unsupported:
        return False
    return True
