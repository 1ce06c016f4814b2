"""All recording rules go in; what is known of the series that they record comes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set

from opsgen.labelflow.flow import labels_of
from opsgen.labelflow.known import USUAL, Assumptions, Known, RecordingRule
from opsgen.labelflow.labels import Labels, exactly
from opsgen.promql import Node
from opsgen.promql.tree import selectors

# Chains of recording rules are seldom longer. Of a longer one a little less is known, but nothing
# wrong.
_PASSES = 8


def known_series(records: Iterable[RecordingRule], assumed: Assumptions = USUAL) -> Known:
    """What is known of series from all recording rules; `assumed` is for the expressions that are
    checked with it.

    A series that several rules record has only what all of them guarantee. Rules may read each
    other's series in any order, so this takes several passes: each is right whatever the one before
    left open, and the next only knows more.
    """
    rules = tuple(records)
    known: dict[str, Labels] = {rule.name: Labels.anything() for rule in rules}
    reads = [_metrics(rule.expr) & known.keys() for rule in rules]
    made = [Labels.anything() for _ in rules]
    stale = set(range(len(rules)))
    for _ in range(_PASSES):
        for position in stale:
            rule = rules[position]
            labels = labels_of(rule.expr, Known(known, rule.assumed))
            made[position] = _with_static(labels, rule.static)
        touched = {rules[position].name for position in stale}
        latest = {**known, **_united(rules, made, touched)}
        changed = {name for name in touched if latest[name] != known[name]}
        stale = {position for position, names in enumerate(reads) if names & changed}
        known = latest
        if not stale:
            break
    return Known(known, assumed, _of_buckets(rules))


def _of_buckets(rules: Sequence[RecordingRule]) -> frozenset[str]:
    """The series that are recorded of buckets only, also by way of other recorded series."""
    buckets: frozenset[str] = frozenset()
    for _ in range(_PASSES):
        known = Known(buckets=buckets)
        others = {rule.name for rule in rules if not known.are_buckets(rule.expr)}
        latest = frozenset(rule.name for rule in rules if rule.name not in others)
        if latest == buckets:
            break
        buckets = latest
    return buckets


def _metrics(expression: Node) -> set[str]:
    return {found.metric for found in selectors(expression) if found.metric is not None}


def _united(
    rules: Sequence[RecordingRule], made: Sequence[Labels], names: Set[str]
) -> dict[str, Labels]:
    """By name, what holds for all series of that name."""
    united: dict[str, Labels] = {}
    for rule, labels in zip(rules, made, strict=True):
        if rule.name in names:
            united[rule.name] = united[rule.name] | labels if rule.name in united else labels
    return united


def _with_static(labels: Labels, static: Mapping[str, str]) -> Labels:
    """The labels with a rule's own ones written over them."""
    own = {label: exactly(value) for label, value in static.items()}
    return Labels.of({**labels.known, **own}, labels.others)
