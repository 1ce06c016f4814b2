"""A service and its signals go in; `rules.yaml` comes out: recording and alert rules, as Prometheus
loads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from opsgen.model import links
from opsgen.model.artifact import Artifact
from opsgen.model.artifact_kinds import MIMIR, RULES
from opsgen.model.service import Service
from opsgen.model.signal import Alert, Derived, Escalated, Record, alert_labels
from opsgen.model.texts import go_text
from opsgen.promql import pretty
from opsgen.quantities import Duration
from opsgen.render.needed_services import dependencies_that_fire
from opsgen.render.subjects import OfService
from opsgen.render.yaml_writer import dump, generated_from
from opsgen.signals.steps import STEP_LABEL, escalation_rules

# Windows of a day and more move slowly; two minutes also keep their series from going stale (five
# minutes).
_SLOW_INTERVAL = Duration.of("2m")
# Mimir's default limit (ruler_max_rules_per_rule_group), and mixtool's.
_MOST_RULES_IN_GROUP = 20

RuleEntry = dict[str, Any]


def render_rules(subject: OfService) -> Iterator[Artifact]:
    """The rules of one service, in groups that can be evaluated apart from each other."""
    service = subject.service
    text = dump({"groups": subject.once(groups_in)}, generated_from(service.spec_file))
    yield Artifact(RULES.path_of(service.name), text)


def render_mimir(subject: OfService) -> Iterator[Artifact]:
    """The same groups in a namespace of their own, in the form that `mimirtool rules sync` and the
    tools of Cortex and Grafana Cloud take."""
    service = subject.service
    document = {"namespace": f"opsgen-{service.name}", "groups": subject.once(groups_in)}
    yield Artifact(MIMIR.path_of(service.name), dump(document, generated_from(service.spec_file)))


def mimir_facts(service: Service, derived: Derived) -> dict[str, int]:
    """How many rule groups the service has: Mimir limits the number for each tenant."""
    return {"rule_groups": sum(1 for _ in rule_groups(service, derived))}


def groups_in(subject: OfService) -> list[dict[str, Any]]:
    """The rule groups of a subject, for `OfService.once`."""
    return groups_of(subject.service, subject.derived)


def groups_of(service: Service, derived: Derived) -> list[dict[str, Any]]:
    """The groups as data, in the form of Prometheus' rule files."""
    return [_group(service, group) for group in rule_groups(service, derived)]


Member = Record | Alert | Escalated


@dataclass(frozen=True)
class RuleGroup:
    """Rules that are evaluated together and in order. `interval` is None where Prometheus' own
    interval holds."""

    name: str
    members: tuple[Member, ...] = ()
    interval: Duration | None = None


def rule_groups(service: Service, derived: Derived) -> Iterator[RuleGroup]:
    """The groups: one for each SLO and one for each group of other signals, each with a second one
    for its slow rules; last, one for the rules that read the alerts themselves."""
    members: dict[RuleGroup, list[Member]] = {}
    for signal in derived.signals:
        own = signal.name if signal.group == "slo" else signal.group
        fast = RuleGroup(f"{service.name}-{own}")
        slow = RuleGroup(f"{service.name}-{own}-slow", interval=_SLOW_INTERVAL)
        of_signal: tuple[Record | Alert, ...] = (*signal.records, *signal.alerts)
        for member in of_signal:
            members.setdefault(slow if member.slow else fast, []).append(member)
    for group, its_own in members.items():
        yield from _parts(replace(group, members=tuple(its_own)))
    escalation = tuple(escalation_rules(service, derived.alerts))
    yield from _parts(RuleGroup(f"{service.name}-escalation", escalation))


def alert_rule(service: Service, alert: Alert) -> RuleEntry:
    """One alert as a rule. Its labels are static, so that routing does not depend on the labels
    that an expression keeps."""
    rule: RuleEntry = {"alert": alert.name, "expr": pretty(alert.expr)}
    if alert.hold:
        rule["for"] = str(alert.hold)
    if alert.keep_firing:
        rule["keep_firing_for"] = str(alert.keep_firing)
    rule["labels"] = alert_labels(service, alert)
    rule["annotations"] = _annotations(service, alert)
    return rule


def _escalated_rule(service: Service, escalated: Escalated) -> RuleEntry:
    """The rule of a later step. Its value is a time, not the alert's number, so it prints none."""
    alert, lasting = escalated.alert, escalated.after.in_words
    told = " and ".join(escalated.told)
    description = (
        f"It has fired for {lasting} and is still bad, so step {escalated.step} is told: {told}."
        " A silence of the alert covers this too."
    )
    texts = {
        "summary": f"Still firing after {lasting}: {go_text(alert.summary)}",
        "description": go_text(description),
    }
    return {
        "alert": alert.name,
        "expr": pretty(escalated.expr),
        "labels": alert_labels(service, alert) | {STEP_LABEL: str(escalated.step)},
        "annotations": _annotations(service, alert) | texts,
    }


def _annotations(service: Service, alert: Alert) -> dict[str, str]:
    annotations = {
        "summary": go_text(alert.summary),
        "description": f"{alert.description}{dependencies_that_fire(service, alert)}",
        "runbook_url": links.runbook_url(service, alert),
    }
    panel = links.panel_url(service, alert.panel)
    return annotations | ({"dashboard_url": panel} if panel else {})


def _parts(group: RuleGroup) -> Iterator[RuleGroup]:
    """The group, in several parts where it has more rules than a ruler takes; nothing where it is
    empty."""
    for start in range(0, len(group.members), _MOST_RULES_IN_GROUP):
        number = start // _MOST_RULES_IN_GROUP + 1
        name = group.name if number == 1 else f"{group.name}-{number}"
        yield RuleGroup(name, group.members[start : start + _MOST_RULES_IN_GROUP], group.interval)


def _group(service: Service, group: RuleGroup) -> dict[str, Any]:
    interval = {} if group.interval is None else {"interval": str(group.interval)}
    return {
        "name": group.name,
        **interval,
        "rules": [_rule(service, member) for member in group.members],
    }


def _rule(service: Service, member: Member) -> RuleEntry:
    if isinstance(member, Alert):
        return alert_rule(service, member)
    if isinstance(member, Escalated):
        return _escalated_rule(service, member)
    return {"record": member.name, "expr": pretty(member.expr), "labels": dict(member.labels)}
