"""The derive stage: a resolved service and the shipped packs in, the service's signals out, in
reading order."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import replace

from opsgen.errors import InputError, Mistake
from opsgen.load.library import Library
from opsgen.load.pack_file import PackFile
from opsgen.model.service import Probe, Service, Setting
from opsgen.model.signal import GROUPS, Alert, Derived, Signal
from opsgen.promql import Matcher
from opsgen.quantities import Duration
from opsgen.signals.business import business_signal
from opsgen.signals.packs import Instance, has_parts, pack_signals
from opsgen.signals.slo import severities_of_tier, slo_signals

_SERVICE_PACKS = ("targets", "requests", "latency")
# A probe has failed when none has succeeded for twice so many intervals: in the window, and then
# for as long again. The window alone would do after a gap in the scrapes, when one lost packet is
# all that there is in it.
_FAILED_INTERVALS = 2
_LONGEST_NAME = 40  # of an alert, as mixtool's linter has it


def derive(service: Service, library: Library) -> Derived:
    """Every signal that the service asks for; raises InputError where the spec's alerts can't be as
    they say."""
    signals: list[Signal] = []
    notes: list[str] = []
    for slo in service.slos:
        found, said = slo_signals(service, slo, library.texts)
        signals.extend(found)
        notes.extend(said)
    for probe in service.probes:
        signals.extend(_probe_signals(service, probe, library.packs["probe"]))
    for name in (
        _SERVICE_PACKS if service.matchers else ()
    ):  # else they would be of everybody's series
        pack = library.packs[name]
        if has_parts(service.convention, pack.needs):
            signals.extend(
                pack_signals(service, Instance(pack, service.matchers, service.settings))
            )
    signals.extend(
        business_signal(service, business, library.texts) for business in service.business
    )
    tuned = [_at_tier(signal, service) for signal in signals]
    overridden = _overridden(tuned, service)
    _refuse_clashes(overridden, service)
    order = list(GROUPS)
    return Derived(
        tuple(sorted(overridden, key=lambda signal: order.index(signal.group))), tuple(notes)
    )


def _probe_signals(service: Service, probe: Probe, pack: PackFile) -> tuple[Signal, ...]:
    window = max(probe.interval * _FAILED_INTERVALS, Duration.of("1m"))
    settings: dict[str, Setting] = {
        "probe.window": window,
        "probe.for": window,
        "probe.slow": probe.slow,
        "probe.certificate": probe.certificate,
    }
    words = {
        "url": probe.url,
        "url_shell": shlex.quote(probe.url),
        "probe_job": probe.job(service.name),
        "probe_window": (window * 2).in_words,
        "probe_timeout": probe.timeout.in_words,
    }
    matchers = (Matcher("job", "=", probe.job(service.name)),)
    return pack_signals(service, Instance(pack, matchers, settings, probe.name, words))


def _at_tier(signal: Signal, service: Service) -> Signal:
    """Severities of packs and business signals as they are at the service's tier; SLO tiers were
    merged already."""
    if signal.group == "slo":
        return signal
    severities = severities_of_tier(service.tier)
    spoken_for = {
        (business.name, alert.severity)
        for business in service.business
        for alert in business.alerts
        if alert.severity is not None
    }
    return replace(
        signal,
        alerts=tuple(
            (
                alert
                if (signal.name, alert.severity) in spoken_for
                else replace(alert, severity=severities[alert.severity])
            )
            for alert in signal.alerts
        ),
    )


def _overridden(signals: Iterable[Signal], service: Service) -> list[Signal]:
    """The spec's `alerts:` applied; a name that no alert has is a mistake, unless it is one that
    comes later."""
    signals = list(signals)
    known = {alert.name for signal in signals for alert in signal.alerts}
    unknown = [
        name
        for name in service.overrides
        if name not in known and f"alerts.{name}" not in service.not_yet
    ]
    if unknown:
        raise InputError(_unknown_alert(service, name, known) for name in unknown)
    return [replace(signal, alerts=tuple(_tuned(signal.alerts, service))) for signal in signals]


def _unknown_alert(service: Service, name: str, known: set[str]) -> Mistake:
    from difflib import get_close_matches

    place = service.overrides[name].place
    close = get_close_matches(name, known, 1)
    right = f"did you mean {close[0]!r}?" if close else f"its alerts are {', '.join(sorted(known))}"
    return Mistake(
        place.file,
        place.line,
        place.column,
        f"alerts.{name}",
        "the service has no such alert",
        right,
    )


def _tuned(alerts: Iterable[Alert], service: Service) -> Iterator[Alert]:
    """The alerts that stay, changed as the spec says; their `for` was set already, where the texts
    say it."""
    for alert in alerts:
        override = service.overrides.get(alert.name)
        if override is None:
            yield alert
        elif not override.off:
            keep_firing = (
                alert.keep_firing if override.keep_firing is None else override.keep_firing
            )
            yield replace(
                alert, severity=override.severity or alert.severity, keep_firing=keep_firing
            )


def _refuse_clashes(signals: Iterable[Signal], service: Service) -> None:
    """Two alerts with the same name and labels, a name that is too long, and two signals of one
    name are mistakes."""
    signals = list(signals)
    mistakes, seen = [], set()
    for alert in (alert for signal in signals for alert in signal.alerts):
        place = _place_of(alert, service)
        if alert.key in seen:
            wrong = (
                f"there are two alerts {alert.name} of severity {alert.severity} on {alert.signal}"
            )
            mistakes.append(
                Mistake(
                    *place, alert.name, wrong, "give one of them another severity, or leave one out"
                )
            )
        if len(alert.name) > _LONGEST_NAME:
            wrong = (
                f"its alert {alert.name} has a name of {len(alert.name)} characters; the most is"
                f" {_LONGEST_NAME}"
            )
            mistakes.append(Mistake(*place, alert.signal, wrong, "give the signal a shorter name"))
        seen.add(alert.key)
    mistakes.extend(_same_names(signals, service))
    if mistakes:
        raise InputError(mistakes)


def _same_names(signals: Iterable[Signal], service: Service) -> Iterator[Mistake]:
    """A name of the spec's that is also that of another signal, or of the panel of others, would
    stand for both."""
    own = {f"slo-{slo.name}": slo.place for slo in service.slos} | {
        b.name: b.place for b in service.business
    }
    taken: set[str] = set()
    for signal in signals:
        place = own.get(signal.name)
        if place is not None and signal.name in taken:
            wrong = f"another signal or panel of the service is named {signal.name}"
            yield Mistake(
                place.file,
                place.line,
                place.column,
                signal.name,
                wrong,
                "give this one another name",
            )
        taken |= {signal.name, signal.panel.key}


def _place_of(alert: Alert, service: Service) -> tuple[str, int, int]:
    places = {business.name: business.place for business in service.business}
    override = service.overrides.get(alert.name)
    place = places.get(alert.signal) or (override.place if override else None)
    return (place.file, place.line, place.column) if place else (service.spec_file, 1, 1)
