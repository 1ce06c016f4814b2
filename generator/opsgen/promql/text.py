"""A PromQL tree goes in; its text comes out, on one line or broken at operators and brackets."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache

from opsgen.promql.tree import (
    COMPARISONS,
    TRIMS,
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
    String,
    Subquery,
    Unary,
)
from opsgen.quantities import Duration, number_text

_WIDTH = 110
_INDENT = "  "
_PLAIN_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
# Operator precedence, weakest first (prometheus.io, "Operators": binary operator precedence).
_PRECEDENCE = {
    "or": 1,
    "and": 2,
    "unless": 2,
    "+": 4,
    "-": 4,
    "*": 5,
    "/": 5,
    "%": 5,
    "atan2": 5,
    "^": 6,
}
_COMPARISON_PRECEDENCE = 3
_UNARY_PRECEDENCE = 5
_PLAIN_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
# No metric and no label of these names can be written without quotes: the grammar reads them as
# something else.
_RESERVED_METRICS = frozenset(
    {"atan2", "bool", "group_left", "group_right", "ignoring", "inf", "nan", "on"}
)
_RESERVED_LABELS = frozenset({"inf", "nan", "without"})
_RIGHT_ASSOCIATIVE = frozenset({"^"})
# Mixed without parentheses these read wrongly to most people, whatever the precedence says.
_CONFUSING = frozenset({("or", "and"), ("or", "unless"), ("and", "unless"), ("unless", "and")})
# Rules, panels, runbook and proofs print the same trees; a service has fewer than so many.
_PRINTED = 2048
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def one_line(node: Node) -> str:
    """The expression on one line."""
    match node:
        case Number():
            return _number(node.value)
        case String():
            return quote(node.value)
        case Selector():
            return _selector(node)
        case Subquery():
            return f"{_subquery_body(node)}{_subquery_tail(node)}"
        case Call():
            return f"{node.function}({', '.join(one_line(argument) for argument in node.args)})"
        case Aggregate():
            return f"{_aggregate_head(node)}({_aggregate_arguments(node)})"
        case Unary():
            return f"-{_operand(node.expr, _UNARY_PRECEDENCE + 1)}"
        case Binary():
            left, right = _operands(node)
            return f"{left} {_operator(node)} {right}"


@lru_cache(maxsize=_PRINTED)
def pretty(node: Node, width: int = _WIDTH) -> str:
    """The expression on as many lines as it takes to keep to `width` columns; one line where that
    is enough."""
    return "\n".join(_lines(node, width))


def quote(value: str) -> str:
    """A PromQL string literal; every label value that reaches a query goes through here."""
    if value.isprintable() and '"' not in value and "\\" not in value:
        return f'"{value}"'
    escaped = "".join(_escaped(character) for character in value)
    return f'"{escaped}"'


def series_text(metric: str, labels: Iterable[tuple[str, str]]) -> str:
    """One series in the notation of an exposition and of promtool: `requests{code="200"}`."""
    pairs = ",".join(f"{label_name(name)}={quote(value)}" for name, value in labels)
    return _named(metric, pairs) if pairs or not _is_unquoted(metric) else f"{metric}{{}}"


def _escaped(character: str) -> str:
    escape = _ESCAPES.get(character)
    if escape is not None:
        return escape
    is_control_of_ascii = not character.isprintable() and ord(character) <= 0x7F
    return f"\\x{ord(character):02x}" if is_control_of_ascii else character


def _lines(node: Node, width: int) -> list[str]:
    flat = one_line(node)
    if len(flat) <= width:
        return [flat]
    match node:
        case Binary():
            return _binary_lines(node, width)
        case Aggregate():
            return _aggregate_lines(node, width - len(_INDENT))
        case Call() if node.args:
            return _call_lines(node, width - len(_INDENT))
        case Subquery():
            return _subquery_lines(node, width)
        case _:
            return [flat]


def _binary_lines(node: Binary, width: int) -> list[str]:
    left = _operand_lines(node, node.left, is_right=False, width=width)
    right = _operand_lines(node, node.right, is_right=True, width=width)
    return [*left, _operator(node), *right]


def _aggregate_lines(node: Aggregate, inner: int) -> list[str]:
    parameter = [] if node.param is None else [f"{_INDENT}{one_line(node.param)},"]
    expression = _indented(_lines(node.expr, inner))
    return [f"{_aggregate_head(node)}(", *parameter, *expression, ")"]


def _call_lines(node: Call, inner: int) -> list[str]:
    *before, last = (_lines(argument, inner) for argument in node.args)
    # A comma follows the last line of every argument but the last.
    body = [line for lines in before for line in [*lines[:-1], f"{lines[-1]},"]]
    return [f"{node.function}(", *_indented([*body, *last]), ")"]


def _subquery_lines(node: Subquery, width: int) -> list[str]:
    if isinstance(node.expr, Binary | Unary):
        body = _in_parentheses(node.expr, width)
    else:
        body = _lines(node.expr, width)
    return [*body[:-1], f"{body[-1]}{_subquery_tail(node)}"]


def _indented(lines: list[str]) -> list[str]:
    return [_INDENT + line for line in lines]


def _in_parentheses(node: Node, width: int) -> list[str]:
    flat = f"({one_line(node)})"
    if len(flat) <= width:
        return [flat]
    return ["(", *_indented(_lines(node, width - len(_INDENT))), ")"]


def _operand_lines(parent: Binary, child: Node, is_right: bool, width: int) -> list[str]:
    """The lines of an operand of a binary expression that is broken into lines.

    An operand that is itself broken gets parentheses, unless it continues a chain of the same
    operator.
    """
    if _needs_parentheses(parent, child, is_right):
        return _in_parentheses(child, width)
    lines = _lines(child, width)
    if isinstance(child, Binary) and child.op != parent.op and len(lines) > 1:
        return _in_parentheses(child, width)
    return lines


def _precedence(op: str) -> int:
    return _COMPARISON_PRECEDENCE if op in COMPARISONS | TRIMS else _PRECEDENCE[op]


def _needs_parentheses(parent: Binary, child: Node, is_right: bool) -> bool:
    if isinstance(child, Unary) or (isinstance(child, Number) and child.value.is_signed()):
        return parent.op == "^" and not is_right
    if _reads_on(child):
        return True
    if not isinstance(child, Binary):
        return False
    confusing = (parent.op, child.op) in _CONFUSING
    mine, theirs = _precedence(parent.op), _precedence(child.op)
    if theirs != mine:
        return theirs < mine or confusing
    if parent.op == child.op and parent.op in ("and", "or"):
        return is_right
    side_that_binds_first = parent.op in _RIGHT_ASSOCIATIVE
    return is_right != side_that_binds_first or confusing


def _reads_on(node: Node) -> bool:
    """Whether the text ends in an offset in parentheses: Prometheus would read the operator after
    it as the offset's own."""
    return isinstance(node, Selector | Subquery) and node.offset_by is not None


