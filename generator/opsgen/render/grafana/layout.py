"""Rows of tiles go in; their places on Grafana's grid of 24 columns come out, with ids that depend
on their keys and not on their positions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from opsgen.model.links import panel_id
from opsgen.render.grafana.board import BoardRow, Tile, TileKind

_COLUMNS = 24
# Queries that may be asked before somebody opens a row; dashboards that ask for more at once load
# slowly or not at all.
QUERY_BUDGET = 20
_HEIGHT: dict[TileKind, int] = {"stat": 4, "timeseries": 8, "state": 8, "table": 10, "text": 10}
_STATS_PER_LINE = 6
# How many other tiles stand beside each other, by how many there are in the row.
_PER_LINE = {1: 1, 2: 2, 4: 2}
_MOST_PER_LINE = 3


@dataclass(frozen=True)
class GridPlace:
    """A place in columns and grid rows, from the top left."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True)
class PlacedTile:
    tile: Tile
    id: int
    place: GridPlace


@dataclass(frozen=True)
class PlacedRow:
    """A collapsed row takes one grid row; its tiles have the places that they take when it is
    opened."""

    row: BoardRow
    id: int
    place: GridPlace
    collapsed: bool
    tiles: tuple[PlacedTile, ...]


def placed(rows: Iterable[BoardRow]) -> tuple[PlacedRow, ...]:
    """Every row in its place, collapsed where its queries are over the budget."""
    filled = tuple(row for row in rows if row.tiles)
    ids = _ids(filled)
    open_rows = _within_budget(filled)
    result: list[PlacedRow] = []
    y = 0
    for row in filled:
        is_open = row.key in open_rows
        tiles = tuple(_placed_tiles(row, ids, y + 1))
        result.append(
            PlacedRow(row, ids[row.key], GridPlace(0, y, _COLUMNS, 1), not is_open, tiles)
        )
        y = max(tile.place.y + tile.place.h for tile in tiles) if is_open else y + 1
    return tuple(result)


def _placed_tiles(row: BoardRow, ids: Mapping[str, int], top: int) -> Iterator[PlacedTile]:
    for tile, place in _places(row.tiles, top):
        yield PlacedTile(tile, ids[tile.key], place)


def _within_budget(rows: tuple[BoardRow, ...]) -> frozenset[str]:
    """The keys of the rows that can be open. Where one does not fit, later ones may use its
    room."""
    left = QUERY_BUDGET
    fitting: set[str] = set()
    for row in sorted(rows, key=lambda row: row.rank):
        asked = sum(len(tile.queries) for tile in row.tiles)
        if asked <= left:
            fitting.add(row.key)
            left -= asked
    return frozenset(fitting)


def _ids(rows: tuple[BoardRow, ...]) -> dict[str, int]:
    """An id for every key. Where two keys have the same hash, the first keeps it, since links use
    it."""
    tiles = [tile for row in rows for tile in row.tiles]
    keys = [*(tile.key for tile in tiles), *(row.key for row in rows)]
    ids: dict[str, int] = {}
    taken: set[int] = set()
    for key in keys:
        if key in ids:
            raise ValueError(f"two parts of a dashboard have the key {key!r}")
        free = panel_id(key)
        while free in taken:
            free += 1
        ids[key] = free
        taken.add(free)
    return ids


def _places(tiles: tuple[Tile, ...], top: int) -> Iterator[tuple[Tile, GridPlace]]:
    """The tiles' places, line by line from `top`. The tiles of a line share its width and have one
    height."""
    y = top
    for line in _lines(tiles):
        height = max(_HEIGHT[tile.kind] for tile in line)
        width, wider = divmod(_COLUMNS, len(line))
        x = 0
        for index, tile in enumerate(line):
            own = width + (index < wider)
            yield tile, GridPlace(x, y, own, height)
            x += own
        y += height


def _lines(tiles: tuple[Tile, ...]) -> Iterator[tuple[Tile, ...]]:
    only_stats = all(tile.kind == "stat" for tile in tiles)
    per_line = _STATS_PER_LINE if only_stats else _PER_LINE.get(len(tiles), _MOST_PER_LINE)
    return (tiles[start : start + per_line] for start in range(0, len(tiles), per_line))
