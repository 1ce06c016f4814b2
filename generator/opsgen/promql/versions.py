"""Says which part of a query needs a newer Prometheus than 2.42, the oldest supported one."""

from __future__ import annotations

from dataclasses import dataclass

from opsgen.promql.tree import Aggregate, Call, Node, Selector, walk

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
    "double_exponential_smoothing": None,
    "ts_of_min_over_time": None,
    "ts_of_max_over_time": None,
    "ts_of_last_over_time": None,
    "ts_of_first_over_time": None,
    "step": None,
    "min_of": None,
    "max_of": None,
    "histogram_quantiles": None,
}
_AGGREGATES: dict[str, Version | None] = {"limitk": None, "limit_ratio": None}
_UTF8_NAMES = (3, 0)


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
        what, since = _needs(found)
        if what and since is None:
            return TooNew(what, None)
        if what and since is not None and since > (major, minor):
            return TooNew(what, f"{since[0]}.{since[1]}")
    return None


def _needs(node: Node) -> tuple[str, Version | None]:
    """What a node uses that not every version has, and the version that brought it."""
    if isinstance(node, Call) and node.function in _FUNCTIONS:
        return f"{node.function}()", _FUNCTIONS[node.function]
    if isinstance(node, Aggregate) and node.op in _AGGREGATES:
        return node.op, _AGGREGATES[node.op]
    if isinstance(node, Selector) and not all(_plain(one.label) for one in node.matchers):
        return "a label name beyond ASCII", _UTF8_NAMES
    return "", (0, 0)


def _plain(label: str) -> bool:
    return label.isascii() and label.replace("_", "a").isalnum() and not label[:1].isdigit()
