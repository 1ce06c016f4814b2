"""What is sure of the series that an expression gives: values that go together go in, what follows
of them together comes out.

A fact is about an expression without its conditions, such as `queue` in `queue > 5 and queue < 3`:
each series of the result has a partner there, whose labels are its own, and the fact says which
values that partner can have. Two facts about the same expression contradict each other where they
leave no value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from opsgen.labelflow.flow import KEEP_LABELS, is_scalar
from opsgen.labelflow.intervals import ANYTHING, Interval
from opsgen.labelflow.labels import Labels
from opsgen.labelflow.ranges import MIRRORED
from opsgen.promql import Binary, Call, Matching, Node, Selector, one_line
from opsgen.promql.tree import COMPARISONS, selectors


@dataclass(frozen=True, slots=True)
class Fact:
    """The values of an expression's series, and the labels that its series can have."""

    values: Interval
    labels: Labels


Facts = Mapping[Node, Fact]


@dataclass(frozen=True, slots=True)
class Values:
    """What is sure of each series of a result: its `range`, and facts.

    `base` is the expression whose values it passes on, and `own` what facts call that. Where
    `exact`, the result has all series of the base whose values are in there, and no others.
    """

    range: Interval
    labels: Labels
    base: Node
    own: Node
    facts: Facts = field(default_factory=dict, hash=False)
    exact: Interval | None = None

    def narrowed(self, op: str, other: Interval) -> Values:
        """What is left of it by a comparison that filters."""

        def left(one: Interval) -> Interval:
            return one.that_is(op, other)

        is_exact = self.exact is not None and other.is_one_number and op != "!="
        exact = left(self.exact) if self.exact is not None and is_exact else None
        fact = self.facts.get(self.own)
        facts = {**self.facts, self.own: replace(fact, values=left(fact.values))} if fact else {}
        return replace(self, range=left(self.range), facts=facts, exact=exact)


def plain(node: Node, values: Interval, labels: Labels) -> Values:
    """Of an expression that is its own base."""
    own = _name(node)
    if any(found.metric is None for found in selectors(node)):
        return Values(values, labels, node, own)  # series of several metrics may have equal labels
    return Values(values, labels, node, own, {own: Fact(values, labels)}, ANYTHING)


def _name(node: Node) -> Node:
    """The expression without matchers, where labels alone say which series it is: a series of
    `x{a="1"}` is the one of `x` with the same labels."""
    if isinstance(node, Selector):
        return replace(node, matchers=())
    if isinstance(node, Call) and node.function in KEEP_LABELS:
        return replace(node, args=tuple(_name(argument) for argument in node.args))
    return node


@dataclass(frozen=True, slots=True)
class Contradiction:
    """An expression, and two ranges for its values of which no value is in both."""

    node: Node
    left: Interval
    right: Interval


@dataclass(frozen=True, slots=True)
class Together:
    """Both sides of an operator whose series have met."""

    node: Binary
    left: Values
    right: Values

    @property
    def contradictions(self) -> tuple[Contradiction, ...]:
        ours, theirs = self._left_facts, self._right_facts
        return tuple(
            Contradiction(name, ours[name].values, theirs[name].values)
            for name in ours
            if name in theirs and (ours[name].values & theirs[name].values).is_impossible
        )

    @property
    def never_differ(self) -> bool:
        """Whether each series meets itself."""
        is_known = self.left.own in self.left.facts and self.left.base == self.right.base
        return is_known and self._determines(self.right.labels)

    @property
    def right_is_always_there(self) -> bool:
        """Whether the right side has a series wherever the left has one."""
        exact, fact = self.right.exact, self.left.facts.get(self.left.own)
        if exact is None or fact is None or not self.never_differ:
            return False
        return fact.values.within(exact)

    def met(self, labels: Labels) -> Values:
        """What is sure of the series that the operator lets through: those of the left side, with
        the result's labels."""
        facts = _both(self._left_facts, self._right_facts)
        if self.left.own in facts:
            values = facts[self.left.own].values
            return replace(self.left, range=values, labels=labels, facts=facts, exact=None)
        result = plain(self.node, self.left.range, labels)
        return replace(result, facts={**facts, **result.facts})

    @property
    def _left_facts(self) -> Facts:
        """Of a comparison's one-to-one match, the result has only labels that are matched on."""
        matching = self.node.matching
        if self.node.op not in COMPARISONS or matching is None:
            return self.left.facts
        if matching.group == "left" and not matching.include:
            return self.left.facts
        return self._determined(self.left.facts)

    @property
    def _right_facts(self) -> Facts:
        facts = self._determined(self.right.facts)
        if self.node.op not in COMPARISONS:
            return facts
        return _both(facts, self._order) if self._determines(self.right.labels) else facts

    @property
    def _order(self) -> Facts:
        """That the values of the left side are above, below or equal to those of the right, as a
        fact about their difference."""
        first, second, op = self.left.own, self.right.own, self.node.op
        if one_line(first) > one_line(second):
            first, second, op = second, first, MIRRORED[op]
        sign = ANYTHING.that_is(op, Interval(0, 0, nan=False))
        return {Binary("-", first, second): Fact(sign, self.right.labels)}

    def _determined(self, facts: Facts) -> Facts:
        return {name: fact for name, fact in facts.items() if self._determines(fact.labels)}

    def _determines(self, labels: Labels) -> bool:
        """Whether the labels that are matched on leave no choice among series with these labels."""
        return determines(self.node.matching, labels, self.left.labels)


def determines(matching: Matching | None, labels: Labels, other: Labels) -> bool:
    if matching is None:
        return True
    if matching.on:
        named = all(label in matching.labels for label in labels.known if labels.can_have(label))
        return named and not labels.others
    return not any(labels.can_have(label) or other.can_have(label) for label in matching.labels)


def _both(one: Facts, other: Facts) -> Facts:
    shared = {
        name: replace(one[name], values=one[name].values & other[name].values)
        for name in one
        if name in other
    }
    return {**one, **other, **shared}


def either(node: Node, left: Values, right: Values, labels: Labels) -> Values:
    """What is sure of the series of `left or right`."""
    facts = {
        name: Fact(left.facts[name].values | right.facts[name].values, labels)
        for name in left.facts
        if name in right.facts
    }
    values = left.range | right.range
    if left.own == right.own and left.own in facts:
        return Values(values, labels, left.base, left.own, facts)
    result = plain(node, values, labels)
    return replace(result, facts={**facts, **result.facts})


def filtered(node: Binary, left: Values, right: Values) -> Values:
    """What is left by a comparison with a scalar."""
    if is_scalar(node.left):
        return right.narrowed(MIRRORED[node.op], left.range)
    return left.narrowed(node.op, right.range)
