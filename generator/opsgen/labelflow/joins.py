"""A binary operator goes in, with the labels of both sides; what is surely wrong with how the sides
find each other comes out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from opsgen.labelflow.facts import determines
from opsgen.labelflow.flow import JOINING, PICKING_AGGREGATIONS, Operands, clashes, matches_vectors
from opsgen.labelflow.known import Known
from opsgen.labelflow.labels import GONE, Domain, Labels, matcher_domain
from opsgen.labelflow.mismatches import Mismatch, headed, label_list, quoted
from opsgen.promql import Aggregate, Binary, Matcher, Matching, Node, Selector
from opsgen.promql.tree import COMPARISONS, selectors, walk


def join_faults(node: Binary, given: Operands, _known: Known) -> Iterator[Mismatch]:
    """What is surely wrong with how the two sides of an operator find each other."""
    if not matches_vectors(node) or node.op == "or":
        return
    left, right = given
    clashing = clashes(node.matching, left, right)
    if clashing and (node.op in JOINING or node.op == "unless"):
        yield _never_matches(node, clashing, left, right)
    elif node.matching is not None:
        yield from _several_for_one(node, node.matching, left, right)
        yield from _dead_on(node, node.matching, left, right)
        yield from _dead_include(node, node.matching, left, right)


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
            ours, theirs = one_of(left.domain(label)), one_of(right.domain(label))
            yield f"`{label}` is {ours} on the left and {theirs} on the right"


def one_of(domain: Domain) -> str:
    """What a label can be, in words that follow "is"."""
    values = [f'"{value}"' for value in sorted(domain.values or ())]
    values = values or sorted(map(str, domain.patterns))
    shown = values[:3]
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


def _several_for_one(
    node: Binary, matching: Matching, left: Labels, right: Labels
) -> Iterator[Mismatch]:
    """Several series of one side for each of the other, which is made of them by an aggregation:
    Prometheus fails to evaluate that unless `group_left` or `group_right` says so."""
    if matching.group is not None or node.op not in JOINING - {"and"}:
        return
    sides = [(node.right, right, node.left)]
    if node.op not in COMPARISONS or node.return_bool:
        # A comparison that filters may leave one series of the left side.
        sides.append((node.left, left, node.right))
    for many, labels, one in sides:
        if _is_made_of(one, many) and _has_several(matching, labels):
            group = "group_left" if many is node.left else "group_right"
            message = (
                f"{quoted(node)} fails: {quoted(many)} has several series for each one of"
                f" {headed(one)}, which is made of them"
            )
            yield Mismatch("many-to-one", message, f"write `{group}` after the matching")


def _has_several(matching: Matching, labels: Labels) -> bool:
    """Whether series with these labels differ in labels that are not matched on."""
    if matching.on:
        return not determines(matching, labels, labels)
    ignored = (labels.domain(label).values for label in matching.labels)
    return any(values is None or len(values) > 1 for values in ignored)


def _is_made_of(one: Node, many: Node) -> bool:
    """Whether one side aggregates the very series that the other side has."""
    if not isinstance(one, Aggregate) or one.op in PICKING_AGGREGATIONS:
        return False
    if any(isinstance(part, Aggregate | Binary) for part in walk(many)):
        return False
    read = {_series(found) for found in selectors(many)}
    return read == {_series(found) for found in selectors(one.expr)} and len(read) == 1


def _series(selector: Selector) -> tuple[str | None, frozenset[Matcher]]:
    return selector.metric, frozenset(selector.matchers)


def _dead_on(node: Binary, matching: Matching, left: Labels, right: Labels) -> Iterator[Mismatch]:
    """Labels that `on` names and that a side has dropped."""
    if not matching.on:
        return
    operator = f"`{node.op} on ({', '.join(matching.labels)})`"
    for side, labels in ((node.left, left), (node.right, right)):
        gone = gone_labels(matching.labels, side, labels)
        if gone:
            message = f"{operator} matches on {label_list(gone)}, which {quoted(side)} cannot have"
            mend = f"keep {label_list(gone)} there, or take it out of `on`"
            yield Mismatch("label-is-gone", message, mend)


def _dead_include(
    node: Binary, matching: Matching, left: Labels, right: Labels
) -> Iterator[Mismatch]:
    """Labels that `group_left` or `group_right` takes from a side that has dropped them."""
    one, labels = (node.left, left) if matching.group == "right" else (node.right, right)
    gone = gone_labels(matching.include, one, labels)
    if gone:
        operator = f"`group_{matching.group}`"
        message = f"{operator} takes {label_list(gone)} from {quoted(one)}, which cannot have it"
        mend = f"keep {label_list(gone)} there, or take it out of {operator}"
        yield Mismatch("label-is-gone", message, mend)


def gone_labels(wanted: Iterable[str], operand: Node, labels: Labels) -> tuple[str, ...]:
    """The wanted labels that the operand has dropped, without those that a selector in it requires
    to be empty: those are gone on purpose."""
    gone = tuple(label for label in wanted if not labels.can_have(label))
    if not gone:
        return ()
    matchers = [matcher for found in selectors(operand) for matcher in found.matchers]
    emptied = {matcher.label for matcher in matchers if matcher_domain(matcher) == GONE}
    return tuple(label for label in gone if label not in emptied)
