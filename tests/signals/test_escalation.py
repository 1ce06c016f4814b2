"""When the later steps of an escalation are told, evaluated by Prometheus 2 and Prometheus 3."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from opsgen.render.rules import render_rules
from tests.rendering import rendered
from tests.specs import derived

SPEC = """\
service: shop
team: web
uptime: [{url: "https://shop.example.com/health", name: health}]
alerts: {ProbeFailed: {keep_firing_for: 0s}}
"""
PROJECT = """\
prometheus: {scrape_interval: 1m, evaluation_interval: 1m}
teams: {web: {escalation: {page: critical, ticket: calm}}}
channels:
  first: {webhook: {url: "http://a.example.com"}}
  second: {webhook: {url: "http://b.example.com"}}
escalation:
  critical: [{notify: [first]}, {after: 15m, notify: [second]}, {after: 30m, notify: [first, second]}]
  calm: [{notify: [first]}]
"""

STEPS = ("", "2", "3")


def rules_of(folder: Path) -> list[dict[str, Any]]:
    model = derived(folder, SPEC, PROJECT)
    groups = yaml.safe_load(rendered(render_rules, model.service, model.derived).content)["groups"]
    return [rule for group in groups for rule in group["rules"]]


def told_at(
    promtool: Path,
    folder: Path,
    probe: str,
    minutes: dict[int, set[str]],
    spec: str = SPEC,
    project: str = PROJECT,
) -> None:
    """promtool finds exactly these steps of ProbeFailed firing at these minutes, while the probe
    gives these values."""
    model = derived(folder, spec, project)
    (folder / "rules.yaml").write_text(rendered(render_rules, model.service, model.derived).content)
    up = {"series": 'up{job="shop"}', "values": "1x90"}
    test = {
        "interval": "1m",
        "input_series": [up, {"series": 'probe_success{job="probe-shop-health"}', "values": probe}],
        "promql_expr_test": [
            {
                "expr": 'group by (step) (ALERTS{alertname="ProbeFailed",alertstate="firing"})',
                "eval_time": f"{minute}m",
                "exp_samples": [
                    {"labels": f'{{step="{step}"}}' if step else "{}", "value": 1} for step in steps
                ],
            }
            for minute, steps in minutes.items()
        ],
    }
    document = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [test]}
    (folder / "test.yaml").write_text(yaml.safe_dump(document))
    done = subprocess.run(
        [promtool, "test", "rules", "test.yaml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_step_is_told_when_its_delay_is_over_and_not_before(
    promtool: Path, tmp_path: Path
) -> None:
    # The last success is of minute 10, and the probe's window is 2 minutes: it fires from minute 12
    # or 13 on.
    moments = {
        11: set(),
        14: {""},
        26: {""},
        29: {"", "2"},
        41: {"", "2"},
        44: set(STEPS),
        70: set(STEPS),
        72: set(),
    }
    told_at(promtool, tmp_path, "1x10 0x59 1x20", moments)


def test_what_is_over_before_the_delay_escalates_to_nobody(promtool: Path, tmp_path: Path) -> None:
    told_at(promtool, tmp_path, "1x10 0x15 1x60", {20: {""}, 30: set(), 45: set()})


def test_a_delay_begins_anew_after_a_pause_of_more_than_ten_minutes(
    promtool: Path, tmp_path: Path
) -> None:
    told_at(
        promtool,
        tmp_path,
        "1x10 0x15 1x14 0x20 1x40",
        {20: {""}, 30: set(), 46: {""}, 55: {""}, 59: {"", "2"}, 75: set()},
    )


def test_a_pause_of_a_few_minutes_belongs_to_one_outage(promtool: Path, tmp_path: Path) -> None:
    """Nobody is told while it lasts, and the alert waits for its own `for` before its steps do."""
    told_at(
        promtool,
        tmp_path,
        "1x10 0x15 1x5 0x15 1x40",
        {20: {""}, 28: set(), 32: set(), 36: {"", "2"}, 46: set(STEPS), 60: set()},
    )


def test_what_is_too_short_to_fire_tells_no_step_either(promtool: Path, tmp_path: Path) -> None:
    """Although it comes soon after an outage that has lasted for long."""
    told_at(
        promtool,
        tmp_path,
        "1x10 0x20 1x4 0x3 1x40",
        {25: {"", "2"}, 33: set(), 36: set(), 37: set(), 38: set(), 39: set(), 50: set()},
        spec=SPEC.replace("keep_firing_for: 0s", "for: 5m, keep_firing_for: 0s"),
        project=PROJECT.replace("after: 15m", "after: 7m"),
    )


def test_a_pause_as_long_as_the_first_delay_is_a_new_outage(promtool: Path, tmp_path: Path) -> None:
    """So two short outages never make one that lasts."""
    project = PROJECT.replace("after: 15m", "after: 4m").replace("after: 30m", "after: 8m")
    told_at(
        promtool,
        tmp_path,
        "1x10 0x5 1x4 0x5 1x40",
        {14: {""}, 20: set(), 25: {""}, 26: {""}, 40: set()},
        project=project,
    )


def test_a_step_has_every_label_of_its_alert_and_its_number(tmp_path: Path) -> None:
    page, second, third = (
        rule for rule in rules_of(tmp_path) if rule.get("alert") == "ProbeFailed"
    )

    assert "step" not in page["labels"]
    assert second["labels"] == page["labels"] | {"step": "2"}
    assert third["labels"] == page["labels"] | {"step": "3"}
    assert not {"for", "keep_firing_for"} & (second.keys() | third.keys())
    assert second["annotations"]["runbook_url"] == page["annotations"]["runbook_url"]
    assert third["annotations"]["summary"].startswith(
        "Still firing after 30 minutes: shop does not answer"
    )
    assert "step 3 is told: first and second" in third["annotations"]["description"]


def test_a_policy_of_one_step_adds_no_rule(tmp_path: Path) -> None:
    severities = {
        rule["labels"]["severity"] for rule in rules_of(tmp_path) if "step" in rule["labels"]
    }

    assert severities == {"page"}


@pytest.mark.parametrize("step", STEPS)
def test_a_silence_of_the_alert_covers_its_steps(tmp_path: Path, step: str) -> None:
    """As the runbook gives it: by alert, signal, service and environment."""
    silenced = {
        "alertname": "ProbeFailed",
        "signal": "probe-health",
        "service": "shop",
        "environment": "production",
    }
    (rule,) = (
        rule
        for rule in rules_of(tmp_path)
        if rule.get("alert") == "ProbeFailed" and rule["labels"].get("step", "") == step
    )

    assert silenced.items() <= {"alertname": rule["alert"], **rule["labels"]}.items()
