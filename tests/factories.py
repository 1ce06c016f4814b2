"""Services, signals and alerts for tests, complete and plain; a test changes what it is about."""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType
from typing import Any

from opsgen.load.library import load_library
from opsgen.model.oncall import Channel, Hours, Policy, Severity, Step, Team
from opsgen.model.platform import Platform
from opsgen.model.service import Convention, Place, Probe, Service
from opsgen.model.signal import Alert, Check, Group, Guidance, Line, Panel, Signal, Threshold
from opsgen.model.units import UNITS
from opsgen.promql import Matcher, parse
from opsgen.quantities import Duration
from opsgen.resolve.servers import TIMINGS

PLACE = Place("service.yaml", 1, 1)
OFFICE = Hours("office", ("monday:friday",), (("09:00", "18:00"),), "Europe/Berlin")
PAGER = Channel("payments-primary", "pagerduty", MappingProxyType({}))
MANAGER = Channel("engineering-manager", "pagerduty", MappingProxyType({}))
CHAT = Channel("payments-slack", "slack", MappingProxyType({}))


def a_team(**changes: Any) -> Team:
    """Pages go to the pager and after 15 minutes to the manager; tickets to the chat in office
    hours."""
    critical = Policy(
        "critical",
        (Step(Duration(0), (PAGER, CHAT), None), Step(Duration.of("15m"), (MANAGER,), None)),
    )
    office = Policy("working-hours", (Step(Duration(0), (CHAT,), OFFICE),))
    policies: dict[Severity, Policy] = {"page": critical, "ticket": office, "info": office}
    return Team(
        **{"name": "payments", "slack": "#payments", "policies": MappingProxyType(policies)}
        | changes
    )


def a_service(**changes: Any) -> Service:
    known: dict[str, Any] = {
        "name": "checkout",
        "title": "Checkout",
        "description": "Turns a basket into a paid order.",
        "team": a_team(),
        "tier": 1,
        "environment": "production",
        "runtime": "kubernetes",
        "spec_file": "checkout.yaml",
        "convention": Convention("otel-http", "OpenTelemetry HTTP"),
        "matchers": (Matcher("namespace", "=", "shop"), Matcher("job", "=", "checkout")),
        "slos": (),
        "probes": (),
        "business": (),
        "settings": MappingProxyType({}),
        "origins": MappingProxyType({}),
        "overrides": MappingProxyType({}),
        "burn_rates": None,
        "platform": Platform(
            "2.42",
            "0.25",
            Duration.of("15s"),
            Duration.of("15s"),
            "blackbox-exporter:9115",
            TIMINGS,
        ),
        "runbook_commands": MappingProxyType({}),
        "runbook_url": "https://git.example.com/out/checkout/runbook.md",
        "dashboard_url": "https://grafana.example.com/d/opsgen-checkout",
        "folder": "Services",
        "explanations": load_library().explanations,
    }
    return Service(**known | changes)


def a_probe(url: str = "https://shop.example.com/healthz", name: str = "healthz") -> Probe:
    spans = {"interval": "30s", "timeout": "5s", "slow": "2s", "certificate": "14d"}
    return Probe(
        name=name,
        url=url,
        module="http_2xx",
        place=PLACE,
        **{key: Duration.of(span) for key, span in spans.items()},
    )


def guidance(**changes: Any) -> Guidance:
    known: dict[str, Any] = {
        "meaning": "Too many requests fail.",
        "impact": "Users see errors.",
        "diagnosis": (Check("Is it one instance?", parse("sum by (instance) (up)")),),
        "causes": ("A deploy.",),
        "mitigation": ("Roll back.",),
    }
    return Guidance(**known | changes)


def a_threshold(value: str = "0.02", above: bool = True, unit: str = "ratio") -> Threshold:
    return Threshold(Decimal(value), above, UNITS[unit])


def an_alert(
    name: str = "ErrorRatioHigh",
    signal: str = "errors",
    severity: Severity = "page",
    **changes: Any,
) -> Alert:
    known: dict[str, Any] = {
        "expr": parse("rate(errors_total[5m]) > 0.02"),
        "condition": parse("rate(errors_total[5m]) > 0.02"),
        "hold": Duration.of("5m"),
        "keep_firing": Duration(0),
        "labels": (),
        "summary": "Too many requests fail.",
        "description": "",
        "guidance": guidance(),
        "thresholds": (a_threshold(),),
        "panel": signal,
    }
    return Alert(name=name, signal=signal, severity=severity, **known | changes)


def a_signal(
    *alerts: Alert, name: str = "errors", group: Group = "errors", **changes: Any
) -> Signal:
    query = parse("rate(errors_total[5m])")
    known: dict[str, Any] = {
        "title": "Error ratio",
        "description": "The share of requests that fail.",
        "unit": UNITS["ratio"],
        "query": query,
        "panel": Panel(name, "Error ratio", "", lines=(Line(query, "errors"),)),
    }
    return Signal(name=name, group=group, alerts=alerts, **known | changes)
