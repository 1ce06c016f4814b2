"""Expressions and alerts go in; mismatches come out: what is surely wrong with their labels.

Finds operators that can never match, labels that are gone, and alerts that always or never fire.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from opsgen.labelflow.annotations import prints_value, template_labels
from opsgen.labelflow.flow import (
    JOINING,
    Operands,
    clashes,
    is_scalar,
    labels_of,
    matches_vectors,
    operands,
    result_labels,
)
from opsgen.labelflow.known import NOTHING_KNOWN, Known
from opsgen.labelflow.labels import GONE, MAYBE, Domain, Labels, matcher_domain
from opsgen.labelflow.mismatches import Assumption, Mismatch, headed, label_list, quoted
from opsgen.labelflow.values import always_there, never_true
from opsgen.promql import Aggregate, Binary, Call, Matching, Node, Selector, String
from opsgen.promql.tree import selectors

_ADDED_BY_RULE = (
    "write the value itself: a template sees the expression's labels, not those that the rule adds"
)


def check_expression(node: Node, known: Known = NOTHING_KNOWN) -> tuple[Mismatch, ...]:
    """Everything that is surely wrong with the labels in an expression, inner parts first, from
    what is `known` of series (`known_series`)."""
    return _checked(node, known)[1]


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
    result, findings = _checked(node, known)
    templates = {f"labels.{name}": text for name, text in static.items()}
    templates |= {f"annotations.{name}": text for name, text in (annotations or {}).items()}
    alert = _Alert(node, result, static, known)
    return (*findings, *_always_fires(node, known), *_printed(alert, templates))


_Checked = tuple[Labels, tuple[Mismatch, ...]]


def _checked(node: Node, known: Known) -> _Checked:
    """The labels of the expression, and what is wrong in it."""
    inner = [_checked(operand, known) for operand in operands(node)]
    given = tuple([labels for labels, _ in inner])
    below = tuple([finding for _, findings in inner for finding in findings])
    check = _CHECKS.get(type(node))
    here = () if check is None else tuple(check(node, given))
    return result_labels(node, given, known), below + here


def _selector(node: Selector, _given: Operands) -> Iterator[Mismatch]:
    if len({matcher.label for matcher in node.matchers}) == len(node.matchers):
        return  # one matcher of a label contradicts nothing
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


def _aggregate(node: Aggregate, given: Operands) -> Iterator[Mismatch]:
    if node.grouping is None or node.grouping.without:
        return
    gone = _gone(node.grouping.labels, node.expr, given[0])
    if gone:
        message = (
            f"{quoted(node)} groups by {label_list(gone)}, which {quoted(node.expr)} cannot have"
        )
        right = f"keep {label_list(gone)} inside, or take it out of `by`"
        yield Mismatch("label-is-gone", message, right)


def _call(node: Call, given: Operands) -> Iterator[Mismatch]:
    if node.function == "histogram_quantile" and len(given) > 1:
        yield from _quantile(node, node.args[1], given[1])
    if node.function == "label_replace" and len(node.args) > 3:
        yield from _label_replace(node, given[0])


def _quantile(node: Call, buckets: Node, given: Labels) -> Iterator[Mismatch]:
    """Only for series that are surely classic buckets: a native histogram has no `le`, and needs
    none."""
    metrics = [found.metric or "" for found in selectors(buckets)]
    are_buckets = bool(metrics) and all(metric.endswith("_bucket") for metric in metrics)
    if are_buckets and not given.can_have("le"):
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
    gone = _gone((source.value,), vector, given) if reads_source else ()
    if gone:
        message = f"{quoted(node)} reads {label_list(gone)}, which {quoted(vector)} cannot have"
        right = f"keep {label_list(gone)} inside, or read another label"
        yield Mismatch("label-is-gone", message, right)


def _binary(node: Binary, given: Operands) -> Iterator[Mismatch]:
    if never_true(node):
        message = f"{quoted(node)} is never true, whatever the series are"
        yield Mismatch("never-fires", message, _comparison_right(node))
    if not matches_vectors(node) or node.op == "or":
        return
    left, right = given
    clashing = clashes(node.matching, left, right)
    if clashing and (node.op in JOINING or node.op == "unless"):
        yield _never_matches(node, clashing, left, right)
    elif node.matching is not None:
        yield from _dead_on(node, node.matching, left, right)
        yield from _dead_include(node, node.matching, left, right)


def _comparison_right(node: Binary) -> str:
    sides = (node.left, node.right)
    if any(isinstance(side, Aggregate) and side.op == "count" for side in sides):
        return "a count of nothing is no series, not 0: ask `absent(...)`, or count `or vector(0)`"
    return "compare with a value that the left side can reach"


def _never_matches(
    node: Binary, clashing: tuple[str, ...], left: Labels, right: Labels
) -> Mismatch:
    reasons = "; ".join(_reasons(clashing, left, right))
    if_scraped = not any(
        (left.domain(label).without_assumption & right.domain(label).without_assumption).impossible
        for label in clashing
    )
    if if_scraped:
        reasons += ", if these series are scraped"
    mend = _matching_right(node, clashing, left, right)
    if node.op == "unless":
        message = f"{quoted(node)} has no effect, since its two sides never match: {reasons}"
        return Mismatch("has-no-effect", message, mend, assumes="scraped" if if_scraped else None)
    message = f"the two sides of `{node.op}` never match in {quoted(node)}: {reasons}"
    return Mismatch("never-matches", message, mend, assumes="scraped" if if_scraped else None)


def _reasons(clashing: Iterable[str], left: Labels, right: Labels) -> Iterator[str]:
    only_right = [label for label in clashing if left.domain(label) == GONE]
    only_left = [label for label in clashing if right.domain(label) == GONE]
    if only_left:
        yield f"the left side always has {label_list(only_left)}, which the right side cannot have"
    if only_right:
        yield f"the right side always has {label_list(only_right)}, which the left side cannot have"
    for label in clashing:
        if label not in only_left and label not in only_right:
            ours, theirs = _one_of(left.domain(label)), _one_of(right.domain(label))
            yield f"`{label}` is {ours} on the left and {theirs} on the right"


def _one_of(domain: Domain) -> str:
    values = sorted(domain.values or ())
    shown = [f'"{value}"' for value in values[:3]]
    if len(values) > 3:
        shown.append("...")
    if domain.missing:
        shown.append("missing")
    return " or ".join(shown)


def _matching_right(node: Binary, clashing: tuple[str, ...], left: Labels, right: Labels) -> str:
    if node.matching is not None and node.matching.on:
        return f"keep {label_list(clashing)} on both sides, or take it out of `on`"
    closed = [side for side in (left, right) if not side.others]
    if not closed:
        return (
            f"leave {label_list(clashing)} out of the matching: `ignoring ({', '.join(clashing)})`"
        )
    one = closed[0]
    both = [label for label in sorted(one.known) if left.can_have(label) and right.can_have(label)]
    group = "" if node.op in ("and", "unless") else _group_for(one is left)
    labels = ", ".join(label for label in both if label not in clashing)
    return (
        "aggregate both sides to the same labels, or match on those that both have:"
        f" `{node.op} on ({labels}){group}`"
    )


def _group_for(one_is_left: bool) -> str:
    """The many-side is the other one."""
    return " group_right" if one_is_left else " group_left"


def _dead_on(node: Binary, matching: Matching, left: Labels, right: Labels) -> Iterator[Mismatch]:
    """Labels that `on` names and that a side has dropped."""
    if not matching.on:
        return
    operator = f"`{node.op} on ({', '.join(matching.labels)})`"
    for side, labels in ((node.left, left), (node.right, right)):
        gone = _gone(matching.labels, side, labels)
        if gone:
            message = f"{operator} matches on {label_list(gone)}, which {quoted(side)} cannot have"
            mend = f"keep {label_list(gone)} there, or take it out of `on`"
            yield Mismatch("label-is-gone", message, mend)


def _dead_include(
    node: Binary, matching: Matching, left: Labels, right: Labels
) -> Iterator[Mismatch]:
    """Labels that `group_left` or `group_right` takes from a side that has dropped them."""
    one, labels = (node.left, left) if matching.group == "right" else (node.right, right)
    gone = _gone(matching.include, one, labels)
    if gone:
        operator = f"`group_{matching.group}`"
        message = f"{operator} takes {label_list(gone)} from {quoted(one)}, which cannot have it"
        mend = f"keep {label_list(gone)} there, or take it out of {operator}"
        yield Mismatch("label-is-gone", message, mend)


def _gone(wanted: Iterable[str], operand: Node, labels: Labels) -> tuple[str, ...]:
    """The wanted labels that the operand has dropped, without those that a selector in it requires
    to be empty: those are gone on purpose."""
    gone = tuple(label for label in wanted if not labels.can_have(label))
    if not gone:
        return ()
    matchers = [matcher for found in selectors(operand) for matcher in found.matchers]
    emptied = {matcher.label for matcher in matchers if matcher_domain(matcher) == GONE}
    return tuple(label for label in gone if label not in emptied)


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
            if not alert.result.can_have(label):
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
        if is_vector and not labels_of(operand, known).can_have(label):
            return _where_lost(operand, label, known)
    return node


_CHECKS: dict[type[Node], Callable[..., Iterator[Mismatch]]] = {
    Aggregate: _aggregate,
    Binary: _binary,
    Call: _call,
    Selector: _selector,
}
