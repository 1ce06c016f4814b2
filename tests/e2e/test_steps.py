"""Later steps on a real Prometheus, which is killed and started again in the middle of an outage."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.servers import LOOPBACK, Server, free_port, started, until
from tests.specs import file_texts

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

_SPEC = """\
service: shop
team: shop
convention: prometheus-http
match: {job: shop}
slos:
  - availability: 99%
alerts:
  ErrorBudgetBurn: {for: 2s, keep_firing_for: 60s}
"""
# Windows of seconds. The slower tier holds the page, as that of six hours does.
_PROJECT = """\
prometheus: {scrape_interval: 1s, evaluation_interval: 1s}
slo:
  burn_rates:
    - {severity: page, factor: 10, long: 20s, short: 5s}
    - {severity: page, factor: 4, long: 60s, short: 20s}
    - {severity: ticket, factor: 2, long: 60s, short: 20s}
teams: {shop: {escalation: {page: urgent, ticket: calm}}}
channels:
  first: {webhook: {url: "http://a.example.com"}}
  second: {webhook: {url: "http://b.example.com"}}
escalation:
  urgent: [{notify: [first]}, {after: 25s, notify: [second]}, {after: 29s, notify: [first]}]
  impatient: [{notify: [first]}, {after: 14s, notify: [second]}]
  calm: [{notify: [first]}]
"""
_REQUESTS_PER_SECOND = 100
# What scrapes and evaluations of a second, in their turns, may add.
_TURNS = 4


class Shop:
    """Counts requests as time passes, and shows them to Prometheus; all of them fail while
    `failing`."""

    def __init__(self) -> None:
        self.failing = False
        self._counted = {"200": 0.0, "500": 0.0}
        self._until = time.monotonic()
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(shop.exposition().encode())

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: the tests print what they saw."""

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self.port: int = self._server.server_address[1]

    def exposition(self) -> str:
        now = time.monotonic()
        code = "500" if self.failing else "200"
        self._counted[code] += (now - self._until) * _REQUESTS_PER_SECOND
        self._until = now
        lines = [
            f'http_requests_total{{code="{code}"}} {count}' for code, count in self._counted.items()
        ]
        return "\n".join(["# TYPE http_requests_total counter", *lines, ""])

    @contextmanager
    def open(self) -> Iterator[Shop]:
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


@dataclass(frozen=True)
class Installation:
    """One Prometheus with the generated rules. Whenever it is started, it has the same storage."""

    program: Path
    folder: Path
    shop: Shop
    port: int

    @contextmanager
    def prometheus(self) -> Iterator[Server]:
        command: Sequence[str | Path] = [
            self.program,
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--web.listen-address={LOOPBACK}:{self.port}",
            f"--storage.tsdb.path={self.folder / 'storage'}",
        ]
        with started("prometheus", command, self.folder, self.port, "/-/ready") as server:
            yield server


@pytest.fixture(params=["prometheus_server", "current_prometheus_server"])
def program(request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue(request.param)
    return found


@contextmanager
def _installed(program: Path, folder: Path, policy: str) -> Iterator[Installation]:
    project = _PROJECT.replace("page: urgent", f"page: {policy}")
    rules = file_texts(folder / "specs", _SPEC, project)["shop/rules.yaml"]
    (folder / "rules.yaml").write_text(rules)
    with Shop().open() as shop:
        target = {"static_configs": [{"targets": [f"{LOOPBACK}:{shop.port}"]}]}
        config = {
            "global": {
                "scrape_interval": "1s",
                "scrape_timeout": "1s",
                "evaluation_interval": "1s",
            },
            "rule_files": ["rules.yaml"],
            "scrape_configs": [{"job_name": "shop", **target}],
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        yield Installation(program, folder, shop, free_port())


_ANY_STEP = 'count_over_time(ALERTS{step!=""}[5m])'


def _page(step: str = "") -> str:
    labels = f'alertname="ErrorBudgetBurn",severity="page",alertstate="firing",step="{step}"'
    return f"ALERTS{{{labels}}}"


def _query(prometheus: Server, expression: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = prometheus.json("/api/v1/query", query=expression)["data"][
        "result"
    ]
    return found


def _fires(prometheus: Server, step: str = "") -> bool:
    return bool(_query(prometheus, _page(step)))


def _began(prometheus: Server, step: str = "") -> float:
    """When it fired first, by what Prometheus has stored."""
    (series,) = _query(prometheus, f"{_page(step)}[10m]")
    first: float = series["values"][0][0]
    return first


def _until_fires(prometheus: Server, step: str = "") -> None:
    until(
        lambda: _fires(prometheus, step),
        f"the page fires, step {step or 1}",
        [prometheus],
        seen=lambda: _query(prometheus, "{__name__=~'ALERTS|slo:error_ratio.*|alert:.*'}"),
    )


def _until_fired_for(prometheus: Server, seconds: float) -> None:
    until(
        lambda: time.time() - _began(prometheus) > seconds,
        f"the page has fired for {seconds} seconds",
        [prometheus],
    )


def _serves(prometheus: Server) -> None:
    until(
        lambda: _query(prometheus, "count_over_time(slo:error_ratio:rate20s[1m]) > 5"),
        "requests are counted",
        [prometheus],
    )


def _killed(prometheus: Server) -> None:
    prometheus.process.kill()
    prometheus.process.wait()


def test_a_short_outage_pages_and_no_step_comes_after_its_end(
    program: Path, tmp_path: Path
) -> None:
    with (
        _installed(program, tmp_path, "impatient") as installation,
        installation.prometheus() as prometheus,
    ):
        _serves(prometheus)
        installation.shop.failing = True
        _until_fires(prometheus)
        installation.shop.failing = False

        _until_fired_for(prometheus, 14 + _TURNS)

        assert _fires(prometheus)
        assert _query(prometheus, _ANY_STEP) == []


def test_what_ends_while_prometheus_is_away_is_told_to_nobody_else(
    program: Path, tmp_path: Path
) -> None:
    with _installed(program, tmp_path, "impatient") as installation:
        with installation.prometheus() as prometheus:
            _serves(prometheus)
            installation.shop.failing = True
            _until_fires(prometheus)
            _until_fired_for(prometheus, 4)
            _killed(prometheus)
        installation.shop.failing = False

        with installation.prometheus() as prometheus:
            _until_fired_for(prometheus, 14 + _TURNS)

            # What is stored still says when it began to fire, and that it did a moment ago.
            assert _query(prometheus, "last_over_time(alert:firing_since:timestamp_seconds[5m])")
            assert _query(prometheus, _ANY_STEP) == []


def test_steps_come_at_their_time_though_prometheus_was_killed_and_end_with_the_outage(
    program: Path, tmp_path: Path
) -> None:
    with _installed(program, tmp_path, "urgent") as installation:
        with installation.prometheus() as prometheus:
            _serves(prometheus)
            installation.shop.failing = True
            _until_fires(prometheus)
            _until_fired_for(prometheus, 6)
            _killed(prometheus)
        time.sleep(6)

        with installation.prometheus() as prometheus:
            _until_fires(prometheus, "2")
            _until_fires(prometheus, "3")
            installation.shop.failing = False
            until(
                lambda: not _fires(prometheus, "2") and not _fires(prometheus, "3"),
                "the steps end",
                [prometheus],
                20,
            )

            assert _fires(prometheus)
            page, second, third = (_began(prometheus, step) for step in ("", "2", "3"))
            assert 25 <= second - page <= 25 + _TURNS
            assert 29 <= third - page <= 29 + _TURNS
