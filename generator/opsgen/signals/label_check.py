"""A service and its expressions go in; mistakes at the spec's lines come out, where a query of the
spec can never match or asks for a label that was dropped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from opsgen.errors import Mistake
from opsgen.labelflow import (
    Assumption,
    Assumptions,
    Known,
    Mismatch,
    RecordingRule,
    check_alert,
    check_expression,
    known_series,
)
from opsgen.model.service import Place, Service
from opsgen.model.signal import Derived, Signal
from opsgen.model.texts import go_text

# What to write where an assumption does not hold.
_ELSE: Mapping[Assumption, str] = {
    "scraped": "if they are pushed, write prometheus: {pushed: true} in opsgen.yaml",
    "no-external-labels": "or name it in prometheus.external_labels of opsgen.yaml",
}


def flow_mistakes(service: Service, derived: Derived) -> Iterator[Mistake]:
    """Every finding in the service's recording rules, alerts and panels."""
    known = _known(service, derived)
    places = _places(service)
    for signal in derived.signals:
        place = places.get(signal.name, Place(service.spec_file, 1, 1))
        for found in _findings(signal, known):
            right = found.right + (f"; {_ELSE[found.assumes]}" if found.assumes else "")
            yield Mistake(place.file, place.line, place.column, signal.name, found.message, right)


def _known(service: Service, derived: Derived) -> Known:
    platform = service.platform
    assumed = Assumptions(not platform.pushed, platform.external_labels)
    records = (record for signal in derived.signals for record in signal.records)
    return known_series(
        (
            RecordingRule(record.name, record.expr, dict(record.labels), assumed)
            for record in records
        ),
        assumed,
    )


def _findings(signal: Signal, known: Known) -> Iterator[Mismatch]:
    for record in signal.records:
        yield from check_expression(record.expr, known)
    yield from check_expression(signal.query, known)
    for alert in signal.alerts:
        annotations = {"summary": go_text(alert.summary), "description": alert.description}
        labels = dict(alert.labels)
        yield from check_alert(alert.expr, labels=labels, annotations=annotations, known=known)


def _places(service: Service) -> dict[str, Place]:
    """Where the spec asks for a signal."""
    own = {f"slo-{slo.name}": slo.place for slo in service.slos}
    return own | {business.name: business.place for business in service.business}
