"""A whole installation on loopback: specs and a project file in, everything that they describe,
running, out.

What is generated is loaded as docs/loading.md says, and not changed for the tests: windows are
shortened by the project file.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.servers import LOOPBACK, Server, Webhook, free_port, started

_HERE = Path(__file__).parent
_SECONDS_BETWEEN_REQUESTS = 0.02


@dataclass(frozen=True)
class Programs:
    prometheus: Path
    alertmanager: Path
    blackbox: Path


@dataclass(frozen=True)
class Ports:
    """One for each server, chosen before anything is generated, since what is generated names some
    of them."""

    prometheus: int
    alertmanager: int
    blackbox: int
    shop: int


@dataclass(frozen=True)
class Stack:
    """The installation, once all of its servers answer; `out` holds what was generated."""

    folder: Path
    shop: Server
    prometheus: Server
    alertmanager: Server
    webhook: Webhook

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def servers(self) -> tuple[Server, ...]:
        return self.shop, self.prometheus, self.alertmanager

    def generated(self, name: str) -> Any:
        return yaml.safe_load((self.out / name).read_text(encoding="utf-8"))

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples of an instant query, now."""
        samples: list[dict[str, Any]] = self.prometheus.json("/api/v1/query", query=expression)[
            "data"
        ]["result"]
        return samples

    def firing(self) -> set[tuple[str, str, str]]:
        """Service, name and severity of all alerts that fire in Prometheus."""
        samples = self.query('ALERTS{alertstate="firing"}')
        return {
            tuple(s["metric"][label] for label in ("service", "alertname", "severity"))
            for s in samples
        }

    def silence(self, **labels: str) -> None:
        """For an hour, as the runbook's command does."""
        now = datetime.now(UTC)
        matchers = [
            {"name": name, "value": value, "isRegex": False} for name, value in labels.items()
        ]
        silence = {
            "matchers": matchers,
            "startsAt": now.isoformat(),
            "endsAt": (now + timedelta(hours=1)).isoformat(),
            "createdBy": "somebody on call",
            "comment": "being worked on",
        }
        self.alertmanager.post("/api/v2/silences", silence)

    def states(self, **labels: str) -> list[str]:
        """What Alertmanager does with the alerts of these labels: `active` or `suppressed`."""
        alerts = self.alertmanager.json("/api/v2/alerts")
        return [
            alert["status"]["state"]
            for alert in alerts
            if labels.items() <= alert["labels"].items()
        ]


@contextmanager
def _shop(folder: Path, port: int) -> Iterator[Server]:
    """The web service, with users who ask it all the time."""
    command = [sys.executable, "-m", "uvicorn", "shop:app", "--host", LOOPBACK, "--port", str(port)]
    with started("shop", command, folder, port, "/healthz", cwd=_HERE) as server, _users(server):
        yield server


@contextmanager
def _users(shop: Server) -> Iterator[None]:
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(_SECONDS_BETWEEN_REQUESTS):
            with suppress(OSError):  # an answer of 500 too is one to users: that is what is tested
                shop.get("/orders")

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def running(programs: Programs, folder: Path, specs: dict[str, str]) -> Iterator[Stack]:
    """All servers; `specs` are files by name, with the fields of Ports and `webhook` to fill in."""
    with ExitStack() as stack:
        webhook = stack.enter_context(Webhook().running())
        ports = Ports(*(free_port() for _ in range(4)))
        _generate(folder, {name: _filled(text, ports, webhook) for name, text in specs.items()})
        shop = stack.enter_context(_shop(folder, ports.shop))
        stack.enter_context(_blackbox(programs.blackbox, folder, ports.blackbox))
        alertmanager = stack.enter_context(
            _alertmanager(programs.alertmanager, folder, ports.alertmanager)
        )
        prometheus = stack.enter_context(_prometheus(programs.prometheus, folder, ports))
        yield Stack(folder, shop, prometheus, alertmanager, webhook)


def _filled(text: str, ports: Ports, webhook: Webhook) -> str:
    for name, port in {**vars(ports), "webhook": webhook.port}.items():
        text = text.replace(f"<{name}>", str(port))
    return text


def _generate(folder: Path, specs: dict[str, str]) -> None:
    (folder / "specs").mkdir()
    for name, text in specs.items():
        (folder / "specs" / name).write_text(text, encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "opsgen", "build", "specs"],
        cwd=folder,
        check=True,
        capture_output=True,
    )


@contextmanager
def _blackbox(program: Path, folder: Path, port: int) -> Iterator[Server]:
    config = folder / "blackbox.yml"
    config.write_text("modules: {http_2xx: {prober: http}}\n", encoding="utf-8")
    command = [str(program), f"--config.file={config}", f"--web.listen-address={LOOPBACK}:{port}"]
    with started("blackbox", command, folder, port, "/-/healthy") as server:
        yield server


@contextmanager
def _alertmanager(program: Path, folder: Path, port: int) -> Iterator[Server]:
    command = [
        str(program),
        f"--config.file={folder / 'out' / 'alertmanager.yml'}",
        f"--web.listen-address={LOOPBACK}:{port}",
        f"--storage.path={folder / 'alertmanager'}",
        "--cluster.listen-address=",
    ]
    with started("alertmanager", command, folder, port, "/-/ready") as server:
        yield server


@contextmanager
def _prometheus(program: Path, folder: Path, ports: Ports) -> Iterator[Server]:
    config = folder / "prometheus.yml"
    config.write_text(yaml.safe_dump(_prometheus_config(folder, ports)), encoding="utf-8")
    command = [
        str(program),
        f"--config.file={config}",
        f"--web.listen-address={LOOPBACK}:{ports.prometheus}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        # Alertmanager takes an alert for resolved when it has not heard of it for four of these.
        "--rules.alert.resend-delay=1s",
    ]
    with started("prometheus", command, folder, ports.prometheus, "/-/ready") as server:
        yield server


def _prometheus_config(folder: Path, ports: Ports) -> dict[str, Any]:
    """Rules by a glob in a folder of their own, and the entries of probes.yaml, as 2.42 needs
    them."""
    loaded = folder / "loaded"
    loaded.mkdir()
    jobs = {"prometheus": ports.prometheus, "alertmanager": ports.alertmanager, "shop": ports.shop}
    scrapes = [
        {"job_name": job, "static_configs": [{"targets": [f"{LOOPBACK}:{port}"]}]}
        for job, port in jobs.items()
    ]
    for rules in sorted((folder / "out").glob("**/rules.yaml")):
        shutil.copy(rules, loaded / f"{rules.parent.name}.rules.yaml")
    for probes in sorted((folder / "out").glob("*/probes.yaml")):
        scrapes += yaml.safe_load(probes.read_text(encoding="utf-8"))["scrape_configs"]
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [f"{loaded}/*.rules.yaml"],
        "scrape_configs": scrapes,
        "alerting": {
            "alertmanagers": [
                {"static_configs": [{"targets": [f"{LOOPBACK}:{ports.alertmanager}"]}]}
            ]
        },
    }