def _operands(node: Binary) -> tuple[str, str]:
    left, right = one_line(node.left), one_line(node.right)
    if _needs_parentheses(node, node.left, is_right=False):
        left = f"({left})"
    if _needs_parentheses(node, node.right, is_right=True):
        right = f"({right})"
    return left, right


def _operand(node: Node, at_least: int) -> str:
    text = one_line(node)
    weaker = isinstance(node, Binary) and _precedence(node.op) < at_least
    return f"({text})" if weaker or isinstance(node, Unary) or _reads_on(node) else text


def _operator(node: Binary) -> str:
    parts = [node.op]
    if node.return_bool:
        parts.append("bool")
    if node.matching is not None:
        parts.extend(_matching(node.matching))
    return " ".join(parts)


def _matching(matching: Matching) -> list[str]:
    keyword = "on" if matching.on else "ignoring"
    parts = [f"{keyword} ({_label_list(matching.labels)})"]
    if matching.group is not None:
        parts.append(f"group_{matching.group} ({_label_list(matching.include)})")
    return parts


def _aggregate_head(node: Aggregate) -> str:
    return node.op if node.grouping is None else f"{node.op} {_grouping(node.grouping)} "


def _aggregate_arguments(node: Aggregate) -> str:
    argument = one_line(node.expr)
    return argument if node.param is None else f"{one_line(node.param)}, {argument}"


def _grouping(grouping: Grouping) -> str:
    keyword = "without" if grouping.without else "by"
    return f"{keyword} ({_label_list(grouping.labels)})"


@lru_cache(maxsize=_PRINTED)
def _selector(node: Selector) -> str:
    matchers = ",".join(_matcher(matcher) for matcher in node.matchers)
    window = "" if node.range is None else f"[{_range(node.range)}]"
    extended = "" if node.extended is None else f" {node.extended}"
    return f"{_named(node.metric, matchers)}{window}{extended}{_offset(node)}{_at(node.at)}"


def _named(metric: str | None, matchers: str) -> str:
    if metric is None or _is_unquoted(metric):
        return f"{metric or ''}{{{matchers}}}" if matchers or metric is None else metric
    # A reserved word is written so that Prometheus 2 reads it too, which has no quoted names.
    name = f"__name__={quote(metric)}" if is_plain_metric(metric) else quote(metric)
    return f"{{{name},{matchers}}}" if matchers else f"{{{name}}}"


def _is_unquoted(metric: str) -> bool:
    return is_plain_metric(metric) and metric.lower() not in _RESERVED_METRICS


def is_plain_metric(name: str) -> bool:
    """Whether Prometheus 2 takes the name of a metric."""
    return _PLAIN_METRIC.fullmatch(name) is not None


def is_plain_label(name: str) -> bool:
    """Whether Prometheus 2 takes the name of a label."""
    return _PLAIN_LABEL.fullmatch(name) is not None


def label_name(name: str) -> str:
    """The name of a label as it stands in PromQL and in a series: in quotes where it needs them."""
    return name if is_plain_label(name) else quote(name)


def is_plain_in_list(name: str) -> bool:
    """Whether Prometheus 2 takes the name in `by`, `on` and their kin."""
    return is_plain_label(name) and name.lower() not in _RESERVED_LABELS


def _label_list(names: Iterable[str]) -> str:
    return ", ".join(name if is_plain_in_list(name) else quote(name) for name in names)


def _matcher(matcher: Matcher) -> str:
    return f"{label_name(matcher.label)}{matcher.op}{quote(matcher.value)}"


def _subquery_body(node: Subquery) -> str:
    inner = one_line(node.expr)
    return f"({inner})" if isinstance(node.expr, Binary | Unary) else inner


def _subquery_tail(node: Subquery) -> str:
    step = "" if node.step is None else _range(node.step)
    return f"[{_range(node.range)}:{step}]{_offset(node)}{_at(node.at)}"


def _range(window: Range) -> str:
    return str(window)


def _offset(node: Selector | Subquery) -> str:
    if node.offset_by is not None:
        return f" offset ({node.offset_by})"
    if not node.offset_ms:
        return ""
    sign = "-" if node.offset_ms < 0 else ""
    return f" offset {sign}{Duration(abs(node.offset_ms))}"


def _at(at: str | None) -> str:
    return "" if at is None else f" @ {at}"


def _number(value: Decimal) -> str:
    if value.is_nan():
        return "NaN"
    if value.is_infinite():
        return "+Inf" if value > 0 else "-Inf"
    return number_text(value)
