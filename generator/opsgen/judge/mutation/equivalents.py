"""Faults that change nothing: the table of the shapes in which a fault of a kind gives a rule that
says the same, each with the reason. Such a fault is listed, and neither planted nor counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from opsgen.judge.mutation.faults import Change
from opsgen.judge.mutation.rulefile import ALERTS, Rule, RuleFile, fits
from opsgen.promql import Aggregate, Binary, Call, Matcher, Node, Number, Selector
from opsgen.promql.rewrite import Place, transform
from opsgen.promql.tree import selectors, walk

# The label that says whose rules these are: no other file has series of this service.
_OWNER = "service"


@dataclass(frozen=True)
class Equivalence:
    """Faults of one kind that change nothing, with the reason."""

    kind: str
    holds: Callable[[Place, Change, RuleFile], bool]
    reason: str


def reason_of(kind: str, change: Change, file: RuleFile) -> str:
    """Why the change is none; empty where it is one."""
    place = change.place
    if place is None:
        return ""
    found = (one for one in EQUIVALENCES if one.kind == kind and one.holds(place, change, file))
    return next((one.reason for one in found), "")


def _zero_is_below_the_threshold(place: Place, _change: Change, _file: RuleFile) -> bool:
    """`(errors or 0 * total) / total > 0.02`: the zero stands on the left of `/` alone, and the
    quotient is asked to be above a positive number."""
    node = place.node
    for parent in reversed(place.above):
        if not isinstance(parent, Binary) or parent.left is not node:
            return False
        if _is_above(parent, at_least_zero=False):
            return True
        if parent.op != "/":
            return False
        node = parent
    return False


def _nothing_is_part_of_nothing(place: Place, _change: Change, _file: RuleFile) -> bool:
    """`errors / (total > 0) > 0.02`, where the errors are some of the total."""
    if len(place.above) < 2:
        return False
    asked, quotient = place.above[-2:]
    divisor = place.node
    if not (isinstance(asked, Binary) and isinstance(quotient, Binary)):
        return False
    is_asked = asked.left is quotient and _is_above(asked, at_least_zero=True)
    return is_asked and isinstance(divisor, Binary) and _is_part(quotient.left, divisor.left)


def _is_above(node: Binary, at_least_zero: bool) -> bool:
    """Whether the node asks for more than a number, which is positive, or zero too."""
    if node.op not in (">", ">=") or not isinstance(node.right, Number):
        return False
    return node.right.value > 0 or (at_least_zero and node.op == ">" and node.right.value == 0)


def _is_part(some: Node, everything: Node) -> bool:
    """Whether a sum of growths counts only what the other sum counts too."""
    if not all(_is_sum_of_growth(found) for node in (some, everything) for found in walk(node)):
        return False
    totals = [*selectors(everything)]
    return all(any(_is_narrower(one, total) for total in totals) for one in selectors(some))


def _is_sum_of_growth(node: Node) -> bool:
    match node:
        case Call():
            return node.function in ("rate", "increase")
        case Aggregate():
            return node.op == "sum"
        case Binary():
            return node.op in ("or", "*", "+")
        case _:
            return isinstance(node, Selector | Number)


def _is_narrower(one: Selector, total: Selector) -> bool:
    same = (one.metric, one.range, one.offset_ms, one.at) == (
        total.metric,
        total.range,
        total.offset_ms,
        total.at,
    )
    return same and set(total.matchers) <= set(one.matchers)


def _others_say_it(place: Place, change: Change, file: RuleFile) -> bool:
    """The file's own series are told apart by the other matchers, of which one is the service."""
    before = place.node
    after = change.node
    if not (isinstance(before, Selector) and isinstance(after, Selector)):
        return False
    if not any(matcher.label == _OWNER and matcher.op == "=" for matcher in after.matchers):
        return False
    rules = _makers(before, file)
    dropped = set(before.matchers) - set(after.matchers)
    is_told = all(matcher.op == "=" and matcher.label != "alertstate" for matcher in dropped)
    made = _fitting(before.matchers, rules)
    return bool(made) and is_told and made == _fitting(after.matchers, rules)


def _makers(selector: Selector, file: RuleFile) -> list[Rule]:
    """The rules that make series of the selector's name."""
    if selector.metric == ALERTS:
        return [rule for rule in file.rules if rule.is_alert]
    return file.records.get(selector.metric or "", [])


def _fitting(matchers: Iterable[Matcher], rules: list[Rule]) -> list[Rule]:
    """The rules whose own labels fit. What a rule does not say, its series may have."""
    kept = tuple(matcher for matcher in matchers if matcher.label != "alertstate")
    return [
        rule
        for rule in rules
        if fits(kept, {**rule.labels, **({"alertname": rule.name} if rule.is_alert else {})})
    ]


def _both_count_the_same(place: Place, change: Change, file: RuleFile) -> bool:
    """Two SLOs over the same events. Where series of both meet, their labels differ."""
    after = change.node
    meets = any(isinstance(parent, Binary) and not _has_number(parent) for parent in place.above)
    if meets or not (isinstance(place.node, Selector) and isinstance(after, Selector)):
        return False
    return _written_out(place.node, file) == _written_out(after, file)


def _has_number(node: Binary) -> bool:
    return isinstance(node.left, Number) or isinstance(node.right, Number)


def _written_out(node: Node, file: RuleFile) -> Node:
    """The query with every recorded series replaced by what records it."""

    def write_out(found: Node) -> Node:
        plain = isinstance(found, Selector) and found.range is None and not found.offset_ms
        rules = file.recording(found) if plain and isinstance(found, Selector) else []
        return _written_out(rules[0].tree, file) if len(rules) == 1 else found

    return transform(node, write_out)


EQUIVALENCES: tuple[Equivalence, ...] = (
    Equivalence(
        "or 0 * removed",
        _zero_is_below_the_threshold,
        "the alert asks for a ratio above a positive number: zero is below it, and so is nothing",
    ),
    Equivalence(
        "divisor > 0 removed",
        _nothing_is_part_of_nothing,
        "what is divided is part of the divisor: 0 / 0 is no number, which is above nothing",
    ),
    Equivalence(
        "matcher dropped",
        _others_say_it,
        "the other matchers select the same series of this service",
    ),
    Equivalence(
        "reads another SLO",
        _both_count_the_same,
        "both SLOs record the same events",
    ),
)
