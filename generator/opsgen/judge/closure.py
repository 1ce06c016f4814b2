"""Closure: an artifact defines everything that another one refers to, and every alert has a panel,
a runbook section, a route to a human and a proof. Reads the artifacts' texts, so that it checks
what opsgen writes, not what it intends.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from opsgen.alertmanager.routing import routes_reached
from opsgen.judge.documents import NOT_OF_THE_FORM, groups_of_file, panels_in, parsed_yaml
from opsgen.model.artifact import Wanted
from opsgen.model.artifact_kinds import ALERTMANAGER, ARTIFACT_KINDS, RULES, Scope
from opsgen.model.links import heading_anchor
from opsgen.model.service import Service

_ANCHOR = re.compile(r'<a id="([^"]+)"></a>')
_RECORDED = re.compile(r"\b(?:slo|alert):[a-z_]+:[a-z_]+[0-9a-z]*")
_INTERNAL_LINK = re.compile(r"\]\(#([^)\s]+)\)")
_FIRING = re.compile(
    r'alertname="([^"]+)", severity="([^"]+)", signal="([^"]+)"(?:, step="([^"]+)")?'
)

Alerts = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Gap:
    """A reference to something that does not exist, or a missing part of an alert."""

    file: str
    wrong: str

    def __str__(self) -> str:
        return f"{self.file}: {self.wrong}"


def gaps(
    service: Service, artifacts: Iterable[Wanted], alertmanager: Mapping[str, Any]
) -> list[Gap]:
    """What is missing for one service. `alertmanager` is the fleet's parsed configuration."""
    texts = {artifact.path: artifact.content for artifact in artifacts}
    found = list(missing_files("service", texts, service.platform.targets, service.name))
    path = RULES.path_of(service.name)
    if path not in texts:
        return found
    try:
        rules = [rule for group in groups_of_file(texts[path]) for rule in group["rules"]]
        alerts = [rule for rule in rules if "alert" in rule]
    except NOT_OF_THE_FORM as error:
        return [*found, Gap(path, f"it is not as opsgen writes it: {error!r}")]
    if not alerts:
        found.append(Gap(path, "it has no alert"))
    return [
        *found,
        *_without_part(service, alerts, texts),
        *_without_route(service, alerts, alertmanager),
        *_without_record(service, rules),
    ]


def _without_part(service: Service, alerts: Alerts, texts: Mapping[str, str]) -> Iterator[Gap]:
    """What the table of artifact kinds requires in each file of a service, and the file lacks."""
    for kind in ARTIFACT_KINDS.values():
        path = kind.path_of(service.name)
        if kind.of == "service" and kind.closure in _ASKED and path in texts:
            yield from (Gap(path, wrong) for wrong in _lacking(kind.closure, alerts, texts[path]))


def _lacking(closure: str, alerts: Alerts, text: str) -> list[str]:
    try:
        return list(_ASKED[closure](alerts, text))
    except NOT_OF_THE_FORM as error:
        return [f"it is not as opsgen writes it: {error!r}"]


def missing_files(
    of: Scope, texts: Collection[str], targets: Collection[str], service: str = ""
) -> Iterator[Gap]:
    """The missing files among those that every service, or every fleet, of these targets has."""
    for kind in ARTIFACT_KINDS.values():
        path = kind.path_of(service) if of == "service" else kind.path
        is_asked_for = kind.of == of and kind.always and kind.is_wanted(targets)
        if is_asked_for and not any(fnmatchcase(text, path) for text in texts):
            yield Gap(path, "this file is missing")


def _without_panel(alerts: Alerts, dashboard: str) -> Iterator[str]:
    panels = list(panels_in(json.loads(dashboard)))
    ids = {str(panel["id"]) for panel in panels}
    links = [link["url"] for panel in panels for link in panel.get("links", ())]
    linked = {_anchor_in(url) for url in links}
    for rule in alerts:
        url = rule["annotations"].get("dashboard_url", "")
        has_panel = not url or url.rpartition("viewPanel=")[2] in ids
        if not has_panel or _section_of(rule) not in linked:
            yield f"no panel shows {_named(rule)}"


def _without_section(alerts: Alerts, runbook: str) -> Iterator[str]:
    anchors = _ANCHOR.findall(runbook)
    for rule in alerts:
        if _section_of(rule) not in anchors:
            yield f"it has no section on {_named(rule)}"
    headings = [line for line in runbook.splitlines() if line.startswith("#")]
    known = {*anchors, *(heading_anchor(heading.lstrip("#")) for heading in headings)}
    for target in dict.fromkeys(_INTERNAL_LINK.findall(runbook)):
        if target not in known:
            yield f"a link leads to #{target}, which does not exist"


def _section_of(rule: Mapping[str, Any]) -> str:
    """The anchor in the runbook that the alert links to."""
    return _anchor_in(rule["annotations"]["runbook_url"])


def _anchor_in(url: str) -> str:
    return url.partition("#")[2]


def _without_proof(alerts: Alerts, proofs: str) -> Iterator[str]:
    """Later steps are left aside: proofs evaluate too rarely for a step to remember its alert."""
    document = parsed_yaml(proofs)
    if document["rule_files"] != [RULES.path]:
        yield f"it does not load {RULES.path}"
    proven = set(_proven(document["tests"]))
    for rule in alerts:
        labels = rule["labels"]
        identity = rule["alert"], labels["severity"], labels["signal"], labels.get("step", "")
        if "step" not in labels and identity not in proven:
            yield f"nothing proves that {_named(rule)} fires"


def _proven(tests: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    """Name, severity, signal and step of every alert that a test expects to fire."""
    assertions = [assertion for test in tests for assertion in test["promql_expr_test"]]
    for assertion in assertions:
        for sample in assertion["exp_samples"]:
            match = _FIRING.search(sample["labels"])
            if match:
                yield match.groups("")


# By the `closure` of an artifact kind: what an alert must have in such a file.
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
        labels = {"alertname": rule["alert"], **rule["labels"]}
        reached = routes_reached(alertmanager, labels)
        # Only the root has no matchers. An alert that ends there has no route of its own, even if
        # the root has a receiver.
        told = [route.get("matchers") and route["receiver"] in known for route in reached]
        if not all(told):
            yield Gap(ALERTMANAGER.path, f"nobody is notified of {_named(rule)} of {service.name}")


def _without_record(service: Service, rules: list[dict[str, Any]]) -> Iterator[Gap]:
    """Series in opsgen's naming that a rule reads and no rule records."""
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
