"""An SLO goes in; its signals come out: the error ratio with recording rules and burn-rate alerts,
and the error budget that is left."""

from __future__ import annotations

from collections.abc import Sequence

from opsgen.model.oncall import Severity
from opsgen.model.service import BurnRate, EventSlo, Service
from opsgen.model.signal import Alert, Line, Panel, Record, Signal
from opsgen.model.units import UNITS
from opsgen.signals import burnrates
from opsgen.signals.packs import Texts
from opsgen.signals.slo_alerts import BURN_ALERT, BurnAlerts
from opsgen.signals.slo_events import BASE_WINDOW, Events
from opsgen.signals.slo_records import HOUR, RecordedSeries, records

_MOST_LINES = 3


def slo_signals(
    service: Service, slo: EventSlo, texts: Texts
) -> tuple[tuple[Signal, ...], tuple[str, ...]]:
    """The signals of one SLO (its error ratio, with the alerts, and its budget), and notes on
    changed tiers."""
    scrape_interval = service.platform.scrape_interval
    tiers = burnrates.tiers(slo.objective, slo.window, scrape_interval, service.burn_rates)
    rates = burnrates.with_severities(tiers.burn_rates, _severities(service))
    events = Events.of(service, slo)
    recorded = RecordedSeries(service.name, slo.name)
    alerts = _alerts(rates, BurnAlerts(service, slo, events, recorded, texts))
    rules = tuple(records(slo, rates, events, recorded))
    notes = tuple(f"SLO {slo.name}: {note}" for note in tiers.notes)
    ratio = _ratio_signal(slo, rates, recorded, alerts, rules)
    return (ratio, _budget_signal(slo, recorded)), notes


def _alerts(rates: Sequence[BurnRate], alerts: BurnAlerts) -> tuple[Alert, ...]:
    """One alert for each severity."""
    by_severity: dict[Severity, list[BurnRate]] = {}
    for rate in rates:
        by_severity.setdefault(rate.severity, []).append(rate)
    return tuple(alerts.of(severity, alike) for severity, alike in by_severity.items())


def _severities(service: Service) -> dict[Severity, Severity]:
    """The severities of the service's tier, unless the spec overrides them for this alert."""
    override = service.overrides.get(BURN_ALERT)
    given = override.severity if override else None
    of_tier = severities_of_tier(service.tier)
    return {severity: given or meant for severity, meant in of_tier.items()}


def severities_of_tier(tier: int) -> dict[Severity, Severity]:
    """What a page and a ticket mean at a service's tier: 1 and 2 wake people, 3 makes tickets, 4
    only informs."""
    if tier <= 2:
        return {"page": "page", "ticket": "ticket", "info": "info"}
    if tier == 3:
        return {"page": "ticket", "ticket": "ticket", "info": "info"}
    return {"page": "ticket", "ticket": "info", "info": "info"}


def _legend(slo: EventSlo, words: str) -> str:
    groups = " ".join(f"{{{{{label}}}}}" for label in slo.grouping)
    return f"{words} {groups}".strip()


def _ratio_signal(
    slo: EventSlo,
    rates: Sequence[BurnRate],
    recorded: RecordedSeries,
    alerts: tuple[Alert, ...],
    rules: tuple[Record, ...],
) -> Signal:
    windows = sorted({BASE_WINDOW, *(rate.long_window for rate in rates)})
    lines = tuple(
        Line(recorded.ratio(window), _legend(slo, f"over {window}"), live=False)
        for window in windows[:_MOST_LINES]
    )
    name, title = f"slo-{slo.name}", f"{slo.title}: error ratio"
    return Signal(
        name=name,
        group="slo",
        title=title,
        description=slo.description or _what_is_allowed(slo),
        unit=UNITS["ratio"],
        query=recorded.ratio(HOUR),
        panel=Panel(name, title, "", lines=lines),
        alerts=alerts,
        records=rules,
    )


def _what_is_allowed(slo: EventSlo) -> str:
    allowed = UNITS["ratio"].words(1 - slo.objective.value)
    objective = f"{slo.objective} over {slo.window.in_words}"
    return f"The share of bad events. The objective of {objective} allows {allowed}."


def _budget_signal(slo: EventSlo, recorded: RecordedSeries) -> Signal:
    left = recorded.budget_left
    name, title = f"slo-{slo.name}-budget", f"{slo.title}: error budget left"
    budget = f"What is left of the {slo.window.in_words} error budget"
    line = Line(left, _legend(slo, "budget left"), live=False)
    return Signal(
        name=name,
        group="slo",
        title=title,
        description=f"{budget}; below zero the objective is missed.",
        unit=UNITS["ratio"],
        query=left,
        panel=Panel(name, title, "", lines=(line,)),
    )
