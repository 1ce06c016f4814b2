"""Files of an output tree go in; items with a name and facts come out: what the files mean to
people.

It reads the files' texts, so a tree of any age is read as it was committed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from opsgen.alertmanager.routing import concerning, routes_reached
from opsgen.errors import InputError
from opsgen.model import pages
from opsgen.model.artifact_kinds import (
    ALERTMANAGER,
    DASHBOARD,
    FLEET_RULES,
    PROBES,
    RULES,
    RUNBOOK,
    artifact_kind_of,
)
from opsgen.render.markdown import ASKED_FOR_BY

# In the order in which people ask.
ITEM_KINDS = ("alert", "route", "channel", "hours", "probe", "panel", "section", "recording rule")
# The labels that other facts tell.
_TOLD_APART = frozenset({"severity", "signal", "step", "service"})
# The line of a spec moves with every line above it.
_WHERE = f"| {ASKED_FOR_BY} |"


@dataclass(frozen=True)
class Item:
    """One thing of a service (empty: of the fleet). `key` tells it from the others of its kind,
    `name` is how people tell it, and `group` what it is called whatever its severity; `facts` are
    in the order in which they are told.
    """

    service: str
    kind: str
    key: str
    name: str
    group: str
    facts: Mapping[str, str] = field(default_factory=dict)


def meaning(files: Mapping[str, bytes]) -> list[Item]:
    """Every item of a tree, given its files by path; what can't be read means nothing, and is
    compared by its bytes."""
    alertmanager = _yaml(files.get(ALERTMANAGER.path, b"")) or {}
    found = list(_channels(alertmanager))
    for path in sorted(files):
        kind = artifact_kind_of(path)
        reader = READERS.get(kind.name) if kind is not None else None
        if reader is not None:
            found += reader(path.rpartition("/")[0], files[path], alertmanager)
    return found


def _yaml(content: bytes) -> Any:
    try:
        return yaml.load(content, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError):
        return None


def _list(document: Any, key: str) -> list[dict[str, Any]]:
    found = document.get(key) if isinstance(document, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


# -- rules -----------------------------------------------------------------------------------------


def _rules(service: str, rules: list[dict[str, Any]]) -> Iterator[Item]:
    seen: Counter[str] = Counter()
    for rule in rules:
        labels = {key: str(value) for key, value in (rule.get("labels") or {}).items()}
        expr = " ".join(str(rule.get("expr", "")).split())
        if "alert" in rule:
            group, name = _alert_names(rule, labels)
            facts = _facts_of(rule, labels, expr)
            yield Item(service, "alert", _numbered(seen, name), name, group, facts)
        elif "record" in rule:
            name = _series_name(rule, labels)
            facts = {"expression": expr}
            yield Item(service, "recording rule", _numbered(seen, name), name, name, facts)


def _alert_names(rule: Mapping[str, Any], labels: Mapping[str, str]) -> tuple[str, str]:
    """What it is called whatever its severity, and with its severity."""
    step = f", step {labels['step']}" if "step" in labels else ""
    about = f"{rule['alert']} ({labels.get('signal', '')}{step}"
    return f"{about})", f"{about}, {labels.get('severity', '')})"


def _series_name(rule: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    others = {key: value for key, value in sorted(labels.items()) if key != "service"}
    told = ", ".join(f"{key}={value}" for key, value in others.items())
    return f"{rule['record']}{{{told}}}"


def _facts_of(rule: Mapping[str, Any], labels: Mapping[str, str], expr: str) -> dict[str, str]:
    annotations = rule.get("annotations") or {}
    others = sorted(labels.keys() - _TOLD_APART)
    return {
        "severity": labels.get("severity", ""),
        "expression": expr,
        "lasting": str(rule.get("for", "0s")),
        "keeps firing": str(rule.get("keep_firing_for", "0s")),
        **{f"label {key}": labels[key] for key in others},
        "summary": str(annotations.get("summary", "")),
        "description": str(annotations.get("description", "")),
        "runbook": str(annotations.get("runbook_url", "")),
    }


def _numbered(seen: Counter[str], key: str) -> str:
    """Things of one name, such as the tiers of a burn rate, get the number of their place."""
    seen[key] += 1
    return key if seen[key] == 1 else f"{key} #{seen[key]}"


# -- who is told -----------------------------------------------------------------------------------


def _routes(
    service: str, rules: list[dict[str, Any]], alertmanager: Mapping[str, Any]
) -> Iterator[Item]:
    """Who is told of the alerts of one severity and step, and when."""
    if "route" not in alertmanager:
        return
    own = concerning(alertmanager, service)
    told: dict[tuple[str, str], dict[str, None]] = {}
    for rule in rules:
        labels = rule.get("labels") or {}
        if "alert" in rule and "severity" in labels:
            whom = _told(own, {"alertname": rule["alert"], **labels})
            if whom is not None:
                place = (labels["severity"], str(labels.get("step", "1")))
                told.setdefault(place, {}).update(dict.fromkeys(whom))
    for (severity, step), names in told.items():
        name = severity if step == "1" else f"{severity}, step {step}"
        yield Item(service, "route", name, name, name, {"told": ", ".join(names)})


def _told(alertmanager: Mapping[str, Any], labels: Mapping[str, str]) -> list[str] | None:
    """Whom an alert reaches, in words; None where the configuration is not understood."""
    try:
        return [_in_words(route) for route in routes_reached(alertmanager, labels)]
    except (ValueError, KeyError, TypeError):
        return None


def _in_words(route: Mapping[str, Any]) -> str:
    hours = " and ".join(route.get("active_time_intervals") or ())
    times = {"every": route.get("group_interval"), "again after": route.get("repeat_interval")}
    about = [f"in {hours}"] if hours else []
    about += [f"{word} {time}" for word, time in times.items() if time]
    return f"{route['receiver']} ({', '.join(about)})" if about else str(route["receiver"])


def _channels(alertmanager: Mapping[str, Any]) -> Iterator[Item]:
    for one in _list(alertmanager, "receivers"):
        name = str(one.get("name", ""))
        facts = {key: _compact(value) for key, value in one.items() if key != "name"}
        yield Item("", "channel", name, name, name, facts)
    for one in _list(alertmanager, "time_intervals"):
        name = str(one.get("name", ""))
        yield Item("", "hours", name, name, name, {"when": _compact(one.get("time_intervals"))})


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


# -- what people look at ---------------------------------------------------------------------------


def _probes(service: str, jobs: list[dict[str, Any]]) -> Iterator[Item]:
    for job in jobs:
        name = str(job.get("job_name", ""))
        static = _list(job, "static_configs")
        targets = [str(target) for one in static for target in one.get("targets") or ()]
        modules = (job.get("params") or {}).get("module") or ()
        facts = {
            "url": ", ".join(targets),
            "interval": str(job.get("scrape_interval", "")),
            "timeout": str(job.get("scrape_timeout", "")),
            "module": ", ".join(str(module) for module in modules),
        }
        yield Item(service, "probe", name, name, name, facts)


def _panels(service: str, content: bytes) -> Iterator[Item]:
    try:
        document = json.loads(content)
    except ValueError:
        return
    for panel in _all_panels(_list(document, "panels")):
        if panel.get("type") != "row":
            title = str(panel.get("title", ""))
            key = str(panel.get("id", title))
            yield Item(service, "panel", key, title, title, _facts_of_panel(panel))


def _facts_of_panel(panel: Mapping[str, Any]) -> dict[str, str]:
    defaults = (panel.get("fieldConfig") or {}).get("defaults") or {}
    limits = [step.get("value") for step in _list(defaults.get("thresholds"), "steps")]
    queries = [str(target.get("expr", "")) for target in _list(panel, "targets")]
    return {
        "queries": "; ".join(" ".join(query.split()) for query in queries),
        "thresholds": ", ".join(str(limit) for limit in limits if limit is not None),
        "unit": str(defaults.get("unit", "")),
        "type": str(panel.get("type", "")),
    }


def _all_panels(panels: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for panel in panels:
        yield panel
        yield from _all_panels(_list(panel, "panels"))


def _sections(service: str, content: bytes) -> Iterator[Item]:
    """The sections in opsgen's blocks: the text between them belongs to people."""
    try:
        page = pages.parse_page(content.decode(), "")
    except (InputError, UnicodeDecodeError):
        return
    for part in page.parts:
        block = part.block
        lines = (line for line in block.body.splitlines() if not line.startswith(_WHERE))
        yield Item(service, "section", block.id, block.title, block.id, {"text": "\n".join(lines)})


# -- what is read of which kind of file ------------------------------------------------------------

Alertmanager = Mapping[str, Any]


def _rules_and_routes(service: str, content: bytes, alertmanager: Alertmanager) -> Iterator[Item]:
    groups = _list(_yaml(content), "groups")
    rules = [rule for group in groups for rule in _list(group, "rules")]
    yield from _rules(service, rules)
    yield from _routes(service, rules, alertmanager)


def _probe_jobs(service: str, content: bytes, _: Alertmanager) -> Iterator[Item]:
    return _probes(service, _list(_yaml(content), "scrape_configs"))


# By the name of the kind of artifact. Routes and channels come from the fleet's Alertmanager
# configuration.
READERS: Mapping[str, Callable[[str, bytes, Alertmanager], Iterator[Item]]] = {
    RULES.name: _rules_and_routes,
    FLEET_RULES.name: _rules_and_routes,
    PROBES.name: _probe_jobs,
    DASHBOARD.name: lambda service, content, _: _panels(service, content),
    RUNBOOK.name: lambda service, content, _: _sections(service, content),
}
