"""The label-flow proof of a build: every expression of a service in, or an InputError at the spec's
line where one of the spec's own queries can never match or asks for a label that is gone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from opsgen.errors import InputError, Mistake
from opsgen.labelflow import Finding, check_alert, check_expression, recorded_labels
from opsgen.model.service import Place, Service
from opsgen.model.signal import Derived, Signal
from opsgen.model.texts import go_text


def check_flow(service: Service, derived: Derived) -> None:
    """Raises InputError for every finding in the service's recording rules, alerts and panels."""
    mistakes = sorted(set(_mistakes(service, derived)))
    if mistakes:
        raise InputError(mistakes)


def _mistakes(service: Service, derived: Derived) -> Iterator[Mistake]:
    recorded = recorded_labels(
        (record.name, record.expr, dict(record.labels))
        for signal in derived.signals
        for record in signal.records
    )
    places = _places(service)
    for signal in derived.signals:
        for record in signal.records:
            yield from _at(service, signal, places, check_expression(record.expr, recorded))
        yield from _at(service, signal, places, check_expression(signal.query, recorded))
        for alert in signal.alerts:
            annotations = {"summary": go_text(alert.summary), "description": alert.description}
            found = check_alert(
                alert.expr, labels=dict(alert.labels), annotations=annotations, recorded=recorded
            )
            yield from _at(service, signal, places, found)


def _at(
    service: Service, signal: Signal, places: dict[str, Place], found: Iterable[Finding]
) -> Iterator[Mistake]:
    place = places.get(signal.name, Place(service.spec_file, 1, 1))
    for finding in found:
        yield Mistake(
            place.file, place.line, place.column, signal.name, finding.message, finding.right
        )


def _places(service: Service) -> dict[str, Place]:
    """Where the spec asks for a signal."""
    own = {f"slo-{slo.name}": slo.place for slo in service.slos}
    return own | {business.name: business.place for business in service.business}
