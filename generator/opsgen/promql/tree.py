"""The syntax tree of a PromQL expression: frozen values that can be shared, compared, cached and
sent to workers.

Parentheses are not kept: the printer writes those that precedence needs and those that help a
reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from opsgen.promql.durations import Computed
from opsgen.quantities import Duration

MatchOp = Literal["=", "!=", "=~", "!~"]

# A range is a duration; or what the query decides by its step or range; or one of Grafana's
# variables (`$__rate_interval`), in a query that only Grafana reads.
Range = Duration | Computed | str
# How a selector reads the samples at the edges of its range.
Extended = Literal["anchored", "smoothed"]


@dataclass(frozen=True, slots=True)
class Matcher:
    """One label matcher of a selector: `job="checkout"`."""

    label: str
    op: MatchOp
    value: str


def exact_value(matchers: Iterable[Matcher], label: str) -> str:
    """The one value that the matchers let a label have; empty where they do not say."""
    return next((one.value for one in matchers if one.label == label and one.op == "="), "")


@dataclass(frozen=True, slots=True)
class Number:
    value: Decimal


@dataclass(frozen=True, slots=True)
class String:
    value: str


@dataclass(frozen=True, slots=True)
class Selector:
    """An instant vector selector, or with `range` a range vector selector; `offset` and `at` as in
    PromQL.

    `offset_ms` is in milliseconds and may be negative; `offset_by` stands in its place where the
    query's step or range decides it. `at` is a Unix time as text, `start()` or `end()`.
    `arithmetic` says that one of the durations was written as a calculation; that changes nothing
    but which Prometheus reads it.
    """

    metric: str | None
    matchers: tuple[Matcher, ...] = ()
    range: Range | None = None
    offset_ms: int = 0
    at: str | None = None
    extended: Extended | None = None
    offset_by: Computed | None = None
    arithmetic: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Subquery:
    """What an expression gives over a range; offsets, `at` and `arithmetic` as in a selector."""

    expr: Node
    range: Range
    step: Range | None = None
    offset_ms: int = 0
    at: str | None = None
    offset_by: Computed | None = None
    arithmetic: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Grouping:
    """`by (labels)`, or with `without` `without (labels)`."""

    labels: tuple[str, ...]
    without: bool = False


@dataclass(frozen=True, slots=True)
class Aggregate:
    op: str
    expr: Node
    grouping: Grouping | None = None
    param: Node | None = None


@dataclass(frozen=True, slots=True)
class Matching:
    """How the two sides of a binary operator find each other: `on`/`ignoring (labels)`,
    `group_left`/`group_right`."""

    labels: tuple[str, ...]
    on: bool
    group: Literal["left", "right"] | None = None
    include: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Binary:
    op: str
    left: Node
    right: Node
    matching: Matching | None = None
    return_bool: bool = False


@dataclass(frozen=True, slots=True)
class Unary:
    """Negation; PromQL's unary plus changes nothing and is not kept."""

    expr: Node


Node = Number | String | Selector | Subquery | Call | Aggregate | Binary | Unary

COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
SET_OPERATORS = frozenset({"and", "or", "unless"})
# They cut a native histogram off above or below a value.
TRIMS = frozenset({"</", ">/"})


def children(node: Node) -> tuple[Node, ...]:
    """The direct sub-expressions, in the order in which they are written."""
    match node:
        case Binary():
            return (node.left, node.right)
        case Call():
            return node.args
        case Aggregate():
            return (node.expr,) if node.param is None else (node.param, node.expr)
        case Unary() | Subquery():
            return (node.expr,)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, parents first."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        yield found
        waiting.extend(reversed(children(found)))


def selectors(node: Node) -> Iterator[Selector]:
    """Every selector in the expression, in the order in which they are written."""
    return (found for found in walk(node) if isinstance(found, Selector))
