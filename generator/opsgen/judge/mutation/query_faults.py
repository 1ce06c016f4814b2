"""Faults of a query: a node of its tree goes in, and what may wrongly stand in its place comes out.

Each function looks at shapes alone, so that it fits any rule; it gives nothing where its fault does
not apply.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from opsgen.judge.mutation.rulefile import RuleFile, fits, is_zero
from opsgen.promql import Aggregate, Binary, Call, Matcher, Node, Number, Selector, Subquery
from opsgen.promql.rewrite import Place
from opsgen.promql.tree import COMPARISONS, walk
from opsgen.quantities import Duration

QueryFault = Callable[[Place, RuleFile], Iterator[Node]]

OTHER = "-other"
_ORDERS = frozenset({">", "<", ">=", "<="})
_OPPOSITE = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "!=", "!=": "=="}
_SERVER_ERRORS = re.compile(r"5(?=[.\dxX\[])")
_MEDIAN = Decimal("0.5")
_SHORT, _HOUR, _LONG = Duration.of("5m"), Duration.of("1h"), Duration.of("6h")
_MINUTE = Duration.of("1m")


# -- numbers ---------------------------------------------------------------------------------------


def threshold_times(factor: str) -> QueryFault:
    """The number that a quantity is compared with."""

    def fault(place: Place, file: RuleFile) -> Iterator[Node]:
        if not _is_divisor(place) and not is_guard(place, file):
            yield from _scaled(place.node, Decimal(factor))

    return fault


def guard_times(factor: str) -> QueryFault:
    """The number of events that an alert asks for."""

    def fault(place: Place, file: RuleFile) -> Iterator[Node]:
        if is_guard(place, file):
            yield from _scaled(place.node, Decimal(factor))

    return fault


def _scaled(node: Node, factor: Decimal) -> Iterator[Node]:
    """A comparison by order with a number other than zero, which is `factor` times as large."""
    if not isinstance(node, Binary) or node.op not in _ORDERS:
        return
    if isinstance(node.right, Number) and node.right.value:
        yield replace(node, right=Number(node.right.value * factor))
    elif isinstance(node.left, Number) and node.left.value:
        yield replace(node, left=Number(node.left.value * factor))


def constant_ten_times(place: Place, _file: RuleFile) -> Iterator[Node]:
    """A factor, a divisor, or a constant that is recorded."""
    node = place.node
    if not isinstance(node, Number) or not node.value or not place.above:
        return
    parent = place.above[-1]
    multiplied = isinstance(parent, Binary) and parent.op in ("*", "/")
    if multiplied or (isinstance(parent, Call) and parent.function == "vector"):
        yield Number(node.value * 10)


def median(place: Place, _file: RuleFile) -> Iterator[Node]:
    """The quantile of a histogram or of an aggregation."""
    node = place.node
    half = Number(_MEDIAN)
    if isinstance(node, Call) and node.function == "histogram_quantile" and node.args[0] != half:
        yield replace(node, args=(half, *node.args[1:]))
    if isinstance(node, Aggregate) and node.op == "quantile" and node.param != half:
        yield replace(node, param=half)


# -- operators -------------------------------------------------------------------------------------


def flipped(place: Place, _file: RuleFile) -> Iterator[Node]:
    node = place.node
    if isinstance(node, Binary) and node.op in COMPARISONS:
        yield replace(node, op=_OPPOSITE[node.op])


def and_to_or(place: Place, _file: RuleFile) -> Iterator[Node]:
    node = place.node
    if isinstance(node, Binary) and node.op == "and":
        yield replace(node, op="or")


def tier_dropped(place: Place, _file: RuleFile) -> Iterator[Node]:
    """One of several conditions of which each is enough."""
    node = place.node
    if isinstance(node, Binary) and node.op == "or" and _compares(node.left, node.right):
        yield node.left
        if not (isinstance(node.left, Binary) and node.left.op == "or"):
            yield node.right


def guard_removed(place: Place, file: RuleFile) -> Iterator[Node]:
    yield from _without_condition(place, file, guards=True)


def condition_removed(place: Place, file: RuleFile) -> Iterator[Node]:
    """A condition beside others that is no guard: a window, or that the service is up."""
    yield from _without_condition(place, file, guards=False)


def _without_condition(place: Place, file: RuleFile, guards: bool) -> Iterator[Node]:
    node = place.node
    if not isinstance(node, Binary) or node.op != "and":
        return
    if _counts(node.right, file) is guards:
        yield node.left
    # Of a longer chain, the left side is in a place of its own.
    is_chain = isinstance(node.left, Binary) and node.left.op == "and"
    if not is_chain and _counts(node.left, file) is guards:
        yield node.right


def exception_removed(place: Place, _file: RuleFile) -> Iterator[Node]:
    node = place.node
    if isinstance(node, Binary) and node.op == "unless":
        yield node.left


def zero_removed(place: Place, _file: RuleFile) -> Iterator[Node]:
    """The zero that stands where there is no series."""
    node = place.node
    if isinstance(node, Binary) and node.op == "or" and is_zero(node.right):
        yield node.left


def positive_divisor_removed(place: Place, _file: RuleFile) -> Iterator[Node]:
    node = place.node
    if isinstance(node, Binary) and _is_divisor(place) and node.op == ">" and is_zero(node.right):
        yield node.left


def quotient_swapped(place: Place, _file: RuleFile) -> Iterator[Node]:
    yield from _swapped(place.node, "/")


def difference_swapped(place: Place, _file: RuleFile) -> Iterator[Node]:
    yield from _swapped(place.node, "-")


def _swapped(node: Node, op: str) -> Iterator[Node]:
    if isinstance(node, Binary) and node.op == op and node.left != node.right:
        yield replace(node, left=node.right, right=node.left)


# -- windows ---------------------------------------------------------------------------------------


def window_changed(place: Place, _file: RuleFile) -> Iterator[Node]:
    node = place.node
    if isinstance(node, Selector) and isinstance(node.range, Duration):
        yield replace(node, range=_HOUR if node.range == _SHORT else _SHORT)


def subquery_window_changed(place: Place, _file: RuleFile) -> Iterator[Node]:
    node = place.node
    if isinstance(node, Subquery):
        yield replace(node, range=_LONG if node.range == _HOUR else _HOUR)


def subquery_step_changed(place: Place, _file: RuleFile) -> Iterator[Node]:
    node = place.node
    if isinstance(node, Subquery):
        yield replace(node, step=_SHORT if node.step == _MINUTE else _MINUTE)


def reads_shortest_window(place: Place, file: RuleFile) -> Iterator[Node]:
    """A recorded series of another window."""
    yield from _reads_other_window(place.node, file, 0)


def reads_longest_window(place: Place, file: RuleFile) -> Iterator[Node]:
    yield from _reads_other_window(place.node, file, -1)


def _reads_other_window(node: Node, file: RuleFile, which: int) -> Iterator[Node]:
    others = file.other_windows(node) if isinstance(node, Selector) else []
    if others and isinstance(node, Selector):
        yield replace(node, metric=others[which])


def offset_dropped(place: Place, _file: RuleFile) -> Iterator[Node]:
    node = place.node
    if isinstance(node, Selector | Subquery) and node.offset_ms:
        yield replace(node, offset_ms=0)


# -- selectors -------------------------------------------------------------------------------------


def matcher_dropped(place: Place, _file: RuleFile) -> Iterator[Node]:
    node = place.node
    if isinstance(node, Selector) and (node.metric or len(node.matchers) > 1):
        for matcher in node.matchers:
            yield replace(node, matchers=tuple(one for one in node.matchers if one != matcher))


def matcher_wrong(place: Place, _file: RuleFile) -> Iterator[Node]:
    yield from _with_values(place.node, _wrong_value)


def client_errors(place: Place, _file: RuleFile) -> Iterator[Node]:
    """The status codes of the client's errors in place of the server's."""
    yield from _with_values(place.node, _client_errors)


def other_bucket(place: Place, file: RuleFile) -> Iterator[Node]:
    node = place.node
    if not isinstance(node, Selector):
        return
    bounds = file.buckets.get(node.metric or "", ())
    yield from _with_values(node, lambda matcher: _neighbour(matcher, bounds))


def firing_to_pending(place: Place, _file: RuleFile) -> Iterator[Node]:
    yield from _with_values(place.node, lambda one: "pending" if _is_firing(one) else None)


def other_slo(place: Place, file: RuleFile) -> Iterator[Node]:
    """What the file records by the same name with another value of one label."""
    node = place.node
    own = file.recording(node) if isinstance(node, Selector) else []
    if not own or not isinstance(node, Selector):
        return
    for rule in file.records[own[0].name]:
        changed = tuple(_with_label_of(matcher, rule.labels) for matcher in node.matchers)
        if changed != node.matchers and fits(changed, rule.labels):
            yield replace(node, matchers=changed)
            return


def _with_label_of(matcher: Matcher, labels: Mapping[str, str]) -> Matcher:
    given = labels.get(matcher.label)
    return replace(matcher, value=given) if matcher.op == "=" and given else matcher


def _with_values(node: Node, value: Callable[[Matcher], str | None]) -> Iterator[Node]:
    """The selector with the value of one matcher changed, for each that `value` changes."""
    if not isinstance(node, Selector):
        return
    for index, matcher in enumerate(node.matchers):
        wrong = value(matcher)
        if wrong is not None and wrong != matcher.value:
            changed = replace(matcher, value=wrong)
            rest = node.matchers[index + 1 :]
            yield replace(node, matchers=(*node.matchers[:index], changed, *rest))


def _wrong_value(matcher: Matcher) -> str | None:
    """A negative matcher of a wrong value is as good as dropped."""
    is_other_kind = matcher.label == "le" or _is_firing(matcher) or _client_errors(matcher)
    return None if matcher.op in ("!=", "!~") or is_other_kind else matcher.value + OTHER


def _client_errors(matcher: Matcher) -> str | None:
    if matcher.op != "=~":
        return None
    value = _SERVER_ERRORS.sub("4", matcher.value)
    return None if value == matcher.value else value


def _neighbour(matcher: Matcher, bounds: tuple[str, ...]) -> str | None:
    """The next larger bucket, or else the next smaller one; Prometheus 3 writes `1.0` for `1`, so
    that a matcher may name both."""
    if matcher.label != "le" or matcher.op not in ("=", "=~"):
        return None
    own = {float(text) for text in matcher.value.replace("\\", "").split("|")}
    larger = [text for text in bounds if float(text) > max(own)]
    smaller = [text for text in bounds if float(text) < min(own)]
    if larger:
        return larger[0]
    return smaller[-1] if smaller else None


def _is_firing(matcher: Matcher) -> bool:
    return matcher.label == "alertstate" and matcher.op == "=" and matcher.value == "firing"


# -- functions -------------------------------------------------------------------------------------


def called_otherwise(old: str, new: str) -> QueryFault:
    def fault(place: Place, _file: RuleFile) -> Iterator[Node]:
        node = place.node
        if isinstance(node, Call) and node.function == old:
            yield replace(node, function=new)

    return fault


# -- shapes ----------------------------------------------------------------------------------------


def is_guard(place: Place, file: RuleFile) -> bool:
    """Whether the node asks for a number of events, beside another condition."""
    beside = any(isinstance(node, Binary) and node.op == "and" for node in place.above)
    return beside and _counts(place.node, file)


def _counts(node: Node, file: RuleFile) -> bool:
    """Whether the node compares a number of events with a number."""
    if not isinstance(node, Binary) or node.op not in _ORDERS:
        return False
    return isinstance(node.right, Number) and file.counts_events(node.left)


def _is_divisor(place: Place) -> bool:
    parent = place.above[-1] if place.above else None
    return isinstance(parent, Binary) and parent.op == "/" and parent.right is place.node


def _compares(*nodes: Node) -> bool:
    """Whether each of the nodes has a comparison in it that is no divisor's."""
    return all(any(_is_condition(found) for found in walk(node)) for node in nodes)


def _is_condition(node: Node) -> bool:
    return isinstance(node, Binary) and node.op in COMPARISONS and not is_zero(node.right)
