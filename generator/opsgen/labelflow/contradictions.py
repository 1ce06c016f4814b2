"""A node of a PromQL tree goes in, with what is sure of the values of its operands; what is sure of
its own values comes out, and why it can never give any."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from math import isnan, nan

from opsgen.labelflow.facts import Contradiction, Together, Values, either, filtered, plain
from opsgen.labelflow.flow import PICKING_AGGREGATIONS, is_scalar, matches_vectors
from opsgen.labelflow.intervals import ANYTHING, Interval
from opsgen.labelflow.known import Known
from opsgen.labelflow.labels import Labels
from opsgen.labelflow.mismatches import Mismatch, quoted
from opsgen.labelflow.ranges import result_range
from opsgen.promql import Aggregate, Binary, Call, Node, Number, Selector, Unary
from opsgen.promql.tree import COMPARISONS
from opsgen.quantities import number_text

_Judged = tuple[Values, tuple[Mismatch, ...]]

_SORTS = frozenset({"sort", "sort_by_label", "sort_by_label_desc", "sort_desc"})

# What would be right where a comparison is out of reach, by the function or operator that sets the
# limits, or by the metric.
_RIGHT = {
    "ALERTS": "an alert that does not fire has no ALERTS: ask `absent(ALERTS{...})` or `unless`",
    "absent": "`absent` gives 1 or nothing: leave the comparison out",
    "absent_over_time": "`absent_over_time` gives 1 or nothing: leave the comparison out",
    "count": "a count of nothing is no series, not 0: ask `absent(...)`, or count `or vector(0)`",
    "count_over_time": "no samples are no series, not 0: ask `absent_over_time(...)`",
    "day_of_week": "Sunday is 0 and Saturday 6",
    "hour": "the hours are 0 to 23, in UTC",
    "increase": "a counter only grows: for a gauge that falls, take `delta` or `deriv`",
    "irate": "a counter only grows: for a gauge that falls, take `idelta` or `deriv`",
    "minute": "the minutes are 0 to 59",
    "month": "January is 1 and December 12",
    "present_over_time": "no samples are no series, not 0: ask `absent_over_time(...)`",
    "probe_success": "a probe that fails is 0",
    "rate": "a counter only grows: for a gauge that falls, take `delta` or `deriv`",
    "up": "a target that is down is 0",
}
_NOT_NUMBER = "for values that are NaN ask `x != x`, for all others `x == x`"
_REACH = "compare with a value that the left side can reach"
_NONE_LEFT = "where no series is left there is no result, not 0: ask `absent(...)`"
_ONE_BOUND = "correct one of the two bounds, or join the conditions by `or`"
_QUANTILES = frozenset({"histogram_quantile", "quantile", "quantile_over_time"})


def judged(node: Node, given: Sequence[Values], labels: Labels, known: Known) -> _Judged:
    """What is sure of the node's values, and what is wrong with them. Nothing more is said of what
    is computed from a part that gives no values."""
    if isinstance(node, Binary) and _is_filter(node):
        return _filter(node, given[0], given[1], labels)
    if _passes_series_on(node):
        return replace(given[0], exact=None), ()
    faults = tuple(_arguments(node, given))
    if faults:
        return plain(node, ANYTHING, labels), faults
    values = result_range(node, tuple(one.range for one in given), known)
    return plain(node, values, labels), ()


def _is_filter(node: Binary) -> bool:
    return node.op in ("and", "or", "unless") or (node.op in COMPARISONS and not node.return_bool)


def _passes_series_on(node: Node) -> bool:
    """Whether the result is some of the operand's series, as they are."""
    if isinstance(node, Aggregate):
        return node.op in PICKING_AGGREGATIONS
    return isinstance(node, Call) and node.function in _SORTS


def _filter(node: Binary, left: Values, right: Values, labels: Labels) -> _Judged:
    if node.op == "or":
        return either(node, left, right, labels), ()
    if not matches_vectors(node):
        result = filtered(node, left, right)
        found = _out_of_reach(node, left, right) if result.range.is_impossible else None
        return _or_unknown(node, result, labels, found)
    together = Together(node, left, right)
    if node.op == "unless":
        return _or_unknown(node, left, labels, _always_excluded(together))
    if node.op == "and":
        return _or_unknown(node, together.met(labels), labels, _contradicted(together))
    compared = left.narrowed(node.op, right.range)
    found = _out_of_reach(node, left, right) if compared.range.is_impossible else None
    together = Together(node, compared, right)
    found = found or _itself(together) or _contradicted(together)
    return _or_unknown(node, together.met(labels), labels, found)


def _or_unknown(node: Node, result: Values, labels: Labels, found: Mismatch | None) -> _Judged:
    return (result, ()) if found is None else (plain(node, ANYTHING, labels), (found,))


