"""Services, teams and channels for the tests of what is rendered from them, and what amtool says."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from opsgen.alertmanager.routing import matcher
from opsgen.channels.kinds import KINDS
from opsgen.load.library import load_library
from opsgen.model.oncall import SEVERITIES, Channel, Hours, Policy, Severity, Step, Team
from opsgen.model.platform import Platform
from opsgen.model.service import Convention, Place, Probe, Service
from opsgen.quantities import Duration
from opsgen.render.escalation import render_escalation
from opsgen.resolve.servers import TIMINGS
from tests.rendering import rendered

NO_DELAY = Duration(0)
SECRET_FILE = "/etc/alertmanager/secrets/one"
LEAST_CHANNELS = {name: kind.example for name, kind in KINDS.items()}
OFFICE = Hours("office", ("monday:friday",), (("09:00", "18:00"),), "Europe/Berlin")
PAGER = Channel(
    "payments-primary", "pagerduty", {"routing_key_file": "/etc/alertmanager/secrets/payments"}
)
CHAT = Channel(
    "payments-slack",
    "slack",
    {"channel": "#payments", "api_url_file": "/etc/alertmanager/secrets/slack"},
)
LOG = Channel("alert-log", "webhook", {"url": "http://alert-log.internal:8080/alerts"})
# Labels of alerts of the service `checkout`.
PAGE = {"service": "checkout", "environment": "production", "severity": "page"}
TICKET = {**PAGE, "severity": "ticket"}
INFO = {**PAGE, "severity": "info"}


def policy(*channels: Channel, during: Hours | None = None, after: Duration = NO_DELAY) -> Policy:
    return Policy("-".join(channel.name for channel in channels), (Step(after, channels, during),))


def team(**policies: Policy) -> Team:
    by_severity = {severity: policies[severity] for severity in SEVERITIES if severity in policies}
    return Team("payments", "#payments", MappingProxyType[Severity, Policy](by_severity))


def rich_team() -> Team:
    return team(page=policy(PAGER, CHAT), ticket=policy(CHAT, during=OFFICE), info=policy(LOG))


def probe(
    url: str = "https://shop.example.com/healthz", name: str = "healthz", timeout: str = "5s"
) -> Probe:
    return Probe(
        name=name,
        url=url,
        interval=Duration.of("30s"),
        timeout=Duration.of(timeout),
        slow=Duration.of("2s"),
        certificate=Duration.of("14d"),
        module="http_2xx",
        place=Place("service.yaml", 1, 1),
    )


def service(
    name: str = "checkout",
    owner: Team | None = None,
    environment: str = "production",
    probes: tuple[Probe, ...] = (),
    blackbox_address: str = "blackbox-exporter:9115",
) -> Service:
    return Service(
        name=name,
        title=name.capitalize(),
        description="",
        team=owner or rich_team(),
        tier=1,
        environment=environment,
        runtime="kubernetes",
        spec_file=f"specs/{name}.yaml",
        convention=Convention("prometheus-http", "Prometheus"),
        matchers=(),
        slos=(),
        probes=probes,
        business=(),
        settings={},
        origins={},
        overrides={},
        burn_rates=None,
        platform=Platform(
            "2.42", "0.25", Duration.of("30s"), Duration.of("30s"), blackbox_address, TIMINGS
        ),
        runbook_commands={},
        runbook_url="",
        dashboard_url="",
        explanations=load_library().explanations,
        folder="Services",
    )


def fragment_of(of: Service) -> dict[str, Any]:
    fragment: dict[str, Any] = yaml.safe_load(rendered(render_escalation, of).content)
    return fragment


def reached(amtool: Path, file: Path, labels: Mapping[str, str]) -> list[str]:
    arguments = [matcher(label, value) for label, value in labels.items()]
    printed = subprocess.run(
        [amtool, "config", "routes", "test", "--config.file", file, *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    return printed.stdout.strip().split(",")


def assert_accepted(amtool: Path, file: Path) -> None:
    checked = subprocess.run(
        [amtool, "check-config", file], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
