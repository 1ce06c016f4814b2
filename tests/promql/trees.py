"""Strategies for PromQL trees that Prometheus takes: typed as PromQL is, in the normal form that
`parse` gives."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

from hypothesis import strategies as st

from opsgen.promql import (
    Aggregate,
    Binary,
    Call,
    Grouping,
    Matcher,
    Matching,
    Node,
    Number,
    Selector,
    String,
    Subquery,
    Unary,
)
from opsgen.promql.durations import Computed, literal
from opsgen.promql.tree import COMPARISONS, SET_OPERATORS, TRIMS, Range
from opsgen.quantities import Duration

_ARITHMETIC = ("+", "-", "*", "/", "%", "^", "atan2")
_Moved = TypeVar("_Moved", Selector, Subquery)
_KEYWORDS = (
    "by",
    "on",
    "sum",
    "offset",
    "bool",
    "group_left",
    "inf",
    "nan",
    "without",
    "start",
    "end",
    "anchored",
    "smoothed",
    "step",
    "fill",
)

values = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
# What only quotes can hold.
quoted_names = st.one_of(
    st.sampled_from(["k8s.namespace.name", "größe", "a b", 'a"b', "a:b", "5m", "温度"]),
    values.filter(lambda name: name not in ("", "__name__")),
)
labels = st.one_of(
    st.sampled_from(["job", "code", "le", "region", "__name__2", *_KEYWORDS]),
    st.from_regex(r"[a-z_]{1,6}", fullmatch=True),
    quoted_names,
).filter(lambda name: name != "__name__")
metrics = st.one_of(
    st.sampled_from(
        [
            "up",
            "http_requests_total",
            "slo:errors:increase5m",
            "_a",
            "sum_of",
            "inf_total",
            "by_what",
            "e5m",
            "anchored",
            "smoothed",
            "on",
            "inf",
            "http.server.requests",
        ]
    ),
    st.from_regex(r"[a-z_:][a-z0-9_:]{0,8}x", fullmatch=True),
    quoted_names,
)
plain_values = st.text(st.sampled_from("abc019.-_/"), max_size=8)
durations = st.integers(1, 100_000_000).map(Duration)
numbers = st.floats(allow_nan=False).map(lambda value: Number(Decimal(repr(value))))

matchers = st.one_of(
    st.builds(Matcher, labels, st.sampled_from(["=", "!="]), values),
    st.builds(Matcher, labels, st.sampled_from(["=~", "!~"]), plain_values),
)


def _calculations(inner: st.SearchStrategy[Computed]) -> st.SearchStrategy[Computed]:
    two = st.tuples(inner, inner)
    return st.one_of(
        st.builds(Computed, st.sampled_from("+-*/%^"), two),
        st.builds(Computed, st.sampled_from(["min_of", "max_of"]), two),
        inner.map(lambda term: Computed("-", (term,))),
    )


_literals = st.integers(1, 1_000_000).map(literal)
# Durations that depend on the query.
varying = st.recursive(
    st.one_of(st.sampled_from([Computed("step"), Computed("range")]), _literals),
    _calculations,
    max_leaves=5,
).filter(lambda duration: duration.varies)
ranges_of_any_kind = st.one_of(durations, durations, varying)
offsets = st.one_of(st.just(0), st.integers(-100_000_000, 100_000_000))
ats = st.one_of(
    st.none(), st.sampled_from(["start()", "end()", "0", "1700000000", "1700000000.123"])
)
_extended = st.sampled_from([None, None, "anchored", "smoothed"])


def _moved(node: _Moved, by: Computed | None) -> _Moved:
    """The selector or subquery, with an offset that depends on the query if there is one."""
    return node if by is None else replace(node, offset_ms=0, offset_by=by)


moves = st.one_of(st.none(), st.none(), varying)


def _selectors(window: st.SearchStrategy[Range | None]) -> st.SearchStrategy[Selector]:
    of = (metrics, st.lists(matchers, max_size=3).map(tuple), window, offsets, ats, _extended)
    return st.builds(_moved, st.builds(Selector, *of), moves)


selectors = _selectors(st.none())
range_selectors = _selectors(ranges_of_any_kind)
label_lists = st.lists(labels, max_size=3, unique=True).map(tuple)
groupings = st.one_of(st.none(), st.builds(Grouping, label_lists, st.booleans()))


@st.composite
def _matchings(draw: st.DrawFn, may_group: bool) -> Matching | None:
    if draw(st.booleans()):
        return None
    on = draw(st.booleans())
    names = draw(label_lists)
    if not may_group or draw(st.booleans()):
        return Matching(names, on)
    include = draw(
        label_lists.map(lambda found: tuple(name for name in found if not on or name not in names))
    )
    return Matching(names, on, draw(st.sampled_from(["left", "right"])), include)


def _scalars(
    inner: st.SearchStrategy[Node], vectors: st.SearchStrategy[Node]
) -> st.SearchStrategy[Node]:
    return st.one_of(
        numbers,
        st.just(Call("time", ())),
        vectors.map(lambda vector: Call("scalar", (vector,))),
        st.builds(Binary, st.sampled_from(_ARITHMETIC), inner, inner),
        st.builds(
            lambda op, a, b: Binary(op, a, b, None, True),
            st.sampled_from(sorted(COMPARISONS)),
            inner,
            inner,
        ),
    )


def _vectors(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    steps = st.one_of(st.none(), ranges_of_any_kind)
    subqueries = st.builds(
        _moved, st.builds(Subquery, inner, ranges_of_any_kind, steps, offsets, ats), moves
    )
    ranges = st.one_of(range_selectors, subqueries)
    scalars = st.one_of(numbers, _scalars(numbers, inner))
    either = st.one_of(
        st.tuples(inner, inner), st.tuples(inner, scalars), st.tuples(scalars, inner)
    )
    return st.one_of(
        st.builds(
            lambda name, of: Call(name, (of,)),
            st.sampled_from(["rate", "increase", "max_over_time"]),
            ranges,
        ),
        st.builds(
            lambda name, of: Call(name, (of,)), st.sampled_from(["abs", "absent", "floor"]), inner
        ),
        st.builds(lambda of, limit: Call("clamp_max", (of, limit)), inner, scalars),
        st.builds(lambda q, of: Call("histogram_quantile", (q, of)), scalars, inner),
        st.builds(
            lambda of, text: Call(
                "label_replace", (of, *map(String, ("dst", text, "src", "(.*)")))
            ),
            inner,
            values,
        ),
        scalars.map(lambda scalar: Call("vector", (scalar,))),
        st.builds(Aggregate, st.sampled_from(["sum", "avg", "count", "group"]), inner, groupings),
        st.builds(Aggregate, st.sampled_from(["topk", "quantile"]), inner, groupings, scalars),
        inner.filter(lambda node: not isinstance(node, Number)).map(Unary),
        st.builds(
            lambda op, sides: Binary(op, sides[0], sides[1]),
            st.sampled_from([*_ARITHMETIC, *sorted(TRIMS)]),
            either,
        ),
        st.builds(
            lambda op, sides, is_bool: Binary(op, sides[0], sides[1], None, is_bool),
            st.sampled_from(sorted(COMPARISONS)),
            either,
            st.booleans(),
        ),
        st.builds(Binary, st.sampled_from(_ARITHMETIC), inner, inner, _matchings(may_group=True)),
        st.builds(
            Binary,
            st.sampled_from(sorted(SET_OPERATORS)),
            inner,
            inner,
            _matchings(may_group=False),
        ),
    )


def trees(leaves: int = 12) -> st.SearchStrategy[Node]:
    """Expressions that give an instant vector."""
    return st.recursive(selectors, _vectors, max_leaves=leaves)
