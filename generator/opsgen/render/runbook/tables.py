"""A service and its signals go in; the rows of the tables of its runbook come out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opsgen.model import links
from opsgen.model.artifact_kinds import RUNBOOK
from opsgen.model.service import EventSlo, Service
from opsgen.model.signal import Alert, Signal
from opsgen.model.units import UNITS
from opsgen.promql import Node
from opsgen.promql.tree import selectors
from opsgen.quantities import number_text
from opsgen.render.alert_words import after, fires_when
from opsgen.render.markdown import Markdown, code_cell, link, text
from opsgen.signals.slo_alerts import outage_words

TableRow = tuple[object, ...]


def summary_rows(service: Service) -> Iterator[TableRow]:
    chat = f" ({code_cell(service.team.slack)})" if service.team.slack else ""
    yield "Team", Markdown(f"{text(service.team.name)}{chat}")
    yield "Tier", service.tier
    yield "Environment", service.environment
    yield "Runs on", service.runtime
    yield "Spec", code_cell(service.spec_file)


def alert_rows(signals: Sequence[Signal]) -> Iterator[TableRow]:
    for signal in signals:
        for alert in signal.alerts:
            name = link(alert.name, f"#{links.alert_anchor(alert)}")
            yield name, alert.severity, fires_when(signal, alert), after(alert)


def slo_row(slo: EventSlo) -> TableRow:
    return (
        slo.title or slo.name,
        slo.objective,
        slo.window.in_words,
        UNITS["ratio"].words(1 - slo.objective.value),
        outage_words(slo),
        slo.description,
    )


def burn_rows(signals: Sequence[Signal]) -> Iterator[TableRow]:
    """A row for each tier of each alert on an error budget."""
    for signal in signals:
        for alert in signal.alerts:
            if alert.burn_rates:
                yield from _tiers(signal, alert)


def _tiers(signal: Signal, alert: Alert) -> Iterator[TableRow]:
    for rate, limit in zip(alert.burn_rates, alert.thresholds, strict=True):
        yield (
            signal.title,
            rate.severity,
            f"{number_text(rate.factor)}x",
            limit.words,
            f"{rate.long_window} and {rate.short_window}",
            after(alert),
        )


def dependency_rows(service: Service) -> Iterator[TableRow]:
    for name in service.depends_on:
        silenced = (
            f"what users notice of it in {service.title} is not told: the page is that of {name}"
        )
        yield name, link("runbook", f"../{RUNBOOK.path_of(name)}"), silenced


def metric_rows(signals: Sequence[Signal]) -> Iterator[TableRow]:
    """Every metric that is scraped of the service, and what it is read for."""
    read: dict[str, dict[str, None]] = {}
    for signal in signals:
        found = (selector for node in _nodes(signal) for selector in selectors(node))
        for metric in (selector.metric for selector in found):
            if metric and ":" not in metric:  # those with a colon are recorded, not scraped
                read.setdefault(metric, {})[signal.title] = None
    for metric in sorted(read):
        yield code_cell(metric), ", ".join(read[metric])


def _nodes(signal: Signal) -> Iterator[Node]:
    yield signal.query
    yield from (record.expr for record in signal.records)
    yield from (alert.condition for alert in signal.alerts)


def variable_rows(service: Service) -> Iterator[TableRow]:
    for variable in service.environment_variables:
        # A secret has no default worth showing.
        shown = None if variable.secret else variable.default
        yield (
            code_cell(variable.name),
            variable.type,
            "none" if shown is None else code_cell(shown),
            "yes" if variable.required else "no",
            "yes" if variable.secret else "no",
            variable.description,
        )
