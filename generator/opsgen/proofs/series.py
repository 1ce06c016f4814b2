"""The selectors of all expressions go in; the series that a proof needs come out, as sources.

Each source can be set on its own. There is one for each selector of a metric, unless one series
serves several of them. The series of a histogram are one source.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from opsgen.promql import Call, Matcher, Node, Selector, Subquery
from opsgen.promql.tree import children, selectors
from opsgen.proofs.buckets import BucketBounds, bounds_of
from opsgen.proofs.functions import SLOPES
from opsgen.proofs.label_values import TARGET_LABELS, SeriesKind, label_sets, usual_values
from opsgen.proofs.matchers import accept_all
from opsgen.proofs.state import LabelSet, Series, SeriesLevel, Unsupported

HISTOGRAM_PARTS = ("_bucket", "_count", "_sum")

# A metric that these read is a counter; the others of SLOPES read gauges too, which may fall.
_COUNTER_FUNCTIONS = frozenset({"rate", "irate", "increase", "resets"})
_TREND_FUNCTIONS = SLOPES - _COUNTER_FUNCTIONS


class Load(NamedTuple):
    """How a histogram is set: observations per second, and the index of the bucket that all of them
    fall into."""

    rate: Decimal
    bucket: int


# A counter's increase per second, a gauge's level or a histogram's load; None where the source is
# absent.
SourceSetting = Decimal | Load | None


@dataclass(frozen=True)
class PlainSource:
    """One counter or gauge.

    `narrow`: other selectors read it too, such as the failed requests that are part of all
    requests. `falls`: a gauge of which only the trend is read, so that its slope may be negative.
    """

    series: Series
    counter: bool
    narrow: bool = False
    falls: bool = False

    def levels(self, setting: SourceSetting) -> Iterator[tuple[Series, SeriesLevel]]:
        if isinstance(setting, Decimal):
            yield self.series, SeriesLevel(setting, self.counter)


@dataclass(frozen=True)
class HistogramSource:
    """One classic histogram; `bounds` are its finite upper bounds with the text of their `le`,
    ascending."""

    base: str
    labels: LabelSet
    bounds: tuple[tuple[Decimal, str], ...]
    narrow: bool = False

    def levels(self, setting: SourceSetting) -> Iterator[tuple[Series, SeriesLevel]]:
        """Cumulative buckets, `_count` and `_sum`; each observation is as large as its bucket
        allows."""
        if not isinstance(setting, Load):
            return
        texts = [*(text for _, text in self.bounds), "+Inf"]
        for index, text in enumerate(texts):
            labels = tuple(sorted([*self.labels, ("le", text)]))
            rate = setting.rate if index >= setting.bucket else Decimal(0)
            yield Series(f"{self.base}_bucket", labels), SeriesLevel(rate, True)
        total = setting.rate * self._observation(setting.bucket)
        yield Series(f"{self.base}_count", self.labels), SeriesLevel(setting.rate, True)
        yield Series(f"{self.base}_sum", self.labels), SeriesLevel(total, True)

    def _observation(self, bucket: int) -> Decimal:
        if bucket < len(self.bounds):
            return self.bounds[bucket][0]
        highest = self.bounds[-1][0] if self.bounds else Decimal(1)
        return highest * 2


SeriesSource = PlainSource | HistogramSource


def series_sources(
    expressions: Sequence[Node],
    bounds: BucketBounds,
    target_labels: Sequence[str] = TARGET_LABELS,
) -> tuple[SeriesSource, ...]:
    """The sources of all expressions, in the order in which their selectors are written.

    `bounds` are the finite bucket boundaries of histograms, by their base name. Every series has
    the `target_labels`. Raises Unsupported for a selector that no series can satisfy.
    """
    found = [selector for node in expressions for selector in selectors(node)]
    usual = usual_values(expressions, found)
    uses = _uses(expressions)
    histograms = _histograms(found)
    made: list[SeriesSource] = []
    for family, parts in _by_family(found, histograms).items():
        is_histogram = family in histograms
        kinds = _kinds(parts, is_histogram)
        for labels, narrow in label_sets(family, kinds, usual, target_labels):
            if is_histogram:
                limits = bounds_of(family, parts, bounds, expressions)
                made.append(HistogramSource(family, labels, limits, narrow))
            else:
                counter, falls = _kind(uses[family])
                made.append(PlainSource(Series(family, labels), counter, narrow, falls))
    return tuple(made)


def selects(selector: Selector, source: SeriesSource) -> bool:
    """Whether the selector reads any series of the source."""
    if isinstance(source, PlainSource):
        series = source.series
        return selector.metric == series.metric and accept_all(selector.matchers, series.labels)
    if selector.metric not in {f"{source.base}{part}" for part in HISTOGRAM_PARTS}:
        return False
    matchers = (matcher for matcher in selector.matchers if matcher.label != "le")
    return accept_all(matchers, source.labels)


def _histograms(found: Iterable[Selector]) -> frozenset[str]:
    """The base names of the histograms whose buckets are read."""
    metrics = [selector.metric or "" for selector in found]
    if "" in metrics:
        raise Unsupported("a selector without a metric's name can't be proven")
    return frozenset(
        metric.removesuffix("_bucket") for metric in metrics if metric.endswith("_bucket")
    )


def _by_family(found: Iterable[Selector], histograms: Set[str]) -> dict[str, list[Selector]]:
    families: dict[str, list[Selector]] = {}
    for selector in found:
        families.setdefault(_family(selector.metric or "", histograms), []).append(selector)
    return families


def _family(metric: str, histograms: Set[str]) -> str:
    """The base name of a histogram's part, or the metric itself."""
    bases = (metric.removesuffix(part) for part in HISTOGRAM_PARTS if metric.endswith(part))
    return next((base for base in bases if base in histograms), metric)


def _kinds(parts: Iterable[Selector], is_histogram: bool) -> tuple[SeriesKind, ...]:
    """The matchers of each selector; once where selectors have the same, whatever their order."""
    kinds: dict[SeriesKind, None] = {}
    for selector in parts:
        matchers = (m for m in selector.matchers if not (is_histogram and m.label == "le"))
        kinds[tuple(sorted(matchers, key=_matcher_order))] = None
    return tuple(kinds)


def _matcher_order(matcher: Matcher) -> tuple[str, str, str]:
    return matcher.label, matcher.op, matcher.value


def _kind(uses: Set[str]) -> tuple[bool, bool]:
    """Whether a metric with these uses grows at a constant rate, and whether it may fall too."""
    trend_alone = bool(uses) and uses <= _TREND_FUNCTIONS
    return trend_alone or bool(uses & _COUNTER_FUNCTIONS), trend_alone


def _uses(expressions: Iterable[Node]) -> dict[str, set[str]]:
    """For each metric the functions that its selectors are passed to; the empty text for none."""
    found: dict[str, set[str]] = {}

    def visit(node: Node, function: str) -> None:
        if isinstance(node, Selector):
            found.setdefault(node.metric or "", set()).add(function)
        passed_on = _function_of_children(node, function)
        for child in children(node):
            visit(child, passed_on)

    for expression in expressions:
        visit(expression, "")
    return found


def _function_of_children(node: Node, function: str) -> str:
    if isinstance(node, Call):
        return node.function
    is_range_of_selector = isinstance(node, Subquery) and isinstance(node.expr, Selector)
    return function if is_range_of_selector else ""
