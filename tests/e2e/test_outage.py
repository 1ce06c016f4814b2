"""An outage of a real service, from the first failed request to the message that all is well, on real servers.

The tests of this file tell one story, in the order in which they stand: all is well, an outage, recovery, a service
that is gone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.servers import until
from tests.e2e.stack import Programs, Stack, running

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

_ROOT = Path(__file__).parent.parent.parent

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
  ProbeFailed: {keep_firing_for: 0s}
  TargetsAbsent: {for: 10s, keep_firing_for: 0s}
  TargetDown: {for: 20s}
"""


def _of_the_servers(name: str, port: str) -> str:
    """The example spec of a server itself, at its place in this installation."""
    spec = (_ROOT / "specs" / f"{name}.yaml").read_text(encoding="utf-8")
    return spec.replace(f'"http://{name}:', '"http://127.0.0.1:').replace(port, f"<{name}>")


@pytest.fixture(scope="module", params=["prometheus_server", "current_prometheus_server"])
def stack(
    request: pytest.FixtureRequest,
    alertmanager_server: Path,
    blackbox_exporter: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    prometheus: Path = request.getfixturevalue(request.param)
    specs = {
        "opsgen.yaml": _PROJECT,
        "shop.yaml": _SHOP,
        "prometheus.yaml": _of_the_servers("prometheus", "9090"),
        "alertmanager.yaml": _of_the_servers("alertmanager", "9093"),
    }
    programs = Programs(prometheus, alertmanager_server, blackbox_exporter)
    with running(programs, tmp_path_factory.mktemp("stack"), specs) as installation:
        yield installation


def _rules(stack: Stack, is_slow: bool = False) -> list[dict[str, Any]]:
    """The rules that are evaluated every second, or those that are not and may not have been yet."""
    groups = stack.prometheus.json("/api/v1/rules")["data"]["groups"]
    return [rule for group in groups if (group["interval"] > 1) is is_slow for rule in group["rules"]]


def _told(stack: Stack, receiver: str, status: str, alert: str, severity: str) -> None:
    wanted = {"service": "shop", "alertname": alert, "severity": severity}
    until(
        lambda: stack.webhook.got(receiver, status, **wanted),
        f"{receiver} is told that {alert} ({severity}) is {status}",
        stack.servers,
        seen=lambda: (sorted(stack.firing()), stack.webhook.alerts),
    )


def test_every_rule_is_loaded_and_evaluated_without_an_error(stack: Stack) -> None:
    generated = [
        rule
        for service in ("shop", "prometheus", "alertmanager")
        for group in stack.generated(f"{service}/rules.yaml")["groups"]
        for rule in group["rules"]
    ]

    until(lambda: all(rule["health"] == "ok" for rule in _rules(stack)), "every rule was evaluated", stack.servers)

    slow = _rules(stack, is_slow=True)
    assert len(_rules(stack)) + len(slow) == len(generated) > 100
    assert [rule for rule in (*_rules(stack), *slow) if rule.get("lastError")] == []
    for rule in slow:
        stack.query(rule["query"])


def test_what_is_recorded_are_numbers_for_every_slo_with_events(stack: Stack) -> None:
    def services() -> set[str]:
        return {sample["metric"]["service"] for sample in stack.query("slo:burn_rate:ratio1h")}

    until(lambda: services() == {"shop", "prometheus", "alertmanager"}, "burn rates are recorded", stack.servers)

    samples = stack.query('{__name__=~"slo:.+"}')
    assert len({sample["metric"]["__name__"] for sample in samples}) > 10
    assert [sample for sample in samples if not math.isfinite(float(sample["value"][1]))] == []


def test_nothing_fires_while_all_is_well(stack: Stack) -> None:
    until(lambda: stack.query("slo:events:increase40s > 500"), "users have asked for a while", stack.servers)

    assert stack.query("min(probe_success)")[0]["value"][1] == "1"
    assert stack.firing() == set()
    assert stack.webhook.alerts == []


def test_an_outage_reaches_those_whom_the_policy_names(stack: Stack) -> None:
    stack.shop.get("/control", failing="true")

    for receiver in ("shop-pager", "shop-chat"):
        _told(stack, receiver, "firing", "ErrorBudgetBurn", "page")
        _told(stack, receiver, "firing", "ProbeFailed", "page")

    page = stack.webhook.got("shop-pager", "firing", alertname="ErrorBudgetBurn")[0]
    assert page.annotations["summary"] == "shop burns its error budget too fast (availability)."
    assert page.annotations["runbook_url"] == ("https://runbooks.example.com/shop.md#errorbudgetburn-slo-availability")
    assert {alert.labels["service"] for alert in stack.webhook.alerts} == {"shop"}


def test_the_page_silences_the_ticket_of_its_cause(stack: Stack) -> None:
    ticket = {"service": "shop", "alertname": "ErrorBudgetBurn", "severity": "ticket"}

    until(lambda: stack.states(**ticket), "the ticket fires too", stack.servers, seen=stack.firing)

    until(lambda: set(stack.states(**ticket)) == {"suppressed"}, "the ticket is suppressed", stack.servers)
    assert stack.webhook.got("shop-pager", "firing", severity="ticket") == []


def test_when_the_service_heals_everybody_hears_of_it(stack: Stack) -> None:
    stack.shop.get("/control", failing="false")

    for receiver in ("shop-pager", "shop-chat"):
        _told(stack, receiver, "resolved", "ErrorBudgetBurn", "page")
        _told(stack, receiver, "resolved", "ProbeFailed", "page")
    until(lambda: stack.firing() == set(), "nothing fires any more", stack.servers, seen=stack.firing)


def test_a_service_that_is_gone_is_one_outage_and_not_many(stack: Stack) -> None:
    stack.shop.process.terminate()
    until(lambda: stack.query('up{job="shop"} == 0'), "the service is gone", stack.servers)

    _told(stack, "shop-pager", "firing", "TargetsAbsent", "page")
    _told(stack, "shop-pager", "firing", "ProbeFailed", "page")
    down = {"service": "shop", "alertname": "TargetDown"}
    until(lambda: set(stack.states(**down)) == {"suppressed"}, "TargetDown is suppressed", stack.servers)
    assert stack.webhook.got("shop-chat", "firing", alertname="TargetDown") == []
