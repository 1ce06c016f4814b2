"""PromQL text goes in, a tree comes out; the package promql-parser does the parsing.

Limits on length and nesting keep its native code from crashing.
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

import promql_parser

from opsgen.promql.text import quote
from opsgen.promql.tree import (
    Aggregate,
    Binary,
    Call,
    Grouping,
    Matcher,
    Matching,
    MatchOp,
    Node,
    Number,
    Selector,
    String,
    Subquery,
    Unary,
)
from opsgen.quantities import Duration

# promql-parser 0.12 overflows the stack, uncatchably, on some 16,000 nested parentheses or 8,000
# chained operators.
_LONGEST = 8_000
_DEEPEST = 100
# Its trees are copied at every step down, so that time is quadratic in the length of a chain: this
# many take 0.2 s.
_MOST_OPERATORS = 1_000
_QUOTED = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`|\#[^\n]*""")
_OPERATOR = re.compile(r"[-+*/%^<>=!~]+|\b(?:and|or|unless|atan2)\b")
_METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
# Strings and comments are left alone, except what promql-parser refuses and Prometheus takes:
# backslashes in raw strings, and (outside of both) underscores between digits.
_SPELLING = re.compile(
    r"""(?P<kept>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\#[^\n]*)|`(?P<raw>[^`]*)`|(?<![\w.:])(?P<digits>\d+(?:_\d+)+)(?!\w)"""
)
# Accepted by promql-parser's regular expressions, refused by the RE2 of Prometheus itself.
_NOT_RE2 = re.compile(r"(?<!\\)[*+?}][*+]|\{(?:\d*,)?\d{4,}\}")


class PromqlError(ValueError):
    """The text is no PromQL that Prometheus would take; the message says why."""


@lru_cache(maxsize=4096)
def parse(text: str) -> Node:
    """The tree of a PromQL expression; raises PromqlError."""
    _refuse_what_crashes_the_parser(text)
    try:
        parsed = promql_parser.parse(_SPELLING.sub(_plainer, text))
    except ValueError as error:
        raise PromqlError(_reason(str(error))) from None
    return _convert(parsed, 0)


def _refuse_what_crashes_the_parser(text: str) -> None:
    if len(text) > _LONGEST:
        raise PromqlError(f"the query is {len(text)} characters long; the most is {_LONGEST}")
    if "\0" in text:
        raise PromqlError("the query has a NUL character")
    if _nesting(text) > _DEEPEST:
        raise PromqlError(f"the query is nested more than {_DEEPEST} levels deep")
    operators = _OPERATOR.findall(_QUOTED.sub("", text))
    if len(operators) > _MOST_OPERATORS:
        raise PromqlError(f"the query has more than {_MOST_OPERATORS} operators")


def _plainer(found: re.Match[str]) -> str:
    """The same string or number, spelled as promql-parser reads it."""
    if found["digits"] is not None:
        return found["digits"].replace("_", "")
    return quote(found["raw"]) if "\\" in (found["raw"] or "") else found[0]


def _nesting(text: str) -> int:
    """The deepest nesting of brackets and runs of signs.

    Brackets in strings count too, which errs on the safe side.
    """
    depth = deepest = signs = 0
    for character in text:
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        if character in "-+":
            signs += 1
        elif not character.isspace():
            signs = 0
        deepest = max(deepest, depth + signs)
    return deepest


def _reason(message: str) -> str:
    return " ".join(message.split())[:300] or "it does not parse"


def _convert(node: Any, depth: int) -> Node:
    if depth > 2 * _DEEPEST:
        raise PromqlError("the query has too many operators in a row")
    converter = _CONVERTERS.get(type(node))
    if converter is None:
        raise PromqlError(f"{type(node).__name__} is not supported")
    converted: Node = converter(node, depth + 1)
    return converted


def _number(node: Any, _depth: int) -> Number:
    return Number(Decimal(repr(node.val)) if node.val == node.val else Decimal("NaN"))


def _string(node: Any, _depth: int) -> String:
    return String(node.val)


def _vector(node: Any, _depth: int) -> Selector:
    return _selector(node, None)


def _matrix(node: Any, _depth: int) -> Selector:
    return _selector(node.vector_selector, _duration(node.range))


def _selector(node: Any, window: Duration | None) -> Selector:
    if node.matchers.or_matchers:
        raise PromqlError(
            "alternatives inside a selector ({a or b}) are not supported; write two selectors"
        )
    matchers = tuple(_matcher(matcher) for matcher in node.matchers.matchers)
    metric = node.name
    if metric is None:
        metric, matchers = _named_by_matcher(matchers)
    return Selector(metric, matchers, window, _milliseconds(node.offset), _at(node.at))


