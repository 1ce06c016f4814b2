"""What grafanalib writes goes in; what Grafana reads comes out, without dead keys, nulls and
defaults that hide data.

grafanalib writes for old Grafana releases too: `maxDataPoints` and `intervalFactor` make a graph
skip data, and many keys mean nothing any more. So this lists the keys that stay, rather than those
that go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grafanalib import core

from opsgen.render.grafana.extensions import BaseFirstThreshold, Json

# Without it Grafana takes a panel for one of Grafana 6 and migrates it.
_PLUGIN_VERSION = "11.4.0"

# The keys that Grafana 11 has, of those that grafanalib writes. `id` and `version` belong to a
# server, not to a file.
_DASHBOARD_KEYS = frozenset(
    {
        "annotations",
        "description",
        "editable",
        "graphTooltip",
        "links",
        "panels",
        "refresh",
        "schemaVersion",
        "tags",
        "templating",
        "time",
        "timezone",
        "title",
        "uid",
    }
)
_PANEL_KEYS = frozenset(
    {
        "datasource",
        "description",
        "fieldConfig",
        "gridPos",
        "id",
        "interval",
        "links",
        "options",
        "pluginVersion",
        "targets",
        "title",
        "transformations",
        "type",
    }
)
_ROW_KEYS = frozenset({"collapsed", "gridPos", "id", "panels", "title", "type"})
_TEXT_KEYS = frozenset(
    {"description", "gridPos", "id", "links", "options", "pluginVersion", "title", "type"}
)
_KEYS_BY_TYPE = {"row": _ROW_KEYS, "text": _TEXT_KEYS}
_DROPPED_WHEN_EMPTY = frozenset({"custom", "links", "mappings", "transformations"})


def normalised(dashboard: core.Dashboard) -> Json:
    """The dashboard as plain JSON values, keys sorted."""
    document = _only(_DASHBOARD_KEYS, dashboard.to_json_data())
    document["panels"] = [_panel_json(panel) for panel in document["panels"]]
    plain: Json = _plain(document)
    return plain


def _panel_json(panel: Any) -> Json:
    written: Json = panel.to_json_data()
    kept = _only(_KEYS_BY_TYPE.get(written["type"], _PANEL_KEYS), written)
    if "panels" in kept:
        return kept | {"panels": [_panel_json(inner) for inner in kept["panels"]]}
    return kept | {"pluginVersion": _PLUGIN_VERSION}


def _only(keys: frozenset[str], written: Json) -> Json:
    return {key: value for key, value in written.items() if key in keys}


def _plain(value: Any) -> Any:
    """Plain JSON values: grafanalib's objects as JSON, keys sorted, without nulls and empty
    settings."""
    if isinstance(value, str | int | float) or value is None:
        return value
    if isinstance(value, dict):
        return _plain_settings(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    written = value.to_json_data()
    # A threshold's null is meant.
    return written if isinstance(value, BaseFirstThreshold) else _plain(written)


def _plain_settings(settings: Mapping[str, Any]) -> Json:
    kept: Json = {}
    for key in sorted(settings):
        value = _plain(settings[key])
        is_empty = key in _DROPPED_WHEN_EMPTY and not value
        if value is not None and not is_empty:
            kept[key] = value
    return kept
