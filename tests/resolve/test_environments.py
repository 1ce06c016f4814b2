"""Environments of a spec: a service of its own for each, which all fit into one Prometheus and one
Grafana."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from opsgen.promql import Matcher
from opsgen.quantities import Ratio
from tests.cli.test_commands import run
from tests.resolve.mistakes import LEAST
from tests.specs import derived, fleet, refused, warned

SPEC = """\
service: shop
title: The shop
team: web
convention: prometheus-http
match: {namespace: shop, job: shop}
slos: [{availability: 99.9%}]
uptime: ["https://shop.example.com/health"]
dependencies: [{service: till}]
environments:
  production: {}
  staging: {tier: 3, match: {namespace: staging, job: shop}, uptime: ["https://staging.example.com/health"]}
"""
PROJECT = """\
teams: {web: {escalation: {page: urgent, where: [{environment: staging, ticket: calm}]}}}
channels: {pager: {webhook: {url: "http://a.example.com"}}, chat: {webhook: {url: "http://b.example.com"}}}
escalation: {urgent: [{notify: [pager]}], calm: [{notify: [chat]}]}
"""


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "opsgen.yaml").write_text(PROJECT)
    (tmp_path / "shop.yaml").write_text(SPEC)
    assert run("build", "shop.yaml", cwd=tmp_path).returncode == 0
    return tmp_path


def rules(folder: Path, service: str) -> list[dict[str, Any]]:
    groups = yaml.safe_load((folder / "out" / service / "rules.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def services(folder: Path) -> set[str]:
    return {path.name for path in (folder / "out").iterdir() if path.is_dir()}


def test_each_environment_has_a_folder_and_says_so_in_its_labels(built: Path) -> None:
    assert services(built) == {"shop", "shop-staging"}
    for name, environment, tier in (("shop", "production", "1"), ("shop-staging", "staging", "3")):
        for rule in rules(built, name):
            if "alert" in rule:
                told = (rule["labels"]["service"], rule["labels"]["environment"])
                assert told == (name, environment)
                assert tier == "1" or rule["labels"]["tier"] == tier
    assert "(staging)" in (built / "out" / "shop-staging" / "runbook.md").read_text()


def test_nothing_that_they_record_or_show_is_shared(built: Path) -> None:
    recorded = [
        (rule["record"], *sorted(rule["labels"].items()))
        for name in services(built)
        for rule in rules(built, name)
        if "record" in rule
    ]
    assert len(set(recorded)) == len(recorded)
    uids = [
        json.loads((built / "out" / name / "dashboard.json").read_text())["uid"]
        for name in services(built)
    ]
    assert len(set(uids)) == 2
    jobs = [
        job["job_name"]
        for name in services(built)
        for job in yaml.safe_load((built / "out" / name / "probes.yaml").read_text())[
            "scrape_configs"
        ]
    ]
    assert len(set(jobs)) == len(jobs) == 2


def test_each_reads_its_own_series(built: Path) -> None:
    for name, own, other in (
        ("shop", 'namespace="shop"', "staging"),
        ("shop-staging", 'namespace="staging"', "=shop"),
    ):
        text = "".join(rule["expr"] for rule in rules(built, name))
        assert own in text
        assert f'namespace="{other}"' not in text
        assert f'service="{"shop" if name == "shop-staging" else "shop-staging"}"' not in text


def test_policies_differ_by_environment(built: Path) -> None:
    answers = json.loads(run("route", "--format", "json", "shop.yaml", cwd=built).stdout)
    told = {
        (one["service"], one["severity"]): [who["channel"] for who in one["told"]]
        for one in answers
    }

    assert told["shop", "page"] == ["pager"]
    assert told["shop-staging", "ticket"] == ["chat"]


def test_a_dependency_is_one_in_the_same_environment(tmp_path: Path) -> None:
    found = {
        model.service.name: model.service.depends_on
        for model in fleet(tmp_path, SPEC, PROJECT).services
    }

    assert found == {"shop": ("till",), "shop-staging": ("till-staging",)}


def test_an_environment_that_is_gone_is_pruned(built: Path) -> None:
    (built / "shop.yaml").write_text(SPEC.partition("environments:")[0])
    assert run("build", "--check", "shop.yaml", cwd=built).returncode == 1
    assert run("build", "shop.yaml", cwd=built).returncode == 0

    assert services(built) == {"shop"}


def test_without_a_project_file_a_spec_of_the_same_name_prunes_nothing(tmp_path: Path) -> None:
    for folder, name in (("a", "shop"), ("b", "till")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "service.yaml").write_text(
            SPEC.replace("service: shop", f"service: {name}")
        )
        assert run("build", f"{folder}/service.yaml", cwd=tmp_path).returncode == 0

    assert services(tmp_path) == {"shop", "shop-staging", "till", "till-staging"}


def test_what_would_be_told_twice_is_warned_of(tmp_path: Path) -> None:
    spec = (
        SPEC.partition("  staging:")[0]
        + "  staging: {tier: 3}\nrunbook: {restart: systemctl restart shop}\n"
    )

    assert warned(tmp_path, spec, PROJECT) == [
        (
            "service.yaml:11: staging watches the same series as the first environment; write"
            " match:, unless it has a Prometheus of its own"
        ),
        (
            "service.yaml:11: staging has the same commands in its runbook as the first"
            " environment; write runbook: for it"
        ),
        (
            "service.yaml:11: staging polls the same URLs as the first environment; write"
            " uptime: for it, or uptime: [] for none"
        ),
    ]


def test_a_mistake_in_any_environment_is_said_at_its_line(tmp_path: Path) -> None:
    spec = SPEC.replace("{tier: 3, ", "{team: nobody, ")

    (said,) = refused(tmp_path, spec, PROJECT)
    assert said.startswith("service.yaml:11:")
    assert "environments.staging.team" in said


def test_a_service_that_has_the_name_of_anothers_environment_is_a_mistake(built: Path) -> None:
    (built / "other.yaml").write_text(
        SPEC.partition("environments:")[0].replace("service: shop", "service: shop-staging")
    )
    done = run("build", "shop.yaml", "other.yaml", cwd=built)

    assert done.returncode == 2
    assert "the service shop-staging already has a spec" in done.stderr


def test_a_name_that_is_too_long_with_its_environment_is_a_mistake(tmp_path: Path) -> None:
    long = "s" * 60

    (said,) = refused(tmp_path, SPEC.replace("service: shop", f"service: {long}"), PROJECT)
    assert (
        f"its name would be {long}-staging, which has 68 characters; shorten the two names to 62 characters together"
        in said
    )


def test_a_mistake_in_an_environment_is_told_where_it_is_written(tmp_path: Path) -> None:
    spec = (
        LEAST
        + "slos: [{availability: 99%}]\nenvironments:\n  production:\n    slos: [{availability:"
        " 99%, window: 12h}]\n"
    )

    assert refused(tmp_path, spec) == [
        "service.yaml:7:40: environments.production.slos[0].window: 12h is not a valid period"
        " for an SLO; write 1d to 365d"
    ]


def test_production_is_laid_over_the_spec_and_the_others_come_later(tmp_path: Path) -> None:
    spec = (
        LEAST + "tier: 3\n"
        "match: {job: shop}\n"
        "slos: [{availability: 99.9%}]\n"
        "environments:\n"
        "  staging: {tier: 4, slos: [{availability: 90%}]}\n"
        "  production: {tier: 1, match: {job: shop-production}}\n"
    )

    service = derived(tmp_path, spec).service

    assert (service.environment, service.tier) == ("production", 1)
    assert service.matchers == (Matcher("job", "=", "shop-production"),)
    assert [slo.objective for slo in service.slos] == [Ratio.parse("99.9%")]
    assert service.origins["tier"].endswith("service.yaml:9")


def test_without_production_the_first_environment_is_generated(tmp_path: Path) -> None:
    spec = f"{LEAST}environments:\n  staging: {{tier: 4}}\n  test: {{}}\n"

    service = derived(tmp_path, spec).service

    assert (service.environment, service.tier) == ("staging", 4)


def test_a_key_without_a_value_is_a_mistake_in_an_environment_too(tmp_path: Path) -> None:
    spec = f"{LEAST}environments:\n  production:\n    tier:\n    slos:\n"

    assert refused(tmp_path, spec) == [
        (
            "service.yaml:6:5: environments.production.tier: has no value; write one, or leave the"
            " key out"
        ),
        (
            "service.yaml:7:5: environments.production.slos: has no value; write one, or leave the"
            " key out"
        ),
    ]
