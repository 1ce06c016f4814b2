"""The runbook: a service and its signals in, `runbook.md` out, in the order in which a person at 3
a.m. needs it.

The words are the templates'; every number in them is an alert's or an SLO's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from opsgen.channels.providers import Told, told
from opsgen.errors import InputError, Mistake
from opsgen.model import links, pages
from opsgen.model.artifact import Artifact
from opsgen.model.artifact_kinds import RUNBOOK
from opsgen.model.service import EventSlo, Hours, Policy, Service
from opsgen.model.signal import Alert, Derived, Group, Signal, Threshold
from opsgen.model.units import UNITS
from opsgen.promql import Matcher, Node, Selector, pretty
from opsgen.promql.rewrite import call, ranged, sum_by, with_matchers
from opsgen.promql.tree import selectors
from opsgen.quantities import Duration, number_text
from opsgen.render import commands
from opsgen.render.markdown import ASKED_FOR_BY, Markdown, code_cell, is_web_address, link, text
from opsgen.render.subjects import OfService
from opsgen.render.templates import render
from opsgen.signals.slo_alerts import outage_words

_TEMPLATE = "runbook/service.md.j2"
# What to look at first, one signal of each; and what shows that a deploy went well, the first that
# there is (an SLO remembers for an hour what is over).
_FIRST_GROUPS: tuple[Group, ...] = ("uptime", "traffic", "errors", "latency", "business")
_PROOF_GROUPS: tuple[Group, ...] = ("errors", "latency", "uptime", "business", "traffic", "slo")
# Sections on a command of the spec, in order: its key, its title, and what to ask where the spec is
# silent (empty: not every service needs it).
_COMMANDS = (
    ("deploy", "Deploy", "how is {title} deployed?"),
    ("rollback", "Rollback", "how is a deploy of {title} undone, and what can't be undone?"),
    ("restart", "Restart", "how is {title} restarted, and what do its users notice?"),
    ("scale", "Scale", ""),
)
_LOGS = "logs"
# The signals of one probe; templates/packs/probe.yaml has them.
_OF_A_PROBE = ("probe", "probe-duration", "probe-certificate")
_BASE = Duration.of("5m")


def render_runbook(subject: OfService) -> Iterator[Artifact]:
    """The whole page; raises InputError as `render` does."""
    service, folders = subject.service, subject.folders
    rendered = render(folders, _TEMPLATE, **_page(service, subject.derived))
    try:
        page = pages.sealed(rendered)
    except ValueError as error:
        if len(folders) == 1:
            raise
        wrong = f"the page that it gives can't be divided: {error}"
        right = "write every part between {{ name|begin }} and {{ name|end }}"
        raise InputError([Mistake(str(folders[-1] / _TEMPLATE), 1, 1, "", wrong, right)]) from error
    yield Artifact(RUNBOOK.path_of(service.name), page.text, shared=True)


@dataclass(frozen=True)
class Query:
    """PromQL ready to paste, and what it shows."""

    title: str
    text: str


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
    query: Query
    expressions: tuple[Query, ...]
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


@dataclass(frozen=True)
class CommandSection:
    """Deploy, rollback and the like: the spec's command, or what to ask of those who know."""

    key: str
    title: str
    command: str
    question: str


@dataclass(frozen=True)
class Proof:
    """A query that shows whether the service is well, and what it must show."""

    query: Query
    must_show: str


def _page(service: Service, derived: Derived) -> dict[str, Any]:
    """What the template may name."""
    signals = derived.signals
    sections = tuple(_sections(service, signals))
    logs = service.runbook_commands.get(_LOGS, "")
    is_link = is_web_address(logs)
    return {
        "service": service,
        "summary_rows": tuple(_summary_rows(service)),
        "first_queries": tuple(_first_queries(service, signals)),
        "first_looks": commands.first_looks(service),
        "firing_command": commands.firing_alerts(service),
        "alert_rows": tuple(
            _alert_row(signal, alert) for signal in signals for alert in signal.alerts
        ),
        "sections": sections,
        "command_sections": tuple(_command_sections(service)),
        "well": _proof(signals),
        "instances": next(
            (_query(s.title, s.query) for s in signals if s.unit.name == "targets"), None
        ),
        "logs_url": logs if is_link else "",
        "logs_command": "" if is_link else logs,
        "logs_look": commands.logs_look(service),
        "debug_looks": commands.debug_looks(service),
        "debug_queries": tuple(_by_route(service)),
        "slo_rows": tuple(_slo_row(slo) for slo in service.slos),
        "burn_rows": tuple(row for signal in signals for row in _burn_rows(signal)),
        "escalation_rows": tuple(_escalation_rows(service)),
        "escalation_picture": _picture(service),
        "escalation_providers": " and ".join(_providers(service)),
        "silence": commands.silence(service),
        "silences": commands.silences(service),
        "end_silences": commands.end_silences(service),
        "variable_rows": tuple(_variable_rows(service)),
        "dependency_rows": tuple(_dependency_rows(service)),
        "metric_rows": tuple(_metric_rows(signals)),
    }


