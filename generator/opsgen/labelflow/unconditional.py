"""A PromQL tree goes in; why an alert on it has no condition, and fires whatever the values are,
comes out."""

from __future__ import annotations

from opsgen.labelflow.known import Known
from opsgen.promql import Binary, Call, Node, Number, Selector, Unary
from opsgen.promql.tree import COMPARISONS, SET_OPERATORS, walk

# What these give is a measurement, there whether all is well or not; a bare series may be there
# only in trouble.
_MEASURING_FUNCTIONS = (
    "rate irate increase delta idelta deriv predict_linear changes resets histogram_quantile"
)
_MEASUREMENTS = frozenset(_MEASURING_FUNCTIONS.split())
_MEASURING_OPERATORS = frozenset({"-", "/", "%"})


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
