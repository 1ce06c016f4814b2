"""A query on counters goes in; how its value grows with the events that they count comes out.

`rate()` is per second and `increase()` is per window, so the same events are another number in
every window. A query means the same in all of them only if twice the events give twice the value.
"""

from __future__ import annotations

from decimal import Decimal

from opsgen.promql.text import one_line
from opsgen.promql.tree import (
    Aggregate,
    Binary,
    Call,
    Node,
    Number,
    Subquery,
    Unary,
    children,
)

# The power of the number of events with which a value grows: 1 for events, 0 for ratios and fixed
# numbers. None is a value that no factor changes (0, infinity), and so goes with every power.
Power = Decimal | None

_EVENTS, _FIXED = Decimal(1), Decimal(0)
_COUNTING = frozenset({"rate", "increase"})
# Functions whose value grows as their first argument does.
_LIKE_FIRST = frozenset(
    {
        "abs",
        "histogram_count",
        "histogram_sum",
        "info",
        "label_join",
        "label_replace",
        "scalar",
        "sort",
        "sort_by_label",
        "sort_by_label_desc",
        "sort_desc",
        "vector",
    }
)
# Functions that compare their arguments, which must therefore grow alike.
_COMPARING = frozenset({"clamp", "clamp_max", "clamp_min"})
# Functions whose value does not depend on the number of events, however large it is.
_WITHOUT_SIZE = frozenset(
    {
        "absent",
        "histogram_avg",
        "histogram_fraction",
        "histogram_quantile",
        "histogram_stddev",
        "histogram_stdvar",
        "pi",
        "sgn",
        "time",
        "timestamp",
    }
)
_COUNTING_SERIES = frozenset({"count", "group"})
_LONGEST_SHOWN = 60


class FixedNumberError(Exception):
    """A fixed number meets a number of events in `operator`, a function or an operator.
    Printed, it is the part of the query that holds the number."""

    def __init__(self, operator: str, shown: str) -> None:
        super().__init__(shown)
        self.operator = operator


def power_of(node: Node) -> Power:
    """The power with which the query grows; raises FixedNumberError where there is none."""
    match node:
        case Number():
            is_unchanged = not node.value.is_finite() or node.value == 0
            return None if is_unchanged else _FIXED
        case Unary() | Subquery():
            return power_of(node.expr)
        case Call():
            return _of_call(node)
        case Aggregate():
            return _of_aggregate(node)
        case Binary():
            return _of_binary(node)
        case _:
            return _FIXED


def _of_call(node: Call) -> Power:
    if node.function in _COUNTING:
        return _EVENTS
    powers = [power_of(argument) for argument in children(node)]
    if node.function in _WITHOUT_SIZE:
        return _FIXED
    if node.function in _LIKE_FIRST:
        return powers[0]
    shown = _shown_call(node)
    if node.function in _COMPARING:
        return _alike(node.function, shown, powers)
    # Whatever else a function does, it does the same to a number that stays the same.
    return _alike(node.function, shown, [_FIXED, *powers])


def _of_aggregate(node: Aggregate) -> Power:
    power = power_of(node.expr)
    if node.op in _COUNTING_SERIES:
        return _FIXED
    if node.param is not None:
        _alike(node.op, _short(one_line(node)), [_FIXED, power_of(node.param)])
    return power


def _of_binary(node: Binary) -> Power:
    left, right = power_of(node.left), power_of(node.right)
    match node.op:
        case "*":
            return None if left is None or right is None else left + right
        case "/":
            return left if left is None or right is None else left - right
        case "^":
            return _raised(node, left, right)
        case "and" | "unless":
            return left
    both = _alike(node.op, _shown_binary(node, left, right), [left, right])
    # A comparison with `bool` gives 0 or 1, and atan2 an angle.
    return _FIXED if node.return_bool or node.op == "atan2" else both


def _raised(node: Binary, left: Power, right: Power) -> Power:
    if left is not None and isinstance(node.right, Number):
        return left * node.right.value
    return _alike(node.op, _shown_binary(node, left, right), [_FIXED, left, right])


def _alike(operator: str, shown: str, powers: list[Power]) -> Power:
    """The power that all have; raises FixedNumberError where they differ."""
    known = {power for power in powers if power is not None}
    if len(known) > 1:
        raise FixedNumberError(operator, shown)
    return next(iter(known), None)


def _shown_call(node: Call) -> str:
    """A call without its first argument, which is long: `clamp_min(..., 1)`."""
    rest = "".join(f", {one_line(argument)}" for argument in node.args[1:])
    return _short(f"{node.function}(...{rest})")


def _shown_binary(node: Binary, left: Power, right: Power) -> str:
    """The operator with its fixed side: `> 0.33`, `1 +`, `or vector(1)`."""
    if left == _FIXED != right:
        return _short(f"{one_line(node.left)} {node.op}")
    return _short(f"{node.op} {one_line(node.right)}")


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
