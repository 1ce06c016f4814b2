"""Expressions and alerts go in; mismatches come out: what is surely wrong with their labels.

Finds operators that can never match, labels that are gone, and alerts that always or never fire.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from opsgen.labelflow.annotations import prints_value, template_labels
from opsgen.labelflow.contradictions import judged
from opsgen.labelflow.facts import Values
from opsgen.labelflow.flow import (
    Operands,
    is_scalar,
    labels_of,
    operands,
    result_labels,
)
from opsgen.labelflow.intervals import Interval
from opsgen.labelflow.joins import gone_labels, join_faults, one_of
from opsgen.labelflow.known import NOTHING_KNOWN, Known
from opsgen.labelflow.labels import GONE, MAYBE, Domain, Labels, matcher_domain
from opsgen.labelflow.mismatches import Assumption, Mismatch, headed, label_list, quoted
from opsgen.labelflow.names import can_have_name
from opsgen.labelflow.unconditional import always_there
from opsgen.promql import Aggregate, Binary, Call, Node, Selector, String, Subquery

_ADDED_BY_RULE = (
    "write the value itself: a template sees the expression's labels, not those that the rule adds"
)


def check_expression(node: Node, known: Known = NOTHING_KNOWN) -> tuple[Mismatch, ...]:
    """Everything that is surely wrong with the labels in an expression, inner parts first, from
    what is `known` of series (`known_series`)."""
    return (*_not_a_vector(node), *_checked(node, known).findings)


def check_alert(
    node: Node,
    *,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    known: Known = NOTHING_KNOWN,
) -> tuple[Mismatch, ...]:
    """As `check_expression`; also whether the alert can be silent, and whether its templates print
    labels that it has.

    `labels` and `annotations` are the rule's own, by name, as written in the rule file.
    """
    static = labels or {}
    checked = _checked(node, known)
    templates = {f"labels.{name}": text for name, text in static.items()}
    templates |= {f"annotations.{name}": text for name, text in (annotations or {}).items()}
    alert = _Alert(node, checked.labels, static, known)
    if unusable := tuple(_not_a_vector(node)):
        return (*unusable, *checked.findings)
    return (*checked.findings, *_always_fires(node, known), *_printed(alert, templates))


def range_of(node: Node, known: Known = NOTHING_KNOWN) -> Interval:
    """The values that series of the expression's result can have, whatever the series are."""
    return _checked(node, known).values.range


class _Checked(NamedTuple):
    """The labels and the values of an expression, and what is wrong in it."""

    labels: Labels
    values: Values
    findings: tuple[Mismatch, ...]


def _checked(node: Node, known: Known) -> _Checked:
    inner = [_checked(operand, known) for operand in operands(node)]
    given = tuple([one.labels for one in inner])
    below = tuple([finding for one in inner for finding in one.findings])
    check = _CHECKS.get(type(node))
    here = () if check is None else tuple(check(node, given, known))
    labels = result_labels(node, given, known)
    values, contradictions = judged(node, [one.values for one in inner], labels, known)
    return _Checked(labels, values, below + here + contradictions)


def _not_a_vector(node: Node) -> Iterator[Mismatch]:
    """Prometheus loads such a rule, and then fails each time it evaluates it."""
    is_range = isinstance(node, Subquery) or (isinstance(node, Selector) and node.range is not None)
    if is_range:
        message = f"{quoted(node)} is a range of samples: a rule needs one value for each series"
        yield Mismatch("not-a-vector", message, "take a function of it: `rate(...)`")
    if isinstance(node, String):
        message = f"{quoted(node)} is a text: a rule needs one value for each series"
        yield Mismatch("not-a-vector", message, "write an expression without quotes around it")


def _selector(node: Selector, _given: Operands, known: Known) -> Iterator[Mismatch]:
    if not node.matchers:
        return
    asked: dict[str, Domain] = {}
    for matcher in node.matchers:
        asked[matcher.label] = asked.get(matcher.label, MAYBE) & matcher_domain(matcher)
    impossible = [label for label, domain in asked.items() if domain.impossible]
    if impossible:
        message = (
            f"{quoted(node)} selects nothing:"
            f" its matchers on {label_list(impossible)} contradict each other"
        )
        yield Mismatch(
            "selects-nothing", message, 'keep one of them, or list the values: `=~"a|b"`'
        )
    else:
        yield from _selects_what_is_not(node, asked, known)


def _selects_what_is_not(
    node: Selector, asked: Mapping[str, Domain], known: Known
) -> Iterator[Mismatch]:
    """Labels that no series of the metric has, by the rules that record it or by Prometheus
    itself."""
    labels = known.of(node.metric)
    had = {label: labels.domain(label) for label in asked}
    sure = (label for label in asked if had[label].values is not None)
    label = next((one for one in sure if (had[one] & asked[one]).impossible), None)
    if label is None:
        return
    if had[label] == GONE:
        message = (
            f"{quoted(node)} selects nothing: no rule that records it keeps `{label}`,"
            " unless another server adds it"
        )
        right = f"keep `{label}` where it is recorded, or leave the matcher out"
        yield Mismatch("selects-nothing", message, right, assumes="no-external-labels")
    else:
        message = f"{quoted(node)} selects nothing: `{label}` is always {one_of(had[label])}"
        yield Mismatch("selects-nothing", message, "ask for a value that there is")


