"""An outage of a real service, from the first failed request to the message that all is well, on
real servers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.servers import until
from tests.e2e.stack import Programs, Stack, running
from tests.programs import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

_PROJECT = """\
out: ../out
prometheus: {scrape_interval: 1s, evaluation_interval: 1s}
alertmanager:
  page: {group_wait: 1s, group_interval: 2s}
  ticket: {group_wait: 2s, group_interval: 2s}
blackbox: {address: "127.0.0.1:<blackbox>"}
runbooks: {url: "https://runbooks.example.com/{service}.md"}
slo:
  burn_rates:
    - {severity: page, factor: 10, long: 20s, short: 5s}
    - {severity: ticket, factor: 2, long: 40s, short: 10s}
teams:
  shop: {escalation: {page: urgent, ticket: later}}
  platform: {escalation: {page: platform}}
channels:
  shop-pager: {webhook: {url: "http://127.0.0.1:<webhook>/shop-pager"}}
  shop-chat: {webhook: {url: "http://127.0.0.1:<webhook>/shop-chat"}}
  platform-chat: {webhook: {url: "http://127.0.0.1:<webhook>/platform-chat"}}
escalation:
  urgent: [{notify: [shop-pager, shop-chat]}]
  later: [{notify: [shop-chat]}]
  platform: [{notify: [platform-chat]}]
"""
_SHOP = """\
service: shop
team: shop
convention: fastapi-instrumentator
slos:
  - availability: 99%
  - latency: 95% under 500ms
uptime:
  - {url: "http://127.0.0.1:<shop>/healthz", name: health, interval: 1s, timeout: 1s}
alerts:
  ErrorBudgetBurn: {for: 0s, keep_firing_for: 0s}
  ProbeFailed: {for: 0s, keep_firing_for: 0s}
  TargetsAbsent: {for: 10s, keep_firing_for: 0s}
  TargetDown: {for: 20s}
"""


def _of_the_servers(name: str, port: str) -> str:
    """The example spec of a server itself, at its place in this installation."""
    spec = (ROOT / "specs" / f"{name}.yaml").read_text(encoding="utf-8")
    return spec.replace(f'"http://{name}:', '"http://127.0.0.1:').replace(port, f"<{name}>")


@pytest.fixture(params=["prometheus_server", "current_prometheus_server"])
def stack(
    request: pytest.FixtureRequest,
    alertmanager_server: Path,
    blackbox_exporter: Path,
    tmp_path: Path,
) -> Iterator[Stack]:
    prometheus: Path = request.getfixturevalue(request.param)
    specs = {
        "opsgen.yaml": _PROJECT,
        "shop.yaml": _SHOP,
        "prometheus.yaml": _of_the_servers("prometheus", "9090"),
        "alertmanager.yaml": _of_the_servers("alertmanager", "9093"),
    }
    programs = Programs(prometheus, alertmanager_server, blackbox_exporter)
    with running(programs, tmp_path, specs) as installation:
        yield installation


def _rules(stack: Stack, is_slow: bool = False) -> list[dict[str, Any]]:
    """The rules that are evaluated every second, or those that are not and may not have been
    yet."""
    groups = stack.prometheus.json("/api/v1/rules")["data"]["groups"]
    return [
        rule for group in groups if (group["interval"] > 1) is is_slow for rule in group["rules"]
    ]


def _told(stack: Stack, receiver: str, status: str, alert: str, severity: str) -> None:
    wanted = {"service": "shop", "alertname": alert, "severity": severity}
    until(
        lambda: stack.webhook.got(receiver, status, **wanted),
        f"{receiver} is told that {alert} ({severity}) is {status}",
        stack.servers,
        seen=lambda: (sorted(stack.firing()), stack.webhook.alerts),
    )


def _all_is_well(stack: Stack) -> None:
    """Once users have asked for a while; nothing has fired until then."""
    until(
        lambda: stack.query("slo:events:increase40s > 500"),
        "users have asked for a while",
        stack.servers,
    )
    until(lambda: stack.query("min(probe_success) == 1"), "all probes succeed", stack.servers)
    assert stack.firing() == set()
    assert stack.webhook.alerts == []


def _is_suppressed(stack: Stack, **labels: str) -> None:
    until(
        lambda: set(stack.states(service="shop", **labels)) == {"suppressed"},
        f"{labels} fires, and is suppressed",
        stack.servers,
        seen=stack.firing,
    )


def test_every_rule_is_loaded_and_gives_numbers(stack: Stack) -> None:
    generated = [
        rule
        for service in ("shop", "prometheus", "alertmanager")
        for group in stack.generated(f"{service}/rules.yaml")["groups"]
        for rule in group["rules"]
    ]

    def measured() -> set[str]:
        return {sample["metric"]["service"] for sample in stack.query("slo:burn_rate:ratio1h")}

    until(
        lambda: all(rule["health"] == "ok" for rule in _rules(stack)),
        "every rule was evaluated",
        stack.servers,
    )
    until(
        lambda: measured() == {"shop", "prometheus", "alertmanager"},
        "burn rates are recorded",
        stack.servers,
    )

    slow = _rules(stack, is_slow=True)
    assert len(_rules(stack)) + len(slow) == len(generated) > 100
    assert [rule for rule in (*_rules(stack), *slow) if rule.get("lastError")] == []
    for rule in slow:
        stack.query(rule["query"])
    recorded = stack.query('{__name__=~"slo:.+"}')
    assert len({sample["metric"]["__name__"] for sample in recorded}) > 10
    assert [sample for sample in recorded if not math.isfinite(float(sample["value"][1]))] == []


def test_an_outage_reaches_those_whom_the_policy_names_and_so_does_its_end(stack: Stack) -> None:
    _all_is_well(stack)

    stack.shop.get("/control", failing="true")

    for receiver in ("shop-pager", "shop-chat"):
        _told(stack, receiver, "firing", "ErrorBudgetBurn", "page")
        _told(stack, receiver, "firing", "ProbeFailed", "page")
    page = stack.webhook.got("shop-pager", "firing", alertname="ErrorBudgetBurn")[0]
    assert page.annotations["summary"] == "shop burns its error budget too fast (availability)."
    assert (
        page.annotations["runbook_url"]
        == "https://runbooks.example.com/shop.md#errorbudgetburn-slo-availability"
    )
    _is_suppressed(stack, alertname="ErrorBudgetBurn", severity="ticket")

    stack.shop.get("/control", failing="false")

    for receiver in ("shop-pager", "shop-chat"):
        _told(stack, receiver, "resolved", "ErrorBudgetBurn", "page")
        _told(stack, receiver, "resolved", "ProbeFailed", "page")
    until(
        lambda: stack.firing() == set(), "nothing fires any more", stack.servers, seen=stack.firing
    )
    assert {alert.labels["service"] for alert in stack.webhook.alerts} == {"shop"}
    assert stack.webhook.got("shop-pager", "firing", severity="ticket") == []


def test_a_service_that_is_gone_is_one_outage_and_not_many(stack: Stack) -> None:
    _all_is_well(stack)

    stack.shop.process.terminate()

    _told(stack, "shop-pager", "firing", "TargetsAbsent", "page")
    _is_suppressed(stack, alertname="TargetDown", severity="ticket")
    assert stack.webhook.got("shop-pager", "firing", alertname="ProbeFailed") == []
    assert stack.webhook.got("shop-chat", "firing", alertname="TargetDown") == []
