"""Sloth's specs: `version: prometheus/v1`, and PrometheusServiceLevel of its operator.

Source: sloth's specification of prometheus/v1 and of sloth.slok.dev/v1. Its alerts are the SRE
workbook's, over 30 days unless it is told otherwise by a flag.
"""

from __future__ import annotations

from typing import Any

from opsgen.importers.events import percentage, query, shared_matchers, slug
from opsgen.importers.source import At, Imported, Source

_PERIOD = "30d"
# A plugin by the words of which the meaning of the rules changes.
_OTHER_MEANING = ("denominator_corrected_rules",)


def is_sloth(source: Source) -> bool:
    return source.text("version") == "prometheus/v1" or (
        source.text("apiVersion").startswith("sloth.slok.dev/")
        and source.text("kind") == "PrometheusServiceLevel"
    )


def from_sloth(source: Source) -> Imported:
    """Raises InputError for what has no counterpart: raw ratios, plugins, gauges."""
    root: At = ("spec",) if source.at("spec") is not None else ()
    found = Imported(slug(source, (*root, "service")))
    labels = source.at(*root, "labels") or {}
    owner = next((key for key in ("owner", "team") if key in labels), None)
    if owner:
        found.spec["team"] = slug(source, (*root, "labels", owner))
    others = [key for key in labels if key != owner]
    if others:
        found.notes.append(
            source.note((*root, "labels"), f"labels are not carried over: {', '.join(others)}")
        )
    _plugins(source, root, found)
    slos = [_slo(source, path, found) for path in source.each(*root, "slos")]
    if not slos:
        raise source.refused(root, "it has no objective")
    found.spec["match"] = shared_matchers([one[key] for one in slos for key in ("bad", "total")])
    found.spec["slos"] = slos
    silent = [_is_silent(source, path) for path in source.each(*root, "slos")]
    if all(silent):
        found.spec["alerts"] = {"ErrorBudgetBurn": "off"}
    elif any(silent):
        found.notes.append(
            source.note(
                (*root, "slos"), "all objectives have alerts now: opsgen drops those of all"
            )
        )
    return found


def _key(source: Source, path: At, snake: str) -> str:
    """Of the operator's spelling, or the file's."""
    head, *others = snake.split("_")
    camel = head + "".join(part.capitalize() for part in others)
    return camel if source.at(*path, camel) is not None else snake


def _slo(source: Source, path: At, found: Imported) -> dict[str, Any]:
    sli = (*path, "sli")
    for other, wrong in (
        ("raw", "it gives a ratio, and opsgen's objectives count events: bad ones, and all"),
        ("plugin", "what it measures is in a plugin of sloth's; write its queries out"),
    ):
        if source.at(*sli, other) is not None:
            raise source.refused((*sli, other), wrong)
    events = (*sli, "events")
    if source.at(*events) is None:
        raise source.refused(path, "it measures nothing")
    _plugins(source, path, found)
    _alerting(source, (*path, "alerting"), found)
    if source.at(*path, "labels"):
        names = ", ".join(source.at(*path, "labels"))
        found.notes.append(source.note((*path, "labels"), f"labels are not carried over: {names}"))
    spec = {
        "name": slug(source, (*path, "name")),
        "objective": percentage(source, (*path, "objective")),
        "window": _PERIOD,
        "bad": query(source, (*events, _key(source, events, "error_query"))),
        "total": query(source, (*events, _key(source, events, "total_query"))),
    }
    description = source.text(*path, "description")
    return spec | ({"description": description} if description else {})


def _alerting(source: Source, path: At, found: Imported) -> None:
    left = [key for key in ("name", "labels", "annotations") if source.at(*path, key)]
    for alert in ("page_alert", "ticket_alert"):
        own = (*path, _key(source, path, alert))
        left += [f"{alert} {key}" for key in ("labels", "annotations") if source.at(*own, key)]
    if left:
        words = (
            "opsgen names and labels alerts itself, and policies say who is told; left behind:"
            f" {', '.join(left)}"
        )
        found.notes.append(source.note(path, words))
    off = [alert for alert in ("page_alert", "ticket_alert") if _is_off(source, path, alert)]
    if len(off) == 1:
        found.notes.append(
            source.note(path, f"its {off[0]} is disabled; opsgen makes both or none")
        )


def _is_off(source: Source, alerting: At, alert: str) -> bool:
    return source.at(*alerting, _key(source, alerting, alert), "disable") is True


def _is_silent(source: Source, slo: At) -> bool:
    return all(
        _is_off(source, (*slo, "alerting"), alert) for alert in ("page_alert", "ticket_alert")
    )


def _plugins(source: Source, path: At, found: Imported) -> None:
    key = (
        "plugins" if source.at(*path, "plugins") is not None else _key(source, path, "slo_plugins")
    )
    for plugin in source.each(*path, key, "chain"):
        name = source.text(*plugin, "id")
        if any(word in name for word in _OTHER_MEANING):
            raise source.refused(plugin, f"the plugin {name} changes what the rules mean")
        found.notes.append(source.note(plugin, f"the plugin {name} is not carried over"))
