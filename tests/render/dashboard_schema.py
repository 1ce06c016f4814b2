"""A dashboard's JSON judged by Grafana's published JSON Schemas, and walked through by tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator

Json = dict[str, Any]

_PANEL_SCHEMAS = {
    "timeseries": "timeseries",
    "stat": "stat",
    "state-timeline": "statetimeline",
    "table": "table",
    "text": "text",
}
# Where Grafana's own definitions say 'anything', the published schemas say 'an object'.
_ANYTHING = (("MatcherConfig", "options"), ("DynamicConfigValue", "value"))


def violations(dashboard: Json, schemas: Path) -> list[str]:
    """Unknown keys and wrong types. Missing keys are none: the schemas require much that Grafana
    has a default for."""
    board = _definitions(schemas, "dashboard")
    found = _errors(
        board, "Dashboard", {key: value for key, value in dashboard.items() if key != "panels"}
    )
    query = _definitions(schemas, "prometheus")
    for part in parts(dashboard):
        if part["type"] == "row":
            found += _errors(
                board, "RowPanel", {key: value for key, value in part.items() if key != "panels"}
            )
            continue
        found += _errors(board, "Panel", part)
        own = _definitions(schemas, _PANEL_SCHEMAS[part["type"]])
        found += _errors(own, "Options", part["options"])
        custom = part.get("fieldConfig", {}).get("defaults", {}).get("custom", {})
        found += _errors(own, "FieldConfig", custom) if custom else []
        found += [
            error
            for target in part.get("targets", ())
            for error in _errors(query, "Dataquery", target)
        ]
    return found


def parts(dashboard: Json) -> Iterator[Json]:
    """Every row and every panel, also those in collapsed rows, from the top."""
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", ())


def panels(dashboard: Json) -> list[Json]:
    """Every panel that is no row."""
    return [part for part in parts(dashboard) if part["type"] != "row"]


def rows(dashboard: Json) -> list[Json]:
    return [part for part in dashboard["panels"] if part["type"] == "row"]


def panel_titled(dashboard: Json, title: str) -> Json:
    """The one panel of that title."""
    (found,) = (panel for panel in panels(dashboard) if panel["title"] == title)
    return found


def expressions(panel: Json) -> list[str]:
    return [target["expr"] for target in panel.get("targets", ())]


def step_values(panel: Json) -> list[float]:
    """The thresholds that a panel draws."""
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    return [step["value"] for step in steps if step["value"] is not None]


def walk(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in a JSON document with its path, as `panels.0.title`."""
    yield path, value
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, child in inner:
        yield from walk(child, f"{path}.{key}".lstrip("."))


def overlaps(dashboard: Json) -> list[tuple[str, str]]:
    """Pairs of panels that cover the same cell; the panels of a collapsed row meet only each
    other."""
    layers = [dashboard["panels"], *(row["panels"] for row in rows(dashboard) if row["panels"])]
    return [
        (one["title"], other["title"])
        for layer in layers
        for index, one in enumerate(layer)
        for other in layer[index + 1 :]
        if _cells(one) & _cells(other)
    ]


def _cells(panel: Json) -> set[tuple[int, int]]:
    place = panel["gridPos"]
    return {
        (x, y)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    }


def _definitions(schemas: Path, name: str) -> Json:
    written = json.loads((schemas / f"{name}.jsonschema.json").read_text(encoding="utf-8"))[
        "definitions"
    ]
    definitions: Json = _without_required(written)
    for definition, key in _ANYTHING:
        if definition in definitions:
            definitions[definition]["properties"][key] = {}
    return definitions


def _without_required(schema: Any) -> Any:
    """The schema with no key required; alternatives that only those told apart may then all hold at
    once."""
    if isinstance(schema, list):
        return [_without_required(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        "anyOf" if key == "oneOf" else key: _without_required(value)
        for key, value in schema.items()
        if not (key == "required" and isinstance(value, list))
    }


def _errors(definitions: Json, name: str, value: Any) -> list[str]:
    if name not in definitions:
        return [f"the schema has no {name} for {value}"]
    validator = Draft7Validator({"definitions": definitions, "$ref": f"#/definitions/{name}"})
    return [
        f"{name}.{'.'.join(map(str, error.path))}: {error.message}"
        for error in validator.iter_errors(value)
    ]
