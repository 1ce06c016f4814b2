"""The labels that flow through an expression: a tree goes in, the labels of its result come out.

Follows the rules of Prometheus. Sources: prometheus.io, "Operators" and "Functions"; where they are
silent, what its engine does (`resultMetric`, `createLabelsForAbsentFunction`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from opsgen.labelflow.known import NOTHING_KNOWN, Known
from opsgen.labelflow.labels import (
    ASSUMED,
    GONE,
    MAYBE,
    PRESENT,
    Domain,
    Labels,
    exactly,
    matcher_domain,
)
from opsgen.promql import (
    Aggregate,
    Binary,
    Call,
    Matching,
    Node,
    Number,
    Selector,
    String,
    Subquery,
    Unary,
)
from opsgen.promql.tree import COMPARISONS

Operands = tuple[Labels, ...]

_SCALAR_FUNCTIONS = frozenset(
    {"scalar", "time", "pi", "start", "end", "step", "range", "min_of", "max_of"}
)
PICKING_AGGREGATIONS = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
_FUNCTIONS_OF_NOW = frozenset(
    {
        "minute",
        "hour",
        "day_of_week",
        "day_of_month",
        "day_of_year",
        "days_in_month",
        "month",
        "year",
    }
)
# Which argument's labels a function passes on, where it is not the first.
_PASSES_ON = {"quantile_over_time": 1}
_HISTOGRAM_ARGUMENT = {"histogram_quantile": 1, "histogram_fraction": 2}
_LABEL_KEEPING_FUNCTIONS = """
    abs acos acosh asin asinh atan atanh avg_over_time ceil changes clamp clamp_max clamp_min cos
    cosh count_over_time deg delta deriv double_exponential_smoothing exp first_over_time floor
    histogram_avg histogram_count histogram_stddev histogram_stdvar histogram_sum holt_winters
    idelta increase irate last_over_time ln log10 log2 mad_over_time max_over_time min_over_time
    predict_linear present_over_time quantile_over_time rad rate resets round sgn sin sinh sort
    sort_by_label sort_by_label_desc sort_desc sqrt stddev_over_time stdvar_over_time sum_over_time
    tan tanh timestamp ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time
    ts_of_min_over_time
"""
KEEP_LABELS = frozenset(_LABEL_KEEPING_FUNCTIONS.split()) | _FUNCTIONS_OF_NOW


def labels_of(node: Node, known: Known = NOTHING_KNOWN) -> Labels:
    """The labels of the expression's result, from what is `known` of series."""
    given = tuple(labels_of(operand, known) for operand in operands(node))
    return result_labels(node, given, known)


def operands(node: Node) -> tuple[Node, ...]:
    """The sub-expressions that give the node its labels; an aggregation's parameter is not one of
    them."""
    match node:
        case Binary():
            return (node.left, node.right)
        case Call():
            return node.args
        case Aggregate() | Unary() | Subquery():
            return (node.expr,)
        case _:
            return ()


def result_labels(node: Node, given: Operands, known: Known) -> Labels:
    """The labels of one node, from those of its operands."""
    match node:
        case Selector():
            return _selector(node, known)
        case Aggregate():
            return _aggregate(node, given[0])
        case Binary():
            return _binary(node, *given)
        case Call():
            return _call(node, given)
        case Unary() | Subquery():
            return given[0]
        case _:
            return Labels.nothing()


def is_scalar(node: Node) -> bool:
    """Whether the expression is a scalar, which has no labels to match."""
    match node:
        case Number():
            return True
        case Call():
            return node.function in _SCALAR_FUNCTIONS
        case Unary():
            return is_scalar(node.expr)
        case Binary():
            return is_scalar(node.left) and is_scalar(node.right)
        case _:
            return False


def matches_vectors(node: Binary) -> bool:
    """Whether the operator has a vector on either side, so that labels decide what meets what."""
    return not (is_scalar(node.left) or is_scalar(node.right))


def matched_labels(matching: Matching | None, left: Labels, right: Labels) -> tuple[str, ...]:
    """The labels that have to be equal on both sides of an operator, as far as they are known."""
    if matching is not None and matching.on:
        return matching.labels
    ignored = () if matching is None else matching.labels
    return tuple(sorted(label for label in {*left.known, *right.known} if label not in ignored))


def clashes(matching: Matching | None, left: Labels, right: Labels) -> tuple[str, ...]:
    """The labels that can never be equal on both sides: each of them alone keeps the operator from
    ever matching."""
    matched = matched_labels(matching, left, right)
    return tuple(
        label for label in matched if (left.domain(label) & right.domain(label)).impossible
    )


def _selector(node: Selector, known: Known) -> Labels:
    labels = known.of(node.metric)
    if not node.matchers:
        return labels
    selected = dict(labels.known)
    for matcher in node.matchers:
        label, asked = matcher.label, matcher_domain(matcher)
        narrowed = selected.get(label, labels.domain(label)) & asked
        selected[label] = asked if narrowed.impossible else narrowed
    return Labels.of(selected, labels.others)


def _aggregate(node: Aggregate, operand: Labels) -> Labels:
    if node.op in PICKING_AGGREGATIONS:
        return operand
    grouping = node.grouping
    if grouping is None:
        grouped = Labels.nothing()
    elif grouping.without:
        grouped = operand.drop(grouping.labels)
    else:
        grouped = operand.keep(grouping.labels)
    if node.op != "count_values" or not isinstance(node.param, String):
        return grouped
    added = node.param.value
    is_dropped = grouping is not None and grouping.without and added in grouping.labels
    return grouped if is_dropped else grouped.with_domain(added, PRESENT)


