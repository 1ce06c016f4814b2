"""The runbook: a service and its signals in, `runbook.md` out, in the order in which a person at 3 a.m. needs it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from opsgen import links
from opsgen.library import TEMPLATES
from opsgen.model import EventSlo, Service, Step
from opsgen.output.artifact import Artifact
from opsgen.promql import Selector, pretty
from opsgen.promql.rewrite import sum_by
from opsgen.render import commands
from opsgen.render.templates import environment
from opsgen.signals.model import Alert, Derived, Signal
from opsgen.signals.slo import outage_words
from opsgen.signals.units import UNITS

_TEMPLATE = "runbook/service.md.j2"
_FIRST_GROUPS = ("traffic", "errors", "latency", "slo")
_MOST_FIRST_QUERIES = 4
_HOW_FIRST, _HOW_LATER = "by Alertmanager", "by hand: not automated yet"


def render_runbook(service: Service, derived: Derived, folders: tuple[Path, ...] = (TEMPLATES,)) -> Artifact:
    """The whole page; every number in it is the alert's own."""
    template = environment(folders).get_template(_TEMPLATE)
    page = template.render(
        service=service,
        first_queries=_first_queries(derived.signals),
        first_commands=commands.first_looks(service),
        silence=commands.silence(service),
        sections=_sections(service, derived),
        recovery=_recovery(derived.signals),
        up_query=pretty(sum_by(Selector("up", service.matchers))),
        slos=[_slo_row(slo) for slo in service.slos],
        escalation=list(_escalation(service)),
        logs_link=_logs(service, is_link=True),
        logs_command=_logs(service, is_link=False),
    )
    return Artifact(f"{service.name}/runbook.md", page.rstrip("\n") + "\n")


@dataclass(frozen=True)
class Section:
    """What one cause's alerts, in one or more severities, have to say."""

    name: str
    signal: Signal
    anchor: str
    alerts: tuple[Alert, ...]
    panel_url: str
    numbers: tuple[tuple[str, str], ...]
    expressions: tuple[tuple[str, str], ...]
    query: str
    checks: tuple[tuple[str, str, str], ...]

    @property
    def first(self) -> Alert:
        return self.alerts[0]

    @property
    def severities(self) -> str:
        return " and ".join(alert.severity for alert in self.alerts)


def _sections(service: Service, derived: Derived) -> list[Section]:
    sections = []
    for signal in derived.signals:
        for name in dict.fromkeys(alert.name for alert in signal.alerts):
            alerts = tuple(alert for alert in signal.alerts if alert.name == name)
            sections.append(_section(service, signal, alerts))
    return sections


def _section(service: Service, signal: Signal, alerts: tuple[Alert, ...]) -> Section:
    first = alerts[0]
    return Section(
        name=first.name,
        signal=signal,
        anchor=links.anchor(first),
        alerts=alerts,
        panel_url=links.panel_url(service, first.panel),
        numbers=tuple(_numbers(alerts)),
        expressions=tuple((alert.severity, pretty(alert.expr)) for alert in alerts),
        query=pretty(signal.query),
        checks=tuple(
            (check.text, pretty(check.query) if check.query else "", check.command or "")
            for check in first.guidance.diagnosis
        ),
    )


def _numbers(alerts: Sequence[Alert]) -> Iterator[tuple[str, str]]:
    """The facts of each severity, one a row."""
    for alert in alerts:
        for threshold in alert.thresholds if not alert.burn_rates else ():
            yield f"{alert.severity}: fires {'above' if threshold.above else 'below'}", threshold.words
        for rate, threshold in zip(alert.burn_rates, alert.thresholds, strict=False):
            yield (
                f"{alert.severity}: fires above",
                f"{threshold.words} over both {rate.long_window} and {rate.short_window}",
            )
        yield f"{alert.severity}: after", alert.hold.in_words or "at once"
        if alert.keep_firing:
            yield f"{alert.severity}: keeps firing for", alert.keep_firing.in_words
        if alert.guard:
            yield f"{alert.severity}: needs at least", f"{alert.guard.events} events in {alert.guard.window.in_words}"


def _first_queries(signals: Sequence[Signal]) -> list[tuple[str, str]]:
    """The few queries that show at a glance what is broken."""
    picked = [next((s for s in signals if s.group == group), None) for group in _FIRST_GROUPS]
    return [(signal.title, pretty(signal.query)) for signal in picked if signal][:_MOST_FIRST_QUERIES]


def _recovery(signals: Sequence[Signal]) -> tuple[str, str] | None:
    """What shows that the service is well again: its errors, or else whatever comes first."""
    for group in ("errors", "uptime", "slo", "business"):
        for signal in signals:
            if signal.group == group and signal.alerts:
                return signal.title, pretty(signal.query)
    return None


def _slo_row(slo: EventSlo) -> dict[str, str]:
    budget = 1 - slo.objective.value
    return {
        "title": slo.title,
        "name": slo.name,
        "objective": str(slo.objective),
        "window": slo.window.in_words,
        "budget": UNITS["ratio"].words(budget),
        "outage": outage_words(slo),
    }


def _escalation(service: Service) -> Iterator[tuple[str, str, str, str, str]]:
    """A row for each step: severity, when, whom, during which hours, and whether it is set up yet."""
    for severity, policy in service.team.policies.items():
        for index, step in enumerate(policy.steps):
            hours = step.during.name if step.during else "always"
            yield severity, _when(step), _told(step), hours, _HOW_FIRST if index == 0 else _HOW_LATER


def _when(step: Step) -> str:
    return f"after {step.after.in_words}" if step.after else "at once"


def _told(step: Step) -> str:
    return ", ".join(channel.name for channel in step.notify)


def _logs(service: Service, *, is_link: bool) -> str:
    logs = service.runbook_commands.get("logs", "")
    return logs if logs.startswith(("http://", "https://")) == is_link else ""
