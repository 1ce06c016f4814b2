"""A service goes in; the causes of its outages come out, from the first to the last, each with the
pages that say so and the alerts that it explains.

Alertmanager mutes what is explained while a page fires (`render.inhibitions`), and rules keep it
silent for a while after (`signals.aftermath`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from opsgen.model.explanations import (
    AVAILABILITY,
    DEPENDENCIES,
    LATENCY,
    PROBES,
    ExplainedBeside,
    Pages,
)
from opsgen.model.service import Service
from opsgen.signals.business import alert_name, kind_of_alert
from opsgen.signals.slo_alerts import BURN_ALERT

_SLO_CAUSES = (AVAILABILITY, LATENCY)


@dataclass(frozen=True)
class Alerts:
    """Alerts by their names, of some signals, or of any where there is none."""

    names: tuple[str, ...]
    signals: tuple[str, ...] = ()

    def has(self, name: str, signal: str) -> bool:
        return name in self.names and (not self.signals or signal in self.signals)


@dataclass(frozen=True)
class Cause:
    """While one of `pages` fires, `explained` is not told."""

    pages: Alerts
    explained: tuple[Alerts, ...]

    def explains(self, name: str, signal: str) -> bool:
        return any(alerts.has(name, signal) for alerts in self.explained)


def causes(service: Service) -> Iterator[Cause]:
    """The service's own causes."""
    explanations = service.explanations
    for pages in explanations.causes:
        yield Cause(_of_instance(pages, ""), tuple(_explained(service, pages.signal)))
    only = _only_probe(service)
    if only:
        explained = tuple(_explained(service, PROBES))
        yield from (Cause(_of_instance(pages, only), explained) for pages in explanations.probes)
    for kind in _SLO_CAUSES:
        signals = _slo_signals(service, [kind])
        if signals:
            yield Cause(Alerts((BURN_ALERT,), signals), tuple(_explained(service, kind)))
    for beside in explanations.beside:
        for name in _instances(service, beside):
            explains = (_of_instance(beside.explained, name),)
            yield Cause(_of_instance(beside.pages, name), explains)


def gone(service: Service) -> Iterator[Cause]:
    """The pages of a service that this one needs which say that it is gone, and what they explain
    here. One of its probes that fails says less: it may be a page that nobody else reads."""
    explained = tuple(_explained(service, DEPENDENCIES))
    for pages in service.explanations.gone:
        yield Cause(_of_instance(pages, ""), explained)
    yield Cause(Alerts((BURN_ALERT,), (f"slo-{AVAILABILITY}",)), explained)


def _only_probe(service: Service) -> str:
    """One probe of several may fail by itself, so it explains nothing of the service's other
    alerts. The only one does."""
    return service.probes[0].name if len(service.probes) == 1 else ""


def _explained(service: Service, cause: str) -> Iterator[Alerts]:
    """The alerts of the service that a cause explains: by name where all of a name are, else by
    their signals too."""
    explanations = service.explanations
    kinds = explanations.kinds("slo", cause)
    names = {*explanations.alerts(cause), *_business_alerts(service, cause)}
    if cause in _SLO_CAUSES and _only_probe(service):
        # It comes before them, and no two alerts explain each other.
        names -= {name for pages in explanations.probes for name in pages.alerts}
    of_all_kinds = kinds == explanations.all_kinds("slo")
    if of_all_kinds:
        names.add(BURN_ALERT)
    if names:
        yield Alerts(tuple(sorted(names)))
    signals = () if of_all_kinds else _slo_signals(service, kinds)
    if signals:
        yield Alerts((BURN_ALERT,), signals)


def _slo_signals(service: Service, kinds: Iterable[str]) -> tuple[str, ...]:
    wanted = frozenset(kinds)
    return tuple(sorted(f"slo-{slo.name}" for slo in service.slos if slo.kind in wanted))


def _business_alerts(service: Service, cause: str) -> Iterator[str]:
    kinds = service.explanations.kinds("business", cause)
    for business in service.business:
        for alert in business.alerts:
            if kind_of_alert(alert) in kinds:
                yield alert_name(business.name, kind_of_alert(alert))


def _instances(service: Service, one: ExplainedBeside) -> Iterator[str]:
    """The names of the instances of its pack; of a pack that has one, no name."""
    if one.of == "probe":
        yield from (probe.name for probe in service.probes)
    elif one.of == "dependency":
        yield from (found.name for found in service.dependencies if found.kind == one.pack)
    elif one.pack in (service.runtime, service.process):
        yield ""


def _of_instance(pages: Pages, name: str) -> Alerts:
    return Alerts(pages.alerts, (f"{pages.signal}-{name}" if name else pages.signal,))
