"""A board (what a dashboard shows, as frozen values) goes in; the JSON text of a Grafana dashboard
comes out.

Titles, descriptions and legends of a board are plain text: Grafana shows them as people wrote them.
No module outside this package knows grafanalib.
"""

from __future__ import annotations

from opsgen.render.grafana.board import (
    Board,
    BoardLink,
    BoardRow,
    Column,
    Firing,
    Link,
    ThresholdStep,
    Tile,
    TileKind,
    TileQuery,
    Variable,
)
from opsgen.render.grafana.plain_text import legend, markdown, plain_url, query_text

__all__ = [
    "Board",
    "BoardLink",
    "BoardRow",
    "Column",
    "Firing",
    "Link",
    "ThresholdStep",
    "Tile",
    "TileKind",
    "TileQuery",
    "Variable",
    "dashboard_text",
    "legend",
    "markdown",
    "plain_url",
    "query_text",
]


def dashboard_text(board: Board) -> str:
    """The dashboard as JSON, keys sorted, with a newline at its end."""
    # grafanalib takes a tenth of a second to import, and most commands draw nothing.
    from opsgen.render.grafana.dashboard import dashboard_json

    return dashboard_json(board)
