"""Strategies for PromQL trees that Prometheus takes: typed as PromQL is, in the normal form that
`parse` gives."""

from __future__ import annotations

from decimal import Decimal

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
from opsgen.promql.tree import COMPARISONS, SET_OPERATORS
from opsgen.quantities import Duration

_ARITHMETIC = ("+", "-", "*", "/", "%", "^", "atan2")
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
)

labels = st.one_of(
    st.sampled_from(["job", "code", "le", "region", "__name__2", *_KEYWORDS]),
    st.from_regex(r"[a-z_]{1,6}", fullmatch=True),
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
        ]
    ),
    st.from_regex(r"[a-z_:][a-z0-9_:]{0,8}x", fullmatch=True),
)
values = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
plain_values = st.text(st.sampled_from("abc019.-_/"), max_size=8)
durations = st.integers(1, 100_000_000).map(Duration)
numbers = st.floats(allow_nan=False).map(lambda value: Number(Decimal(repr(value))))

matchers = st.one_of(
    st.builds(Matcher, labels, st.sampled_from(["=", "!="]), values),
    st.builds(Matcher, labels, st.sampled_from(["=~", "!~"]), plain_values),
)
offsets = st.one_of(st.just(0), st.integers(-100_000_000, 100_000_000))
ats = st.one_of(
    st.none(), st.sampled_from(["start()", "end()", "0", "1700000000", "1700000000.123"])
)
selectors = st.builds(
    Selector, metrics, st.lists(matchers, max_size=3).map(tuple), st.none(), offsets, ats
)
range_selectors = st.builds(
    Selector, metrics, st.lists(matchers, max_size=3).map(tuple), durations, offsets, ats
)
# In lists of labels PromQL takes the first two for numbers; the third is a gap of promql-parser's.
listed_labels = labels.filter(lambda name: name not in ("inf", "nan", "without"))
label_lists = st.lists(listed_labels, max_size=3, unique=True).map(tuple)
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
    subqueries = st.builds(
        Subquery, inner, durations, st.one_of(st.none(), durations), offsets, ats
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
            lambda op, sides: Binary(op, sides[0], sides[1]), st.sampled_from(_ARITHMETIC), either
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
