"""A PromQL expression and a steady state go in; the value that Prometheus would compute comes out.

An expression is compiled once into a function of a `World`, which is then asked of many worlds;
`evaluate` does both at once. Rates are slopes, and averages over time are levels. What no steady
state fixes (a counter's raw value, the hour of the day, a native histogram) raises Unsupported with
the reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache

from opsgen.promql import Aggregate, Binary, Call, Node, Number, Selector, String, Subquery, Unary
from opsgen.promql.tree import Range, walk
from opsgen.proofs.aggregations import PRESENCE_ONLY, aggregation
from opsgen.proofs.functions import (
    ELEMENTWISE,
    KEEPS_NAME,
    OVER_TIME,
    SORTING,
    histogram_quantile,
    label_join,
    label_replace,
    over_time,
)
from opsgen.proofs.matchers import accept_all
from opsgen.proofs.operators import QueryResult, Vector, distinct, nameless, operator
from opsgen.proofs.state import LabelSet, State, Unsupported
from opsgen.proofs.world import CompiledQuery, Sample, World, asks_for_time, indexed
from opsgen.quantities import Duration


def evaluate(node: Node, now: State, past: State, time: Decimal) -> QueryResult:
    """The value at that Unix time in seconds: a number, or a mapping of labels (with `__name__`) to
    numbers.

    Selectors with an offset, whatever its length, read `past`, all others `now`. Raises
    Unsupported.
    """
    return _query(node)(World(indexed(now.items()), indexed(past.items()), float(time)))


@lru_cache(maxsize=256)
def compiled(node: Node) -> CompiledQuery:
    """The expression as a function of the world; raises Unsupported for a shape that no steady
    state can answer.

    It is for alerts, where only the presence of a result counts: raw values of counters are NaN.
    """
    return _presence(node)


def _query(node: Node) -> CompiledQuery:
    match node:
        case Number():
            value = float(node.value)
            return lambda _world: value
        case Selector():
            return _selector(node, values=True)
        case Call():
            return _call(node)
        case Aggregate():
            return _aggregate(node)
        case Binary():
            return _binary(node, _query)
        case Unary():
            return _negation(node)
        case _:
            raise Unsupported(f"a {type(node).__name__.lower()} by itself can't be proven")


def _presence(node: Node) -> CompiledQuery:
    """As `_query`, where only the presence of series counts: counters will do, although their raw
    values are unknown."""
    if isinstance(node, Selector):
        return _selector(node, values=False)
    if isinstance(node, Binary) and node.op in ("and", "or", "unless"):
        return _binary(node, _presence)
    return _query(node)


def _vector(value: QueryResult) -> Vector:
    if not isinstance(value, dict):
        raise Unsupported("a number stands where a vector is needed")
    return value


def _scalar(value: QueryResult) -> float:
    if isinstance(value, dict):
        raise Unsupported("a vector stands where a number is needed")
    return value


def _selected(node: Selector) -> Callable[[World], Iterator[Sample]]:
    """The series that a selector selects, now or in the past."""
    metric = node.metric
    if metric is None:
        raise Unsupported("a selector without a metric's name can't be proven")
    _check_time(node)
    in_past = node.offset_ms > 0
    matchers = node.matchers
    known: dict[LabelSet, bool] = {}

    def select(world: World) -> Iterator[Sample]:
        index = world.past if in_past else world.now
        for sample in index.get(metric, ()):
            wanted = known.get(sample.full)
            if wanted is None:
                wanted = known[sample.full] = accept_all(matchers, sample.full)
            if wanted:
                yield sample

    return select


def _check_time(node: Selector | Subquery) -> None:
    if node.at is not None:
        raise Unsupported("the @ modifier, which reads a fixed time, can't be proven")
    if node.offset_ms < 0:
        raise Unsupported("a negative offset, which reads the future, can't be proven")


def _selector(node: Selector, values: bool) -> CompiledQuery:
    if node.range is not None:
        raise Unsupported("a range stands where an instant vector is needed")
    select = _selected(node)
    unknown = f"the raw value of the counter {node.metric} has no constant level; use its rate"

    def value(world: World) -> QueryResult:
        found: Vector = {}
        for sample in select(world):
            if values and sample.counter:
                raise Unsupported(unknown)
            found[sample.full] = math.nan if sample.counter else sample.level
        return found

    return value


def _negation(node: Unary) -> CompiledQuery:
    inner = _query(node.expr)

    def value(world: World) -> QueryResult:
        found = inner(world)
        if not isinstance(found, dict):
            return -found
        return distinct((nameless(labels), -number) for labels, number in found.items())

    return value


def _binary(node: Binary, of: Callable[[Node], CompiledQuery]) -> CompiledQuery:
    left, apply = of(node.left), operator(node)
    right = _presence(node.right) if node.op in ("and", "unless") else of(node.right)
    return lambda world: apply(left(world), right(world))


def _aggregate(node: Aggregate) -> CompiledQuery:
    inner = _presence(node.expr) if node.op in PRESENCE_ONLY else _query(node.expr)
    parameter = None if node.param is None or isinstance(node.param, String) else _query(node.param)
    apply = aggregation(node.op, node.grouping)

    def value(world: World) -> QueryResult:
        vector = _vector(inner(world))
        return apply(vector, None if parameter is None else _scalar(parameter(world)))

    return value


def _call(node: Call) -> CompiledQuery:
    name = node.function
    if name in OVER_TIME:
        return _over_time(node)
    if name in ELEMENTWISE:
        return _elementwise(node)
    if name in SORTING:
        return _query(node.args[0])
    builder = _CALLS.get(name)
    if builder is None:
        raise Unsupported(f"{name}() has no fixed value in a steady state")
    return builder(node)


def _elementwise(node: Call) -> CompiledQuery:
    function = ELEMENTWISE[node.function]
    first, *others = (_query(argument) for argument in node.args)

    def value(world: World) -> QueryResult:
        beside = [_scalar(number(world)) for number in others]
        vector = _vector(first(world))
        return distinct(
            (nameless(labels), function(number, *beside)) for labels, number in vector.items()
        )

    return value


def _clamp(node: Call) -> CompiledQuery:
    vector, least, greatest = node.args
    lowest, highest = _query(least), _query(greatest)
    clamped = _query(Call("clamp_max", (Call("clamp_min", (vector, least)), greatest)))

    def value(world: World) -> QueryResult:
        if _scalar(lowest(world)) > _scalar(highest(world)):
            return {}
        return clamped(world)

    return value


def _over_time(node: Call) -> CompiledQuery:
    ranged = next((found for found in node.args if isinstance(found, Selector | Subquery)), None)
    if ranged is None:
        raise Unsupported(f"{node.function}() lacks its range")
    series = _ranged(ranged)
    seconds = _seconds(ranged.range)
    keeps_name = node.function in KEEPS_NAME
    function = over_time(node.function)

    def of_sample(sample: Sample) -> tuple[LabelSet, float]:
        labels = sample.full if keeps_name else sample.bare
        return labels, function(sample.level, sample.counter, seconds)

    return lambda world: distinct(of_sample(sample) for sample in series(world))


def _seconds(window: Range | None) -> float:
    if not isinstance(window, Duration):
        raise Unsupported("a range that is not a duration can't be proven")
    return float(window.seconds)


def _ranged(node: Selector | Subquery) -> Callable[[World], Iterable[Sample]]:
    """The series of a range vector, with their levels throughout it."""
    if isinstance(node, Selector):
        return _selected(node)
    _check_time(node)
    inner = node.expr
    if isinstance(inner, Selector):
        _check_time(inner)
        return _selected(replace(inner, offset_ms=inner.offset_ms + node.offset_ms))
    if any(asks_for_time(part) for part in walk(inner)):
        raise Unsupported("a subquery over time() is not constant")
    return _constant(inner, in_past=node.offset_ms > 0)


def _constant(inner: Node, in_past: bool) -> Callable[[World], Iterable[Sample]]:
    """The result of an expression, as gauges that keep their level."""
    query = _query(inner)

    def constant(world: World) -> Iterator[Sample]:
        found = query(World(world.past, world.past, world.time) if in_past else world)
        for labels, level in _vector(found).items():
            yield Sample(labels, nameless(labels), level, False)

    return constant


def _absent(node: Call) -> CompiledQuery:
    (argument,) = node.args
    labels = _labels_of_absence(argument)
    inner: Callable[[World], Iterable[object]]
    if isinstance(argument, Selector | Subquery) and argument.range is not None:
        inner = _ranged(argument)
    else:
        present = _presence(argument)

        def inner(world: World) -> Iterable[object]:
            return _vector(present(world))

    def value(world: World) -> QueryResult:
        is_present = any(True for _ in inner(world))
        return {} if is_present else {labels: 1.0}

    return value


def _labels_of_absence(node: Node) -> LabelSet:
    """What absent() says of a selector: its labels that are matched once, and by `=`."""
    if not isinstance(node, Selector):
        return ()
    times = [matcher.label for matcher in node.matchers]
    single = [m for m in node.matchers if m.op == "=" and m.value and times.count(m.label) == 1]
    return tuple(sorted((matcher.label, matcher.value) for matcher in single))


def _scalar_call(node: Call) -> CompiledQuery:
    inner = _query(node.args[0])

    def value(world: World) -> QueryResult:
        values = list(_vector(inner(world)).values())
        return values[0] if len(values) == 1 else math.nan

    return value


def _vector_call(node: Call) -> CompiledQuery:
    inner = _query(node.args[0])
    return lambda world: {(): _scalar(inner(world))}


def _timestamp(node: Call) -> CompiledQuery:
    inner = _presence(node.args[0])
    return lambda world: distinct(
        (nameless(labels), world.time) for labels in _vector(inner(world))
    )


def _histogram_quantile(node: Call) -> CompiledQuery:
    share, buckets = (_query(argument) for argument in node.args)
    return lambda world: histogram_quantile(_scalar(share(world)), _vector(buckets(world)))


def _label_call(function: Callable[..., Vector]) -> Callable[[Call], CompiledQuery]:
    def build(node: Call) -> CompiledQuery:
        inner = _query(node.args[0])
        texts = [argument.value for argument in node.args[1:] if isinstance(argument, String)]
        return lambda world: function(_vector(inner(world)), *texts)

    return build


_CALLS: dict[str, Callable[[Call], CompiledQuery]] = {
    "absent": _absent,
    "absent_over_time": _absent,
    "clamp": _clamp,
    "histogram_quantile": _histogram_quantile,
    "label_join": _label_call(label_join),
    "label_replace": _label_call(label_replace),
    "pi": lambda _node: lambda _world: math.pi,
    "scalar": _scalar_call,
    "time": lambda _node: lambda world: world.time,
    "timestamp": _timestamp,
    "vector": _vector_call,
}
