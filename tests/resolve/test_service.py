"""What the resolve stage fills in for a service, and where each value comes from."""

from __future__ import annotations

from pathlib import Path

from opsgen.promql import Matcher
from opsgen.quantities import Duration, Ratio
from tests.resolve.mistakes import LEAST, headed
from tests.specs import derived, refused


def test_every_value_says_where_it_came_from(tmp_path: Path) -> None:
    origins = derived(
        tmp_path, f"{LEAST}errors: {{above: 2%}}\nslos: [{{availability: 99%}}]\n"
    ).service.origins

    assert origins["team"].endswith("service.yaml:2")
    assert origins["convention"].endswith("service.yaml:3")
    assert origins["errors.above"].endswith("service.yaml:4")
    assert origins["errors.for"] == "default: as long as the window it is measured over"
    assert origins["match"] == "default: the scrape job of the service's name"
    assert origins["tier"] == "default: wakes people for what users notice"
    assert origins["latency.p99"] == "not asked for"
    assert origins["slos[0].window"] == "default: the SRE workbook's 30 days"
    assert all(origins.values())


def test_the_least_spec_has_the_defaults_of_the_field(tmp_path: Path) -> None:
    service = derived(
        tmp_path, "service: shop\nconvention: grpc\nslos: [{availability: 99.9%}]\n"
    ).service

    assert (service.tier, service.environment, service.runtime) == (2, "production", "process")
    assert service.matchers == (Matcher("job", "=", "shop"),)
    assert service.slos[0].window == Duration.of("30d")
    assert service.settings["errors.above"] == Ratio.parse("5%")
    assert service.settings["latency.p95"] is None


def test_fields_without_an_artifact_yet_are_reported(tmp_path: Path) -> None:
    spec = (
        LEAST + "resources: {cpu: 85%}\n"
        "dependencies: [{redis: sessions}]\n"
        "alerts: {PodRestarting: off}\n"
        "environments: {production: {}, staging: {}}\n"
    )

    assert derived(tmp_path, spec).service.not_yet == (
        "resources",
        "dependencies",
        "alerts.PodRestarting",
    )


def test_an_unknown_alert_is_a_mistake_at_its_line(tmp_path: Path) -> None:
    spec = f"{LEAST}alerts:\n  TargetDown: {{for: 1h}}\n  TargetsAbsnt: off\n"

    assert refused(tmp_path, spec) == [
        "service.yaml:6:3: alerts.TargetsAbsnt: the service has no such alert; did you mean"
        " 'TargetsAbsent'?"
    ]


def test_a_spec_whose_alerts_are_all_off_is_a_mistake(tmp_path: Path) -> None:
    spec = headed(
        "business: [{name: orders, query: orders}]\nalerts: {TargetsAbsent: off, TargetDown: off}\n"
    )

    assert refused(tmp_path, spec) == [
        "service.yaml:1:1: this spec makes no alert; leave an alert on, or write slos or uptime"
    ]
