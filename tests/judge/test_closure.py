"""Closure finds what is missing: every kind of gap, when an artifact is damaged, and nothing on
what opsgen writes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from opsgen.alertmanager.routing import concerning
from opsgen.fleet.build import contents
from opsgen.fleet.load import FleetModel
from opsgen.judge.closure import Gap, gaps, missing_files
from opsgen.model.artifact import Artifact
from opsgen.model.service import Service
from tests.specs import fleet

SPEC = """\
service: shop
team: web
convention: prometheus-http
slos:
  - availability: 99.9%
uptime: [https://shop.example.com]
business:
  - {name: orders, query: "sum(rate(orders_total[5m]))", alerts: [{below: 1}]}
"""
PROJECT = "grafana: {url: https://grafana.example.com}\n"

Files = dict[str, str]
Damage = Callable[[Files], None]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> FleetModel:
    return fleet(tmp_path_factory.mktemp("closure"), SPEC, PROJECT)


@pytest.fixture
def service(model: FleetModel) -> Service:
    return model.services[0].service


@pytest.fixture
def files(model: FleetModel, tmp_path: Path) -> Files:
    """Every file by its name; that of the fleet's Alertmanager too."""
    wanted = contents(model, tmp_path)
    return {
        a.path.removeprefix("shop/"): a.content
        for content in wanted.values()
        for a in content.artifacts
    }


def found(service: Service, files: Files) -> list[Gap]:
    own = [
        Artifact(f"shop/{name}", text)
        for name, text in files.items()
        if name not in ("alertmanager.yml", "README.md")
    ]
    return gaps(service, own, concerning(yaml.safe_load(files["alertmanager.yml"]), "shop"))


def test_what_opsgen_writes_is_closed(service: Service, files: Files) -> None:
    assert found(service, files) == []


# -- damage ----------------------------------------------------------------------------------------


def in_yaml(name: str, change: Callable[[Any], None]) -> Damage:
    def damage(files: Files) -> None:
        document = yaml.safe_load(files[name])
        before = deepcopy(document)
        change(document)
        assert document != before
        files[name] = yaml.safe_dump(document)

    return damage


def in_json(name: str, change: Callable[[Any], None]) -> Damage:
    def damage(files: Files) -> None:
        document = json.loads(files[name])
        before = deepcopy(document)
        change(document)
        assert document != before
        files[name] = json.dumps(document) + "\n"

    return damage


def in_text(name: str, pattern: str, replacement: str) -> Damage:
    def damage(files: Files) -> None:
        files[name], times = re.subn(pattern, replacement, files[name], flags=re.DOTALL)
        assert times

    return damage


def rules(document: Any) -> list[dict[str, Any]]:
    return [rule for group in document["groups"] for rule in group["rules"]]


def rule_named(document: Any, name: str) -> dict[str, Any]:
    return next(rule for rule in rules(document) if rule.get("alert") == name)


def without_panel(document: Any) -> None:
    """The panel whose link leads to the section of OrdersLow, in its row or on its own."""
    for row in [document, *document["panels"]]:
        if "panels" in row:
            row["panels"] = [panel for panel in row["panels"] if not _leads_to_orders_low(panel)]


def _leads_to_orders_low(panel: Any) -> bool:
    return any("#orderslow-" in link["url"] for link in panel.get("links", ()))


def without_record(document: Any) -> None:
    for group in document["groups"]:
        group["rules"] = [
            rule for rule in group["rules"] if rule.get("record") != "slo:events:increase5m"
        ]


def without_alerts(document: Any) -> None:
    for group in document["groups"]:
        group["rules"] = [rule for rule in group["rules"] if "alert" not in rule]


def without_assertion(document: Any) -> None:
    for test in document["tests"]:
        for assertion in test["promql_expr_test"]:
            assertion["exp_samples"] = [
                s for s in assertion["exp_samples"] if "OrdersLow" not in s["labels"]
            ]


def to_nobody(document: Any) -> None:
    document["route"]["routes"] = []


def to_a_receiver_that_is_not_there(document: Any) -> None:
    root = document["route"]["receiver"]
    document["receivers"] = [
        receiver for receiver in document["receivers"] if receiver["name"] == root
    ]


def relabelled(document: Any) -> None:
    rule_named(document, "OrdersLow")["labels"]["service"] = "another"


DAMAGES: dict[str, tuple[Damage, str, str]] = {
    "no panel": (
        in_json("dashboard.json", without_panel),
        "dashboard.json",
        "no panel shows OrdersLow",
    ),
    "a panel with another id": (
        in_yaml(
            "rules.yaml",
            lambda d: rule_named(d, "OrdersLow")["annotations"].update(
                dashboard_url="x?viewPanel=1"
            ),
        ),
        "dashboard.json",
        "no panel shows OrdersLow",
    ),
    "no section": (
        in_text("runbook.md", r'<a id="orderslow-orders"></a>', ""),
        "runbook.md",
        "it has no section on OrdersLow",
    ),
    "a link into the void": (
        in_text("runbook.md", r"\Z", "\nSee [there](#nowhere).\n"),
        "runbook.md",
        "a link leads to #nowhere",
    ),
    "no proof": (
        in_yaml("rules.test.yaml", without_assertion),
        "rules.test.yaml",
        "nothing proves that OrdersLow",
    ),
    "a proof of other rules": (
        in_yaml("rules.test.yaml", lambda d: d.update(rule_files=["*.yaml"])),
        "rules.test.yaml",
        "it does not load rules.yaml",
    ),
    "no route": (
        in_yaml("alertmanager.yml", to_nobody),
        "alertmanager.yml",
        "nobody is notified of OrdersLow",
    ),
    "no receiver": (
        in_yaml("alertmanager.yml", to_a_receiver_that_is_not_there),
        "alertmanager.yml",
        "nobody is notified of OrdersLow",
    ),
    "labels that no route takes": (
        in_yaml("rules.yaml", relabelled),
        "alertmanager.yml",
        "nobody is notified of OrdersLow",
    ),
    "no record": (
        in_yaml("rules.yaml", without_record),
        "rules.yaml",
        "reads slo:events:increase5m, which no rule records",
    ),
    "another severity": (
        in_yaml(
            "rules.yaml", lambda d: rule_named(d, "OrdersLow")["labels"].update(severity="info")
        ),
        "rules.test.yaml",
        "nothing proves that OrdersLow",
    ),
    "no alert at all": (
        in_yaml("rules.yaml", without_alerts),
        "rules.yaml",
        "it has no alert",
    ),
}


@pytest.mark.parametrize(("damage", "file", "said"), DAMAGES.values(), ids=DAMAGES.keys())
def test_each_kind_of_gap_is_found(
    service: Service, files: Files, damage: Damage, file: str, said: str
) -> None:
    damage(files)

    assert any(gap.file.endswith(file) and said in gap.wrong for gap in found(service, files)), (
        found(service, files)
    )


def test_a_gap_of_one_alert_is_told_of_that_alert_alone(service: Service, files: Files) -> None:
    DAMAGES["no section"][0](files)

    (gap,) = [gap for gap in found(service, files) if "section" in gap.wrong]

    assert "OrdersLow" in str(gap)


@pytest.mark.parametrize(
    "name",
    ["rules.yaml", "rules.test.yaml", "dashboard.json", "escalation.yaml", "runbook.md"],
)
def test_a_file_that_is_not_there_is_a_gap(service: Service, files: Files, name: str) -> None:
    del files[name]

    assert Gap(f"shop/{name}", "this file is missing") in found(service, files)


@pytest.mark.parametrize("name", ["alertmanager.yml", "overview.json", "README.md"])
def test_a_file_of_the_fleet_that_is_not_there_is_a_gap(files: Files, name: str) -> None:
    del files[name]

    assert list(missing_files("fleet", files, ("files",))) == [Gap(name, "this file is missing")]
