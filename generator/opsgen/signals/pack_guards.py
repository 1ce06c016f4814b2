"""The guard of a pack's alert goes in; the numbers that it asks for come out, and the condition
that compares the first query with enough events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING

from opsgen.load.pack_file import AlertSpec
from opsgen.load.pack_guard import CountSpec
from opsgen.model.signal import Guard, Threshold
from opsgen.promql import Node
from opsgen.promql.rewrite import all_of, any_of, binary, longest_lookback, number, rule_query


def guards_of(spec: AlertSpec, threshold: Threshold | None) -> tuple[Guard, ...]:
    """The guard of the alert, and those of its stand-ins."""
    counts = spec.guard.counts if spec.guard else ()
    return tuple(
        Guard(
            events=_fewest(one, threshold),
            window=one.over or longest_lookback(rule_query(one.count)),
            counted=one.of,
        )
        for one in counts
    )


@dataclass(frozen=True)
class Stage:
    """A query to compare, where `enough` holds; None where it always may be compared."""

    query: Node
    enough: Node | None = None

    @property
    def if_enough(self) -> Node:
        return self.query if self.enough is None else all_of([self.query, self.enough])

    def guarded(self, threshold: Threshold | None) -> Node:
        above = _compared(self.query, threshold)
        return above if self.enough is None else all_of([above, self.enough])


def in_turn(stages: Sequence[Stage], threshold: Threshold | None) -> Node:
    """The first of the stages that has enough events is compared."""
    if len(stages) == 1:
        return stages[0].guarded(threshold)
    return _compared(any_of(stage.if_enough for stage in stages), threshold)


def _compared(query: Node, threshold: Threshold | None) -> Node:
    """The comparison; the query itself where it is a whole condition."""
    if threshold is None:
        return query
    return binary(">" if threshold.above else "<", query, number(threshold.value))


def _fewest(guard: CountSpec, threshold: Threshold | None) -> int:
    if isinstance(guard.at_least, int):
        return guard.at_least
    assert threshold is not None
    return int((1 / threshold.value).to_integral_value(ROUND_CEILING))