def _query(title: str, node: Node) -> Query:
    return Query(title, pretty(node))


# -- at the top ------------------------------------------------------------------------------------


def _summary_rows(service: Service) -> Iterator[tuple[object, ...]]:
    chat = f" ({code_cell(service.team.slack)})" if service.team.slack else ""
    yield "Team", Markdown(f"{text(service.team.name)}{chat}")
    yield "Tier", service.tier
    yield "Environment", service.environment
    yield "Runs on", service.runtime
    yield "Spec", code_cell(service.spec_file)


def _first_queries(service: Service, signals: Sequence[Signal]) -> Iterator[Query]:
    """The few queries that show at a glance what is broken."""
    of_service = (
        Matcher("service", "=", service.name),
        Matcher("environment", "=", service.environment),
    )
    yield _query(
        "Its alerts that fire",
        Selector("ALERTS", (Matcher("alertstate", "=", "firing"), *of_service)),
    )
    for group in _FIRST_GROUPS:
        of_group = [signal for signal in signals if signal.group == group]
        found = next((signal for signal in of_group if signal.alerts), None) or next(
            iter(of_group), None
        )
        if found:
            yield _query(found.title, found.query)


def _alert_row(signal: Signal, alert: Alert) -> tuple[object, ...]:
    return (
        link(alert.name, f"#{links.anchor(alert)}"),
        alert.severity,
        _fires_when(signal, alert),
        _after(alert),
    )


# -- alerts in words -------------------------------------------------------------------------------


def _fires_when(signal: Signal, alert: Alert) -> str:
    """The condition, in words: `Error ratio is above 2%, with at least 50 events in 5 minutes`."""
    least = f", with at least {alert.fewest}" if alert.guards else ""
    if alert.burn_rates:
        tiers = zip(alert.burn_rates, alert.thresholds, strict=True)
        over = (
            f"{limit.words} over both {rate.long_window} and {rate.short_window}"
            for rate, limit in tiers
        )
        return f"{signal.title} is above {', or above '.join(over)}{least}"
    if alert.thresholds:
        limits = (f"{_side(limit)} {limit.words}" for limit in alert.thresholds)
        return f"{signal.title} is {' or '.join(limits)}{least}"
    return f"{alert.summary.removesuffix('.')}{least}"


def _after(alert: Alert) -> str:
    return alert.hold.in_words if alert.hold else "at once"


def _sections(service: Service, signals: Sequence[Signal]) -> Iterator[Section]:
    causes = [
        (signal, tuple(alert for alert in signal.alerts if alert.name == name))
        for signal in signals
        for name in dict.fromkeys(alert.name for alert in signal.alerts)
    ]
    headings = Counter(_heading(signal, alerts[0]) for signal, alerts in causes)
    for signal, alerts in causes:
        heading = _heading(signal, alerts[0])
        unique = heading if headings[heading] == 1 else f"{heading} ({signal.name})"
        yield _section(service, signal, alerts, unique)


def _heading(signal: Signal, alert: Alert) -> str:
    return f"{alert.name}: {signal.title}"


def _section(service: Service, signal: Signal, alerts: tuple[Alert, ...], heading: str) -> Section:
    first = alerts[0]
    keeps_firing = max(alert.keep_firing for alert in alerts)
    return Section(
        heading=heading,
        anchor=links.anchor(first),
        former=links.former_anchors(first),
        alerts=alerts,
        panel_url=links.panel_url(service, first.panel) if first.panel else "",
        query=_query(signal.title, signal.query),
        expressions=tuple(_query(alert.severity, alert.expr) for alert in alerts),
        facts=(*(fact for alert in alerts for fact in _facts(alert)), *_asked_for(service, signal)),
        steps=tuple(
            DiagnosisStep(
                check.text, pretty(check.query) if check.query else "", check.command or ""
            )
            for check in first.guidance.diagnosis
        ),
        recovered=_recovered(signal, alerts),
        keeps_firing=keeps_firing.in_words if keeps_firing else "",
        escalation=tuple((alert.severity, _told_words(service, alert)) for alert in alerts),
        silence=commands.silence_one(service, first),
    )


