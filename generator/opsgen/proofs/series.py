"""The selectors of all expressions in, the series that a proof needs out: sources, each of which
can be set on its own.

For each selector there is one source that it selects and that the other selectors of its metric, as
far as possible, do not: `x` and `x{code=~"5.."}` give x{code="200"} and x{code="500"}. The series
of a histogram are one source.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import islice, product
from typing import NamedTuple

from opsgen.promql import Aggregate, Binary, Call, Matcher, Node, Selector, Subquery
from opsgen.promql.tree import COMPARISONS, Number, children, selectors, walk
from opsgen.proofs.functions import SLOPES
from opsgen.proofs.matchers import accept_all, accepts, samples
from opsgen.proofs.state import Labels, Level, Series, Unsupported
from opsgen.quantities import number_text

Bounds = Mapping[str, Sequence[Decimal]]

HISTOGRAM_PARTS = ("_bucket", "_count", "_sum")

# The values that people expect on healthy series, best first; after them, what tells a series from
# its neighbours.
_STATUS_CODES = ("200", "500", "404", "302")
_GRPC_CODES = ("OK", "Internal", "INTERNAL")
_HEALTHY_VALUES = {
    "code": _STATUS_CODES,
    "http_response_status_code": _STATUS_CODES,
    "http_status_code": _STATUS_CODES,
    "response_code": _STATUS_CODES,
    "status": _STATUS_CODES,
    "status_code": _STATUS_CODES,
    "grpc_code": _GRPC_CODES,
    "grpc_status": _GRPC_CODES,
    "grpc_status_code": _GRPC_CODES,
    "rpc_grpc_status_code": ("0", "13"),
    "job": ("proof",),
    "instance": ("proof:9090",),
}
_OTHER_VALUES = ("other", "", "0", "-")
# Prometheus gives these to every series that it scrapes.
_ALWAYS = ("instance", "job")
_MOST_COMBINATIONS = 5_000

_DEFAULT_BOUNDS = (Decimal("0.1"), Decimal("0.5"), Decimal(1), Decimal(5))
# rate() and its kin make a counter of anything; the others are of gauges too, which may fall.
_COUNTER_FUNCTIONS = frozenset({"rate", "irate", "increase", "resets"})
_TREND_FUNCTIONS = SLOPES - _COUNTER_FUNCTIONS


class Load(NamedTuple):
    """How a histogram is set: observations per second, and the index of the bucket that all of them
    fall into."""

    rate: Decimal
    bucket: int


# A counter's increase per second, a gauge's level or a histogram's load; None where the source is
# absent.
Setting = Decimal | Load | None


@dataclass(frozen=True)
class PlainSource:
    """One counter or gauge. `narrow`: a special case of another selector's series, such as the
    failed requests of all; `falls`: a gauge of which only the trend is read, so that its slope may
    be negative."""

    series: Series
    counter: bool
    narrow: bool = False
    falls: bool = False

    def levels(self, setting: Setting) -> Iterator[tuple[Series, Level]]:
        if isinstance(setting, Decimal):
            yield self.series, Level(setting, self.counter)


@dataclass(frozen=True)
class HistogramSource:
    """One classic histogram; `bounds` are its finite upper bounds with the text of their `le`,
    ascending."""

    base: str
    labels: Labels
    bounds: tuple[tuple[Decimal, str], ...]
    narrow: bool = False

    def levels(self, setting: Setting) -> Iterator[tuple[Series, Level]]:
        """Cumulative buckets, `_count` and `_sum`, each observation being as large as its bucket
        allows."""
        if not isinstance(setting, Load):
            return
        for index, text in enumerate([*(text for _, text in self.bounds), "+Inf"]):
            labels = tuple(sorted([*self.labels, ("le", text)]))
            rate = setting.rate if index >= setting.bucket else Decimal(0)
            yield Series(f"{self.base}_bucket", labels), Level(rate, True)
        yield Series(f"{self.base}_count", self.labels), Level(setting.rate, True)
        yield (
            Series(f"{self.base}_sum", self.labels),
            Level(setting.rate * self._observation(setting.bucket), True),
        )

    def _observation(self, bucket: int) -> Decimal:
        highest = self.bounds[-1][0] if self.bounds else Decimal(1)
        return self.bounds[bucket][0] if bucket < len(self.bounds) else highest * 2


Source = PlainSource | HistogramSource


def sources(expressions: Sequence[Node], bounds: Bounds) -> tuple[Source, ...]:
    """The sources of all expressions, in the order in which their selectors are written.

    `bounds` are the finite bucket boundaries of histograms, by their base name. Raises Unsupported
    for a selector that no series can satisfy.
    """
    found = [selector for node in expressions for selector in selectors(node)]
    if any(selector.metric is None for selector in found):
        raise Unsupported("a selector without a metric's name can't be proven")
    histograms = {base for selector in found if (base := _bucket_base(selector.metric)) is not None}
    families: dict[str, dict[tuple[Matcher, ...], None]] = {}
    for selector in found:
        family = _family(selector.metric or "", histograms)
        without_le = tuple(
            m for m in selector.matchers if not (family in histograms and m.label == "le")
        )
        families.setdefault(family, {}).setdefault(tuple(sorted(without_le, key=_matcher_order)))
    usual = _usual_values(expressions, found)
    uses = _uses(expressions)
    made: list[Source] = []
    for family, kinds in families.items():
        parts = [s for s in found if _family(s.metric or "", histograms) == family]
        for labels, narrow in _label_sets(family, tuple(kinds), usual):
            if family in histograms:
                limits = _bounds_of(family, parts, bounds, expressions)
                made.append(HistogramSource(family, labels, limits, narrow))
            else:
                counter, falls = _kind(uses[family])
                made.append(PlainSource(Series(family, labels), counter, narrow, falls))
    return tuple(made)


def _matcher_order(matcher: Matcher) -> tuple[str, str, str]:
    return matcher.label, matcher.op, matcher.value


def _bucket_base(metric: str | None) -> str | None:
    return metric.removesuffix("_bucket") if metric and metric.endswith("_bucket") else None


def _family(metric: str, histograms: set[str]) -> str:
    """The base name of a histogram's part, or the metric itself."""
    bases = (metric.removesuffix(part) for part in HISTOGRAM_PARTS if metric.endswith(part))
    return next((base for base in bases if base in histograms), metric)


