"""Closure: everything an artifact refers to is defined by another one, and every alert has a panel,
a runbook section, a route to a human and a proof. Works on the artifacts' texts, so that it judges
what is written, not what was meant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from opsgen.alertmanager.routing import routes_reached
from opsgen.model.artifact import Wanted
from opsgen.model.artifact_kinds import ALERTMANAGER, ARTIFACT_KINDS, RULES, Scope
from opsgen.model.links import heading_anchor
from opsgen.model.service import Service

_ANCHOR = re.compile(r'<a id="([^"]+)"></a>')
_RECORDED = re.compile(r"\bslo:[a-z_]+:[a-z_]+[0-9a-z]*")
_INTERNAL_LINK = re.compile(r"\]\(#([^)\s]+)\)")
_FIRING = re.compile(
    r'alertname="([^"]+)", severity="([^"]+)", signal="([^"]+)"(?:, step="([^"]+)")?'
)

Alerts = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Gap:
    """Something that is referred to and is nowhere, or an alert that lacks one of its parts."""

    file: str
    wrong: str

    def __str__(self) -> str:
        return f"{self.file}: {self.wrong}"


def gaps(
    service: Service, artifacts: Iterable[Wanted], alertmanager: Mapping[str, Any]
) -> list[Gap]:
    """What is missing for one service; `alertmanager` is the fleet's configuration, parsed."""
    texts = {artifact.path: artifact.content for artifact in artifacts}
    found = list(missing_files("service", texts, service.name))
    if RULES.path_of(service.name) not in texts:
        return found
    groups = _yaml(texts[RULES.path_of(service.name)])["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    alerts = [rule for rule in rules if "alert" in rule]
    if not alerts:
        found.append(Gap(RULES.path_of(service.name), "there is no alert in it"))
    for kind in ARTIFACT_KINDS.values():
        path = kind.path_of(service.name)
        if kind.of == "service" and kind.closure in _ASKED and path in texts:
            found.extend(Gap(path, wrong) for wrong in _ASKED[kind.closure](alerts, texts[path]))
    found.extend(_without_route(service, alerts, alertmanager))
    found.extend(_without_record(service, rules))
    return found


def missing_files(of: Scope, texts: Container[str], service: str = "") -> Iterator[Gap]:
    """What every service, or every fleet, has, and is not there."""
    for kind in ARTIFACT_KINDS.values():
        path = kind.path_of(service) if of == "service" else kind.path
        if kind.of == of and kind.always and path not in texts:
            yield Gap(path, "it is not there")


def _yaml(text: str) -> Any:
    return yaml.load(text, Loader=yaml.CSafeLoader)


def _panels(panels: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for panel in panels:
        yield panel
        yield from _panels(panel.get("panels", ()))


def _without_panel(alerts: Alerts, dashboard: str) -> Iterator[str]:
    document = json.loads(dashboard)
    ids = {panel["id"] for panel in _panels(document["panels"])}
    linked = {
        link["url"].partition("#")[2]
        for panel in _panels(document["panels"])
        for link in panel.get("links", ())
    }
    for rule in alerts:
        url = rule["annotations"].get("dashboard_url", "")
        shown = int(url.rpartition("viewPanel=")[2]) in ids if url else True
        anchored = rule["annotations"]["runbook_url"].partition("#")[2] in linked
        if not (shown and anchored):
            yield f"no panel shows {_named(rule)}"


def _without_section(alerts: Alerts, runbook: str) -> Iterator[str]:
    anchors = _ANCHOR.findall(runbook)
    for rule in alerts:
        if rule["annotations"]["runbook_url"].partition("#")[2] not in anchors:
            yield f"there is no section on {_named(rule)}"
    headings = {
        heading_anchor(line.lstrip("#")) for line in runbook.splitlines() if line.startswith("#")
    }
    for target in dict.fromkeys(_INTERNAL_LINK.findall(runbook)):
        if target not in anchors and target not in headings:
            yield f"a link leads to #{target}, which is not there"


def _without_proof(alerts: Alerts, proofs: str) -> Iterator[str]:
    document = _yaml(proofs)
    proven = {
        match.groups("")
        for test in document["tests"]
        for assertion in test["promql_expr_test"]
        for sample in assertion["exp_samples"]
        if (match := _FIRING.search(sample["labels"]))
    }
    if document["rule_files"] != [RULES.path]:
        yield f"it does not load {RULES.path}"
    for rule in alerts:
        labels = rule["labels"]
        step = labels.get("step", "")
        if (rule["alert"], labels["severity"], labels["signal"], step) not in proven:
            yield f"nothing proves that {_named(rule)} fires"


# By what the table of artifact kinds says that an alert must have in a file of a service.
_ASKED: Mapping[str, Callable[[Alerts, str], Iterator[str]]] = {
    "panel": _without_panel,
    "section": _without_section,
    "proof": _without_proof,
}


def _without_route(
    service: Service, alerts: Alerts, alertmanager: Mapping[str, Any]
) -> Iterator[Gap]:
    known = {receiver["name"] for receiver in alertmanager["receivers"]}
    for rule in alerts:
        reached = routes_reached(alertmanager, {"alertname": rule["alert"], **rule["labels"]})
        # The root alone has no matchers: what ends there has no route of its own, whoever the root
        # tells.
        if not all(route.get("matchers") and route["receiver"] in known for route in reached):
            yield Gap(ALERTMANAGER.path, f"nobody is told of {_named(rule)} of {service.name}")


def _without_record(service: Service, rules: list[dict[str, Any]]) -> Iterator[Gap]:
    """Recorded series of ours that a rule reads and no rule records."""
    recorded = {rule["record"] for rule in rules if "record" in rule}
    for rule in rules:
        for name in sorted({*_RECORDED.findall(rule["expr"])} - recorded):
            wrong = f"{_named(rule)} reads {name}, which no rule records"
            yield Gap(RULES.path_of(service.name), wrong)


def _named(rule: Mapping[str, Any]) -> str:
    if "record" in rule:
        return str(rule["record"])
    labels = rule["labels"]
    step = f", step {labels['step']}" if "step" in labels else ""
    return f"{rule['alert']} ({labels['signal']}, {labels['severity']}{step})"
