"""The table of faults that are planted: a rule goes in, and the rule with one fault comes out, for
each place where the fault applies.

To add a kind of fault, write its function and its row. Annotations are left out: the proofs are
about what fires, and no proof reads a text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opsgen.judge.mutation import query_faults as query
from opsgen.judge.mutation import rule_faults as rule
from opsgen.judge.mutation.rulefile import Rule, RuleFile
from opsgen.promql import Node, one_line, pretty
from opsgen.promql.rewrite import Place, places

_ROUTING_LABELS = (
    "service", "team", "tier", "environment", "severity", "signal", "slo", "step"
)  # fmt: skip
# Characters of a query that a message shows, and those around what changed.
_SHOWN = 160
_AROUND = 80


@dataclass(frozen=True)
class Change:
    """A rule with one fault. `fields` is None where the rule is gone; `place` and `node` say which
    node of the query is another one now, where it is the query that is wrong."""

    words: str
    fields: Mapping[str, Any] | None
    place: Place | None = None
    node: Node | None = None


@dataclass(frozen=True)
class FaultKind:
    """One kind of fault, and where it can be planted in a rule."""

    name: str
    plant: Callable[[Rule, RuleFile], Iterator[Change]]


def in_query(name: str, fault: query.QueryFault) -> FaultKind:
    def plant(found: Rule, file: RuleFile) -> Iterator[Change]:
        for place in places(found.tree):
            for node in fault(place, file):
                fields = {**found.fields, "expr": pretty(place.replaced(node))}
                yield Change(_words(place.node, node), fields, place, node)

    return FaultKind(name, plant)


def in_rule(name: str, fault: rule.RuleFault) -> FaultKind:
    def plant(found: Rule, _file: RuleFile) -> Iterator[Change]:
        for words, fields in fault(found):
            yield Change(words, fields)

    return FaultKind(name, plant)


def _words(was: Node, becomes: Node) -> str:
    """The two texts, cut to what differs and a little around it."""
    before, after = one_line(was), one_line(becomes)
    start = _same_until(before, after)
    end = _same_until(before[start:][::-1], after[start:][::-1])
    start, end = max(start - _AROUND, 0), max(end - _AROUND, 0)
    return f"{_cut(before, start, end)} becomes {_cut(after, start, end)}"


def _same_until(one: str, other: str) -> int:
    """How many characters are the same from the start."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))


def _cut(text: str, start: int, end: int) -> str:
    """The text without its first and last characters, and cut in the middle if it is long still."""
    kept = text[start : len(text) - end]
    half = _SHOWN // 2
    kept = kept if len(kept) <= _SHOWN else f"{kept[:half]} ... {kept[-half:]}"
    return f"{'...' if start else ''}{kept}{'...' if end else ''}"


# In the order in which they are reported.
FAULTS: tuple[FaultKind, ...] = (
    *(in_query(f"threshold x{by}", query.threshold_times(by)) for by in ("0.1", "0.5", "2", "10")),
    *(in_query(f"guard x{by}", query.guard_times(by)) for by in ("0.1", "0.5", "2", "10")),
    in_query("constant x10", query.constant_ten_times),
    in_query("quantile -> 0.5", query.median),
    in_query("comparison flipped", query.flipped),
    in_query("and -> or", query.and_to_or),
    in_query("tier dropped", query.tier_dropped),
    in_query("guard removed", query.guard_removed),
    in_query("condition removed", query.condition_removed),
    in_query("exception removed", query.exception_removed),
    in_query("or 0 * removed", query.zero_removed),
    in_query("divisor > 0 removed", query.positive_divisor_removed),
    in_query("quotient swapped", query.quotient_swapped),
    in_query("difference swapped", query.difference_swapped),
    in_query("window changed", query.window_changed),
    in_query("subquery window changed", query.subquery_window_changed),
    in_query("subquery step changed", query.subquery_step_changed),
    in_query("reads the shortest window", query.reads_shortest_window),
    in_query("reads the longest window", query.reads_longest_window),
    in_query("offset dropped", query.offset_dropped),
    in_query("matcher dropped", query.matcher_dropped),
    in_query("matcher wrong", query.matcher_wrong),
    in_query("5xx -> 4xx", query.client_errors),
    in_query("other bucket", query.other_bucket),
    in_query("reads another SLO", query.other_slo),
    in_query("firing -> pending", query.firing_to_pending),
    in_query("rate -> irate", query.called_otherwise("rate", "irate")),
    in_query("increase -> delta", query.called_otherwise("increase", "delta")),
    in_rule("for dropped", rule.without("for")),
    in_rule("for -> 45m", rule.changed("for", "45m")),
    in_rule("for -> 3d", rule.changed("for", "3d")),
    in_rule("keep_firing_for dropped", rule.without("keep_firing_for")),
    in_rule("keep_firing_for -> 90m", rule.changed("keep_firing_for", "90m")),
    in_rule("record renamed", rule.record_renamed),
    in_rule("record label wrong", rule.record_label_wrong),
    *(in_rule(f"label {label} changed", rule.label_changed(label)) for label in _ROUTING_LABELS),
    in_rule("alert deleted", rule.deleted),
)
