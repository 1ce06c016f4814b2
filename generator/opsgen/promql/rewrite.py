"""PromQL trees go in, changed trees come out: with matchers added, other windows, and so on.

Also builds the few shapes that rules are made of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache

from opsgen.promql.durations import Computed, later, milliseconds
from opsgen.promql.mistakes import PromqlError
from opsgen.promql.parse import parse
from opsgen.promql.tree import (
    Aggregate,
    Binary,
    Call,
    Grouping,
    Matcher,
    Matching,
    Node,
    Number,
    Range,
    Selector,
    Subquery,
    Unary,
    children,
    walk,
)
from opsgen.quantities import Duration


def transform(node: Node, change: Callable[[Node], Node]) -> Node:
    """The tree with `change` applied to every node, children before their parents."""
    return change(_with_children(node, lambda child: transform(child, change)))


def _with_children(node: Node, change: Callable[[Node], Node]) -> Node:
    """The node with `change` applied to its direct sub-expressions."""
    match node:
        case Binary():
            return replace(node, left=change(node.left), right=change(node.right))
        case Call():
            return Call(node.function, tuple(change(argument) for argument in node.args))
        case Aggregate():
            # The parameter first, as it is written.
            param = None if node.param is None else change(node.param)
            return replace(node, expr=change(node.expr), param=param)
        case Unary():
            return Unary(change(node.expr))
        case Subquery():
            return replace(node, expr=change(node.expr))
        case _:
            return node


@dataclass(frozen=True)
class Place:
    """One node of a tree. `above` are the nodes that it is part of, the outermost first;
    `replaced` gives the whole tree with another node here."""

    node: Node
    above: tuple[Node, ...]
    replaced: Callable[[Node], Node]


def places(tree: Node) -> Iterator[Place]:
    """Every node of the tree in its place, parents first."""
    waiting = [Place(tree, (), lambda node: node)]
    while waiting:
        place = waiting.pop()
        yield place
        waiting.extend(
            Place(child, (*place.above, place.node), _replacing(place, position))
            for position, child in reversed([*enumerate(children(place.node))])
        )


def _replacing(parent: Place, position: int) -> Callable[[Node], Node]:
    """Puts a node in the place of one of the direct sub-expressions."""

    def replaced(node: Node) -> Node:
        fresh = [*children(parent.node)]
        fresh[position] = node
        in_order = iter(fresh)
        return parent.replaced(_with_children(parent.node, lambda _: next(in_order)))

    return replaced


def with_matchers(
    node: Node, matchers: Iterable[Matcher], concerns: Callable[[str], bool] = lambda _metric: True
) -> Node:
    """Every selector with the matchers added. A label that a selector already matches keeps what
    was written there.

    `concerns` says whether the series of a metric have the labels at all.
    """
    added = tuple(matchers)

    def add(found: Node) -> Node:
        if not isinstance(found, Selector) or not concerns(found.metric or ""):
            return found
        written = {matcher.label for matcher in found.matchers}
        fresh = tuple(matcher for matcher in added if matcher.label not in written)
        return replace(found, matchers=fresh + found.matchers)

    return transform(node, add)


def with_selectors(node: Node, named: Callable[[str], Node | None]) -> Node:
    """Every selector whose metric `named` knows, replaced by what `named` gives for it.

    Matchers, range, offset and `@` are kept.
    """

    def substitute(found: Node) -> Node:
        if not isinstance(found, Selector) or not found.metric:
            return found
        given = named(found.metric)
        if given is None:
            return found
        if not isinstance(given, Selector):
            raise TypeError("a selector can only be replaced by a selector")
        return replace(found, metric=given.metric, matchers=given.matchers + found.matchers)

    return transform(node, substitute)


def with_range(node: Node, window: Range) -> Node:
    """Every range selector with the range `window`.

    Subqueries keep their range: it is part of the question, not of how the answer is measured.
    """

    def widen(found: Node) -> Node:
        if isinstance(found, Selector) and found.range is not None:
            return replace(found, range=window)
        return found

    return transform(node, widen)


def with_offset(node: Node, offset: Duration) -> Node:
    """The same expression, asked of an earlier time."""
    match node:
        case Selector() | Subquery():
            # What is inside a subquery moves with it.
            if node.offset_by is not None:
                return replace(node, offset_by=later(node.offset_by, offset.milliseconds))
            return replace(node, offset_ms=node.offset_ms + offset.milliseconds)
        case Aggregate():
            return replace(node, expr=with_offset(node.expr, offset))
        case _:
            return _with_children(node, lambda child: with_offset(child, offset))


def with_function(node: Node, old: str, new: str) -> Node:
    """Every call of the function `old` made a call of `new`."""

    def swap(found: Node) -> Node:
        if isinstance(found, Call) and found.function == old:
            return replace(found, function=new)
        return found

    return transform(node, swap)


@lru_cache(maxsize=4096)
def rule_query(text: str) -> Node:
    """The tree of an expression that a rule asks; raises PromqlError."""
    return in_a_rule(parse(text))


def in_a_rule(node: Node) -> Node:
    """The expression as a rule asks it: at one moment, so that the step and the range of the query
    are zero. Raises PromqlError for a duration that is then none."""
    return transform(node, _settled)


def _settled(node: Node) -> Node:
    if not isinstance(node, Selector | Subquery):
        return node
    by = node.offset_by
    offset = node.offset_ms if by is None else milliseconds(by)
    if isinstance(node, Selector):
        return replace(node, range=_fixed(node.range), offset_ms=offset, offset_by=None)
    window = _fixed(node.range)
    assert window is not None  # a subquery has a range
    return replace(node, range=window, step=_fixed(node.step), offset_ms=offset, offset_by=None)


def _fixed(window: Range | None) -> Range | None:
    if not isinstance(window, Computed):
        return window
    length = milliseconds(window)
    if length <= 0:
        raise PromqlError(
            f"the range {window} is not above 0s in a rule, where step() and range() are 0s"
        )
    return Duration(length)


def number(value: Decimal | int) -> Number:
    return Number(Decimal(value))


def selector(metric: str, **labels: str) -> Selector:
    """An instant selector with equality matchers."""
    return Selector(metric, tuple(Matcher(label, "=", value) for label, value in labels.items()))


def ranged(node: Selector, window: Range) -> Selector:
    return replace(node, range=window)


def call(function: str, *args: Node) -> Call:
    return Call(function, args)


def sum_by(node: Node, labels: Iterable[str] = ()) -> Aggregate:
    """`sum(node)` or `sum by (labels) (node)`; a sum by the same labels already is not summed
    again."""
    wanted = tuple(labels)
    grouping = Grouping(wanted) if wanted else None
    if isinstance(node, Aggregate) and node.op == "sum" and node.grouping == grouping:
        return node
    return Aggregate("sum", node, grouping)


def binary(op: str, left: Node, right: Node, matching: Matching | None = None) -> Binary:
    return Binary(op, left, right, matching)


def all_of(nodes: Iterable[Node], matching: Matching | None = None) -> Node:
    """`a and b and c`."""
    first, *rest = nodes
    result = first
    for node in rest:
        result = Binary("and", result, node, matching)
    return result


def any_of(nodes: Iterable[Node]) -> Node:
    """`a or b or c`."""
    first, *rest = nodes
    result = first
    for node in rest:
        result = Binary("or", result, node)
    return result


def longest_lookback(node: Node) -> Duration:
    """How far back the expression reaches: its longest range plus offset, subqueries included."""
    reach = Duration(0)
    for found in walk(node):
        if isinstance(found, Selector | Subquery):
            own = found.range.milliseconds if isinstance(found.range, Duration) else 0
            inside = longest_lookback(found.expr).milliseconds if isinstance(found, Subquery) else 0
            reach = max(reach, Duration(max(0, own + inside + found.offset_ms)))
    return reach
