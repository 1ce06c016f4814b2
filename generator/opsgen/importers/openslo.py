"""OpenSLO's SLO goes in and a service spec comes out, and the other way round.

Reads openslo/v1 and the v1alpha that sloth reads. Source: OpenSLO's specification,
github.com/OpenSLO/OpenSLO, README, "SLO", "SLI" and "Service".
"""

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
    """The service's spec; None for a kind that has no events. Raises InputError for what has no
    counterpart: thresholds, timeslices, calendars, sources other than Prometheus."""
    if source.text("kind") != "SLO":
        return None
    found = Imported(slug(source, ("spec", "service")))
    _refuse_timeslices(source)
    window = _window(source)
    objectives = enumerate(source.each("spec", "objectives"))
    slos = [_slo(source, path, window, number) for number, path in objectives]
    if not slos:
        raise source.refused(("spec",), "there is no objective in it")
    queries = [slo[key] for slo in slos for key in ("bad", "good", "total") if key in slo]
    found.spec["match"] = shared_matchers(queries)
    found.spec["slos"] = slos
    if source.at("spec", "alertPolicies"):
        words = "alert policies are not imported: opsgen alerts on the SRE workbook's burn rates"
        found.notes.append(source.note(("spec", "alertPolicies"), words))
    return found


def _refuse_timeslices(source: Source) -> None:
    method = source.text("spec", "budgetingMethod")
    if method not in ("Occurrences", ""):
        wrong = f"the budget counts {method}, but an SLO of opsgen counts events"
        raise source.refused(("spec", "budgetingMethod"), wrong, "write Occurrences")


def _window(source: Source) -> str:
    one: At = ("spec", "timeWindow")
    path = one if source.at(*one) is not None else ("spec", "timeWindows")
    first = next(source.each(*path), None)
    if first is None:
        raise source.refused(("spec",), "it has no time window")
    if source.at(*first, "calendar") is not None or source.at(*first, "isRolling") is False:
        wrong = "its window follows the calendar, but opsgen's windows are rolling"
        raise source.refused(first, wrong, "write isRolling: true")
    found = _duration(source, first)
    if not _DURATION.fullmatch(found):
        wrong = f"'{found}' is not a period that opsgen understands"
        raise source.refused(first, wrong, "write the period in days or weeks")
    return found


def _duration(source: Source, window: At) -> str:
    """The window: v1alpha has a count and a unit, v1 a duration."""
    unit = source.text(*window, "unit").lower()
    if not unit:
        return source.text(*window, "duration")
    return f"{source.text(*window, 'count')}{_UNITS.get(unit, '?')}"


def _slo(source: Source, path: At, window: str, number: int) -> dict[str, Any]:
    name = slug(source, ("metadata", "name"))
    spec: dict[str, Any] = {"name": name if number == 0 else f"{name[:60]}-{number + 1}"}
    title = source.text(*path, "displayName")
    if not title and number == 0:
        title = source.text("metadata", "displayName")
    if title:
        spec["title"] = title
    spec["objective"] = _objective(source, path)
    spec["window"] = window
    spec |= _events(source, _ratio_metrics(source, path))
    description = source.text("spec", "description")
    if description:
        spec["description"] = description
    return spec


def _objective(source: Source, path: At) -> str:
    percent = (*path, "targetPercent")
    if source.at(*percent) is not None:
        return percentage(source, percent)
    return percentage(source, (*path, "target"), 100)


def _ratio_metrics(source: Source, path: At) -> At:
    """Where the bad, the good and all events are: v1alpha has them in the objective, v1 in the
    indicator."""
    ratio: At = (*path, "ratioMetrics")
    if source.at(*ratio) is None:
        ratio = ("spec", "indicator", "spec", "ratioMetric")
    if source.at(*ratio) is None:
        wrong = "it sets a threshold, but an SLO of opsgen counts events"
        right = "write a ratioMetric, or latency: 99% under ..."
        raise source.refused(("spec", "indicator"), wrong, right)
    if source.at(*ratio, "raw") is not None:
        wrong = "it gives a ratio, but an SLO of opsgen counts events"
        raise source.refused((*ratio, "raw"), wrong)
    return ratio


def _events(source: Source, ratio: At) -> dict[str, str]:
    key = next((key for key in ("bad", "good") if source.at(*ratio, key) is not None), None)
    events = {} if key is None else {key: _query(source, ratio, key)}
    return events | {"total": _query(source, ratio, "total")}


def _query(source: Source, ratio: At, key: str) -> str:
    path = (*ratio, key, "metricSource")
    if source.at(*path) is None:
        path = (*ratio, key)
        _refuse_other_source(source, (*path, "source"))
        return query(source, (*path, "query"))  # v1alpha
    _refuse_other_source(source, (*path, "type"))
    found = query(source, (*path, "spec", "query"))
    node = parse(found)
    if isinstance(node, Selector) and node.range is None and source.at(*ratio, "counter") is True:
        return f"rate({one_line(node)}[5m])"
    return found


def _refuse_other_source(source: Source, path: At) -> None:
    if source.text(*path).lower() != "prometheus":
        raise source.refused(path, "its source is not Prometheus")


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
    slos = (_document(service, slo) for slo in service.slos)
    return "".join(f"---\n{dump(one)}" for one in (about, *slos))


def _document(service: Service, slo: EventSlo) -> dict[str, Any]:
    display = slo.title or slo.name
    labels = {"team": [service.team.name]}
    objective = {"displayName": display, "target": float(slo.objective.value)}
    description = {"description": slo.description} if slo.description else {}
    return {
        "apiVersion": "openslo/v1",
        "kind": "SLO",
        "metadata": {"name": slo.name, "displayName": display, "labels": labels},
        "spec": {
            **description,
            "service": service.name,
            "indicator": _indicator(service, slo),
            "timeWindow": [{"duration": str(slo.window), "isRolling": True}],
            "budgetingMethod": "Occurrences",
            "objectives": [objective],
        },
    }


def _indicator(service: Service, slo: EventSlo) -> dict[str, Any]:
    bad, total = (_metric_source(node) for node in event_rates(service, slo))
    return {
        "metadata": {"name": f"{service.name}-{slo.name}"},
        "spec": {"ratioMetric": {"counter": True, "bad": bad, "total": total}},
    }


def _metric_source(node: Node) -> dict[str, Any]:
    return {"metricSource": {"type": "Prometheus", "spec": {"query": one_line(node)}}}
