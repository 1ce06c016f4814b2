"""What a firing alert silences: what it explains, of its own service, in its own environment and
cluster, and nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from opsgen.alertmanager.routing import is_inhibited
from tests.specs import file_texts

_SPEC = """\
service: shop
team: web
convention: prometheus-http
slos:
  - availability: 99.9%
  - latency: 99% under 250ms
  - {name: fresh, objective: 99%, bad: "rate(stale_total[5m])", total: "rate(prices_total[5m])"}
latency: {p99: 800ms}
uptime: [{url: "https://shop.example.com/health", name: health}]
business: [{name: orders, query: "sum(rate(orders_total[5m]))", alerts: [{below: 1, severity: page}]}]
dependencies: [{service: till}]
"""
_PROJECT = """\
teams: {web: {escalation: {page: urgent, ticket: later}}}
channels:
  pager: {webhook: {url: "http://a.example.com"}}
  chat: {webhook: {url: "http://b.example.com"}}
escalation: {urgent: [{notify: [pager]}], later: [{notify: [chat]}]}
hours: {office: {days: monday to friday, from: "09:00", to: "18:00"}}
"""
# Names and signals, from the first cause of an outage to the last.
_NO_TARGET = ("TargetsAbsent", "targets")
_NO_ANSWER = ("ProbeFailed", "probe-health")
_UNAVAILABLE = ("ErrorBudgetBurn", "slo-availability")
_SLOW = ("ErrorBudgetBurn", "slo-latency")
_BUSINESS = ("OrdersLow", "orders")
_CAUSES = (_NO_TARGET, _NO_ANSWER, _UNAVAILABLE, _SLOW, _BUSINESS)
_CERTIFICATE = ("CertificateExpiring", "probe-certificate-health")
_SOMEBODY_ELSES = ("DiskFull", "disk")

_Named = tuple[str, str]


def _alert(named: _Named, severity: str = "page", **more: str) -> dict[str, str]:
    name, signal = named
    labels = {"service": "shop", "environment": "production", "severity": severity}
    return {**labels, "alertname": name, "signal": signal, **more}


def _config(folder: Path, spec: str = _SPEC, project: str = _PROJECT) -> Mapping[str, Any]:
    found: dict[str, Any] = yaml.safe_load(file_texts(folder, spec, project)["alertmanager.yml"])
    return found


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    return _config(tmp_path_factory.mktemp("shop"))


# -- the order of the causes -----------------------------------------------------------------------


@pytest.mark.parametrize(("cause", "effect"), list(itertools.combinations(_CAUSES, 2)))
def test_a_cause_silences_the_pages_of_those_after_it_and_their_steps(
    config: Mapping[str, Any], cause: _Named, effect: _Named
) -> None:
    assert is_inhibited(config, _alert(effect), [_alert(cause)])
    assert is_inhibited(config, _alert(effect, step="2"), [_alert(cause)])
    assert not is_inhibited(config, _alert(cause), [_alert(effect)])


@pytest.mark.parametrize("cause", [_NO_TARGET, _NO_ANSWER, _UNAVAILABLE])
def test_an_slo_of_its_own_events_is_explained_by_a_service_that_is_down(
    config: Mapping[str, Any], cause: _Named
) -> None:
    assert is_inhibited(config, _alert(("ErrorBudgetBurn", "slo-fresh")), [_alert(cause)])
    assert not is_inhibited(config, _alert(cause), [_alert(("ErrorBudgetBurn", "slo-fresh"))])


def test_one_probe_of_several_explains_nothing_but_that_it_is_slow(tmp_path: Path) -> None:
    second = ', {url: "https://shop.example.com/offers", name: offers}]\nbusiness'
    config = _config(tmp_path, _SPEC.replace("]\nbusiness", second))
    offers = _alert(("ProbeFailed", "probe-offers"))

    assert not is_inhibited(config, _alert(_UNAVAILABLE), [offers])
    assert not is_inhibited(config, _alert(_NO_ANSWER), [offers])
    assert is_inhibited(config, _alert(("ProbeSlow", "probe-duration-offers"), "ticket"), [offers])
    assert not is_inhibited(
        config, _alert(("ProbeSlow", "probe-duration-health"), "ticket"), [offers]
    )


def test_no_two_alerts_silence_each_other(config: Mapping[str, Any]) -> None:
    named = [
        *_CAUSES,
        ("ErrorRatioHigh", "errors"),
        ("LatencyP99High", "latency-p99"),
        _CERTIFICATE,
    ]
    alerts = [
        _alert(one, severity)
        for one, severity in itertools.product(named, ["page", "ticket", "info"])
    ]

    for first, second in itertools.combinations_with_replacement(alerts, 2):
        both = is_inhibited(config, first, [second]) and is_inhibited(config, second, [first])
        assert not both, (first, second)


# -- tickets ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("severity", ["ticket", "info"])
def test_a_page_silences_the_tickets_that_it_explains(
    config: Mapping[str, Any], severity: str
) -> None:
    page = [_alert(_UNAVAILABLE)]

    for explained in (
        _UNAVAILABLE,
        _SLOW,
        ("ErrorRatioHigh", "errors"),
        ("LatencyP99High", "latency-p99"),
        ("TrafficGone", "requests"),
    ):
        assert is_inhibited(config, _alert(explained, severity), page), explained


@pytest.mark.parametrize("cause", _CAUSES)
@pytest.mark.parametrize(
    "other",
    [
        _CERTIFICATE,
        _SOMEBODY_ELSES,
        ("TargetsAbsent", "probe-health"),
        ("RedisMemoryHigh", "redis-a"),
    ],
)
@pytest.mark.parametrize("severity", ["page", "ticket", "info"])
def test_a_page_never_silences_what_has_another_cause(
    config: Mapping[str, Any], cause: _Named, other: _Named, severity: str
) -> None:
    assert not is_inhibited(config, _alert(other, severity), [_alert(cause)])


@pytest.mark.parametrize("milder", ["ticket", "info"])
@pytest.mark.parametrize("cause", _CAUSES)
def test_only_a_page_explains_other_alerts(
    config: Mapping[str, Any], cause: _Named, milder: str
) -> None:
    """A ticket may be open for days."""
    others = [one for one in _CAUSES if one != cause]

    assert not any(
        is_inhibited(config, _alert(other, severity), [_alert(cause, milder)])
        for other, severity in itertools.product(others, ["page", "ticket", "info"])
    )


def test_a_ticket_silences_the_milder_severity_of_its_own_cause_alone(
    config: Mapping[str, Any],
) -> None:
    assert is_inhibited(config, _alert(_UNAVAILABLE, "info"), [_alert(_UNAVAILABLE, "ticket")])
    assert not is_inhibited(config, _alert(_SLOW, "info"), [_alert(_UNAVAILABLE, "ticket")])


def test_a_page_that_waits_for_its_hours_silences_no_ticket_that_is_told_now(
    tmp_path: Path,
) -> None:
    config = _config(tmp_path, project=_PROJECT.replace("[pager]", "[pager], during: office"))

    for ticket in (_UNAVAILABLE, ("ErrorRatioHigh", "errors"), ("TargetDown", "targets-down")):
        assert not is_inhibited(config, _alert(ticket, "ticket"), [_alert(_NO_TARGET)])
        assert not is_inhibited(config, _alert(ticket, "ticket"), [_alert(ticket)])
    assert is_inhibited(config, _alert(_UNAVAILABLE), [_alert(_NO_TARGET)])


@pytest.mark.parametrize("waits", ["[pager], during: office", "[pager]"])
def test_where_tickets_wait_as_long_as_pages_they_are_silenced(tmp_path: Path, waits: str) -> None:
    project = _PROJECT.replace("[pager]", waits).replace("[chat]", "[chat], during: office")

    config = _config(tmp_path, project=project)

    assert is_inhibited(config, _alert(_UNAVAILABLE, "ticket"), [_alert(_NO_TARGET)])


# -- installations ---------------------------------------------------------------------------------


@pytest.mark.parametrize("label", ["service", "environment", "cluster"])
def test_a_page_silences_nothing_of_another_service_environment_or_cluster(
    config: Mapping[str, Any], label: str
) -> None:
    cause = _alert(_NO_TARGET, cluster="eu-1")
    effect = _alert(_UNAVAILABLE, cluster="eu-1")

    assert is_inhibited(config, effect, [cause])
    assert not is_inhibited(config, {**effect, label: "other"}, [cause])


@pytest.mark.parametrize("label", ["region", "datacenter"])
def test_an_external_label_of_the_project_tells_installations_apart(
    tmp_path: Path, label: str
) -> None:
    project = f"{_PROJECT}prometheus: {{external_labels: [{label}]}}\n"
    config = _config(tmp_path, project=project)
    cause = _alert(_NO_TARGET, **{label: "eu"})

    assert is_inhibited(config, _alert(_UNAVAILABLE, **{label: "eu"}), [cause])
    assert not is_inhibited(config, _alert(_UNAVAILABLE, **{label: "us"}), [cause])
    assert config["route"]["group_by"] == ["service", "environment", "cluster", label, "severity"]


def test_an_external_label_that_rules_have_themselves_changes_nothing(
    config: Mapping[str, Any], tmp_path: Path
) -> None:
    project = f"{_PROJECT}prometheus: {{external_labels: [severity, alertname, cluster]}}\n"

    assert _config(tmp_path, project=project) == config


def test_alerts_that_are_not_of_the_service_silence_nothing(config: Mapping[str, Any]) -> None:
    bare = {"severity": "page", "alertname": "TargetsAbsent", "signal": "targets"}

    assert not is_inhibited(config, {**bare, "severity": "ticket"}, [bare])
    assert not is_inhibited(config, _alert(_UNAVAILABLE), [bare])


# -- dependencies ----------------------------------------------------------------------------------

_TILL = {"service": "till"}


@pytest.mark.parametrize("gone", [_NO_TARGET, _UNAVAILABLE])
def test_a_service_that_is_gone_silences_errors_and_latency_of_those_that_need_it(
    config: Mapping[str, Any], gone: _Named
) -> None:
    down = [_alert(gone, **_TILL)]

    for explained in (
        _UNAVAILABLE,
        _SLOW,
        ("ErrorBudgetBurn", "slo-fresh"),
        ("ErrorRatioHigh", "errors"),
        ("LatencyP99High", "latency-p99"),
        ("ProbeSlow", "probe-duration-health"),
    ):
        assert is_inhibited(config, _alert(explained), down), explained
        assert is_inhibited(config, _alert(explained, step="2"), down), explained
    for elsewhere in ({"environment": "staging"}, {"cluster": "us-1"}):
        assert not is_inhibited(config, _alert(_UNAVAILABLE, **elsewhere), down)


@pytest.mark.parametrize("gone", [_NO_TARGET, _UNAVAILABLE])
@pytest.mark.parametrize(
    "other",
    [
        _NO_TARGET,
        _NO_ANSWER,
        _BUSINESS,
        _CERTIFICATE,
        ("TargetDown", "targets-down"),
        _SOMEBODY_ELSES,
    ],
)
def test_a_service_that_is_gone_silences_nothing_else_of_those_that_need_it(
    config: Mapping[str, Any], gone: _Named, other: _Named
) -> None:
    assert not is_inhibited(config, _alert(other), [_alert(gone, **_TILL)])


@pytest.mark.parametrize("alert", [_NO_ANSWER, _SLOW, _BUSINESS, ("ErrorRatioHigh", "errors")])
def test_a_service_that_is_not_gone_silences_nothing_of_those_that_need_it(
    config: Mapping[str, Any], alert: _Named
) -> None:
    """One page that does not answer, say, is not what they ask it for."""
    assert not is_inhibited(config, _alert(_UNAVAILABLE), [_alert(alert, **_TILL)])


def test_only_services_that_it_needs_silence_a_service(tmp_path: Path) -> None:
    config = _config(tmp_path, _SPEC.replace("dependencies: [{service: till}]\n", ""))

    assert not is_inhibited(config, _alert(_UNAVAILABLE), [_alert(_NO_TARGET, **_TILL)])
