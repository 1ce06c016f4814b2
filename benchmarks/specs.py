"""Generated specs for benchmarks: a number in, as many different specs out, the same ones on every
machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

_CONVENTIONS = ("otel-http", "prometheus-http", "fastapi-instrumentator", "grpc")
_THRESHOLDS = ("100ms", "250ms", "500ms", "1s")
_OBJECTIVES = ("99%", "99.5%", "99.9%", "99.95%", "99.99%")
_WINDOWS = ("7d", "28d", "30d", "90d")
_PROJECT = {
    "prometheus": {"version": "2.42", "scrape_interval": "15s", "evaluation_interval": "15s"},
    "grafana": {"url": "https://grafana.example.com"},
    "runbooks": {"url": "https://git.example.com/ops/{service}/runbook.md"},
    "teams": {
        f"team-{n}": {"escalation": {"page": "critical", "ticket": "tickets"}} for n in range(10)
    },
    "channels": {
        "pager": {"pagerduty": {"routing_key_file": "/etc/alertmanager/secrets/pager"}},
        "chat": {"slack": {"channel": "#ops", "api_url_file": "/etc/alertmanager/secrets/slack"}},
    },
    "escalation": {"critical": [{"notify": ["pager", "chat"]}], "tickets": [{"notify": ["chat"]}]},
}


def spec(number: int) -> dict[str, Any]:
    """The spec of one service. Neighbours differ in everything; every fourth has business signals
    and probes."""
    name = f"service-{number:05d}"
    found: dict[str, Any] = {
        "service": name,
        "title": f"Service {number}",
        "description": f"Answers requests of kind {number % 17} for the team.",
        "team": f"team-{number % 10}",
        "tier": number % 4 + 1,
        "convention": _CONVENTIONS[number % 4],
        "match": {"namespace": f"ns-{number % 50}", "job": name},
        "slos": [
            {"availability": _OBJECTIVES[number % 5], "window": _WINDOWS[number % 3]},
            {"latency": f"99% under {_THRESHOLDS[number % 4]}"},
        ],
        "latency": {"p95": _THRESHOLDS[number % 4], "p99": "2s"},
    }
    return found | (_extras(name, number) if number % 4 == 0 else {})


def _extras(name: str, number: int) -> dict[str, Any]:
    rate = f'sum(rate(orders_total{{kind="k{number % 7}"}}[5m]))'
    return {
        "uptime": [f"https://{name}.example.com/healthz"],
        "business": [
            {
                "name": "orders",
                "title": "Orders completed",
                "query": rate,
                "unit": "orders/s",
                "alerts": [{"below": number % 9 + 1}, {"drop": "50%"}],
            }
        ],
        "runbook": {"deploy": f"kubectl rollout restart deploy/{name}"},
    }


def write_specs(folder: Path, services: int) -> Path:
    """Writes so many specs and their project file into a new folder, and returns it."""
    folder.mkdir(parents=True)
    (folder / "opsgen.yaml").write_text(yaml.safe_dump(_PROJECT, sort_keys=False), encoding="utf-8")
    for number in range(services):
        content = yaml.safe_dump(spec(number), sort_keys=False)
        (folder / f"service-{number:05d}.yaml").write_text(content, encoding="utf-8")
    return folder
