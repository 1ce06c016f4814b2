"""PromQL text goes in, a tree comes out; the package promql-parser does the parsing.

Limits on length and nesting keep its native code from crashing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from typing import Any

import promql_parser

from opsgen.promql.durations import Computed, milliseconds
from opsgen.promql.mistakes import PromqlError
from opsgen.promql.spelling import Spelled, spelled
from opsgen.promql.tree import (
    TRIMS,
    Aggregate,
    Binary,
    Call,
    Grouping,
    Matcher,
    Matching,
    MatchOp,
    Node,
    Number,
    Range,
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
# Accepted by promql-parser's regular expressions, refused by the RE2 of Prometheus itself.
_NOT_RE2 = re.compile(r"(?<!\\)[*+?}][*+]|\{(?:\d*,)?\d{4,}\}")


@lru_cache(maxsize=4096)
def parse(text: str) -> Node:
    """The tree of a PromQL expression; raises PromqlError."""
    _refuse_what_crashes_the_parser(text)
    plain = spelled(text)
    try:
        parsed = promql_parser.parse(plain.text)
    except ValueError as error:
        raise PromqlError(_reason(str(error), plain)) from None
    return _Conversion(plain).convert(parsed, 0)


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


def _reason(message: str, plain: Spelled) -> str:
    if plain.is_extended:
        # To promql-parser they are offsets.
        message = message.replace("offset modifier", "offset, anchored or smoothed", 1)
    return " ".join(message.split())[:300] or "it does not parse"


class _Conversion:
    """Turns promql-parser's tree into ours, and puts back what the spelling has replaced.

    Goes through the tree in the order of the text, since that is how the operators are counted.
    """

    def __init__(self, plain: Spelled) -> None:
        self.plain = plain
        self.equalities: Iterator[str] = iter(plain.equalities)

    def convert(self, node: Any, depth: int) -> Node:
        if depth > 2 * _DEEPEST:
            raise PromqlError("the query has too many operators in a row")
        converter = _CONVERTERS.get(type(node))
        if converter is None:
            raise PromqlError(f"{type(node).__name__} is not supported")
        converted: Node = converter(self, node, depth + 1)
        return converted

    def number(self, node: Any, _depth: int) -> Number:
        return Number(Decimal(repr(node.val)) if node.val == node.val else Decimal("NaN"))

    def string(self, node: Any, _depth: int) -> String:
        return String(node.val)

    def vector(self, node: Any, _depth: int) -> Selector:
        if node.matchers.or_matchers:
            raise PromqlError(
                "alternatives inside a selector ({a or b}) are not supported; write two selectors"
            )
        matchers = tuple(_matcher(matcher) for matcher in node.matchers.matchers)
        metric = node.name
        if metric is None:
            metric, matchers = _named_by_matcher(matchers)
        shift = self.plain.shift(node.offset)
        return Selector(
            metric,
            matchers,
            offset_ms=_constant(shift.offset),
            at=self._at(node.at),
            extended=shift.extended,
            offset_by=_varying(shift.offset),
            arithmetic=_is_arithmetic(shift.offset),
        )

    def matrix(self, node: Any, depth: int) -> Selector:
        selector = self.vector(node.vector_selector, depth)
        window = self.plain.length(node.range)
        arithmetic = selector.arithmetic or _is_arithmetic(window)
        return replace(selector, range=_range(window), arithmetic=arithmetic)

    def subquery(self, node: Any, depth: int) -> Subquery:
        expr = self.convert(node.expr, depth)
        shift = self.plain.shift(node.offset)
        if shift.extended:
            raise PromqlError(f"{shift.extended} is not supported for subqueries")
        window = self.plain.length(node.range)
        step = None if node.step is None else self.plain.length(node.step)
        return Subquery(
            expr,
            _range(window),
            None if step is None else _range(step),
            _constant(shift.offset),
            self._at(node.at),
            offset_by=_varying(shift.offset),
            arithmetic=any(map(_is_arithmetic, (window, step, shift.offset))),
        )

    def call(self, node: Any, depth: int) -> Call:
        return Call(node.func.name, tuple(self.convert(one, depth) for one in node.args))

    def aggregate(self, node: Any, depth: int) -> Aggregate:
        grouping = None
        if node.modifier is not None:
            without = node.modifier.type == promql_parser.AggModifierType.Without
            grouping = Grouping(tuple(node.modifier.labels), without)
        param = None if node.param is None else self.convert(node.param, depth)
        return Aggregate(str(node.op), self.convert(node.expr, depth), grouping, param)

    def binary(self, node: Any, depth: int) -> Binary:
        modifier = node.modifier
        left = self.convert(node.lhs, depth)
        op = str(node.op)
        if op == "==":
            op = next(self.equalities)
        return Binary(
            op,
            left,
            self.convert(node.rhs, depth),
            _matching(modifier) if modifier is not None else None,
            bool(modifier is not None and modifier.return_bool and op not in TRIMS),
        )

    def unary(self, node: Any, depth: int) -> Unary:
        return Unary(self.convert(node.expr, depth))

    def paren(self, node: Any, depth: int) -> Node:
        return self.convert(node.expr, depth)

    def _at(self, modifier: Any) -> str | None:
        if modifier is None:
            return None
        kinds = promql_parser.AtModifierType
        if modifier.type == kinds.Start:
            return "start()"
        if modifier.type == kinds.End:
            return "end()"
        return self.plain.time(modifier.at.timestamp())


def _range(length: Computed) -> Range:
    return length if length.varies else Duration(milliseconds(length))


def _constant(offset: Computed | None) -> int:
    return 0 if offset is None or offset.varies else milliseconds(offset)


def _varying(offset: Computed | None) -> Computed | None:
    return offset if offset is not None and offset.varies else None


def _is_arithmetic(duration: Computed | None) -> bool:
    return duration is not None and duration.is_arithmetic


def _named_by_matcher(
    matchers: tuple[Matcher, ...],
) -> tuple[str | None, tuple[Matcher, ...]]:
    """The metric that `{__name__="requests"}` or `{"requests"}` names, and the other matchers."""
    names = [matcher for matcher in matchers if matcher.label == "__name__"]
    if len(names) != 1 or names[0].op != "=" or not names[0].value:
        return None, matchers
    (name,) = names
    return name.value, tuple(matcher for matcher in matchers if matcher is not name)


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


_CONVERTERS: dict[Any, Any] = {
    promql_parser.NumberLiteral: _Conversion.number,
    promql_parser.StringLiteral: _Conversion.string,
    promql_parser.VectorSelector: _Conversion.vector,
    promql_parser.MatrixSelector: _Conversion.matrix,
    promql_parser.SubqueryExpr: _Conversion.subquery,
    promql_parser.Call: _Conversion.call,
    promql_parser.AggregateExpr: _Conversion.aggregate,
    promql_parser.BinaryExpr: _Conversion.binary,
    promql_parser.UnaryExpr: _Conversion.unary,
    promql_parser.ParenExpr: _Conversion.paren,
}
