"""The derive stage. A resolved service and the library go in; the service's signals come out, in
reading order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import replace

from opsgen.errors import Mistake
from opsgen.load.library import Library
from opsgen.model.service import BusinessSignal, Place, Service
from opsgen.model.signal import GROUPS, Alert, Derived, Signal
from opsgen.signals.aftermath import quiet_pages, quiet_tickets
from opsgen.signals.business import alert_name, business_signal, kind_of_alert
from opsgen.signals.instances import instances
from opsgen.signals.packs import pack_signals
from opsgen.signals.retention import beyond_retention
from opsgen.signals.slo import severities_of_tier, slo_signals
from opsgen.signals.slo_alerts import BURN_ALERT

_LONGEST_NAME = 40  # of an alert: the limit of mixtool's linter


def derive(service: Service, library: Library, may_come: Set[str] = frozenset()) -> Derived:
    """All signals of the service, and the mistakes in the alerts that the spec asks for.

    `may_come` are names of alerts that are missing only because another part of the spec has a
    mistake: `alerts:` may name them.
    """
    signals: list[Signal] = []
    notes: list[str] = []
    places: dict[str, Place] = {}
    for slo in service.slos:
        found, said = slo_signals(service, slo, library.texts)
        signals.extend(found)
        notes.extend(said)
    for instance in instances(service, library):
        made = pack_signals(service, instance)
        signals.extend(made)
        if instance.place is not None:
            places.update(dict.fromkeys((signal.name for signal in made), instance.place))
    for business in service.business:
        signals.append(business_signal(service, business, library.texts))

    at_tier = [_at_tier(signal, service) for signal in signals]
    tuned = [replace(signal, alerts=tuple(_tuned(signal.alerts, service))) for signal in at_tier]
    unknown = _unknown_alerts(at_tier, service, may_come)
    places |= _own_places(service)
    clashes = _clashes(tuned, service, places)
    order = list(GROUPS)
    in_order = sorted(tuned, key=lambda signal: order.index(signal.group))
    return Derived(
        signals=quiet_tickets(service, quiet_pages(service, in_order)),
        warnings=(*notes, *beyond_retention(service, in_order)),
        mistakes=(*unknown, *clashes),
    )


def possible_alerts(library: Library, business: Iterable[BusinessSignal]) -> frozenset[str]:
    """The names of all alerts that a service with these business signals might have."""
    signals = (signal for pack in library.packs.values() for signal in pack.signals)
    of_packs = {alert.name for signal in signals for alert in signal.alerts}
    own = {alert_name(one.name, kind_of_alert(alert)) for one in business for alert in one.alerts}
    return frozenset({BURN_ALERT, *of_packs, *own})


def _at_tier(signal: Signal, service: Service) -> Signal:
    """The signal with the severities of the service's tier. Those of SLOs were set already."""
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


def _unknown_alerts(
    signals: Iterable[Signal], service: Service, may_come: Set[str]
) -> Iterator[Mistake]:
    """A mistake for each name under `alerts:` that no alert has, unless its pack comes later."""
    known = {alert.name for signal in signals for alert in signal.alerts}
    for name in service.overrides:
        if name not in known | may_come and f"alerts.{name}" not in service.not_yet:
            yield _unknown_alert(service, name, known, may_come)


def _unknown_alert(service: Service, name: str, known: Set[str], may_come: Set[str]) -> Mistake:
    from difflib import get_close_matches

    place = service.overrides[name].place
    close = get_close_matches(name, known | may_come, 1)
    right = f"did you mean {close[0]!r}?" if close else f"its alerts are {', '.join(sorted(known))}"
    wrong = "the service has no such alert"
    return Mistake(place.file, place.line, place.column, f"alerts.{name}", wrong, right)


def _tuned(alerts: Iterable[Alert], service: Service) -> Iterator[Alert]:
    """The alerts that are not off, changed as the spec says. Their `for` was set before, because
    the texts repeat it."""
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


def _own_places(service: Service) -> dict[str, Place]:
    """Where the spec asks for the signals of its SLOs and of its business, by their names."""
    of_slos = {f"slo-{slo.name}": slo.place for slo in service.slos}
    return of_slos | {business.name: business.place for business in service.business}


def _clashes(
    signals: Iterable[Signal], service: Service, places: Mapping[str, Place]
) -> Iterator[Mistake]:
    """Notes two signals with one name, two alerts with the same name and labels, and a name that is
    too long."""
    signals = list(signals)
    names = Counter(signal.name for signal in signals)
    for signal in signals:
        # Two signals of one name are told once, and not for each of their alerts.
        if names[signal.name] == 1:
            yield from _alert_clashes(signal, service, places)
    yield from _same_names(signals, service, places)


def _alert_clashes(
    signal: Signal, service: Service, places: Mapping[str, Place]
) -> Iterator[Mistake]:
    seen = set()
    for alert in signal.alerts:
        place = _place_of(alert, service, places)
        if alert.key in seen:
            wrong = (
                f"there are two alerts {alert.name} of severity {alert.severity} on {alert.signal}"
            )
            right = "give one of them another severity, or leave one out"
            if alert.signal not in places and alert.name not in service.overrides:
                # A pack has two severities, which are one at the service's tier.
                wrong, right = f"at tier {service.tier} {wrong}", "rename one of them in its pack"
            yield Mistake(place.file, place.line, place.column, alert.name, wrong, right)
        if len(alert.name) > _LONGEST_NAME:
            wrong = (
                f"the name of its alert {alert.name} has {len(alert.name)} characters,"
                f" more than {_LONGEST_NAME}"
            )
            right = "give the signal a shorter name"
            yield Mistake(place.file, place.line, place.column, alert.signal, wrong, right)
        seen.add(alert.key)


def _same_names(
    signals: Iterable[Signal], service: Service, places: Mapping[str, Place]
) -> Iterator[Mistake]:
    """Notes a name that another signal has, or for a signal of the spec itself another panel.

    The names of a pack's signals differ, but with a probe's or a dependency's name behind them they
    may be like another's.
    """
    own = _own_places(service)
    taken: set[str] = set()
    panels: set[str] = set()
    for signal in signals:
        name = signal.name
        if name in taken or (name in own and name in panels):
            place = places.get(name, Place(service.spec_file, 1, 1))
            wrong = f"another signal or panel of the service is named {name}"
            right = "give this one another name"
            yield Mistake(place.file, place.line, place.column, name, wrong, right)
        taken.add(name)
        panels.add(signal.panel.key)


def _place_of(alert: Alert, service: Service, places: Mapping[str, Place]) -> Place:
    override = service.overrides.get(alert.name)
    place = places.get(alert.signal) or (override.place if override else None)
    return place or Place(service.spec_file, 1, 1)
