"""Every mistake is told at its place, all of them at once, and none hides another."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.resolve.mistakes import CHAT, LEAST, MISTAKES, headed
from tests.specs import refused


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_at_its_place_with_what_would_be_right(tmp_path: Path, name: str) -> None:
    text, said = MISTAKES[name]

    assert refused(tmp_path, headed(text)) == [f"service.yaml:{said}"]


def test_what_an_unknown_convention_may_have_is_not_told_to_be_missing(tmp_path: Path) -> None:
    (said,) = refused(tmp_path, headed("convention: otel-htp\nerrors: {above: 5%}\n"))

    assert "there is no convention 'otel-htp'" in said


def test_all_mistakes_of_all_parts_are_told_at_once(tmp_path: Path) -> None:
    spec = headed(
        "convention: otel-htp\n"
        "slos: [{availability: 99%, window: 12h}]\n"
        "uptime: [{url: 'http://example.com/', certificate: 14d}]\n"
        "business: [{name: orders, query: 'sum(('}]\n"
    )

    said = refused(tmp_path, spec, "teams: {web2: {}}\n")

    assert [line.split(": ")[0] for line in said] == [
        "service.yaml:2:7",
        "service.yaml:3:13",
        "service.yaml:4:36",
        "service.yaml:5:52",
        "service.yaml:6:34",
    ]


# All but two of their form, which are told before anything is derived.
_OF_FORM = {"a histogram by one of its series", "a dependency without a name"}


@pytest.mark.parametrize("name", sorted({*MISTAKES} - _OF_FORM))
def test_no_mistake_hides_an_alert_that_there_is_not(tmp_path: Path, name: str) -> None:
    text, said = MISTAKES[name]
    spec = headed(f"{text}alerts: {{Nonsense: off}}\n")

    told = [line.partition("; ")[0] for line in refused(tmp_path, spec)]

    unknown = (
        f"service.yaml:{spec.count(chr(10))}:10: alerts.Nonsense: the service has no such alert"
    )
    assert told == [f"service.yaml:{said}".partition("; ")[0], unknown]


@pytest.mark.parametrize("alert", ["ErrorRatioHigh", "ErrorBudgetBurn", "LatencyP95High"])
def test_an_alert_of_an_unknown_convention_is_no_mistake_of_its_own(
    tmp_path: Path, alert: str
) -> None:
    spec = headed(
        "convention: otel-htp\n"
        "slos: [{availability: 99%}]\n"
        "latency: {p95: 1s}\n"
        f"alerts: {{{alert}: off}}\n"
    )

    (said,) = refused(tmp_path, spec)

    assert "there is no convention" in said


def test_an_alert_of_a_signal_with_a_mistake_is_no_mistake_of_its_own(tmp_path: Path) -> None:
    spec = headed(
        "business: [{name: orders, query: 'sum((', alerts: [{below: 1}]}]\n"
        "alerts: {OrdersLow: off, OrdersHigh: off}\n"
    )

    told = [line.partition("; ")[0] for line in refused(tmp_path, spec)]

    assert [line.split(": ")[:2] for line in told] == [
        ["service.yaml:3:34", "business[0].query"],
        ["service.yaml:4:26", "alerts.OrdersHigh"],
    ]


def test_an_unknown_convention_hides_no_query_for_a_label_that_is_gone(tmp_path: Path) -> None:
    spec = headed(
        "convention: otel-htp\n"
        "business:\n"
        "  - {name: orders, query: 'sum by (a) (sum by (b) (rate(orders_total[5m])))'}\n"
    )

    convention, query = refused(tmp_path, spec)

    assert "there is no convention" in convention
    assert query.startswith("service.yaml:5:5: orders: ")


def test_an_unknown_convention_hides_nothing_that_a_target_can_not_say(tmp_path: Path) -> None:
    spec = "service: kubernetes\nconvention: otel-htp\nuptime: ['https://shop.example.com/']\n"

    said = refused(tmp_path, spec, "targets: [files, kubernetes]\n")

    assert [line.split(": ")[1] for line in said] == ["service", "convention"]


def test_an_unknown_team_is_not_also_told_to_have_no_policy(tmp_path: Path) -> None:
    spec = f"{LEAST}slos: [{{availability: 99%}}]\nalerts: {{Nonsense: off}}\n"

    said = refused(tmp_path, spec, f"{CHAT}teams: {{web2: {{escalation: {{ticket: calm}}}}}}\n")

    assert [line.split(": ")[1] for line in said] == ["team", "alerts.Nonsense"]


def test_an_unknown_alert_hides_no_pages_that_reach_nobody(tmp_path: Path) -> None:
    spec = f"{LEAST}slos: [{{availability: 99.9%}}]\nalerts: {{Nonsense: off}}\n"

    said = refused(tmp_path, spec, f"{CHAT}teams: {{web: {{escalation: {{ticket: calm}}}}}}\n")

    assert [line.split(": ")[1] for line in said] == ["service", "alerts.Nonsense"]
