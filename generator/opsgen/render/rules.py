"""Recording and alert rules: a service and its signals in, `rules.yaml` out, as Prometheus loads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from opsgen import links
from opsgen.model import Service
from opsgen.output.artifact import Artifact
from opsgen.promql import pretty
from opsgen.quantities import Duration
from opsgen.render.yaml_text import dump, generated_from
from opsgen.signals.model import Alert, Derived, Record, Signal

# Windows of a day and more move slowly; two minutes also keep their series from going stale (five minutes).
_SLOW_INTERVAL = Duration.of("2m")
# Mimir's default limit, and mixtool's.
_MOST_RULES_IN_GROUP = 20

Rule = dict[str, Any]
Group = dict[str, Any]


def render_rules(service: Service, derived: Derived) -> Artifact:
    """The rules of one service, in groups that can be evaluated apart from each other."""
    groups = list(rule_groups(service, derived))
    return Artifact(f"{service.name}/rules.yaml", dump({"groups": groups}, generated_from(service.spec_file)))


def rule_groups(service: Service, derived: Derived) -> Iterator[Group]:
    """Each SLO's rules are a group of their own (and a slower one); those of the other signals go by signal group."""
    together: dict[str, list[Rule]] = {}
    for signal in derived.signals:
        if signal.records:
            yield from _own_groups(service, signal)
            continue
        rules = together.setdefault(signal.group, [])
        rules.extend(alert_rule(service, alert) for alert in signal.alerts)
    for group, rules in together.items():
        yield from _parts(f"{service.name}-{group}", rules)


def alert_rule(service: Service, alert: Alert) -> Rule:
    """One alert as a rule. Its labels are static, so that routing never depends on what an expression kept."""
    rule: Rule = {"alert": alert.name, "expr": pretty(alert.expr)}
    if alert.hold:
        rule["for"] = str(alert.hold)
    if alert.keep_firing:
        rule["keep_firing_for"] = str(alert.keep_firing)
    rule["labels"] = alert_labels(service, alert)
    rule["annotations"] = _annotations(service, alert)
    return rule


def alert_labels(service: Service, alert: Alert) -> dict[str, str]:
    """The labels that a rule adds to its alert, the same set for every alert of every service."""
    return {
        "service": service.name,
        "team": service.team.name,
        "tier": str(service.tier),
        "environment": service.environment,
        "severity": alert.severity,
        "signal": alert.signal,
        **dict(alert.labels),
    }


def _annotations(service: Service, alert: Alert) -> dict[str, str]:
    annotations = {
        "summary": alert.summary,
        "description": alert.description,
        "runbook_url": links.runbook_url(service, alert),
    }
    panel = links.panel_url(service, alert.panel)
    return annotations | ({"dashboard_url": panel} if panel else {})


def _own_groups(service: Service, signal: Signal) -> Iterator[Group]:
    for slow in (False, True):
        rules = [
            *(_record_rule(record) for record in signal.records if record.slow == slow),
            *(alert_rule(service, alert) for alert in signal.alerts if alert.slow == slow),
        ]
        name = f"{service.name}-{signal.name}"
        yield from _parts(f"{name}-slow" if slow else name, rules, _SLOW_INTERVAL if slow else None)


def _record_rule(record: Record) -> Rule:
    return {"record": record.name, "expr": pretty(record.expr), "labels": dict(record.labels)}


def _parts(name: str, rules: Sequence[Rule], interval: Duration | None = None) -> Iterable[Group]:
    """One group, or several where it would be larger than a ruler takes."""
    for start in range(0, len(rules), _MOST_RULES_IN_GROUP):
        number = start // _MOST_RULES_IN_GROUP + 1
        group: Group = {"name": name if number == 1 else f"{name}-{number}"}
        if interval is not None:
            group["interval"] = str(interval)
        yield group | {"rules": list(rules[start : start + _MOST_RULES_IN_GROUP])}
