"""One outage is one message to each channel and step, and one that it is over: counted at a
webhook behind a real Alertmanager, with the alerts that the generated rules give."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.e2e.outages import Told, firing_by_minute, told
from tests.e2e.servers import Webhook
from tests.programs import require_program

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

_PROJECT = """\
out: ../out
teams: {web: {escalation: {page: urgent, ticket: later}}}
channels:
  first: {webhook: {url: "http://127.0.0.1:<webhook>/first"}}
  chat: {webhook: {url: "http://127.0.0.1:<webhook>/chat"}}
  second: {webhook: {url: "http://127.0.0.1:<webhook>/second"}}
  tickets: {webhook: {url: "http://127.0.0.1:<webhook>/tickets"}}
escalation:
  urgent: [{notify: [first, chat]}, {after: 15m, notify: [second]}]
  later: [{notify: [tickets]}]
"""
_SHOP = """\
service: shop
team: web
convention: prometheus-http
match: {job: shop}
slos: [{availability: 99.9%}, {latency: 99% under 250ms}]
uptime: [{url: "https://shop.example.com/health", name: health}]
business: [{name: orders, query: "sum(rate(orders_total[5m]))", alerts: [{below: 0.5, for: 15m, severity: page}]}]
"""
_TILL = "service: till\nteam: web\nconvention: prometheus-http\nmatch: {job: till}\n"
_HEALTHY, _OUTAGE = 360, 60  # minutes
_AFTER = 480


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook().running() as running:
        yield running


def _built(folder: Path, webhook: Webhook, *specs: str) -> Path:
    (folder / "specs").mkdir()
    project = _PROJECT.replace("<webhook>", str(webhook.port))
    (folder / "specs" / "opsgen.yaml").write_text(project)
    for number, spec in enumerate(specs):
        (folder / "specs" / f"{number}.yaml").write_text(spec)
    command = [sys.executable, "-m", "opsgen", "build", "specs"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "out"


def _counter(healthy: int, failing: int) -> str:
    """A counter's increase in a minute: before, during and after the outage."""
    first, last = healthy * _HEALTHY, healthy * _HEALTHY + failing * _OUTAGE
    return (
        f"0+{healthy}x{_HEALTHY} {first + failing}+{failing}x{_OUTAGE - 1}"
        f" {last + healthy}+{healthy}x{_AFTER}"
    )


def _level(healthy: str, failing: str) -> str:
    return f"{healthy}x{_HEALTHY} {failing}x{_OUTAGE - 1} {healthy}x{_AFTER}"


def _requests(job: str) -> Mapping[str, str]:
    """Every request fails in the outage, at once."""
    labels = f'job="{job}",instance="a"'
    buckets = {
        f'http_request_duration_seconds_bucket{{{labels},le="{le}"}}': _counter(600, 600)
        for le in ("0.25", "+Inf")
    }
    return {
        f"up{{{labels}}}": _level("1", "1"),
        f'http_requests_total{{{labels},code="200"}}': _counter(600, 0),
        f'http_requests_total{{{labels},code="500"}}': _counter(0, 600),
        f"http_request_duration_seconds_count{{{labels}}}": _counter(600, 600),
        **buckets,
    }


def _probe(name: str, failing: str = "0") -> Mapping[str, str]:
    labels = f'job="probe-shop-{name}",instance="https://shop.example.com/{name}"'
    return {
        f"probe_success{{{labels}}}": _level("1", failing),
        f"probe_duration_seconds{{{labels}}}": _level("0.1", "0.1"),
        f"probe_ssl_earliest_cert_expiry{{{labels}}}": _level("1e9", "1e9"),
    }


_ORDERS = {'orders_total{job="shop",instance="a"}': _counter(300, 0)}


def _gone(job: str) -> Mapping[str, str]:
    """No instance can be scraped in the outage."""
    kept = f"_x{_OUTAGE}"
    return {
        **{
            series: f"0+600x{_HEALTHY} {kept} 0+600x{_AFTER}"
            for series in _requests(job)
            if "500" not in series
        },
        f'up{{job="{job}",instance="a"}}': _level("1", "0"),
    }


def _messages(folder: Path, webhook: Webhook, series: Mapping[str, str], *specs: str) -> Told:
    out = _built(folder, webhook, *specs)
    minutes = _HEALTHY + _OUTAGE + _AFTER
    promtool, alertmanager = require_program("promtool-3"), require_program("alertmanager")
    firing = firing_by_minute(promtool, out, series, minutes, _HEALTHY - 10)
    return told(alertmanager, folder, out, webhook, firing)


def _counts(said: Told) -> dict[str, tuple[int, int]]:
    """How many messages of an outage, and of its end, each receiver got."""
    receivers = ("first", "chat", "second", "tickets")
    return {one: (said.count(one, "firing"), said.count(one, "resolved")) for one in receivers}


_ONCE = {"first": (1, 1), "chat": (1, 1), "second": (1, 1), "tickets": (0, 0)}


def test_a_total_outage_is_one_message_and_one_that_it_is_over(
    tmp_path: Path, webhook: Webhook
) -> None:
    series = {**_requests("shop"), **_probe("health"), **_ORDERS}

    said = _messages(tmp_path, webhook, series, _SHOP)

    assert _counts(said) == _ONCE
    assert said.names("first", "firing") == [["ProbeFailed"]]


def test_several_probes_that_fail_are_told_until_the_errors_are_known(
    tmp_path: Path, webhook: Webhook
) -> None:
    """One of several may fail by itself, so they do not stand for the whole service."""
    series = {**_requests("shop"), **_probe("health"), **_probe("ready"), **_ORDERS}
    ready = ', {url: "https://shop.example.com/ready", name: ready}]\nbusiness'

    said = _messages(tmp_path, webhook, series, _SHOP.replace("]\nbusiness", ready))

    assert _counts(said) == {**_ONCE, "first": (2, 1), "chat": (2, 1)}
    assert said.names("first", "firing") == [["ProbeFailed"], ["ErrorBudgetBurn"]]


def test_errors_alone_are_one_message_and_no_ticket_follows(
    tmp_path: Path, webhook: Webhook
) -> None:
    series = {**_requests("shop"), **_probe("health", failing="1"), **_ORDERS}

    said = _messages(tmp_path, webhook, series, _SHOP)

    assert _counts(said) == _ONCE
    assert said.names("first", "firing") == [["ErrorBudgetBurn"]]


def test_a_service_that_is_gone_is_told_again_once_that_is_known(
    tmp_path: Path, webhook: Webhook
) -> None:
    """The probe fails before five minutes without a target are over."""
    said = _messages(tmp_path, webhook, {**_gone("shop"), **_probe("health"), **_ORDERS}, _SHOP)

    assert _counts(said) == {**_ONCE, "first": (2, 1), "chat": (2, 1)}
    assert said.names("first", "firing") == [["ProbeFailed"], ["TargetsAbsent"]]


def test_a_dependency_that_is_gone_is_one_message_of_each_service(
    tmp_path: Path, webhook: Webhook
) -> None:
    series = {**_requests("shop"), **_probe("health", failing="1"), **_ORDERS, **_gone("till")}

    said = _messages(tmp_path, webhook, series, _SHOP + "dependencies: [{service: till}]\n", _TILL)

    assert _counts(said)["first"] == (2, 2)
    assert _counts(said)["tickets"] == (0, 0)
