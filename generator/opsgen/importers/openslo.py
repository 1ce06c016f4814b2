"""OpenSLO's SLO, openslo/v1 and the v1alpha that sloth reads, and the other way round. Source:
OpenSLO's specification, github.com/OpenSLO/OpenSLO, README, "SLO", "SLI" and "Service"."""

from __future__ import annotations

import re
from typing import Any

from opsgen.importers.events import percentage, query, shared_matchers, slug
from opsgen.importers.source import At, Imported, Source
from opsgen.model.service import EventSlo, Service
from opsgen.promql import Node, Selector, one_line, parse
from opsgen.render.yaml_writer import dump
from opsgen.signals.slo_events import event_rates

_UNITS = {"minute": "m", "hour": "h", "day": "d", "week": "w"}
_DURATION = re.compile(r"\d+[mhdw]")


def is_openslo(source: Source) -> bool:
    return source.text("apiVersion").startswith("openslo/")


def from_openslo(source: Source) -> Imported | None:
    """None for a kind that says nothing of events. Raises InputError for what has no counterpart:
    thresholds, timeslices, calendars, sources that are not Prometheus."""
    if source.text("kind") != "SLO":
        return None
    found = Imported(slug(source, ("spec", "service")))
    method = source.text("spec", "budgetingMethod")
    if method not in ("Occurrences", ""):
        wrong = f"the budget counts {method}, and opsgen's objectives count events"
        raise source.refused(("spec", "budgetingMethod"), wrong, "write Occurrences")
    window = _window(source)
    slos = [
        _slo(source, path, window, number)
        for number, path in enumerate(source.each("spec", "objectives"))
    ]
    if not slos:
        raise source.refused(("spec",), "it has no objective")
    found.spec["match"] = shared_matchers(
        [slo[key] for slo in slos for key in ("bad", "good", "total") if key in slo]
    )
    found.spec["slos"] = slos
    if source.at("spec", "alertPolicies"):
        words = "alert policies are not carried over: opsgen has the SRE workbook's burn rates"
        found.notes.append(source.note(("spec", "alertPolicies"), words))
    return found


def _window(source: Source) -> str:
    path: At = (
        ("spec", "timeWindow")
        if source.at("spec", "timeWindow") is not None
        else ("spec", "timeWindows")
    )
    first = next(source.each(*path), None)
    if first is None:
        raise source.refused(("spec",), "it has no time window")
    if source.at(*first, "calendar") is not None or source.at(*first, "isRolling") is False:
        raise source.refused(
            first, "it follows the calendar, and opsgen's periods roll", "write isRolling: true"
        )
    unit = source.text(*first, "unit").lower()
    found = (
        f"{source.text(*first, 'count')}{_UNITS.get(unit, '?')}"
        if unit
        else source.text(*first, "duration")
    )
    if not _DURATION.fullmatch(found):
        raise source.refused(
            first, f"'{found}' is no period that opsgen knows", "write it in days or weeks"
        )
    return found


def _slo(source: Source, path: At, window: str, number: int) -> dict[str, Any]:
    name = slug(source, ("metadata", "name"))
    spec: dict[str, Any] = {"name": name if number == 0 else f"{name[:60]}-{number + 1}"}
    title = source.text(*path, "displayName") or (
        source.text("metadata", "displayName") if number == 0 else ""
    )
    if title:
        spec["title"] = title
    percent = source.at(*path, "targetPercent") is not None
    spec["objective"] = (
        percentage(source, (*path, "targetPercent"))
        if percent
        else percentage(source, (*path, "target"), 100)
    )
    spec["window"] = window
    ratio = (*path, "ratioMetrics")
    if source.at(*ratio) is None:
        ratio = ("spec", "indicator", "spec", "ratioMetric")
    if source.at(*ratio) is None:
        wrong = "it asks for a threshold, and opsgen's objectives count events"
        raise source.refused(
            ("spec", "indicator"), wrong, "write a ratioMetric, or latency: 99% under ..."
        )
    if source.at(*ratio, "raw") is not None:
        raise source.refused(
            (*ratio, "raw"), "it gives a ratio, and opsgen's objectives count events"
        )
    for key in ("bad", "good"):
        if source.at(*ratio, key) is not None:
            spec[key] = _query(source, ratio, key)
            break
    spec["total"] = _query(source, ratio, "total")
    description = source.text("spec", "description")
    return spec | ({"description": description} if description else {})


def _query(source: Source, ratio: At, key: str) -> str:
    path = (*ratio, key, "metricSource")
    if source.at(*path) is None:  # v1alpha
        path = (*ratio, key)
        if source.text(*path, "source").lower() != "prometheus":
            raise source.refused((*path, "source"), "it is not read from Prometheus")
        return query(source, (*path, "query"))
    if source.text(*path, "type").lower() != "prometheus":
        raise source.refused((*path, "type"), "it is not read from Prometheus")
    found = query(source, (*path, "spec", "query"))
    node = parse(found)
    if isinstance(node, Selector) and node.range is None and source.at(*ratio, "counter") is True:
        return f"rate({one_line(node)}[5m])"
    return found


# -- the other way round ---------------------------------------------------------------------------


def openslo_of(service: Service) -> str:
    """A stream of documents: the service, and each of its SLOs with the queries over five minutes
    that rules read."""
    about = {
        "apiVersion": "openslo/v1",
        "kind": "Service",
        "metadata": {"name": service.name, "displayName": service.title},
        "spec": {"description": service.description} if service.description else {},
    }
    documents = [
        about,
        *(_document(service, slo, *event_rates(service, slo)) for slo in service.slos),
    ]
    return "".join(f"---\n{dump(one)}" for one in documents)


def _document(service: Service, slo: EventSlo, bad: Node, total: Node) -> dict[str, Any]:
    def source(node: Node) -> dict[str, Any]:
        return {"metricSource": {"type": "Prometheus", "spec": {"query": one_line(node)}}}

    display = slo.title or slo.name
    indicator = {
        "metadata": {"name": f"{service.name}-{slo.name}"},
        "spec": {"ratioMetric": {"counter": True, "bad": source(bad), "total": source(total)}},
    }
    return {
        "apiVersion": "openslo/v1",
        "kind": "SLO",
        "metadata": {
            "name": slo.name,
            "displayName": display,
            "labels": {"team": [service.team.name]},
        },
        "spec": {
            **({"description": slo.description} if slo.description else {}),
            "service": service.name,
            "indicator": indicator,
            "timeWindow": [{"duration": str(slo.window), "isRolling": True}],
            "budgetingMethod": "Occurrences",
            "objectives": [{"displayName": display, "target": float(slo.objective.value)}],
        },
    }
