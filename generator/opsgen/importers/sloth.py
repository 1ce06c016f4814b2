"""Sloth's specs go in (`version: prometheus/v1`, and its operator's PrometheusServiceLevel); a
service spec comes out.

Source: sloth's specification of prometheus/v1 and of sloth.slok.dev/v1. Its alerts are the SRE
workbook's, over 30 days unless a flag says otherwise.
"""

from __future__ import annotations

from typing import Any

from opsgen.importers.events import percentage, query, shared_matchers, slug
from opsgen.importers.source import At, Imported, Source

_PERIOD = "30d"
# Part of the name of a plugin that changes what the rules mean.
_OTHER_MEANING = ("denominator_corrected_rules",)
_ALERTS = ("page_alert", "ticket_alert")
_OWN_ALERTS = (
    "opsgen names and labels alerts itself, and notifies by escalation policy; not imported"
)
# Indicators that have no counterpart, and why.
_NO_EVENTS = {
    "raw": "it gives a ratio, but an SLO of opsgen counts events: bad ones and all of them",
    "plugin": "a sloth plugin holds its queries; write the queries here instead",
}


def is_sloth(source: Source) -> bool:
    if source.text("version") == "prometheus/v1":
        return True
    is_operators = source.text("apiVersion").startswith("sloth.slok.dev/")
    return is_operators and source.text("kind") == "PrometheusServiceLevel"


def from_sloth(source: Source) -> Imported:
    """The service's spec. Raises InputError for what has no counterpart: raw ratios, plugins,
    gauges."""
    root: At = ("spec",) if source.at("spec") is not None else ()
    found = Imported(slug(source, (*root, "service")))
    _labels(source, root, found)
    _plugins(source, root, found)
    slos = [_slo(source, path, found) for path in source.each(*root, "slos")]
    if not slos:
        raise source.refused(root, "there is no objective in it")
    queries = [slo[key] for slo in slos for key in ("bad", "total")]
    found.spec["match"] = shared_matchers(queries)
    found.spec["slos"] = slos
    _silence(source, (*root, "slos"), found)
    return found


def _silence(source: Source, path: At, found: Imported) -> None:
    """Switches alerts off where sloth's are off for every SLO."""
    silent = [_is_silent(source, slo) for slo in source.each(*path)]
    if all(silent):
        found.spec["alerts"] = {"ErrorBudgetBurn": "off"}
    elif any(silent):
        words = "all SLOs have alerts now: opsgen switches off either all of them or none"
        found.notes.append(source.note(path, words))


def _labels(source: Source, root: At, found: Imported) -> None:
    """The team is carried over; other labels are not."""
    path = (*root, "labels")
    labels = source.at(*path) or {}
    owner = next((key for key in ("owner", "team") if key in labels), None)
    if owner:
        found.spec["team"] = slug(source, (*path, owner))
    others = [key for key in labels if key != owner]
    if others:
        words = f"these labels are not imported: {', '.join(others)}"
        found.notes.append(source.note(path, words))


def _key(source: Source, path: At, snake: str) -> str:
    """The key as the operator spells it, or as the file does."""
    head, *others = snake.split("_")
    camel = head + "".join(part.capitalize() for part in others)
    return camel if source.at(*path, camel) is not None else snake


def _slo(source: Source, path: At, found: Imported) -> dict[str, Any]:
    events = _events(source, path)
    _plugins(source, path, found)
    _alerting(source, (*path, "alerting"), found)
    labels = source.at(*path, "labels")
    if labels:
        words = f"these labels are not imported: {', '.join(labels)}"
        found.notes.append(source.note((*path, "labels"), words))
    spec = {
        "name": slug(source, (*path, "name")),
        "objective": percentage(source, (*path, "objective")),
        "window": _PERIOD,
        "bad": query(source, (*events, _key(source, events, "error_query"))),
        "total": query(source, (*events, _key(source, events, "total_query"))),
    }
    description = source.text(*path, "description")
    return spec | ({"description": description} if description else {})


def _events(source: Source, path: At) -> At:
    """Where the two queries are; refuses an SLO that counts no events."""
    sli: At = (*path, "sli")
    for other, wrong in _NO_EVENTS.items():
        if source.at(*sli, other) is not None:
            raise source.refused((*sli, other), wrong)
    if source.at(*sli, "events") is None:
        raise source.refused(path, "it has no events to count")
    return (*sli, "events")


def _alerting(source: Source, path: At, found: Imported) -> None:
    left = _left_behind(source, path)
    if left:
        found.notes.append(source.note(path, f"{_OWN_ALERTS}: {', '.join(left)}"))
    off = [alert for alert in _ALERTS if _is_off(source, path, alert)]
    if len(off) == 1:
        words = f"its {off[0]} is disabled, but opsgen makes both alerts or none"
        found.notes.append(source.note(path, words))


def _left_behind(source: Source, path: At) -> list[str]:
    """What the spec says of alerts apart from whether they are on."""
    left = [key for key in ("name", "labels", "annotations") if source.at(*path, key)]
    for alert in _ALERTS:
        own = (*path, _key(source, path, alert))
        left += [f"{alert} {key}" for key in ("labels", "annotations") if source.at(*own, key)]
    return left


def _is_off(source: Source, alerting: At, alert: str) -> bool:
    return source.at(*alerting, _key(source, alerting, alert), "disable") is True


def _is_silent(source: Source, slo: At) -> bool:
    return all(_is_off(source, (*slo, "alerting"), alert) for alert in _ALERTS)


def _plugins(source: Source, path: At, found: Imported) -> None:
    has_plugins = source.at(*path, "plugins") is not None
    key = "plugins" if has_plugins else _key(source, path, "slo_plugins")
    for plugin in source.each(*path, key, "chain"):
        name = source.text(*plugin, "id")
        if any(word in name for word in _OTHER_MEANING):
            raise source.refused(plugin, f"the plugin {name} changes what the rules mean")
        found.notes.append(source.note(plugin, f"the plugin {name} is not imported"))
