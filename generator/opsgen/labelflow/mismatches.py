"""The table of what the checker can find, and how a message quotes expressions and labels; each
kind keeps its name for good."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from opsgen.promql import Aggregate, Node, Number, one_line

MismatchKind = Literal[
    "never-matches",
    "has-no-effect",
    "selects-nothing",
    "label-is-gone",
    "annotation-label-is-gone",
    "value-in-label",
    "quantile-without-le",
    "always-fires",
    "never-fires",
    "many-to-one",
    "quantile-out-of-range",
    "not-a-vector",
]

MISMATCHES: dict[MismatchKind, str] = {
    "never-matches": (
        "an operator whose two sides have no labels in common to match on:"
        " the result is always empty"
    ),
    "has-no-effect": "an `unless` whose right side never matches: it has no effect",
    "selects-nothing": (
        "a selector whose matchers contradict each other, or what its series are known to have"
    ),
    "label-is-gone": (
        "a `by`, `on` or `group_left` that names a label which its operand has dropped"
    ),
    "annotation-label-is-gone": (
        "a text that prints a label which the expression has dropped: it prints nothing"
    ),
    "value-in-label": "a label that holds the alert's value: each new value is a new alert",
    "quantile-without-le": (
        "a histogram_quantile over buckets that have lost `le`: the result is always empty"
    ),
    "always-fires": "an alert without a condition",
    "never-fires": "a comparison that is never true, or conditions that contradict each other",
    "many-to-one": (
        "an operator with several series on one side for one on the other: Prometheus fails to"
        " evaluate it"
    ),
    "quantile-out-of-range": "a quantile that is not from 0 to 1: the result is infinite",
    "not-a-vector": "a rule on a range of samples or a text: Prometheus fails to evaluate it",
}

# What a finding can take for granted: that its series are scraped, and so have `job` and
# `instance`; that no other server adds an external label to a recorded series.
Assumption = Literal["scraped", "no-external-labels"]

# Longer quotations hide the sentence around them.
_QUOTED = 160


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing that is wrong, and what would be `right`.

    `where` is its place in the rule: `expr`, `annotations.summary`, `labels.severity`. `assumes`
    is what it takes for granted, and what the user can switch off.
    """

    kind: MismatchKind
    message: str
    right: str
    where: str = "expr"
    assumes: Assumption | None = None


def quoted(node: Node) -> str:
    """The expression as a quotation; a long one without its middle."""
    text = one_line(node)
    if len(text) > _QUOTED:
        text = f"{text[: _QUOTED * 2 // 3]} ... {text[-_QUOTED // 3 :]}"
    return f"`{text}`"


def headed(node: Node) -> str:
    """An aggregation by its operator and grouping only, since its content is not to blame; any
    other expression as a quotation."""
    if not isinstance(node, Aggregate):
        return quoted(node)
    empty = replace(node, expr=Number(Decimal(0)), param=None)
    return f"`{one_line(empty).removesuffix('(0)')}(...)`"


def label_list(labels: Iterable[str]) -> str:
    """Labels as a person lists them: `a`, `b` and `c`."""
    names = [f"`{label}`" for label in labels]
    if len(names) > 2:
        names = [", ".join(names[:-1]), names[-1]]
    return " and ".join(names)
