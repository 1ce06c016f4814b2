"""An outage as series goes in; what a real Alertmanager tells of it comes out.

promtool evaluates the generated rules over hours, and a test posts the alerts that fire to an
Alertmanager with the generated configuration, as Prometheus would, some hundred times as fast: the
times of the configuration are divided by the same number.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from opsgen.quantities import Duration
from tests.e2e.servers import LOOPBACK, Message, Server, Webhook, free_port, started

# A minute of the outage takes so many seconds of the test.
_MINUTE = 0.1
_SPEED = 60 / _MINUTE
_TIMES = ("group_wait", "group_interval", "repeat_interval")
# Nothing changes for so long: what is left of that time tells nothing new.
_IDLE_MINUTES = 40
_GOT = re.compile(r"time: (?P<time>[^,\n]+),(?P<got>.*?)(?=\n\s*expr:|\Z)", re.DOTALL)
_ALERT = re.compile(r"\{__name__=\"ALERTS\"(?P<labels>(?:[^\"}]|\"(?:[^\"\\]|\\.)*\")*)\}")
_LABEL = re.compile(r"(\w+)=\"((?:[^\"\\]|\\.)*)\"")

Labels = Mapping[str, str]
# The alerts that fire, by the minute.
Firing = list[list[dict[str, str]]]


def firing_by_minute(
    promtool: Path, out: Path, series: Mapping[str, str], minutes: int, since: int
) -> Firing:
    """What fires in each minute from `since` on, with the rules of every service in `out`.

    promtool prints what it has instead of the nothing that is expected.
    """
    rules = sorted(out.glob("*/rules.yaml"))
    groups = [
        group["name"]
        for file in rules
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
    ]
    asked = [
        {"expr": 'ALERTS{alertstate="firing"}', "eval_time": f"{minute}m"}
        for minute in range(since, minutes)
    ]
    test = {
        "rule_files": [str(file) for file in rules],
        "evaluation_interval": "1m",
        "group_eval_order": groups,
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": name, "values": values} for name, values in series.items()
                ],
                "promql_expr_test": asked,
            }
        ],
    }
    file = out / "outage.test.yaml"
    file.write_text(json.dumps(test), encoding="utf-8")
    done = subprocess.run(
        [promtool, "test", "rules", file], capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    found: Firing = [[] for _ in asked]
    for one in _GOT.finditer(said):
        minute = int(Duration.parse(one["time"]).seconds) // 60
        found[minute - since] = [_labels(alert["labels"]) for alert in _ALERT.finditer(one["got"])]
    assert any(found), said
    return found


def _labels(text: str) -> dict[str, str]:
    found = {name: json.loads(f'"{value}"') for name, value in _LABEL.findall(text)}
    return {name: value for name, value in found.items() if name != "alertstate"}


@dataclass(frozen=True)
class Told:
    """The messages of an outage, in their order, by receiver."""

    messages: Sequence[Message]

    def count(self, receiver: str, status: str) -> int:
        return sum((one.receiver, one.status) == (receiver, status) for one in self.messages)

    def names(self, receiver: str, status: str) -> list[list[str]]:
        """The alerts that are firing, or resolved, in each message of this status."""
        return [
            sorted({alert.labels["alertname"] for alert in one.alerts if alert.status == status})
            for one in self.messages
            if (one.receiver, one.status) == (receiver, status)
        ]


def told(alertmanager: Path, folder: Path, out: Path, webhook: Webhook, firing: Firing) -> Told:
    """What the receivers are told while these alerts fire, minute by minute."""
    before = len(webhook.messages)
    with _fast(alertmanager, folder, out) as server:
        for alerts, ended in _changes(firing):
            _post(server, alerts, ended)
            time.sleep(_MINUTE)
        time.sleep(_MINUTE * 12)
    return Told(webhook.messages[before:])


def _changes(firing: Firing) -> Iterator[tuple[list[dict[str, str]], list[dict[str, str]]]]:
    """What fires in each minute, and what has ended in it; no more of an idle time than tells
    something."""
    before: list[dict[str, str]] = []
    idle = 0
    for alerts in firing:
        ended = [alert for alert in before if alert not in alerts]
        idle = idle + 1 if alerts == before else 0
        before = alerts
        if idle < _IDLE_MINUTES:
            yield alerts, ended


def _post(server: Server, alerts: Sequence[Labels], ended: Sequence[Labels]) -> None:
    now = datetime.now(UTC)
    later = (now + timedelta(hours=1)).isoformat()
    body = [{"labels": dict(alert), "endsAt": later} for alert in alerts]
    body += [
        {
            "labels": dict(alert),
            "startsAt": (now - timedelta(seconds=1)).isoformat(),
            "endsAt": now.isoformat(),
        }
        for alert in ended
    ]
    if body:
        server.post("/api/v2/alerts", [{"annotations": {}, **one} for one in body])


@contextmanager
def _fast(program: Path, folder: Path, out: Path) -> Iterator[Server]:
    config = yaml.safe_load((out / "alertmanager.yml").read_text(encoding="utf-8"))
    _hurry(config["route"])
    port = free_port()
    file = folder / "fast.yml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    command = [
        str(program),
        f"--config.file={file}",
        f"--web.listen-address={LOOPBACK}:{port}",
        f"--storage.path={folder / 'alertmanager'}",
        "--cluster.listen-address=",
    ]
    with started("alertmanager", command, folder, port, "/-/ready") as server:
        yield server


def _hurry(route: dict[str, Any]) -> None:
    for key in _TIMES:
        if key in route:
            milliseconds = Duration.parse(route[key]).milliseconds / _SPEED
            route[key] = f"{max(1, round(milliseconds))}ms"
    for child in route.get("routes") or ():
        _hurry(child)