def _kind(uses: Set[str]) -> tuple[bool, bool]:
    """Whether a metric that is used so grows at a constant rate, and whether it may fall too."""
    trend_alone = bool(uses) and uses <= _TREND_FUNCTIONS
    return trend_alone or bool(uses & _COUNTER_FUNCTIONS), trend_alone


def _uses(expressions: Iterable[Node]) -> dict[str, set[str]]:
    """For each metric the functions that its selectors are passed to, empty text for none."""
    found: dict[str, set[str]] = {}

    def visit(node: Node, function: str) -> None:
        if isinstance(node, Selector):
            found.setdefault(node.metric or "", set()).add(function)
        passed_on = (
            function if isinstance(node, Subquery) and isinstance(node.expr, Selector) else ""
        )
        for child in children(node):
            visit(child, node.function if isinstance(node, Call) else passed_on)

    for expression in expressions:
        visit(expression, "")
    return found


def _usual_values(expressions: Iterable[Node], found: Iterable[Selector]) -> dict[str, str]:
    """For `job` and labels that join metrics, a value that the first selector of it takes, so that
    joins succeed."""
    joined = (
        {label for node in expressions for label in _joining_labels(node)}
        - _HEALTHY_VALUES.keys()
        - {"le"}
    )
    usual: dict[str, str] = {}
    for selector in found:
        for label in dict.fromkeys(matcher.label for matcher in selector.matchers):
            if label in joined or label == "job":
                matchers = [matcher for matcher in selector.matchers if matcher.label == label]
                fitting = (
                    v
                    for v in _candidates(label, matchers, {})
                    if v and all(accepts(m, v) for m in matchers)
                )
                usual.setdefault(label, next(fitting, ""))
    return usual


def _joining_labels(node: Node) -> Iterator[str]:
    """Those by which the sides of the expression's binary operators may find each other."""
    parts = list(walk(node))
    joins = [part for part in parts if isinstance(part, Binary) and not _has_number(part)]
    for join in joins:
        if join.matching is not None:
            yield from join.matching.labels if join.matching.on else ()
            yield from join.matching.include
    if joins:
        groupings = (part.grouping for part in parts if isinstance(part, Aggregate))
        yield from (
            label
            for kept in groupings
            if kept is not None and not kept.without
            for label in kept.labels
        )


def _has_number(node: Binary) -> bool:
    return isinstance(node.left, Number) or isinstance(node.right, Number)


def _label_sets(
    metric: str, kinds: Sequence[tuple[Matcher, ...]], usual: Mapping[str, str]
) -> Iterator[tuple[Labels, bool]]:
    """For each kind of selector the labels of a series that it selects and few others do; equal
    ones once."""
    labels = list(
        dict.fromkeys([*(matcher.label for kind in kinds for matcher in kind), *_ALWAYS, *usual])
    )
    choices = {label: _values_by_selection(label, kinds, usual) for label in labels}
    given: set[Labels] = set()
    for index, kind in enumerate(kinds):
        best = min(
            _series(index, labels, choices),
            key=lambda one: (one[1].bit_count(), one[0] in given),
            default=None,
        )
        if best is None:
            raise Unsupported(f"no series of {metric} can satisfy all of {_text(kind)}")
        if best[0] not in given:
            given.add(best[0])
            yield best[0], best[1].bit_count() > 1


