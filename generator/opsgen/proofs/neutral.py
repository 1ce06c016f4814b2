"""Conditions in; the same with neutral label values, and the way back, out.

Services of one kind differ in little but the values of their labels, which the search never looks
into: what it finds for one holds for all, once the values are put back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from opsgen.promql import Matcher, Node, Selector, String
from opsgen.promql.rewrite import transform
from opsgen.promql.tree import selectors, walk
from opsgen.proofs.conditions import Condition
from opsgen.proofs.series import known_values
from opsgen.proofs.state import Series, State


@dataclass(frozen=True)
class Names:
    """The values that were replaced, by label and neutral value."""

    values: Mapping[tuple[str, str], str]

    def restored(self, state: State) -> State:
        """The state with the values that the conditions had."""
        return State((self._renamed(series), level) for series, level in state.items())

    def _renamed(self, series: Series) -> Series:
        return Series(
            series.metric,
            tuple((pair[0], self.values.get(pair, pair[1])) for pair in series.labels),
        )


def neutral(conditions: Sequence[Condition]) -> tuple[tuple[Condition, ...], Names]:
    """The conditions with neutral values for every label that is matched by equality alone, to
    ordinary values.

    Left as they are: values that a series may get without being asked for, since a neutral one
    would not stand in their way, and everything where an expression makes label values of text.
    """
    exprs = [expr for condition in conditions for expr in condition.exprs]
    if any(isinstance(part, String) for expr in exprs for part in walk(expr)):
        return tuple(conditions), Names({})
    matchers = [
        matcher for expr in exprs for selector in selectors(expr) for matcher in selector.matchers
    ]
    kept = {matcher.label for matcher in matchers if not _is_ordinary(matcher)}
    named = dict.fromkeys((m.label, m.value) for m in matchers if m.label not in kept)
    neutral_values = {pair: f"neutral-{number}" for number, pair in enumerate(named)}

    def rename(node: Node) -> Node:
        return (
            _renamed(node, neutral_values) if isinstance(node, Selector) and node.matchers else node
        )

    changed = tuple(
        Condition(c.key, *(transform(expr, rename) for expr in c.exprs)) for c in conditions
    )
    return changed, Names({(label, value): real for (label, real), value in neutral_values.items()})


def _is_ordinary(matcher: Matcher) -> bool:
    return (
        matcher.op == "="
        and matcher.label != "le"
        and matcher.value not in known_values(matcher.label)
    )


def _renamed(node: Selector, values: Mapping[tuple[str, str], str]) -> Selector:
    changed = (
        Matcher(
            matcher.label, matcher.op, values.get((matcher.label, matcher.value), matcher.value)
        )
        for matcher in node.matchers
    )
    return replace(node, matchers=tuple(changed))
