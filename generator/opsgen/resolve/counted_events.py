"""The queries of an SLO of the spec's own go in; mistakes come out where they do not count events,
and warnings where they count the wrong ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from opsgen.load.objective_spec import SloSpec
from opsgen.promql import Aggregate, Binary, Call, Matcher, Node, Selector, Subquery, Unary
from opsgen.promql.rewrite import transform, with_function, with_matchers, with_range
from opsgen.promql.scaling import FixedNumberError, power_of
from opsgen.promql.tree import exact_value, walk
from opsgen.quantities import Duration
from opsgen.resolve.context import Context
from opsgen.resolve.mistakes import KeyPath
from opsgen.resolve.own_queries import check_ranges, parsed

_EXAMPLE = "write for example rate(orders_failed_total[5m])"
_COUNTER_FUNCTIONS = frozenset({"rate", "increase"})
_AVERAGING = frozenset({"avg", "max", "min", "quantile", "stddev", "stdvar"})
_ONE_WINDOW = Duration.of("5m")
# What to write instead of a fixed number, by the operator or function in which it meets events.
_INSTEAD = {
    **dict.fromkeys(
        ("clamp", "clamp_max", "clamp_min"),
        "leave it out: opsgen divides only where there are events",
    ),
    **dict.fromkeys(("==", "!=", ">", "<", ">=", "<="), "compare with 0, or leave it out"),
    **dict.fromkeys(("+", "-"), "leave it out, or write a factor: 2 * rate(...)"),
    "or": "write or vector(0), or leave it out",
}
_LEAVE_OUT = "leave it out"


def check_events(
    context: Context, path: KeyPath, spec: SloSpec, matchers: Iterable[Matcher]
) -> None:
    """Notes what is wrong with the queries of an SLO in the long form; `matchers` are the
    service's, which every query gets."""
    queries = {
        key: _counting(context, (*path, key), getattr(spec, key))
        for key in ("bad", "good", "total")
        if getattr(spec, key) is not None
    }
    key = "bad" if spec.bad is not None else "good"
    some, total = queries[key], queries["total"]
    if some is None or total is None:
        return
    if _as_counted(with_matchers(some, matchers)) == _as_counted(with_matchers(total, matchers)):
        context.wrong((*path, key), *_ALL_ALIKE[key])
        return
    doubt = doubt_of(key, some)
    if doubt is not None:
        context.warn((*path, key), doubt)


def doubt_of(key: str, query: Node) -> str | None:
    """Why a query under `bad` or `good` most likely counts the opposite; None where it does not.

    A bucket of a histogram counts the events up to its bound: the fast ones of latencies.
    """
    bucket = _fast_bucket(query) if key == "bad" else _bucket_taken_away(query)
    if bucket is None:
        return None
    base = (bucket.metric or "").removesuffix("_bucket")
    bound = next(one.value for one in bucket.matchers if one.label == "le")
    if key == "bad":
        return (
            f"bad counts the bucket {bucket.metric} up to {bound}, which holds the fast events; if"
            f" these are the good ones, write good instead of bad, or subtract it from {base}_count"
        )
    return (
        f"good counts what is above the bucket {bucket.metric} of {bound}, which are the slow"
        " events; if these are the bad ones, write bad instead of good"
    )


# -- one query -------------------------------------------------------------------------------------


def _counting(context: Context, path: KeyPath, text: str) -> Node | None:
    """The query; None after noting that it does not count events."""
    node = parsed(context, path, text)
    if node is None:
        return None
    found = _wrong_form(node) or _wrong_size(node)
    if found is not None:
        context.wrong(path, *found)
        return None
    check_ranges(context, path, node)
    return node


def _wrong_form(node: Node) -> tuple[str, str] | None:
    """What is wrong and what would be right, where the query has a part that counts nothing."""
    averaging = _averaging(node)
    if any(isinstance(found, Subquery) for found in walk(node)):
        return "an SLO counts events, so it can't use a subquery", _EXAMPLE
    if not _counts(node):
        wrong = (
            "an SLO counts events, so every metric must be a counter inside rate() or increase()"
        )
        return wrong, _EXAMPLE
    if averaging is not None:
        wrong = f"an SLO needs counts: use sum() instead of {averaging.op}()"
        return wrong, f"or leave {averaging.op}() out"
    if len(_counter_functions(node)) > 1:
        wrong = "rate() counts per second and increase() per window, so they can't be mixed"
        return wrong, "use the same function for all counters"
    return None


def _wrong_size(node: Node) -> tuple[str, str] | None:
    """What is wrong and what would be right, where twice the events are not twice the value.

    opsgen asks the query over five minutes, an hour and more, and asks for rates and for counts.
    """
    try:
        power = power_of(node)
    except FixedNumberError as error:
        wrong = (
            f"the fixed number in '{error}' means something else over every window, and under"
            " rate() than under increase()"
        )
        return wrong, _INSTEAD.get(error.operator, _LEAVE_OUT)
    if power is None:
        return "this is always 0, so it counts no events", _EXAMPLE
    if power != Decimal(1):
        return "this is no number of events, but a ratio or a product", _EXAMPLE
    if _is_never_positive(node):
        return "this keeps only what is not above 0, so it counts no events", "write > 0"
    return None


