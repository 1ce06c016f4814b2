"""What a dashboard shows, independent of its JSON: rows of tiles, with their queries, colours and
links."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from opsgen.quantities import Duration

TileKind = Literal["timeseries", "stat", "state", "table", "text"]


@dataclass(frozen=True)
class TileQuery:
    """One PromQL query. `legend` names its series, in Grafana's `{{label}}` notation."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class ThresholdStep:
    """A colour from a value upwards; the first step of a tile has no value and holds for all below
    the second."""

    value: Decimal | None
    color: str


@dataclass(frozen=True)
class Link:
    """A link of a tile or a column. The URL may hold Grafana's variables; `plain_url` makes one
    that holds none."""

    title: str
    url: str


@dataclass(frozen=True)
class Column:
    """How a table shows one field: its title, and where its cells link to."""

    field: str
    title: str
    unit: str = ""
    steps: tuple[ThresholdStep, ...] = ()
    link: Link | None = None


@dataclass(frozen=True)
class Tile:
    """One panel. `key` is its permanent name: its id and every link to it are made from that.

    Stats and tables query the present moment, the others the dashboard's whole range. `soft_max` is
    the least that the axis shows, in `unit`. `colors` maps names of series to colours. `columns`
    are a table's columns from left to right. `sort_by` is the title of the column to sort by, least
    value first. `content` is the Markdown of a text tile.
    """

    key: str
    title: str
    description: str
    kind: TileKind = "timeseries"
    queries: tuple[TileQuery, ...] = ()
    unit: str = "short"
    steps: tuple[ThresholdStep, ...] = (ThresholdStep(None, "green"),)
    links: tuple[Link, ...] = ()
    soft_max: Decimal | None = None
    colors: tuple[tuple[str, str], ...] = ()
    columns: tuple[Column, ...] = ()
    sort_by: str = ""
    content: str = ""


@dataclass(frozen=True)
class BoardRow:
    """Tiles under a heading. Where not all rows can be open, those with the lowest `rank` are."""

    key: str
    title: str
    tiles: tuple[Tile, ...]
    rank: int = 0


@dataclass(frozen=True)
class Variable:
    """A choice of label values, several or all. `query` is Grafana's `label_values(series,
    label)`."""

    name: str
    label: str
    query: str


@dataclass(frozen=True)
class BoardLink:
    """A link beside the title: to `url`, or without one to every dashboard with the `tag`."""

    title: str
    url: str = ""
    tag: str = ""


@dataclass(frozen=True)
class Firing:
    """Which firing alerts are marked on the time axis: a PromQL query on ALERTS."""

    expr: str


@dataclass(frozen=True)
class Board:
    uid: str
    title: str
    description: str
    tags: tuple[str, ...]
    rows: tuple[BoardRow, ...]
    variables: tuple[Variable, ...]
    links: tuple[BoardLink, ...]
    firing: Firing
    scrape_interval: Duration
