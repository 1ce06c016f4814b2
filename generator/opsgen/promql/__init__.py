"""The one place that reads, changes and writes PromQL text: text goes in and comes out.

Text becomes a tree of frozen values (`parse`), trees become other trees (`rewrite`), and a tree
becomes text again (`text`). Nothing else in opsgen looks inside a query.
"""

from opsgen.promql.mistakes import PromqlError
from opsgen.promql.parse import parse
from opsgen.promql.text import one_line, pretty
from opsgen.promql.tree import (
    Aggregate,
    Binary,
    Call,
    Grouping,
    Matcher,
    Matching,
    Node,
    Number,
    Selector,
    String,
    Subquery,
    Unary,
)

__all__ = [
    "Aggregate",
    "Binary",
    "Call",
    "Grouping",
    "Matcher",
    "Matching",
    "Node",
    "Number",
    "PromqlError",
    "Selector",
    "String",
    "Subquery",
    "Unary",
    "one_line",
    "parse",
    "pretty",
]
