"""Escalation on a real Prometheus and a real Alertmanager: steps, silences, hours and the
watchdog."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e.servers import until
from tests.e2e.stack import Programs, Stack, running

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

# A day on which it is not today anywhere.
_ANOTHER_DAY = (datetime.now(UTC) + timedelta(days=3)).strftime("%A").lower()

_PROJECT = f"""\
out: ../out
prometheus: {{scrape_interval: 1s, evaluation_interval: 1s}}
alertmanager:
  page: {{group_wait: 1s, group_interval: 2s}}
  ticket: {{group_wait: 1s, group_interval: 2s}}
  info: {{group_wait: 8s, group_interval: 2s}}
blackbox: {{address: "127.0.0.1:<blackbox>"}}
teams:
  shop: {{escalation: {{page: urgent, ticket: later, info: log}}}}
channels:
  first: {{webhook: {{url: "http://127.0.0.1:<webhook>/first"}}}}
  second: {{webhook: {{url: "http://127.0.0.1:<webhook>/second"}}}}
  third: {{webhook: {{url: "http://127.0.0.1:<webhook>/third"}}}}
  beat: {{webhook: {{url: "http://127.0.0.1:<webhook>/beat"}}}}
escalation:
  urgent: [{{notify: [first]}}, {{after: 10s, notify: [second]}}, {{after: 25s, notify: [third]}}]
  later: [{{notify: [first], during: another-day}}]
  log: [{{notify: [third]}}]
hours:
  another-day: {{days: {_ANOTHER_DAY}, from: "09:00", to: "18:00"}}
watchdog: {{notify: beat, every: 2s}}
"""
_SHOP = """\
service: shop
team: shop
match: {job: shop}
uptime:
  - {url: "http://127.0.0.1:<shop>/healthz", name: health, interval: 1s, timeout: 1s}
business:
  - name: tickets
    query: max(prometheus_build_info)
    match: {job: prometheus}
    alerts: [{above: 0.5, for: 0s, severity: ticket}]
  - name: infos
    query: max(prometheus_build_info)
    match: {job: prometheus}
    alerts: [{above: 0.5, for: 0s, severity: info}]
alerts:
  ProbeFailed: {for: 0s, keep_firing_for: 0s}
"""
_PAGE = {"service": "shop", "alertname": "ProbeFailed", "severity": "page"}


@pytest.fixture
def stack(
    prometheus_server: Path, alertmanager_server: Path, blackbox_exporter: Path, tmp_path: Path
) -> Iterator[Stack]:
    programs = Programs(prometheus_server, alertmanager_server, blackbox_exporter)
    with running(programs, tmp_path, {"opsgen.yaml": _PROJECT, "shop.yaml": _SHOP}) as installation:
        yield installation


def _told(stack: Stack, receiver: str, status: str, **labels: str) -> None:
    until(
        lambda: stack.webhook.got(receiver, status, **_PAGE, **labels),
        f"{receiver} is told that it is {status}",
        stack.servers,
        seen=lambda: (sorted(stack.firing()), stack.webhook.alerts),
    )


def _in_their_order(stack: Stack, status: str) -> list[str]:
    """Who was told of the page, in the order in which they were."""
    return list(
        dict.fromkeys(
            a.receiver for a in stack.webhook.alerts if a.status == status and a.receiver != "beat"
        )
    )


def test_a_page_goes_from_step_to_step_and_its_end_to_all(stack: Stack) -> None:
    stack.shop.get("/control", failing="true")

    _told(stack, "first", "firing")
    _told(stack, "second", "firing", step="2")
    _told(stack, "third", "firing", step="3")
    assert _in_their_order(stack, "firing") == ["first", "second", "third"]

    stack.shop.get("/control", failing="false")

    for receiver in ("first", "second", "third"):
        _told(stack, receiver, "resolved")


def test_who_silences_a_page_stops_its_steps(stack: Stack) -> None:
    stack.shop.get("/control", failing="true")
    _told(stack, "first", "firing")

    stack.silence(
        alertname="ProbeFailed", signal="probe-health", service="shop", environment="production"
    )

    for step in ("2", "3"):
        until(
            lambda step=step: stack.states(**_PAGE, step=step) == ["suppressed"],  # type: ignore[misc]
            f"step {step} is suppressed",
            stack.servers,
            seen=stack.firing,
        )
    assert _in_their_order(stack, "firing") == ["first"]


def test_outside_its_hours_a_ticket_waits(stack: Stack) -> None:
    """An info that fires at the same time, and is grouped for longer, has been told by then."""
    until(
        lambda: stack.webhook.got("third", "firing", alertname="InfosHigh"),
        "the info is told",
        stack.servers,
        seen=lambda: (stack.firing(), stack.webhook.alerts),
    )

    assert stack.states(service="shop", alertname="TicketsHigh") == ["active"]
    assert stack.webhook.got("first", "firing", alertname="TicketsHigh") == []


def test_the_watchdog_beats_until_alerting_is_broken(stack: Stack) -> None:
    def beats() -> int:
        return len(stack.webhook.got("beat", "firing", alertname="Watchdog"))

    until(lambda: beats() >= 4, "it beats", stack.servers)

    stack.prometheus.process.terminate()
    until(
        lambda: stack.states(alertname="Watchdog") == [],
        "Alertmanager has not heard of it",
        [stack.alertmanager],
    )

    last = beats()
    with pytest.raises(pytest.fail.Exception):
        until(lambda: beats() > last, "another beat", seconds=6)
    assert stack.webhook.got("beat", "resolved") == []