def _aggregate(node: Aggregate, given: Operands, _known: Known) -> Iterator[Mismatch]:
    if node.grouping is None or node.grouping.without:
        return
    gone = gone_labels(node.grouping.labels, node.expr, given[0])
    if gone:
        message = (
            f"{quoted(node)} groups by {label_list(gone)}, which {quoted(node.expr)} cannot have"
        )
        right = f"keep {label_list(gone)} inside, or take it out of `by`"
        yield Mismatch("label-is-gone", message, right)


def _call(node: Call, given: Operands, known: Known) -> Iterator[Mismatch]:
    if node.function == "histogram_quantile" and len(given) > 1:
        yield from _quantile(node, node.args[1], given[1], known)
    if node.function == "label_replace" and len(node.args) > 3:
        yield from _label_replace(node, given[0])


def _quantile(node: Call, buckets: Node, given: Labels, known: Known) -> Iterator[Mismatch]:
    """Only for series that are surely classic buckets: a native histogram has no `le`, and needs
    none."""
    if known.are_buckets(buckets) and not given.can_have("le"):
        message = (
            f"{quoted(node)} is always empty:"
            f" {quoted(buckets)} has dropped `le`, the buckets' bounds"
        )
        yield Mismatch(
            "quantile-without-le", message, "add `le` to the aggregation: `by (le, ...)`"
        )


def _label_replace(node: Call, given: Labels) -> Iterator[Mismatch]:
    vector, _, replacement, source, *_ = node.args
    if not isinstance(replacement, String) or not isinstance(source, String):
        return
    reads_source = "$" in replacement.value and source.value != ""
    gone = gone_labels((source.value,), vector, given) if reads_source else ()
    if gone:
        message = f"{quoted(node)} reads {label_list(gone)}, which {quoted(vector)} cannot have"
        right = f"keep {label_list(gone)} inside, or read another label"
        yield Mismatch("label-is-gone", message, right)


@dataclass(frozen=True)
class _Alert:
    """An alert's expression, the labels of its result, the labels that the rule adds, and what is
    known of series."""

    node: Node
    result: Labels
    static: Mapping[str, str]
    known: Known


def _always_fires(node: Node, known: Known) -> Iterator[Mismatch]:
    reason = always_there(node, known)
    if reason:
        message = f"the alert fires whatever the values are: in {quoted(node)} {reason}"
        yield Mismatch("always-fires", message, "compare with a threshold: `... > 0.05`")


def _printed(alert: _Alert, templates: Mapping[str, str]) -> Iterator[Mismatch]:
    for where, text in templates.items():
        if "{{" not in text:
            continue
        for label in template_labels(text):
            if not _can_have(alert.node, label, alert.known):
                yield _prints_nothing(where, label, alert)
        if where.startswith("labels.") and prints_value(text):
            name = where.removeprefix("labels.")
            message = f"the label `{name}` holds the alert's value: each new value is a new alert"
            yield Mismatch("value-in-label", message, "print the value in an annotation", where)


def _prints_nothing(where: str, label: str, alert: _Alert) -> Mismatch:
    place, name = where.split(".", 1)
    lost = _where_lost(alert.node, label, alert.known)
    message = (
        f"the {place.removesuffix('s')} `{name}` prints `$labels.{label}`,"
        f" which {headed(lost)} does not keep"
    )
    if label in alert.static or label == "alertname":
        return Mismatch("annotation-label-is-gone", message, _ADDED_BY_RULE, where)
    is_recorded = isinstance(lost, Selector)
    if is_recorded:
        message += ", unless another server adds it"
    result = alert.result
    has = label_list(known for known in sorted(result.known) if result.can_have(known))
    right = f"keep `{label}` in the expression, or print what the result has: {has or 'no label'}"
    assumes: Assumption | None = "no-external-labels" if is_recorded else None
    return Mismatch("annotation-label-is-gone", message, right, where, assumes)


def _where_lost(node: Node, label: str, known: Known) -> Node:
    """The innermost part of the expression from which on the label cannot be there."""
    for operand in operands(node):
        is_vector = not isinstance(operand, String) and not is_scalar(operand)
        if is_vector and not _can_have(operand, label, known):
            return _where_lost(operand, label, known)
    return node


def _can_have(node: Node, label: str, known: Known) -> bool:
    return can_have_name(node) if label == "__name__" else labels_of(node, known).can_have(label)


_CHECKS: dict[type[Node], Callable[..., Iterator[Mismatch]]] = {
    Aggregate: _aggregate,
    Binary: join_faults,
    Call: _call,
    Selector: _selector,
}
