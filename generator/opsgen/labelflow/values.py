"""A PromQL tree goes in; what is sure about its values comes out, whatever the series are: whether
a comparison can be true, and whether there is a condition at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from opsgen.labelflow.flow import is_scalar
from opsgen.labelflow.known import Known
from opsgen.promql import Aggregate, Binary, Call, Node, Number, Selector, Unary
from opsgen.promql.tree import COMPARISONS, SET_OPERATORS, walk

_INFINITY = Decimal("Infinity")


@dataclass(frozen=True, slots=True)
class ValueBounds:
    """The least and the greatest value that a series of the result can have, apart from NaN."""

    least: Decimal
    greatest: Decimal


_ONE = ValueBounds(Decimal(1), Decimal(1))
_AT_LEAST_ONE = ValueBounds(Decimal(1), _INFINITY)
_TRUTH = ValueBounds(Decimal(0), Decimal(1))

# A count of nothing is no series, not 0.
_BOUNDED_AGGREGATIONS = {"count": _AT_LEAST_ONE, "count_values": _AT_LEAST_ONE, "group": _ONE}
_BOUNDED_FUNCTIONS = {
    "absent": _ONE,
    "absent_over_time": _ONE,
    "count_over_time": _AT_LEAST_ONE,
    "present_over_time": _ONE,
}
_SAME_VALUE_AGGREGATIONS = frozenset({"min", "max", "topk", "bottomk", "limitk"})
_SAME_VALUE_FUNCTIONS = frozenset(
    {"label_join", "label_replace", "sort", "sort_by_label", "sort_desc", "vector"}
)

_NEVER: dict[str, Callable[[ValueBounds, ValueBounds], bool]] = {
    ">": lambda left, right: left.greatest <= right.least,
    ">=": lambda left, right: left.greatest < right.least,
    "<": lambda left, right: left.least >= right.greatest,
    "<=": lambda left, right: left.least > right.greatest,
    "==": lambda left, right: left.greatest < right.least or right.greatest < left.least,
    "!=": lambda left, right: left.least == left.greatest == right.least == right.greatest,
}

# What these give is a measurement, there whether all is well or not; a bare series may be there
# only in trouble.
_MEASURING_FUNCTIONS = (
    "rate irate increase delta idelta deriv predict_linear changes resets histogram_quantile"
)
_MEASUREMENTS = frozenset(_MEASURING_FUNCTIONS.split())
_MEASURING_OPERATORS = frozenset({"-", "/", "%"})


def never_true(node: Binary) -> bool:
    """Whether a filtering comparison is false for any values of the series in it."""
    if node.op not in COMPARISONS or node.return_bool:
        return False
    left, right = _bounds(node.left), _bounds(node.right)
    return left is not None and right is not None and _NEVER[node.op](left, right)


def always_there(node: Node, known: Known) -> str:
    """Why an alert on the expression fires whatever the values are; empty where it may not.

    A bare `vector(1)` is a watchdog, and a bare series may exist only in trouble: both are left
    alone.
    """
    if isinstance(node, Binary) and node.op == "or":
        sides = (node.left, node.right)
        if any(_is_constant_vector(side) for side in sides):
            return "one side of its `or` is always there"
        reasons = (always_there(side, known) for side in sides)
        return next((reason for reason in reasons if reason), "")
    parts = list(walk(node))
    if any(_filters(part, known) for part in parts):
        return ""
    if any(isinstance(part, Binary) and part.return_bool for part in parts):
        return "`bool` turns its comparison into a 0 or a 1 where a filter is needed"
    return "nothing is compared" if any(_measures(part) for part in parts) else ""


def _bounds(node: Node) -> ValueBounds | None:
    match node:
        case Number():
            return None if node.value.is_nan() else ValueBounds(node.value, node.value)
        case Unary():
            inner = _bounds(node.expr)
            return None if inner is None else ValueBounds(-inner.greatest, -inner.least)
        case Aggregate() if node.op in _SAME_VALUE_AGGREGATIONS:
            return _bounds(node.expr)
        case Aggregate():
            return _BOUNDED_AGGREGATIONS.get(node.op)
        case Call() if node.function in _SAME_VALUE_FUNCTIONS and node.args:
            return _bounds(node.args[0])
        case Call():
            return _BOUNDED_FUNCTIONS.get(node.function)
        case Binary():
            return _binary_bounds(node)
        case _:
            return None


def _binary_bounds(node: Binary) -> ValueBounds | None:
    if node.op in COMPARISONS and node.return_bool:
        return _TRUTH
    if node.op in COMPARISONS or node.op in ("and", "unless"):
        return _bounds(node.right if is_scalar(node.left) else node.left)
    left, right = _bounds(node.left), _bounds(node.right)
    if node.op != "or" or left is None or right is None:
        return None
    return ValueBounds(min(left.least, right.least), max(left.greatest, right.greatest))


def _is_constant_vector(node: Node) -> bool:
    return (
        isinstance(node, Call)
        and node.function == "vector"
        and isinstance(node.args[0], Number | Unary)
    )


def _filters(node: Node, known: Known) -> bool:
    """Whether the node may leave series out, or may be there only in trouble."""
    match node:
        case Binary():
            is_filter = node.op in COMPARISONS and not node.return_bool
            return is_filter or node.op in SET_OPERATORS
        case Call():
            return node.function in ("absent", "absent_over_time")
        case Selector():
            metric = node.metric
            return metric is None or metric == "ALERTS" or ":" in metric or metric in known.recorded
        case _:
            return False


def _measures(node: Node) -> bool:
    if isinstance(node, Call):
        return node.function in _MEASUREMENTS
    return isinstance(node, Binary) and node.op in _MEASURING_OPERATORS
