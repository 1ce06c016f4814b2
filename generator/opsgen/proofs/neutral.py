"""Conditions go in; the same with neutral label values come out, and the way back to the real ones.

Services of one kind differ in little but the values of their labels, and the search never looks at
those. What it finds for one service holds for all, once the real values are put back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from opsgen.promql import Matcher, Node, Selector, String
from opsgen.promql.rewrite import transform
from opsgen.promql.tree import selectors, walk
from opsgen.proofs.conditions import Condition
from opsgen.proofs.label_values import known_values
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
    """The conditions with neutral values for every label that is only matched by equality, and only
    to ordinary values.

    Two things stay as they are: values that a series may get without being asked for, since a
    neutral value would not prevent that; and everything where an expression makes label values out
    of text.
    """
    exprs = [expr for condition in conditions for expr in condition.exprs]
    if any(isinstance(part, String) for expr in exprs for part in walk(expr)):
        return tuple(conditions), Names({})
    neutral_values = _neutral_values(exprs)

    def rename(node: Node) -> Node:
        if isinstance(node, Selector) and node.matchers:
            return _renamed(node, neutral_values)
        return node

    changed = tuple(_changed(condition, rename) for condition in conditions)
    back = {(label, value): real for (label, real), value in neutral_values.items()}
    return changed, Names(back)


def _neutral_values(exprs: Sequence[Node]) -> dict[tuple[str, str], str]:
    """The neutral value for each label and value that gets one."""
    found = [selector for expr in exprs for selector in selectors(expr)]
    matchers = [matcher for selector in found for matcher in selector.matchers]
    kept = {matcher.label for matcher in matchers if not _is_ordinary(matcher)}
    named = dict.fromkeys((m.label, m.value) for m in matchers if m.label not in kept)
    return {pair: f"neutral-{number}" for number, pair in enumerate(named)}


def _changed(condition: Condition, change: Callable[[Node], Node]) -> Condition:
    return Condition(condition.key, *(transform(expr, change) for expr in condition.exprs))


def _is_ordinary(matcher: Matcher) -> bool:
    return (
        matcher.op == "="
        and matcher.label != "le"
        and matcher.value not in known_values(matcher.label)
    )


def _renamed(node: Selector, values: Mapping[tuple[str, str], str]) -> Selector:
    changed = []
    for matcher in node.matchers:
        value = values.get((matcher.label, matcher.value), matcher.value)
        changed.append(Matcher(matcher.label, matcher.op, value))
    return replace(node, matchers=tuple(changed))