def _text(matchers: Iterable[Matcher]) -> str:
    return "{" + ",".join(f'{m.label}{m.op}"{m.value}"' for m in matchers) + "}"


def _values_by_selection(
    label: str, kinds: Sequence[tuple[Matcher, ...]], usual: Mapping[str, str]
) -> list[tuple[str, int]]:
    """Values of one label, the most natural first, each with the set (as bits) of selectors that
    take it; one a set."""
    matchers = [matcher for kind in kinds for matcher in kind if matcher.label == label]
    by_selection: dict[int, str] = {}
    for value in _candidates(label, matchers, usual):
        bits = sum(
            1 << index
            for index, kind in enumerate(kinds)
            if all(accepts(matcher, value) for matcher in kind if matcher.label == label)
        )
        by_selection.setdefault(bits, value)
    return [(value, bits) for bits, value in by_selection.items()]


def known_values(label: str) -> tuple[str, ...]:
    """Values that a series may get for this label although nothing in any matcher names them, the
    best first."""
    return (*_HEALTHY_VALUES.get(label, ()), *_OTHER_VALUES)


def _candidates(label: str, matchers: Iterable[Matcher], usual: Mapping[str, str]) -> Iterator[str]:
    if label in usual:
        yield usual[label]
    yield from known_values(label)
    for matcher in matchers:
        yield from [matcher.value] if matcher.op in ("=", "!=") else samples(matcher.value)


def _series(
    index: int, labels: Sequence[str], choices: Mapping[str, list[tuple[str, int]]]
) -> Iterator[tuple[Labels, int]]:
    """Labels that selector `index` takes, the most natural first, each with the set of selectors
    that take them."""
    mine = 1 << index
    options = [
        [(label, *choice) for choice in choices[label] if choice[1] & mine] for label in labels
    ]
    for combination in islice(product(*options), _MOST_COMBINATIONS):
        selected = -1
        for _, _, bits in combination:
            selected &= bits
        yield tuple(sorted((label, value) for label, value, _ in combination if value)), selected


def _bounds_of(
    base: str, parts: Iterable[Selector], bounds: Bounds, expressions: Iterable[Node]
) -> tuple[tuple[Decimal, str], ...]:
    """The finite bounds, with those that an `le` matcher names added; the text is the one that
    matchers ask for."""
    le_matchers = [
        matcher for selector in parts for matcher in selector.matchers if matcher.label == "le"
    ]
    limits = {
        bound: _le_text(bound) for bound in bounds.get(base) or _guessed_bounds(base, expressions)
    }
    for matcher in le_matchers:
        if matcher.op in ("!=", "!~") or any(
            accepts(matcher, text) for text in [*limits.values(), "+Inf"]
        ):
            continue
        named = [matcher.value] if matcher.op == "=" else list(samples(matcher.value))
        limits |= {bound: text for text in named[:1] if (bound := _finite(text)) is not None}
    return tuple(sorted(limits.items()))


def _guessed_bounds(base: str, expressions: Iterable[Node]) -> tuple[Decimal, ...]:
    """Common bounds, and beyond them some that every number that the histogram is compared with
    lies between."""
    highest = _DEFAULT_BOUNDS[-1]
    readers = (
        node
        for node in expressions
        if any((s.metric or "").startswith(base) for s in selectors(node))
    )
    limits = {
        side.value
        for node in readers
        for part in walk(node)
        if isinstance(part, Binary) and part.op in COMPARISONS
        for side in (part.left, part.right)
        if isinstance(side, Number) and side.value.is_finite() and side.value >= highest
    }
    return tuple(sorted({*_DEFAULT_BOUNDS, *limits, *(limit * 2 for limit in limits)}))


def _finite(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _le_text(bound: Decimal) -> str:
    """As Go's shortest form writes it, which Prometheus 2 keeps: `0.3`, `1`, `1e+06` only from 1e21
    or below 1e-4."""
    if not bound or Decimal("1e-4") <= abs(bound) < Decimal("1e21"):
        return number_text(bound)
    mantissa = number_text(bound.scaleb(-bound.adjusted()))
    return f"{mantissa}e{bound.adjusted():+03d}"


def selects(selector: Selector, source: Source) -> bool:
    """Whether the selector reads any series of the source."""
    if isinstance(source, PlainSource):
        return selector.metric == source.series.metric and accept_all(
            selector.matchers, source.series.labels
        )
    if selector.metric not in {f"{source.base}{part}" for part in HISTOGRAM_PARTS}:
        return False
    return accept_all(
        (matcher for matcher in selector.matchers if matcher.label != "le"), source.labels
    )
