"""A board goes in; the JSON text of a Grafana dashboard comes out, made with grafanalib's builders
and our extensions of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from grafanalib import core
from pydantic_core import to_json

from opsgen.quantities import Duration, number_text
from opsgen.render.grafana import plain_text
from opsgen.render.grafana.board import (
    Board,
    BoardLink,
    Column,
    Link,
    ThresholdStep,
    Tile,
    TileKind,
    TileQuery,
    Variable,
)
from opsgen.render.grafana.extensions import (
    BaseFirstThreshold,
    Json,
    PrometheusTarget,
    QueryVariable,
    Stat,
    StateTimeline,
    Table,
    TimeSeries,
)
from opsgen.render.grafana.layout import PlacedRow, PlacedTile, placed
from opsgen.render.grafana.normaliser import normalised

# Final form from Grafana 10.4 to 13; a lower number has Grafana rewrite the dashboard on load.
_SCHEMA_VERSION = 39
_CROSSHAIR = 1
_DATASOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
_BUILT_IN_DATASOURCE: Json = {"type": "grafana", "uid": "-- Grafana --"}

# A state of 1 is good and of 0 bad, as in Prometheus' own up.
_UP_OR_DOWN: Json = {
    "type": "value",
    "options": {
        "0": {"color": "red", "index": 1, "text": "down"},
        "1": {"color": "green", "index": 0, "text": "up"},
    },
}


def dashboard_json(board: Board) -> str:
    """The dashboard as JSON text, indented by 2, keys sorted, with a newline at its end."""
    return to_json(normalised(_dashboard(board)), indent=2).decode() + "\n"


def _dashboard(board: Board) -> Any:
    return core.Dashboard(
        title=plain_text.single_line(board.title),
        uid=board.uid,
        description=plain_text.paragraphs(board.description),
        tags=list(board.tags),
        editable=False,
        graphTooltip=_CROSSHAIR,
        schemaVersion=_SCHEMA_VERSION,
        refresh="1m",
        time=core.Time("now-6h", "now"),
        timezone="browser",
        templating=core.Templating([_datasource_variable(), *map(_variable, board.variables)]),
        annotations=core.Annotations(
            [_built_in_annotation(), _firing_annotation(board.firing.expr)]
        ),
        links=[_board_link(link) for link in board.links],
        panels=[
            panel
            for row in placed(board.rows)
            for panel in _row(row, _interval(board.scrape_interval))
        ],
    )


def _row(placed_row: PlacedRow, interval: str) -> Iterable[Any]:
    """The row, with its panels in it where it is collapsed, or after it where it is open."""
    panels = [_panel(tile, interval) for tile in placed_row.tiles]
    yield core.RowPanel(
        id=placed_row.id,
        title=plain_text.single_line(placed_row.row.title),
        gridPos=_grid_pos(placed_row),
        collapsed=placed_row.collapsed,
        panels=panels if placed_row.collapsed else [],
    )
    if not placed_row.collapsed:
        yield from panels


def _panel(placed_tile: PlacedTile, interval: str) -> Any:
    tile = placed_tile.tile
    panel_type, options = _PANELS[tile.kind]
    return panel_type(
        id=placed_tile.id,
        title=plain_text.single_line(tile.title),
        description=plain_text.markdown(tile.description),
        gridPos=_grid_pos(placed_tile),
        dataSource=_DATASOURCE,
        interval=interval,
        targets=[_target(query, index, tile.kind) for index, query in enumerate(tile.queries)],
        thresholds=_thresholds(tile.steps),
        links=[_link(link) for link in tile.links],
        **options(tile),
    )


def _timeseries(tile: Tile) -> Json:
    return {
        "unit": tile.unit,
        "softMax": tile.soft_max,
        "thresholdsStyleMode": "dashed" if len(tile.steps) > 1 else "off",
        "fillOpacity": 0,
        "gradientMode": "none",
        "showPoints": "auto",
        "tooltipMode": "multi",
        "tooltipSort": "desc",
        "overrides": [_series_color(name, color) for name, color in tile.colors],
    }


def _stat(tile: Tile) -> Json:
    return {
        "format": tile.unit,
        "noValue": "no data",
        "reduceCalc": "lastNotNull",
        # The value of this moment, so that a series that has ended shows nothing rather than its
        # last words.
        "graphMode": "none",
    }


def _state(tile: Tile) -> Json:
    return {
        "unit": tile.unit,
        "tooltipMode": "single",
        "showValue": "never",
        "mappings": [_UP_OR_DOWN],
    }


def _table(tile: Tile) -> Json:
    return {
        "unit": tile.unit,
        "noValue": "none",
        "overrides": [_column(column) for column in tile.columns],
        "sortBy": [core.TableSortByField(tile.sort_by)] if tile.sort_by else [],
        "transformations": _transformations(tile),
    }


def _text(tile: Tile) -> Json:
    return {"content": tile.content, "mode": "markdown"}


# What draws a tile of each kind, and what it is given beside what all panels have.
_PANELS: dict[TileKind, tuple[Any, Callable[[Tile], Json]]] = {
    "timeseries": (TimeSeries, _timeseries),
    "stat": (Stat, _stat),
    "state": (StateTimeline, _state),
    "table": (Table, _table),
    "text": (core.Text, _text),
}


def _target(query: TileQuery, index: int, kind: TileKind) -> PrometheusTarget:
    return PrometheusTarget(
        expr=query.expr,
        legendFormat=plain_text.single_line(query.legend),
        refId=_ref_id(index),
        datasource=_DATASOURCE,
        format="table" if kind == "table" else "time_series",
        instant=kind in ("table", "stat"),
    )


def _ref_id(index: int) -> str:
    """A to Z, then AA, AB and so on, as Grafana counts."""
    before, letter = divmod(index, 26)
    return (_ref_id(before - 1) if before else "") + chr(ord("A") + letter)


def _thresholds(steps: Iterable[ThresholdStep]) -> list[BaseFirstThreshold]:
    return [
        BaseFirstThreshold(step.color, index, float(step.value or 0))
        for index, step in enumerate(steps)
    ]


def _series_color(name: str, color: str) -> Json:
    return _override(name, {"color": {"fixedColor": color, "mode": "fixed"}})


def _column(column: Column) -> Json:
    properties: Json = {"displayName": plain_text.single_line(column.title)}
    if column.unit:
        properties["unit"] = column.unit
    if column.steps:
        properties["thresholds"] = {"mode": "absolute", "steps": _thresholds(column.steps)}
        properties["custom.cellOptions"] = {"type": "color-text"}
    if column.link is not None:
        properties["links"] = [_link(column.link)]
    return _override(column.field, properties)


def _override(name: str, properties: Mapping[str, Any]) -> Json:
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key, "value": value} for key, value in properties.items()],
    }


def _transformations(tile: Tile) -> list[Json]:
    """One row for each set of labels, and the columns in their order; fields that are no column are
    left out."""
    names = [column.field for column in tile.columns]
    order = {name: index for index, name in enumerate(names)}
    return [
        {"id": "merge", "options": {}},
        {"id": "filterFieldsByName", "options": {"include": {"names": names}}},
        {"id": "organize", "options": {"indexByName": order}},
    ]


def _datasource_variable() -> QueryVariable:
    return QueryVariable(
        name="datasource", label="Data source", type="datasource", query="prometheus", refresh=1
    )


def _variable(variable: Variable) -> QueryVariable:
    return QueryVariable(
        name=variable.name,
        label=variable.label,
        query=variable.query,
        dataSource=_DATASOURCE,
        includeAll=True,
        multi=True,
        # '.+' would leave out series that lack the label, such as recorded ones.
        allValue=".*",
        refresh=core.REFRESH_ON_TIME_RANGE_CHANGE,
    )


def _built_in_annotation() -> Json:
    return {
        "builtIn": 1,
        "datasource": _BUILT_IN_DATASOURCE,
        "enable": True,
        "hide": True,
        "iconColor": "rgba(0, 211, 255, 1)",
        "name": "Annotations & Alerts",
        "type": "dashboard",
    }


def _firing_annotation(expr: str) -> Json:
    return {
        "datasource": _DATASOURCE,
        "enable": True,
        "expr": expr,
        "iconColor": "red",
        "name": "Firing alerts",
        "tagKeys": "severity,signal",
        "textFormat": "{{severity}}",
        "titleFormat": "{{alertname}}",
    }


def _board_link(link: BoardLink) -> Any:
    return core.DashboardLink(
        title=plain_text.single_line(link.title),
        type="link" if link.url else "dashboards",
        uri=link.url,
        tags=[] if link.url else [link.tag],
        icon="doc" if link.url else "external link",
        asDropdown=not link.url,
        targetBlank=bool(link.url),
        keepTime=not link.url,
    )


def _link(link: Link) -> Any:
    return core.DataLink(title=plain_text.single_line(link.title), linkUrl=link.url, isNewTab=True)


def _grid_pos(placed_part: PlacedRow | PlacedTile) -> Any:
    place = placed_part.place
    return core.GridPos(h=place.h, w=place.w, x=place.x, y=place.y)


def _interval(scrape_interval: Duration) -> str:
    """Grafana reads one number and one unit here: `90s`, not `1m30s`."""
    milliseconds = scrape_interval.milliseconds
    return (
        f"{milliseconds}ms" if milliseconds % 1000 else f"{number_text(scrape_interval.seconds)}s"
    )
