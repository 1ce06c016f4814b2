"""A service and its expressions go in; mistakes at the spec's lines come out, where a query of the
spec can never match or asks for a label that was dropped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from opsgen.errors import Mistake
from opsgen.labelflow import Labels, Mismatch, check_alert, check_expression, recorded_labels
from opsgen.model.service import Place, Service
from opsgen.model.signal import Derived, Signal
from opsgen.model.texts import go_text


def flow_mistakes(service: Service, derived: Derived) -> Iterator[Mistake]:
    """Every finding in the service's recording rules, alerts and panels."""
    records = [record for signal in derived.signals for record in signal.records]
    recorded = recorded_labels(
        (record.name, record.expr, dict(record.labels)) for record in records
    )
    places = _places(service)
    for signal in derived.signals:
        place = places.get(signal.name, Place(service.spec_file, 1, 1))
        for found in _findings(signal, recorded):
            yield Mistake(
                place.file, place.line, place.column, signal.name, found.message, found.right
            )


def _findings(signal: Signal, recorded: Mapping[str, Labels]) -> Iterator[Mismatch]:
    for record in signal.records:
        yield from check_expression(record.expr, recorded)
    yield from check_expression(signal.query, recorded)
    for alert in signal.alerts:
        annotations = {"summary": go_text(alert.summary), "description": alert.description}
        labels = dict(alert.labels)
        yield from check_alert(
            alert.expr, labels=labels, annotations=annotations, recorded=recorded
        )


def _places(service: Service) -> dict[str, Place]:
    """Where the spec asks for a signal."""
    own = {f"slo-{slo.name}": slo.place for slo in service.slos}
    return own | {business.name: business.place for business in service.business}