def _binary(node: Binary, left: Labels, right: Labels) -> Labels:
    if not matches_vectors(node):
        return right if is_scalar(node.left) else left
    if node.op == "or":
        return left | right
    if node.op == "unless":
        return left
    if node.op == "and":
        return _met(node.matching, left, right)
    return _joined(node.matching, left, right)


def _joined(matching: Matching | None, left: Labels, right: Labels) -> Labels:
    """The labels of an arithmetic operator's or comparison's result."""
    if matching is None:
        return _met(None, left, right)
    many, one = (right, left) if matching.group == "right" else (left, right)
    met = _met(matching, many, one)
    if matching.group is None:
        return met.keep(matching.labels) if matching.on else met.drop(matching.labels)
    included = {label: one.domain(label) for label in matching.include}
    return Labels.of({**met.known, **included}, met.others)


def _met(matching: Matching | None, side: Labels, other: Labels) -> Labels:
    """The labels of one side's series that have met the other's: those that had to be equal are as
    in both."""
    known = dict(side.known)
    for label in matched_labels(matching, side, other):
        both = side.domain(label) & other.domain(label)
        known[label] = side.domain(label) if both.impossible else both
    if matching is not None and matching.on:
        return Labels.of(known, side.others)
    ignored = () if matching is None else matching.labels
    for label in ignored:
        known[label] = side.domain(label)
    return Labels.of(known, side.others and other.others)


def _call(node: Call, given: Operands) -> Labels:
    special = _CALLS.get(node.function)
    if special is not None:
        return special(node, given)
    if node.function in _SCALAR_FUNCTIONS or (node.function in _FUNCTIONS_OF_NOW and not given):
        return Labels.nothing()
    if node.function in KEEP_LABELS:
        position = _PASSES_ON.get(node.function, 0)
        return given[position] if len(given) > position else Labels.anything()
    return Labels.anything()


def _absent(node: Call, _given: Operands) -> Labels:
    """The labels that `=` matchers name; a label that has further matchers is taken away again, as
    Prometheus does."""
    selector = node.args[0]
    known: dict[str, Domain] = {}
    named: set[str] = set()
    for matcher in selector.matchers if isinstance(selector, Selector) else ():
        if matcher.op == "=" and matcher.label not in named:
            named.add(matcher.label)
            known[matcher.label] = exactly(matcher.value)
        else:
            known[matcher.label] = GONE
    return Labels.of(known, others=False)


def _vector(_node: Call, _given: Operands) -> Labels:
    return Labels.nothing()


def _histogram(node: Call, given: Operands) -> Labels:
    return given[_HISTOGRAM_ARGUMENT[node.function]].drop(("le",))


def _label_replace(node: Call, given: Operands) -> Labels:
    label, replacement, source, pattern = _texts(node.args[1:])
    vector = given[0]
    after = _replaced(vector, replacement, source, pattern)
    if after.impossible:
        return vector
    if pattern in (".*", "(.*)"):
        return vector.with_domain(label, after)
    if pattern not in (".+", "(.+)") or not vector.guarantees(source):
        return vector.with_domain(label, vector.domain(label) | after)
    is_assumed = vector.domain(source).assumed and not after.missing
    return vector.with_domain(label, replace(after, assumed=is_assumed))


def _replaced(vector: Labels, replacement: str, source: str, pattern: str) -> Domain:
    """What label_replace sets the label to, where the pattern matches."""
    if "$" not in replacement:
        return exactly(replacement)
    if replacement in ("$1", "${1}") and pattern in ("(.*)", "(.+)"):
        return vector.domain(source) & (PRESENT if pattern == "(.+)" else MAYBE)
    return MAYBE


def _label_join(node: Call, given: Operands) -> Labels:
    label, separator, *sources = _texts(node.args[1:])
    vector = given[0]
    is_separated = bool(separator) and len(sources) > 1
    sure = [domain for domain in map(vector.domain, sources) if not domain.missing]
    if is_separated or sure:
        is_assumed = not is_separated and all(domain.assumed for domain in sure)
        return vector.with_domain(label, ASSUMED if is_assumed else PRESENT)
    is_possible = any(vector.can_have(source) for source in sources)
    return vector.with_domain(label, MAYBE if is_possible else GONE)


def _texts(arguments: Iterable[Node]) -> list[str]:
    return [one.value if isinstance(one, String) else "" for one in arguments]


def _info(_node: Call, given: Operands) -> Labels:
    """The labels of the first argument and any that an info series adds."""
    sure = {label: domain for label, domain in given[0].known.items() if not domain.missing}
    return Labels.of(sure, others=True)


_CALLS: dict[str, Callable[[Call, Operands], Labels]] = {
    "absent": _absent,
    "absent_over_time": _absent,
    "histogram_fraction": _histogram,
    "histogram_quantile": _histogram,
    "info": _info,
    "label_join": _label_join,
    "label_replace": _label_replace,
    "vector": _vector,
}

# Operators whose sides have to match for there to be a result.
JOINING = COMPARISONS | {"and", "+", "-", "*", "/", "%", "^", "atan2"}
