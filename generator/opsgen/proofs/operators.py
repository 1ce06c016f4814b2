"""PromQL's binary operators on numbers and on vectors, with its label matching.

Two values go in, one comes out; a `Vector` maps labels to values. As in Prometheus, the metric's
name is the label `__name__`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

from opsgen.promql import Binary, Matching
from opsgen.promql.tree import COMPARISONS, SET_OPERATORS
from opsgen.proofs.state import LabelSet, Unsupported

Vector = dict[LabelSet, float]
QueryResult = float | Vector

_NAME = "__name__"
# `a op b` without `on` or `ignoring` matches on all labels; the name never counts unless `on` asks
# for it.
_ALL_LABELS = Matching((), on=False)


def _divide(left: float, right: float) -> float:
    if right:
        return left / right
    if left == 0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1, right)


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
_SAME_LABELS = "two series of one result would have the same labels, which Prometheus refuses"
_SEVERAL_ON_ONE_SIDE = (
    "several series on the one-side of a binary operator have the same matching labels"
)


def operator(node: Binary) -> Callable[[QueryResult, QueryResult], QueryResult]:
    """What the operator makes of its two sides; raises Unsupported where Prometheus would fail, and
    for an operator that is not known."""
    if node.op in SET_OPERATORS:
        return _set_operator(node.op, _Signature(node.matching or _ALL_LABELS))
    if node.op not in _ARITHMETIC and node.op not in COMPARISONS:
        raise Unsupported(f"the operator {node.op} can't be proven")
    vectors = _vector_operator(node)
    scalars = _number_of(node)

    def apply(left: QueryResult, right: QueryResult) -> QueryResult:
        if isinstance(left, dict):
            if isinstance(right, dict):
                return vectors(left, right)
            return _with_scalar(node, left, lambda value: (value, right), keep=0)
        if isinstance(right, dict):
            return _with_scalar(node, right, lambda value: (left, value), keep=1)
        return scalars(left, right)

    return apply


def distinct(pairs: Iterable[tuple[LabelSet, float]]) -> Vector:
    """The vector of these; raises Unsupported where two have the same labels, which Prometheus
    refuses."""
    listed = list(pairs)
    vector = dict(listed)
    if len(vector) != len(listed):
        raise Unsupported(_SAME_LABELS)
    return vector


def nameless(labels: LabelSet) -> LabelSet:
    """Without the metric's name, which most functions and operators drop."""
    return tuple(pair for pair in labels if pair[0] != _NAME)


def keeping(labels: LabelSet, names: Iterable[str]) -> LabelSet:
    kept = frozenset(names)
    return tuple(pair for pair in labels if pair[0] in kept)


def dropping(labels: LabelSet, names: Iterable[str]) -> LabelSet:
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
    """`keep` says which of the two sides is the vector's: a filter lets that side's value
    through."""
    if node.op in _COMPARING and not node.return_bool:
        compare = _COMPARING[node.op]
        pairs = ((labels, sides(value)) for labels, value in vector.items())
        return {labels: both[keep] for labels, both in pairs if compare(*both)}
    number = _number_of(node)
    return distinct((nameless(labels), number(*sides(value))) for labels, value in vector.items())


class _Signature:
    """The part of a series' labels by which the two sides find each other; remembered."""

    def __init__(self, matching: Matching) -> None:
        self._labels = matching.labels
        self._part = keeping if matching.on else dropping
        self._known: dict[LabelSet, LabelSet] = {}

    def __call__(self, labels: LabelSet) -> LabelSet:
        known = self._known.get(labels)
        if known is None:
            known = self._known[labels] = self._part(labels, self._labels)
        return known


def _set_operator(
    op: str, signature: _Signature
) -> Callable[[QueryResult, QueryResult], QueryResult]:
    combine = {"or": _union, "and": _intersection, "unless": _difference}[op]

    def apply(left: QueryResult, right: QueryResult) -> QueryResult:
        if not isinstance(left, dict) or not isinstance(right, dict):
            raise Unsupported(f"`{op}` takes vectors on both sides")
        return combine(left, right, signature)

    return apply


def _union(left: Vector, right: Vector, signature: _Signature) -> Vector:
    there = {signature(labels) for labels in left}
    fresh = {labels: value for labels, value in right.items() if signature(labels) not in there}
    return left | fresh


def _intersection(left: Vector, right: Vector, signature: _Signature) -> Vector:
    there = {signature(labels) for labels in right}
    return {labels: value for labels, value in left.items() if signature(labels) in there}


def _difference(left: Vector, right: Vector, signature: _Signature) -> Vector:
    there = {signature(labels) for labels in right}
    return {labels: value for labels, value in left.items() if signature(labels) not in there}


# A pair of series that match: their matching labels, the labels of the many-side and of the
# one-side, and the values on the left and on the right of the operator.
_Pair = tuple[LabelSet, LabelSet, LabelSet, tuple[float, float]]


def _vector_operator(node: Binary) -> Callable[[Vector, Vector], Vector]:
    matching = node.matching or _ALL_LABELS
    signature = _Signature(matching)
    number = _number_of(node)
    filters = node.op in _COMPARING and not node.return_bool

    def apply(left: Vector, right: Vector) -> Vector:
        found: list[tuple[LabelSet, float]] = []
        matched: set[LabelSet] = set()
        for key, labels, other, sides in _pairs(left, right, matching, signature):
            result = number(*sides)
            if filters and not result:
                continue
            if matching.group is None and key in matched:
                raise Unsupported(
                    f"several series on the left of `{node.op}` match one series on the right"
                )
            matched.add(key)
            base = labels if filters else nameless(labels)
            value = sides[0] if filters else result
            found.append((_result_labels(base, other, matching), value))
        return distinct(found)

    return apply


def _pairs(
    left: Vector, right: Vector, matching: Matching, signature: _Signature
) -> Iterator[_Pair]:
    many_on_right = matching.group == "right"
    many, one = (right, left) if many_on_right else (left, right)
    partners = _partners(one, signature)
    for labels, value in many.items():
        key = signature(labels)
        partner = partners.get(key)
        if partner is not None:
            other, other_value = partner
            sides = (other_value, value) if many_on_right else (value, other_value)
            yield key, labels, other, sides


def _partners(one: Vector, signature: _Signature) -> dict[LabelSet, tuple[LabelSet, float]]:
    partners: dict[LabelSet, tuple[LabelSet, float]] = {}
    for labels, value in one.items():
        key = signature(labels)
        if key in partners:
            raise Unsupported(_SEVERAL_ON_ONE_SIDE)
        partners[key] = (labels, value)
    return partners


def _result_labels(base: LabelSet, other: LabelSet, matching: Matching) -> LabelSet:
    """The labels of a result, given those of the many-side (`base`) and of the one-side."""
    if matching.group is None:
        named = frozenset(matching.labels)
        return tuple(pair for pair in base if (pair[0] in named) == matching.on)
    if not matching.include:
        return base
    own = [pair for pair in base if pair[0] not in matching.include]
    return tuple(sorted([*own, *keeping(other, matching.include)]))
