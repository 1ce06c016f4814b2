"""A PromQL tree goes in; whether its result can have a metric's name comes out: the label
`__name__`, which matching leaves aside and most of PromQL drops."""

from __future__ import annotations

from opsgen.labelflow.flow import PICKING_AGGREGATIONS, is_scalar, matches_vectors
from opsgen.promql import Aggregate, Binary, Call, Node, Selector, Subquery
from opsgen.promql.tree import COMPARISONS

# The others give values of another kind, so that the name would be wrong.
_KEEP_NAMES = frozenset(
    {
        "first_over_time",
        "info",
        "label_join",
        "label_replace",
        "last_over_time",
        "sort",
        "sort_by_label",
        "sort_by_label_desc",
        "sort_desc",
    }
)


def can_have_name(node: Node) -> bool:
    """Whether series of the result may have the label `__name__`."""
    match node:
        case Selector():
            return True
        case Subquery():
            return can_have_name(node.expr)
        case Aggregate():
            names = node.grouping is not None and "__name__" in node.grouping.labels
            return (names or node.op in PICKING_AGGREGATIONS) and can_have_name(node.expr)
        case Call():
            return node.function in _KEEP_NAMES and any(map(can_have_name, node.args))
        case Binary():
            return _after_operator(node)
        case _:
            return False


def _after_operator(node: Binary) -> bool:
    if node.op in ("and", "unless"):
        return can_have_name(node.left)
    if node.op == "or":
        return can_have_name(node.left) or can_have_name(node.right)
    if node.op not in COMPARISONS or node.return_bool:
        return False
    if not matches_vectors(node):
        return can_have_name(node.right if is_scalar(node.left) else node.left)
    matching = node.matching
    if matching is not None and matching.on and matching.group is None:
        return "__name__" in matching.labels
    return can_have_name(node.left) or can_have_name(node.right)
