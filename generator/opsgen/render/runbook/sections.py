"""The alerts of a service go in; the sections of its runbook come out, one for each cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from opsgen.model import links
from opsgen.model.service import Place, Service
from opsgen.model.signal import Alert, Signal
from opsgen.promql import pretty
from opsgen.render.alert_words import after, side, within
from opsgen.render.markdown import ASKED_FOR_BY
from opsgen.render.runbook import commands
from opsgen.render.runbook.people import told_words
from opsgen.render.runbook.queries import RunbookQuery

# The signals of one probe; templates/packs/probe.yaml has them.
_OF_A_PROBE = ("probe", "probe-duration", "probe-certificate")


@dataclass(frozen=True)
class DiagnosisStep:
    """One step of a diagnosis; `query` and `command` are empty where there is none."""

    text: str
    query: str
    command: str


@dataclass(frozen=True)
class Section:
    """What one cause's alerts, in one or more severities, have to say."""

    heading: str
    anchor: str
    former: tuple[str, ...]
    alerts: tuple[Alert, ...]
    panel_url: str
    query: RunbookQuery
    expressions: tuple[RunbookQuery, ...]
    facts: tuple[tuple[str, str], ...]
    steps: tuple[DiagnosisStep, ...]
    recovered: str
    keeps_firing: str
    escalation: tuple[tuple[str, str], ...]
    silence: str

    @property
    def first(self) -> Alert:
        """All alerts of one cause share their words."""
        return self.alerts[0]

    @property
    def formerly(self) -> tuple[str, ...]:
        """The ids that its block had before."""
        return tuple(f"alert:{anchor}" for anchor in self.former)

    @property
    def pages(self) -> bool:
        return any(alert.severity == "page" for alert in self.alerts)


def sections(service: Service, signals: Sequence[Signal]) -> Iterator[Section]:
    """A section for each cause, in the order of the signals."""
    causes: list[tuple[Signal, tuple[Alert, ...]]] = []
    for signal in signals:
        for name in dict.fromkeys(alert.name for alert in signal.alerts):
            alerts = tuple(alert for alert in signal.alerts if alert.name == name)
            causes.append((signal, alerts))
    headings = Counter(_heading(signal, alerts[0]) for signal, alerts in causes)
    for signal, alerts in causes:
        heading = _heading(signal, alerts[0])
        unique = heading if headings[heading] == 1 else f"{heading} ({signal.name})"
        yield _section(service, signal, alerts, unique)


def _heading(signal: Signal, alert: Alert) -> str:
    return f"{alert.name}: {signal.title}"


def _section(service: Service, signal: Signal, alerts: tuple[Alert, ...], heading: str) -> Section:
    first = alerts[0]
    facts = [fact for alert in alerts for fact in _facts(alert)]
    keeps_firing = max(alert.keep_firing for alert in alerts)
    return Section(
        heading=heading,
        anchor=links.alert_anchor(first),
        former=links.former_anchors(first),
        alerts=alerts,
        panel_url=links.panel_url(service, first.panel) if first.panel else "",
        query=RunbookQuery.of(signal.title, signal.query),
        expressions=tuple(RunbookQuery.of(alert.severity, alert.expr) for alert in alerts),
        facts=(*facts, *_asked_for(service, signal)),
        steps=tuple(_steps(first)),
        recovered=_recovered(signal, alerts),
        keeps_firing=keeps_firing.in_words if keeps_firing else "",
        escalation=tuple((alert.severity, told_words(service, alert)) for alert in alerts),
        silence=commands.silence_one(service, first),
    )


def _steps(alert: Alert) -> Iterator[DiagnosisStep]:
    for check in alert.guidance.diagnosis:
        query = pretty(check.query) if check.query else ""
        yield DiagnosisStep(check.text, query, check.command or "")


def _facts(alert: Alert) -> Iterator[tuple[str, str]]:
    """The numbers of one severity, one fact a row."""
    severity = alert.severity
    tiers = [f" over both {rate.long_window} and {rate.short_window}" for rate in alert.burn_rates]
    windows = tiers or [""] * len(alert.thresholds)
    for limit, over in zip(alert.thresholds, windows, strict=True):
        yield f"{severity}: fires {side(limit)}", f"{limit.words}{over}"
    yield f"{severity}: after", after(alert)
    if alert.keep_firing:
        yield f"{severity}: keeps firing for", f"{alert.keep_firing.in_words} more"
    if alert.guards:
        yield f"{severity}: needs at least", alert.fewest


def _asked_for(service: Service, signal: Signal) -> Iterator[tuple[str, str]]:
    """The line of the spec that the alert comes from, for those who want to change it."""
    place = _places(service).get(signal.name)
    line = _line_of(service.origins, signal) if place is None else str(place.line)
    if line is not None:
        yield ASKED_FOR_BY, f"line {line} of {service.spec_file}"


def _places(service: Service) -> dict[str, Place]:
    """Where the spec asks for a signal, by the signal's name."""
    places = {f"slo-{slo.name}": slo.place for slo in service.slos}
    places |= {business.name: business.place for business in service.business}
    for probe in service.probes:
        places |= {f"{kind}-{probe.name}": probe.place for kind in _OF_A_PROBE}
    return places


def _line_of(origins: Mapping[str, str], signal: Signal) -> str | None:
    """The line of the value that tunes a signal; else of the convention or the matchers that it is
    measured by."""
    tuned = [f"{signal.group}.{signal.name.rpartition('-')[2]}", f"{signal.group}.above"]
    measured = ("match", "convention") if signal.group == "uptime" else ("convention", "match")
    for key in (*tuned, *measured):
        file, _, line = origins.get(key, "").rpartition(":")
        if file and line.isdecimal():
            return line
    return None


def _recovered(signal: Signal, alerts: Sequence[Alert]) -> str:
    """Within which limits the signal is well again, by the strictest of its alerts; empty where
    there are none."""
    on_limits = [alert for alert in alerts if not alert.burn_rates]
    return within(signal, [limit for alert in on_limits for limit in alert.thresholds])
