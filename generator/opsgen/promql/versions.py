"""Says which part of a query needs a newer Prometheus than 2.42, the oldest supported one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from opsgen.promql.text import is_plain_in_list, is_plain_label, is_plain_metric
from opsgen.promql.tree import (
    TRIMS,
    Aggregate,
    Binary,
    Call,
    Node,
    Selector,
    String,
    Subquery,
    walk,
)

Version = tuple[int, int]

# From Prometheus' CHANGELOG. None: the function still needs a feature flag, so no version has it.
_FUNCTIONS: dict[str, Version | None] = {
    "histogram_avg": (2, 51),
    "histogram_stdvar": (2, 46),
    "histogram_stddev": (2, 46),
    "first_over_time": (3, 14),
    "mad_over_time": None,
    "sort_by_label": None,
    "sort_by_label_desc": None,
    "info": None,
    "integral": None,
    "double_exponential_smoothing": None,
    "ts_of_min_over_time": None,
    "ts_of_max_over_time": None,
    "ts_of_last_over_time": None,
    "ts_of_first_over_time": None,
    "start": None,
    "end": None,
    "range": None,
    "step": None,
    "start_timestamp": None,
    "min_of": None,
    "max_of": None,
    "histogram_quantiles": None,
}
_AGGREGATES: dict[str, Version | None] = {"limitk": None, "limit_ratio": None}
# From the same CHANGELOG, as the release from which on no feature flag is needed; for arithmetic on
# durations as the one that brought it, since opsgen writes what it comes to.
_UTF8_NAMES = (3, 0)
_UTF8_IN_LABEL_REPLACE = (3, 3)
_TRIMS = (3, 11)
_DURATION_ARITHMETIC = (3, 4)
_EXTENDED_RANGES = (3, 16)

_Need = tuple[str, Version | None]


@dataclass(frozen=True)
class TooNew:
    """A part of an expression and the release that brought it (`3.0`); None where it still needs a
    feature flag."""

    what: str
    since: str | None


def too_new(node: Node, version: str) -> TooNew | None:
    """The first part of an expression that Prometheus `version` does not know, or None."""
    major, minor, *_ = (int(part) for part in version.split("."))
    for found in walk(node):
        for what, since in _needs(found):
            if since is None:
                return TooNew(what, None)
            if since > (major, minor):
                return TooNew(what, f"{since[0]}.{since[1]}")
    return None


def _needs(node: Node) -> Iterator[_Need]:
    """What a node uses that not every version has, and the version that brought it."""
    match node:
        case Call():
            yield from _of_call(node)
        case Aggregate():
            if node.op in _AGGREGATES:
                yield node.op, _AGGREGATES[node.op]
            yield from _of_list(node.grouping.labels if node.grouping else ())
        case Binary():
            if node.op in TRIMS:
                yield f"the operator {node.op}", _TRIMS
            if node.matching is not None:
                yield from _of_list((*node.matching.labels, *node.matching.include))
        case Selector():
            yield from _of_selector(node)
        case Subquery():
            yield from _of_durations(node)


def _of_call(node: Call) -> Iterator[_Need]:
    if node.function in _FUNCTIONS:
        yield f"{node.function}()", _FUNCTIONS[node.function]
    if node.function == "label_replace":
        labels = [one.value for one in node.args[1::2] if isinstance(one, String)]
        for _what, _since in _of_labels(labels):
            yield "a quoted name in label_replace()", _UTF8_IN_LABEL_REPLACE


def _of_selector(node: Selector) -> Iterator[_Need]:
    if node.metric is not None and not is_plain_metric(node.metric):
        yield _name(node.metric)
    yield from _of_labels(matcher.label for matcher in node.matchers)
    if node.extended is not None:
        yield node.extended, _EXTENDED_RANGES
    yield from _of_durations(node)


def _of_durations(node: Selector | Subquery) -> Iterator[_Need]:
    if node.arithmetic:
        yield "arithmetic on durations", _DURATION_ARITHMETIC


def _of_labels(labels: Iterable[str]) -> Iterator[_Need]:
    return (_name(label) for label in labels if not is_plain_label(label))


def _of_list(labels: Iterable[str]) -> Iterator[_Need]:
    return (_name(label) for label in labels if not is_plain_in_list(label))


def _name(name: str) -> _Need:
    return f"the quoted name {name!r}", _UTF8_NAMES
