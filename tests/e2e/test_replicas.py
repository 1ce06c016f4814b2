"""Two Prometheus servers that run the same rules, configured as docs/loading.md says, send to one
Alertmanager."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.servers import LOOPBACK, Server, Webhook, free_port, started, until
from tests.programs import ROOT
from tests.specs import file_texts

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

_PROJECT = """\
alertmanager: {page: {group_wait: 1s, group_interval: 2s}}
prometheus: {scrape_interval: 1s, evaluation_interval: 1s}
teams: {web: {escalation: {page: urgent}}}
channels: {pager: {webhook: {url: "http://127.0.0.1:<webhook>/pager"}}}
escalation: {urgent: [{notify: [pager]}]}
"""
_SPEC = """\
service: shop
team: web
convention: prometheus-http
match: {job: shop}
alerts: {TargetsAbsent: {for: 0s, keep_firing_for: 0s}}
"""


def _documented() -> dict[str, Any]:
    """The block of docs/loading.md that has a replica's label."""
    text = (ROOT / "docs" / "loading.md").read_text(encoding="utf-8")
    (block,) = (
        one for one in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "replica:" in one
    )
    found: dict[str, Any] = yaml.safe_load(block)
    return found


class _Pair:
    """The servers, and the number of alerts that each replica has sent."""

    def __init__(self, replicas: list[Server], alertmanager: Server, webhook: Webhook) -> None:
        self.replicas, self.alertmanager, self.webhook = replicas, alertmanager, webhook

    def both_have_sent(self) -> bool:
        return all(_sent(replica) > 0 for replica in self.replicas)

    def alerts(self) -> list[dict[str, str]]:
        listed = self.alertmanager.json("/api/v2/alerts")
        return [alert["labels"] for alert in listed if alert["labels"]["severity"] == "page"]


def _sent(replica: Server) -> float:
    lines = replica.get("/metrics").decode().splitlines()
    return sum(
        float(line.rpartition(" ")[2])
        for line in lines
        if line.startswith("prometheus_notifications_sent_total")
    )


@pytest.fixture
def pair(prometheus_server: Path, alertmanager_server: Path, tmp_path: Path) -> Iterator[_Pair]:
    with ExitStack() as stack:
        webhook = stack.enter_context(Webhook().running())
        project = _PROJECT.replace("<webhook>", str(webhook.port))
        built = file_texts(tmp_path / "specs", _SPEC, project)
        for name in ("shop/rules.yaml", "alertmanager.yml"):
            (tmp_path / Path(name).name).write_text(built[name], encoding="utf-8")
        port = free_port()
        command = [
            str(alertmanager_server),
            f"--config.file={tmp_path / 'alertmanager.yml'}",
            f"--web.listen-address={LOOPBACK}:{port}",
            f"--storage.path={tmp_path / 'alertmanager'}",
            "--cluster.listen-address=",
        ]
        alertmanager = stack.enter_context(
            started("alertmanager", command, tmp_path, port, "/-/ready")
        )
        replicas = [
            stack.enter_context(_replica(prometheus_server, tmp_path, name, port))
            for name in ("prometheus-a", "prometheus-b")
        ]
        yield _Pair(replicas, alertmanager, webhook)


def _replica(program: Path, folder: Path, name: str, alertmanager: int) -> Any:
    config = _documented()
    config["global"]["external_labels"]["replica"] = name
    config["global"]["evaluation_interval"] = "1s"
    config["alerting"]["alertmanagers"] = [
        {"static_configs": [{"targets": [f"{LOOPBACK}:{alertmanager}"]}]}
    ]
    config["rule_files"] = [str(folder / "rules.yaml")]
    file = folder / f"{name}.yml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    port = free_port()
    command = [
        str(program),
        f"--config.file={file}",
        f"--web.listen-address={LOOPBACK}:{port}",
        f"--storage.tsdb.path={folder / name}",
        "--rules.alert.resend-delay=1s",
    ]
    return started(name, command, folder, port, "/-/ready")


def test_people_hear_of_an_alert_once_and_not_that_one_replica_ended(pair: _Pair) -> None:
    until(pair.both_have_sent, "both have sent it", [*pair.replicas, pair.alertmanager])
    until(lambda: pair.webhook.messages, "it is told", [pair.alertmanager])

    pair.replicas[0].process.terminate()
    pair.replicas[0].process.wait(timeout=20)
    sent = _sent(pair.replicas[1])
    until(lambda: _sent(pair.replicas[1]) > sent + 5, "the other one goes on", [pair.replicas[1]])

    (alert,) = pair.alerts()
    assert alert["alertname"] == "TargetsAbsent"
    assert alert["cluster"] == "eu-1"
    assert "replica" not in alert
    assert [message.status for message in pair.webhook.messages] == ["firing"]
    assert len(pair.webhook.messages[0].alerts) == 1
