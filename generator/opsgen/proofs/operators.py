"""PromQL's binary operators on numbers and on vectors, with its label matching; `Vector` maps
labels to values.

The metric's name is the label `__name__`, as in Prometheus itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from opsgen.promql import Binary, Matching
from opsgen.promql.tree import COMPARISONS, SET_OPERATORS
from opsgen.proofs.state import Labels, Unsupported

Vector = dict[Labels, float]
Value = float | Vector

_NAME = "__name__"
# `a op b` without `on` or `ignoring` matches on all labels; the name never counts unless `on` asks
# for it.
_ALL_LABELS = Matching((), on=False)


def _divide(left: float, right: float) -> float:
    if right:
        return left / right
    return (
        math.nan
        if left == 0 or math.isnan(left)
        else math.copysign(math.inf, left) * math.copysign(1, right)
    )


def _modulo(left: float, right: float) -> float:
    return math.nan if right == 0 or math.isinf(left) else math.fmod(left, right)


def _power(left: float, right: float) -> float:
    try:
        return math.pow(left, right)
    except OverflowError:
        return -math.inf if left < 0 and right % 2 == 1 else math.inf
    except ValueError:
        return math.inf if left == 0 else math.nan


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": _divide,
    "%": _modulo,
    "^": _power,
    "atan2": math.atan2,
}
_COMPARING: dict[str, Callable[[float, float], bool]] = {
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    ">": lambda left, right: left > right,
    "<": lambda left, right: left < right,
    ">=": lambda left, right: left >= right,
    "<=": lambda left, right: left <= right,
}


def operator(node: Binary) -> Callable[[Value, Value], Value]:
    """What the operator makes of its two sides; raises Unsupported where Prometheus would fail, or
    is unknown here."""
    if node.op in SET_OPERATORS:
        return _set_operator(node.op, _Signature(node.matching or _ALL_LABELS))
    if node.op not in _ARITHMETIC and node.op not in COMPARISONS:
        raise Unsupported(f"the operator {node.op} can't be proven")
    vectors = _vector_operator(node)
    scalars = _number_of(node)

    def apply(left: Value, right: Value) -> Value:
        if isinstance(left, dict):
            if isinstance(right, dict):
                return vectors(left, right)
            return _with_scalar(node, left, lambda value: (value, right), keep=0)
        if isinstance(right, dict):
            return _with_scalar(node, right, lambda value: (left, value), keep=1)
        return scalars(left, right)

    return apply


def distinct(pairs: Iterable[tuple[Labels, float]]) -> Vector:
    """The vector of these; raises Unsupported where two have the same labels, which Prometheus
    refuses."""
    listed = list(pairs)
    vector = dict(listed)
    if len(vector) != len(listed):
        raise Unsupported(
            "two series of one result would have the same labels, which Prometheus refuses"
        )
    return vector


def nameless(labels: Labels) -> Labels:
    """Without the metric's name, which most functions and operators drop."""
    return tuple(pair for pair in labels if pair[0] != _NAME)


def keeping(labels: Labels, names: Iterable[str]) -> Labels:
    kept = frozenset(names)
    return tuple(pair for pair in labels if pair[0] in kept)


def dropping(labels: Labels, names: Iterable[str]) -> Labels:
    """Without these labels and without the name."""
    dropped = {*names, _NAME}
    return tuple(pair for pair in labels if pair[0] not in dropped)


def _number_of(node: Binary) -> Callable[[float, float], float]:
    if node.op in _ARITHMETIC:
        return _ARITHMETIC[node.op]
    compare = _COMPARING[node.op]
    return lambda left, right: float(compare(left, right))


def _with_scalar(
    node: Binary, vector: Vector, sides: Callable[[float], tuple[float, float]], keep: int
) -> Vector:
    """`keep` says which of the sides is the vector's, whose value a filter lets through."""
    if node.op in _COMPARING and not node.return_bool:
        compare = _COMPARING[node.op]
        return {
            labels: sides(value)[keep] for labels, value in vector.items() if compare(*sides(value))
        }
    number = _number_of(node)
    return distinct((nameless(labels), number(*sides(value))) for labels, value in vector.items())


class _Signature:
    """The part of a series' labels by which the two sides find each other; remembered."""

    def __init__(self, matching: Matching) -> None:
        self._matching = matching
        self._known: dict[Labels, Labels] = {}

    def __call__(self, labels: Labels) -> Labels:
        known = self._known.get(labels)
        if known is None:
            part = keeping if self._matching.on else dropping
            known = self._known[labels] = part(labels, self._matching.labels)
        return known


def _set_operator(op: str, signature: _Signature) -> Callable[[Value, Value], Value]:
    def apply(left: Value, right: Value) -> Value:
        if not isinstance(left, dict) or not isinstance(right, dict):
            raise Unsupported(f"`{op}` takes vectors on both sides")
        if op == "or":
            there = {signature(labels) for labels in left}
            return left | {
                labels: value for labels, value in right.items() if signature(labels) not in there
            }
        there = {signature(labels) for labels in right}
        return {
            labels: value
            for labels, value in left.items()
            if (signature(labels) in there) == (op == "and")
        }

    return apply


def _vector_operator(node: Binary) -> Callable[[Vector, Vector], Vector]:
    matching = node.matching or _ALL_LABELS
    signature = _Signature(matching)
    number = _number_of(node)
    filters = node.op in _COMPARING and not node.return_bool
    many_on_right = matching.group == "right"

    def apply(left: Vector, right: Vector) -> Vector:
        many, one = (right, left) if many_on_right else (left, right)
        partners = _partners(one, signature)
        found: list[tuple[Labels, float]] = []
        matched: set[Labels] = set()
        for labels, value in many.items():
            key = signature(labels)
            if key not in partners:
                continue
            other, other_value = partners[key]
            sides = (other_value, value) if many_on_right else (value, other_value)
            result = number(*sides)
            if filters and not result:
                continue
            if matching.group is None and key in matched:
                raise Unsupported(
                    f"several series on the left of `{node.op}` match one on the right"
                )
            matched.add(key)
            found.append(
                (_result_labels(labels, other, matching, filters), sides[0] if filters else result)
            )
        return distinct(found)

    return apply


def _partners(one: Vector, signature: _Signature) -> dict[Labels, tuple[Labels, float]]:
    partners: dict[Labels, tuple[Labels, float]] = {}
    for labels, value in one.items():
        key = signature(labels)
        if key in partners:
            raise Unsupported(
                "a binary operator finds several series on its one-side with the same matching"
                " labels"
            )
        partners[key] = (labels, value)
    return partners


def _result_labels(labels: Labels, other: Labels, matching: Matching, filters: bool) -> Labels:
    base = labels if filters else nameless(labels)
    if matching.group is None:
        dropped = frozenset(matching.labels)
        return tuple(pair for pair in base if (pair[0] in dropped) == matching.on)
    if not matching.include:
        return base
    included = keeping(other, matching.include)
    return tuple(sorted([*(pair for pair in base if pair[0] not in matching.include), *included]))
