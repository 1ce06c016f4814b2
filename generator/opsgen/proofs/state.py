"""The values that describe a steady state: every counter grows at a constant rate, every gauge
stays at one level."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

LabelSet = tuple[tuple[str, str], ...]


class Unsupported(ValueError):
    """A shape of PromQL whose value can't be worked out from a steady state; the message says which
    and why."""


@dataclass(frozen=True, slots=True)
class Series:
    """One time series: its metric's name and its other labels, sorted by name."""

    metric: str
    labels: LabelSet


@dataclass(frozen=True, slots=True)
class SeriesLevel:
    """How one series behaves: a counter's increase per second (negative for a gauge that falls), or
    a gauge's value."""

    value: Decimal
    counter: bool


class State(Mapping[Series, SeriesLevel]):
    """Every series that exists, with its level; sorted by metric and labels. Series not in it are
    absent."""

    __slots__ = ("_levels",)

    def __init__(self, levels: Iterable[tuple[Series, SeriesLevel]] = ()) -> None:
        self._levels = dict(sorted(levels, key=lambda item: (item[0].metric, item[0].labels)))

    def __getitem__(self, series: Series) -> SeriesLevel:
        return self._levels[series]

    def __iter__(self) -> Iterator[Series]:
        return iter(self._levels)

    def __len__(self) -> int:
        return len(self._levels)

    def __hash__(self) -> int:
        return hash(tuple(self._levels.items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, State) and self._levels == other._levels

    def __repr__(self) -> str:
        return f"State({list(self._levels.items())!r})"
