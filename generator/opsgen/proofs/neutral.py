"""Conditions in; the same with neutral label values, and the way back, out.

Services of one kind differ in little but the values of their labels, which the search never looks into: what it finds
for one holds for all, once the values are put back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from opsgen.promql import Matcher, Node, Selector, String
from opsgen.promql.rewrite import transform
from opsgen.promql.tree import selectors, walk
from opsgen.proofs.rules import Condition
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
        return Series(series.metric, tuple((pair[0], self.values.get(pair, pair[1])) for pair in series.labels))


def neutral(conditions: Sequence[Condition]) -> tuple[tuple[Condition, ...], Names]:
    """The conditions with neutral values for every label that is matched by equality alone, to ordinary values.

    Left as they are: values that a series may get without being asked for, since a neutral one would not stand in
    their way, and everything where an expression makes label values of text.
    """
    if any(isinstance(part, String) for condition in conditions for part in walk(condition.expr)):
        return tuple(conditions), Names({})
    matchers = list(_matchers(conditions))
    kept = {matcher.label for matcher in matchers if not _is_ordinary(matcher)}
    named = dict.fromkeys((m.label, m.value) for m in matchers if m.label not in kept)
    neutral_values = {pair: f"neutral-{number}" for number, pair in enumerate(named)}

    def rename(node: Node) -> Node:
        return _renamed(node, neutral_values) if isinstance(node, Selector) and node.matchers else node

    changed = tuple(Condition(condition.key, transform(condition.expr, rename)) for condition in conditions)
    return changed, Names({(label, value): real for (label, real), value in neutral_values.items()})


def _matchers(conditions: Sequence[Condition]) -> Iterator[Matcher]:
    return (m for condition in conditions for selector in selectors(condition.expr) for m in selector.matchers)


def _is_ordinary(matcher: Matcher) -> bool:
    return matcher.op == "=" and matcher.label != "le" and matcher.value not in known_values(matcher.label)


def _renamed(node: Selector, values: Mapping[tuple[str, str], str]) -> Selector:
    changed = (
        Matcher(matcher.label, matcher.op, values.get((matcher.label, matcher.value), matcher.value))
        for matcher in node.matchers
    )
    return replace(node, matchers=tuple(changed))