def _facts(alert: Alert) -> Iterator[tuple[str, str]]:
    """The numbers of one severity, one fact a row."""
    tiers = [f" over both {rate.long_window} and {rate.short_window}" for rate in alert.burn_rates]
    for limit, over in zip(alert.thresholds, tiers or [""] * len(alert.thresholds), strict=True):
        yield f"{alert.severity}: fires {_side(limit)}", f"{limit.words}{over}"
    yield f"{alert.severity}: after", _after(alert)
    if alert.keep_firing:
        yield f"{alert.severity}: keeps firing for", f"{alert.keep_firing.in_words} more"
    if alert.guards:
        yield f"{alert.severity}: needs at least", alert.fewest


def _asked_for(service: Service, signal: Signal) -> Iterator[tuple[str, str]]:
    """The line of the spec that the alert comes of, for who wants to change it."""
    places = {f"slo-{slo.name}": slo.place for slo in service.slos}
    places |= {business.name: business.place for business in service.business}
    for probe in service.probes:
        places |= {f"{kind}-{probe.name}": probe.place for kind in _OF_A_PROBE}
    place = places.get(signal.name)
    if place is not None:
        yield ASKED_FOR_BY, f"line {place.line} of {service.spec_file}"
    elif (line := _line_of(service.origins, signal)) is not None:
        yield ASKED_FOR_BY, f"line {line} of {service.spec_file}"


def _line_of(origins: Mapping[str, str], signal: Signal) -> str | None:
    """Of the value that tunes it, or else of the convention or the matchers that it is measured
    by."""
    tuned = [f"{signal.group}.{signal.name.rpartition('-')[2]}", f"{signal.group}.above"]
    measured = ("match", "convention") if signal.group == "uptime" else ("convention", "match")
    for key in (*tuned, *measured):
        file, _, line = origins.get(key, "").rpartition(":")
        if file and line.isdecimal():
            return line
    return None


def _side(limit: Threshold) -> str:
    return "above" if limit.above else "below"


def _recovered(signal: Signal, alerts: Sequence[Alert]) -> str:
    """Within which limits the signal is well again, by the strictest of its alerts; empty where
    there are none."""
    limits = [limit for alert in alerts if not alert.burn_rates for limit in alert.thresholds]
    return _within(signal, limits)


def _within(signal: Signal, limits: Sequence[Threshold]) -> str:
    above = [limit for limit in limits if limit.above]
    below = [limit for limit in limits if not limit.above]
    bounds = [f"at most {min(above, key=_value).words}"] if above else []
    bounds += [f"at least {max(below, key=_value).words}"] if below else []
    return f"{signal.title} is {' and '.join(bounds)}" if bounds else ""


def _value(limit: Threshold) -> Decimal:
    return limit.value


# -- commands and what shows that they worked ------------------------------------------------------


def _command_sections(service: Service) -> Iterator[CommandSection]:
    for key, title, question in _COMMANDS:
        command = service.runbook_commands.get(key, "")
        if command or question:
            yield CommandSection(key, title, command, question.format(title=service.title))
    known = {_LOGS, *(key for key, _, _ in _COMMANDS)}
    for key, command in service.runbook_commands.items():
        if key not in known:
            yield CommandSection(key, key.capitalize(), command, "")


def _proof(signals: Sequence[Signal]) -> Proof | None:
    """The first signal that has a limit to keep to, by group; without one, the first that has an
    alert at all."""
    ordered = [
        signal
        for group in _PROOF_GROUPS
        for signal in signals
        if signal.group == group and signal.alerts
    ]
    for signal in ordered:
        within = _within(signal, [limit for alert in signal.alerts for limit in alert.thresholds])
        if within:
            return Proof(_query(signal.title, signal.query), within)
    for signal in ordered:
        return Proof(_query(signal.title, signal.query), f"{signal.title} is what it was before")
    return None


def _by_route(service: Service) -> Iterator[Query]:
    """Which routes are asked for, and which fail, where the convention has a label for them."""
    convention = service.convention
    if convention.route_label is None or convention.requests is None:
        return
    counted = [("Requests by route", convention.requests)]
    # A counter of errors that is another metric may lack the label.
    if convention.errors and convention.errors.metric == convention.requests.metric:
        counted.append(("Errors by route", convention.errors))
    for title, selector in counted:
        rate = with_matchers(call("rate", ranged(selector, _BASE)), service.matchers)
        yield _query(title, sum_by(rate, (convention.route_label,)))


# -- tables ----------------------------------------------------------------------------------------