def _is_never_positive(node: Node) -> bool:
    """Whether a comparison with 0 keeps nothing of a number of events, or only the 0."""
    match node:
        case Aggregate():
            return _is_never_positive(node.expr)
        case Binary(op="==" | "<" | "<=") if power_of(node.right) is None:
            return True
        case Binary(op="and" | "unless" | ">" | ">=" | "!="):
            return _is_never_positive(node.left)
        case _:
            return False


def _counts(node: Node) -> bool:
    """Whether the query has metrics, and each is inside a function that counts."""
    functions = [call for call in walk(node) if isinstance(call, Call)]
    # By identity: the same selector may stand once under rate() and once bare.
    counted = {
        id(arg) for call in functions if call.function in _COUNTER_FUNCTIONS for arg in call.args
    }
    metrics = [found for found in walk(node) if isinstance(found, Selector)]
    return bool(metrics) and all(
        metric.range is not None and id(metric) in counted for metric in metrics
    )


def _averaging(node: Node) -> Aggregate | None:
    aggregates = (found for found in walk(node) if isinstance(found, Aggregate))
    return next((found for found in aggregates if found.op in _AVERAGING), None)


def _counter_functions(node: Node) -> frozenset[str]:
    calls = (found.function for found in walk(node) if isinstance(found, Call))
    return _COUNTER_FUNCTIONS.intersection(calls)


# -- both queries ----------------------------------------------------------------------------------

_ALL_ALIKE = {
    "bad": (
        "this is the same as total: every event would be bad",
        "count only the bad events, for example with a matcher for their status",
    ),
    "good": (
        "this is the same as total: no event could ever be bad",
        "count only the good events, for example with a matcher for their status",
    ),
}


def _as_counted(node: Node) -> Node:
    """The query in the form in which two queries for the same events are equal."""
    as_rate = with_range(with_function(node, "increase", "rate"), _ONE_WINDOW)
    return _without_sums(transform(as_rate, _in_one_order))


def _without_sums(node: Node) -> Node:
    """Without what changes no sum of all series: outer sums, and `or` with zeros."""
    while True:
        match node:
            case Aggregate(op="sum"):
                node = node.expr
            case Binary(op="or") if power_of(node.right) is None:
                node = node.left
            case _:
                return node


def _in_one_order(node: Node) -> Node:
    """A selector with its matchers in order. A histogram's last bucket counts all its events."""
    if not isinstance(node, Selector):
        return node
    metric, matchers = node.metric or "", node.matchers
    if metric.endswith("_bucket") and exact_value(matchers, "le") == "+Inf":
        metric = f"{metric.removesuffix('_bucket')}_count"
        matchers = tuple(one for one in matchers if one.label != "le")
    ordered = tuple(sorted(matchers, key=lambda one: (one.label, one.op, one.value)))
    return Selector(metric, ordered, node.range, node.offset_ms, node.at)


def _fast_bucket(query: Node) -> Selector | None:
    """The first bucket of a query that counts nothing but buckets with a bound."""
    added = [part for sign, part in _parts(query, 1) if sign > 0]
    return added[0] if added and all(_is_bounded(part) for part in added) else None


def _bucket_taken_away(query: Node) -> Selector | None:
    """The first bucket that a query subtracts from all events of a histogram."""
    parts = list(_parts(query, 1))
    if not any(sign > 0 and not _is_bounded(part) for sign, part in parts):
        return None
    return next((part for sign, part in parts if sign < 0 and _is_bounded(part)), None)


def _parts(node: Node, sign: int) -> Iterator[tuple[int, Selector]]:
    """The counters that a query adds (1) and subtracts (-1)."""
    match node:
        case Selector():
            yield sign, node
        case Unary():
            yield from _parts(node.expr, -sign)
        case Aggregate():
            yield from _parts(node.expr, sign)
        case Call():
            for argument in node.args:
                yield from _parts(argument, sign)
        case Binary():
            yield from _parts(node.left, sign)
            if node.op in ("+", "-", "or"):
                yield from _parts(node.right, -sign if node.op == "-" else sign)


def _is_bounded(selector: Selector) -> bool:
    """Whether it selects a bucket of a histogram other than the last, which has all events."""
    bounds = [one for one in selector.matchers if one.label == "le"]
    is_bucket = (selector.metric or "").endswith("_bucket")
    return is_bucket and bool(bounds) and all(_is_bound(bound) for bound in bounds)


def _is_bound(matcher: Matcher) -> bool:
    return matcher.op in ("=", "=~") and "Inf" not in matcher.value
