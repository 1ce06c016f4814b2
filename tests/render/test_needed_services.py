"""What a notification says of the services that may have caused its alert, filled in by promtool as
Prometheus would."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.specs import file_texts

_SPEC = """\
service: shop
team: web
convention: prometheus-http
slos: [{availability: 99.9%}]
uptime: [{url: "https://shop.example.com/health", name: health}]
business: [{name: orders, query: "sum(rate(orders_total[5m]))", alerts: [{below: 1}]}]
"""
_RATIO = "100% of the latest requests to shop failed; more than 5% for 5 minutes is too many."
_TILL = 'ALERTS{alertname="ProbeFailed",alertstate="firing",service="till",severity="page"}'


def _descriptions(folder: Path, needs: str = "") -> dict[str, str]:
    rules = yaml.safe_load(file_texts(folder, _SPEC + needs)["shop/rules.yaml"])
    alerts = (rule for group in rules["groups"] for rule in group["rules"] if "alert" in rule)
    return {rule["alert"]: rule["annotations"]["description"] for rule in alerts}


def _ratio_rule(folder: Path, needs: str) -> dict[str, Any]:
    rules = yaml.safe_load(file_texts(folder, _SPEC + needs)["shop/rules.yaml"])
    (found,) = (
        rule
        for group in rules["groups"]
        for rule in group["rules"]
        if rule.get("alert") == "ErrorRatioHigh"
    )
    return {**found, "expr": "vector(1)", "for": "0s"}


@pytest.mark.parametrize(
    ("series", "says"),
    [
        ([], "It needs bank and till."),
        ([_TILL], "It needs bank and till. ProbeFailed of till fires."),
        ([_TILL.replace("firing", "pending")], "It needs bank and till."),
        ([_TILL.replace("page", "ticket")], "It needs bank and till."),
        ([_TILL.replace("till", "other")], "It needs bank and till."),
    ],
    ids=["none", "a page", "pending", "a ticket", "another service"],
)
def test_a_notification_names_what_fires_at_the_services_that_are_needed(
    promtool: Path, tmp_path: Path, series: list[str], says: str
) -> None:
    rule = _ratio_rule(tmp_path / "spec", "dependencies: [{service: bank}, {service: till}]\n")
    expected = {
        "exp_labels": rule["labels"],
        "exp_annotations": {**rule["annotations"], "description": f"{_RATIO} {says}"},
    }
    (tmp_path / "rules.yaml").write_text(
        yaml.safe_dump({"groups": [{"name": "one", "rules": [rule]}]})
    )
    (tmp_path / "test.yaml").write_text(
        yaml.safe_dump(
            {
                "rule_files": ["rules.yaml"],
                "tests": [
                    {
                        "interval": "1m",
                        "input_series": [{"series": one, "values": "1x10"} for one in series],
                        "alert_rule_test": [
                            {
                                "eval_time": "5m",
                                "alertname": rule["alert"],
                                "exp_alerts": [expected],
                            }
                        ],
                    }
                ],
            }
        )
    )

    done = subprocess.run(
        [promtool, "test", "rules", "test.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_only_what_a_dependency_explains_names_it(tmp_path: Path) -> None:
    described = _descriptions(tmp_path, "dependencies: [{service: till}]\n")

    named = {name for name, description in described.items() if "It needs till." in description}
    assert named == {"ErrorBudgetBurn", "ErrorRatioHigh", "ProbeSlow"}
    assert len(described) > len(named)


def test_a_service_that_needs_no_other_names_none(tmp_path: Path) -> None:
    assert not any("It needs" in description for description in _descriptions(tmp_path).values())