def _slo_row(slo: EventSlo) -> tuple[object, ...]:
    budget = UNITS["ratio"].words(1 - slo.objective.value)
    return (
        slo.title or slo.name,
        slo.objective,
        slo.window.in_words,
        budget,
        outage_words(slo),
        slo.description,
    )


def _burn_rows(signal: Signal) -> Iterator[tuple[object, ...]]:
    for alert in signal.alerts:
        limits = alert.thresholds if alert.burn_rates else ()
        for rate, limit in zip(alert.burn_rates, limits, strict=True):
            windows = f"{rate.long_window} and {rate.short_window}"
            yield (
                signal.title,
                rate.severity,
                f"{number_text(rate.factor)}x",
                limit.words,
                windows,
                _after(alert),
            )


def _escalation_rows(service: Service) -> Iterator[tuple[object, ...]]:
    for severity, policy in service.team.policies.items():
        for one in told(policy):
            yield (
                severity,
                _when(one),
                _channels(one),
                _hours(one.during) if one.during else "always",
            )


def _picture(service: Service) -> str:
    """Who is told after whom, as a Mermaid flow chart. The names of channels and hours have no
    markup in them."""
    lines = ["flowchart LR"]
    for severity, policy in service.team.policies.items():
        before: str = severity
        passed = Duration(0)
        for number, one in enumerate(told(policy), start=1):
            names = "<br>".join(dict.fromkeys(channel.name for channel in one.channels))
            how = (
                f"<br>(by {one.by})"
                if one.by
                else f"<br>(in {one.during.name} hours)"
                if one.during
                else ""
            )
            wait = (
                f"{one.after - passed} later"
                if one.after > passed
                else "too"
                if number > 1
                else "at once"
            )
            lines.append(f'  {before} -- {wait} --> {severity}{number}["{names}{how}"]')
            before, passed = f"{severity}{number}", one.after
    return "\n".join(lines)


def _providers(service: Service) -> list[str]:
    taken = (one.by for policy in service.team.policies.values() for one in told(policy) if one.by)
    return list(dict.fromkeys(taken))


def _told_words(service: Service, alert: Alert) -> str:
    """`at once payments-primary and payments-slack; after 15 minutes payments-secondary`."""
    policy = service.team.policies.get(alert.severity)
    return "; ".join(_step_words(policy)) if policy else ""


def _step_words(policy: Policy) -> Iterator[str]:
    for one in told(policy):
        hours = f" (during {one.during.name})" if one.during else ""
        by = f" (by {one.by})" if one.by else ""
        yield f"{_when(one)} {' and '.join(channel.name for channel in one.channels)}{by}{hours}"


def _when(one: Told) -> str:
    return f"after {one.after.in_words}" if one.after else "at once"


def _channels(one: Told) -> str:
    return ", ".join(
        f"{channel.name} ({f'by {one.by}' if one.by else channel.kind})" for channel in one.channels
    )


def _hours(hours: Hours) -> str:
    """`office: monday to friday, 09:00 to 18:00, Europe/Berlin`."""
    days = [" to ".join(span.split(":")) for span in hours.days]
    times = [f"{begin} to {end}" for begin, end in hours.times]
    holidays = [f"but not on {', '.join(hours.holidays)}"] if hours.holidays else []
    return f"{hours.name}: {', '.join([*days, *times, hours.timezone, *holidays])}"


def _dependency_rows(service: Service) -> Iterator[tuple[object, ...]]:
    for name in service.depends_on:
        silenced = (
            f"what users notice of it in {service.title} is not told: the page is that of {name}"
        )
        yield name, link("runbook", f"../{RUNBOOK.path_of(name)}"), silenced


def _metric_rows(signals: Sequence[Signal]) -> Iterator[tuple[object, ...]]:
    """Every metric that is scraped of the service, and what it is read for."""
    read: dict[str, dict[str, None]] = {}
    for signal in signals:
        for node in (
            signal.query,
            *(record.expr for record in signal.records),
            *(a.condition for a in signal.alerts),
        ):
            for selector in selectors(node):
                if selector.metric and ":" not in selector.metric:
                    read.setdefault(selector.metric, {})[signal.title] = None
    for metric in sorted(read):
        yield code_cell(metric), ", ".join(read[metric])


def _variable_rows(service: Service) -> Iterator[tuple[object, ...]]:
    for variable in service.environment_variables:
        has_default = variable.default is not None and not variable.secret
        yield (
            code_cell(variable.name),
            variable.type,
            code_cell(variable.default) if has_default else "none",
            "yes" if variable.required else "no",
            "yes" if variable.secret else "no",
            variable.description,
        )
