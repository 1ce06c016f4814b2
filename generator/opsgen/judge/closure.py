"""Closure: everything an artifact refers to is defined by another one, and every alert has a panel,
a runbook section, a route to a human and a proof. Works on the artifacts' texts, so that it judges
what is written, not what was meant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from opsgen.alertmanager.routing import routes_reached
from opsgen.model.artifact import Wanted
from opsgen.model.links import heading_anchor
from opsgen.model.service import Service

_ANCHOR = re.compile(r'<a id="([^"]+)"></a>')
_INTERNAL_LINK = re.compile(r"\]\(#([^)\s]+)\)")
_FIRING = re.compile(
    r'alertname="([^"]+)", severity="([^"]+)", signal="([^"]+)"(?:, step="([^"]+)")?'
)


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
    texts = {artifact.path.rpartition("/")[2]: artifact.content for artifact in artifacts}
    rules = [rule for group in _yaml(texts["rules.yaml"])["groups"] for rule in group["rules"]]
    alerts = [rule for rule in rules if "alert" in rule]
    found: list[Gap] = []
    if not alerts:
        found.append(Gap(f"{service.name}/rules.yaml", "there is no alert in it"))
    found.extend(_without_panel(service, alerts, texts["dashboard.json"]))
    found.extend(_without_section(service, alerts, texts["runbook.md"]))
    found.extend(_without_proof(service, alerts, texts["rules.test.yaml"]))
    found.extend(_without_route(service, alerts, alertmanager))
    found.extend(_without_record(service, rules))
    return found


def terraform_gaps(artifacts: Iterable[Wanted]) -> Iterator[Gap]:
    """What the providers would refuse of the fleet's Terraform module, or find nowhere."""
    from opsgen.render.terraform.schemas import faults

    for artifact in artifacts:
        if artifact.path.endswith(".tf.json"):
            yield from (Gap(artifact.path, fault) for fault in faults(json.loads(artifact.content)))


def _yaml(text: str) -> Any:
    return yaml.load(text, Loader=yaml.CSafeLoader)


def _panels(panels: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for panel in panels:
        yield panel
        yield from _panels(panel.get("panels", ()))


def _without_panel(service: Service, alerts: list[dict[str, Any]], dashboard: str) -> Iterator[Gap]:
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
            yield Gap(f"{service.name}/dashboard.json", f"no panel shows {_named(rule)}")


def _without_section(service: Service, alerts: list[dict[str, Any]], runbook: str) -> Iterator[Gap]:
    anchors = _ANCHOR.findall(runbook)
    for rule in alerts:
        if rule["annotations"]["runbook_url"].partition("#")[2] not in anchors:
            yield Gap(f"{service.name}/runbook.md", f"there is no section on {_named(rule)}")
    headings = {
        heading_anchor(line.lstrip("#")) for line in runbook.splitlines() if line.startswith("#")
    }
    for target in dict.fromkeys(_INTERNAL_LINK.findall(runbook)):
        if target not in anchors and target not in headings:
            yield Gap(
                f"{service.name}/runbook.md", f"a link leads to #{target}, which is not there"
            )


def _without_proof(service: Service, alerts: list[dict[str, Any]], proofs: str) -> Iterator[Gap]:
    document = _yaml(proofs)
    proven = {
        match.groups("")
        for test in document["tests"]
        for assertion in test["promql_expr_test"]
        for sample in assertion["exp_samples"]
        if (match := _FIRING.search(sample["labels"]))
    }
    if document["rule_files"] != ["rules.yaml"]:
        yield Gap(f"{service.name}/rules.test.yaml", "it does not load rules.yaml")
    for rule in alerts:
        labels = rule["labels"]
        if (
            rule["alert"],
            labels["severity"],
            labels["signal"],
            labels.get("step", ""),
        ) not in proven:
            yield Gap(
                f"{service.name}/rules.test.yaml", f"nothing proves that {_named(rule)} fires"
            )


def _without_route(
    service: Service, alerts: list[dict[str, Any]], alertmanager: Mapping[str, Any]
) -> Iterator[Gap]:
    known = {receiver["name"] for receiver in alertmanager["receivers"]}
    for rule in alerts:
        reached = routes_reached(alertmanager, {"alertname": rule["alert"], **rule["labels"]})
        # The root alone has no matchers: what ends there has no route of its own, whoever the root
        # tells.
        if not all(route.get("matchers") and route["receiver"] in known for route in reached):
            yield Gap("alertmanager.yml", f"nobody is told of {_named(rule)} of {service.name}")


def _without_record(service: Service, rules: list[dict[str, Any]]) -> Iterator[Gap]:
    """Recorded series of ours that a rule reads and no rule records."""
    recorded = {rule["record"] for rule in rules if "record" in rule}
    for rule in rules:
        for name in sorted(
            set(re.findall(r"\bslo:[a-z_]+:[a-z_]+[0-9a-z]*", rule["expr"])) - recorded
        ):
            yield Gap(
                f"{service.name}/rules.yaml", f"{_named(rule)} reads {name}, which no rule records"
            )


def _named(rule: Mapping[str, Any]) -> str:
    if "record" in rule:
        return str(rule["record"])
    labels = rule["labels"]
    step = f", step {labels['step']}" if "step" in labels else ""
    return f"{rule['alert']} ({labels['signal']}, {labels['severity']}{step})"