def _out_of_reach(node: Binary, left: Values, right: Values) -> Mismatch:
    reasons = (_described(side, one) for side, one in ((node.left, left), (node.right, right)))
    reason = " and ".join(words for words in reasons if words)
    message = f"{quoted(node)} is never true, whatever the series are"
    message += f": {reason}" if reason else ""
    return Mismatch("never-fires", message, _right_of(node, left, right))


def _described(side: Node, values: Values) -> str:
    """What is special about the values of one side; empty where nothing is, or where it says so
    itself."""
    if isinstance(side, Number):
        return "nothing is less than, greater than or equal to NaN" if side.value.is_nan() else ""
    if values.range == ANYTHING or (isinstance(side, Unary) and isinstance(side.expr, Number)):
        return ""
    return f"{quoted(side)} is {values.range}"


def _right_of(node: Binary, left: Values, right: Values) -> str:
    if not (left.range.has_numbers and right.range.has_numbers):
        return _NOT_NUMBER
    side = node.right if is_scalar(node.left) else node.left
    is_direct = True
    while isinstance(side, Aggregate | Unary) and _limit(side) not in _RIGHT:
        side, is_direct = side.expr, False
    if isinstance(side, Binary) and _is_filter(side):
        return _ONE_BOUND if is_direct else _NONE_LEFT
    return _RIGHT.get(_limit(side), _REACH)


def _limit(node: Node) -> str:
    match node:
        case Call():
            return node.function
        case Aggregate():
            return node.op
        case Selector():
            return node.metric or ""
        case _:
            return ""


def _contradicted(together: Together) -> Mismatch | None:
    for found in together.contradictions:
        message = (
            f"the two sides of `{together.node.op}` contradict each other in"
            f" {quoted(together.node)}: {_contradiction(found)}"
        )
        return Mismatch("never-fires", message, _ONE_BOUND)
    return None


def _contradiction(found: Contradiction) -> str:
    node = found.node
    if isinstance(node, Binary) and node.op == "-" and found.left.least in (0, float("-inf")):
        ours, theirs = _order(found.left), _order(found.right)
        if ours and theirs:
            first, second = quoted(node.left), quoted(node.right)
            return f"{first} is {ours} {second} on the left and {theirs} it on the right"
    return f"{quoted(node)} is {found.left} on the left and {found.right} on the right"


def _order(sign: Interval) -> str:
    """In words, what the sign of a difference says; empty for other ranges."""
    words = {
        (0, True, float("inf"), False): "above",
        (0, False, float("inf"), False): "not below",
        (float("-inf"), False, 0, True): "below",
        (float("-inf"), False, 0, False): "not above",
        (0, False, 0, False): "equal to",
    }
    return words.get((sign.least, sign.above, sign.greatest, sign.below), "")


def _itself(together: Together) -> Mismatch | None:
    node = together.node
    if node.op not in ("<", ">") or not together.never_differ:
        return None
    message = f"{quoted(node)} is never true: it compares each series with itself"
    return Mismatch("never-fires", message, "compare with another time or another series")


def _always_excluded(together: Together) -> Mismatch | None:
    if not together.right_is_always_there:
        return None
    message = (
        f"{quoted(together.node)} is always empty:"
        " the right side of `unless` has every series that the left side has"
    )
    return Mismatch("never-fires", message, "exclude only some of the series of the left side")


def _arguments(node: Node, given: Sequence[Values]) -> Iterator[Mismatch]:
    """Arguments with which a function gives nothing of use."""
    if isinstance(node, Aggregate) and node.op in _QUANTILES and isinstance(node.param, Number):
        yield from _quantile(node, float(node.param.value))
    if isinstance(node, Call) and node.function in _QUANTILES:
        asked = given[0].range
        if asked.is_one_number or not asked.has_numbers:
            yield from _quantile(node, asked.least if asked.has_numbers else nan)
    if isinstance(node, Call) and node.function == "clamp":
        least, greatest = given[1].range, given[2].range
        if not (least.nan or greatest.nan) and greatest.greatest < least.least:
            message = f"{quoted(node)} is always empty: its least value is above its greatest"
            yield Mismatch("never-fires", message, "write the lower bound first")


def _quantile(node: Aggregate | Call, quantile: float) -> Iterator[Mismatch]:
    if isnan(quantile):
        result, wanted = "NaN", "0.95"
    elif 0 <= quantile <= 1:
        return
    else:
        result = "+Inf" if quantile > 1 else "-Inf"
        is_percentage = 2 <= quantile <= 100
        wanted = number_text(Decimal(repr(quantile)) / 100) if is_percentage else "0.95"
    message = f"{quoted(node)} is always {result}: a quantile is from 0 to 1"
    yield Mismatch("quantile-out-of-range", message, f"write for example {wanted}")