def _named_by_matcher(
    matchers: tuple[Matcher, ...],
) -> tuple[str | None, tuple[Matcher, ...]]:
    """The metric that `{__name__="requests"}` names, and the other matchers."""
    names = [matcher for matcher in matchers if _names_a_metric(matcher)]
    if len(names) != 1:
        return None, matchers
    (name,) = names
    return name.value, tuple(matcher for matcher in matchers if matcher is not name)


def _names_a_metric(matcher: Matcher) -> bool:
    is_name = matcher.label == "__name__" and matcher.op == "="
    return is_name and _METRIC_NAME.fullmatch(matcher.value) is not None


def _matcher(matcher: Any) -> Matcher:
    op = _match_op(matcher.op)
    if op in ("=~", "!~") and _NOT_RE2.search(matcher.value):
        raise PromqlError(f"the regular expression {matcher.value!r} is not valid RE2")
    return Matcher(matcher.name, op, matcher.value)


def _match_op(op: Any) -> MatchOp:
    kinds = promql_parser.MatchOp
    pairs: tuple[tuple[Any, MatchOp], ...] = (
        (kinds.Equal, "="),
        (kinds.NotEqual, "!="),
        (kinds.Re, "=~"),
        (kinds.NotRe, "!~"),
    )
    return next(written for kind, written in pairs if op == kind)


def _subquery(node: Any, depth: int) -> Subquery:
    return Subquery(
        _convert(node.expr, depth),
        _duration(node.range),
        None if node.step is None else _duration(node.step),
        _milliseconds(node.offset),
        _at(node.at),
    )


def _call(node: Any, depth: int) -> Call:
    return Call(node.func.name, tuple(_convert(argument, depth) for argument in node.args))


def _aggregate(node: Any, depth: int) -> Aggregate:
    grouping = None
    if node.modifier is not None:
        without = node.modifier.type == promql_parser.AggModifierType.Without
        grouping = Grouping(tuple(node.modifier.labels), without)
    param = None if node.param is None else _convert(node.param, depth)
    return Aggregate(str(node.op), _convert(node.expr, depth), grouping, param)


def _binary(node: Any, depth: int) -> Binary:
    modifier = node.modifier
    return Binary(
        str(node.op),
        _convert(node.lhs, depth),
        _convert(node.rhs, depth),
        _matching(modifier) if modifier is not None else None,
        bool(modifier is not None and modifier.return_bool),
    )


def _matching(modifier: Any) -> Matching | None:
    fill = modifier.fill_values
    if fill is not None and (fill.lhs, fill.rhs) != (None, None):
        raise PromqlError("fill modifiers are experimental in Prometheus and not supported")
    if modifier.matching is None:
        return None
    on = modifier.matching.type == promql_parser.LabelModifierType.Include
    labels = tuple(modifier.matching.labels)
    include = tuple(modifier.group_labels or ())
    cardinality = promql_parser.VectorMatchCardinality
    if modifier.card == cardinality.ManyToOne:
        return Matching(labels, on, "left", include)
    if modifier.card == cardinality.OneToMany:
        return Matching(labels, on, "right", include)
    return Matching(labels, on)


def _unary(node: Any, depth: int) -> Unary:
    return Unary(_convert(node.expr, depth))


def _paren(node: Any, depth: int) -> Node:
    return _convert(node.expr, depth)


def _duration(delta: timedelta) -> Duration:
    return Duration(_milliseconds(delta))


def _milliseconds(delta: timedelta | None) -> int:
    return 0 if delta is None else round(delta / timedelta(milliseconds=1))


def _at(modifier: Any) -> str | None:
    if modifier is None:
        return None
    kinds = promql_parser.AtModifierType
    if modifier.type == kinds.Start:
        return "start()"
    if modifier.type == kinds.End:
        return "end()"
    return f"{modifier.at.timestamp():.3f}".removesuffix(".000")


_CONVERTERS: dict[Any, Any] = {
    promql_parser.NumberLiteral: _number,
    promql_parser.StringLiteral: _string,
    promql_parser.VectorSelector: _vector,
    promql_parser.MatrixSelector: _matrix,
    promql_parser.SubqueryExpr: _subquery,
    promql_parser.Call: _call,
    promql_parser.AggregateExpr: _aggregate,
    promql_parser.BinaryExpr: _binary,
    promql_parser.UnaryExpr: _unary,
    promql_parser.ParenExpr: _paren,
}
