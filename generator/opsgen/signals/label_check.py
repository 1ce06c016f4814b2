"""A service and its expressions go in; mistakes at the spec's lines come out, where a query of the
spec can never match, asks for a label that was dropped, or gives an alert a label that Alertmanager
refuses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

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
    labels_of,
)
from opsgen.labelflow.labels import GONE
from opsgen.model.service import Place, Service
from opsgen.model.signal import Derived, Signal
from opsgen.model.texts import go_text
from opsgen.promql.text import is_plain_label

# Alertmanager's CHANGELOG, 0.27.0: "any UTF-8 character as part of label names". Older ones refuse
# the alert, so that nobody is told.
_UTF8_LABELS = (0, 27)

# What to write where an assumption does not hold.
_ELSE: Mapping[Assumption, str] = {
    "scraped": "if they are pushed, write prometheus: {pushed: true} in opsgen.yaml",
    "no-external-labels": "or name it in prometheus.external_labels of opsgen.yaml",
}


def flow_mistakes(service: Service, derived: Derived) -> Iterator[Mistake]:
    """Every finding in the service's recording rules, alerts and panels."""
    known = _known(service, derived)
    for signal in derived.signals:
        for found in _findings(signal, known):
            right = found.right + (f"; {_ELSE[found.assumes]}" if found.assumes else "")
            yield _mistake(service, signal, found.message, right)


def unsendable_alerts(service: Service, derived: Derived, alertmanager: str) -> Iterator[Mistake]:
    """Every alert with a label whose name this release of Alertmanager refuses."""
    if tuple(int(part) for part in alertmanager.split(".")) >= _UTF8_LABELS:
        return
    groups = {f"slo-{slo.name}": slo.grouping for slo in service.slos}
    for signal in derived.signals:
        for name in sorted(_names_in_quotes(signal, groups.get(signal.name, ()))):
            wrong = (
                f"its alerts have the label {name!r}, which Alertmanager takes from 0.27 on;"
                f" the project says {alertmanager}"
            )
            right = "aggregate it away, or set alertmanager.version in opsgen.yaml"
            yield _mistake(service, signal, wrong, right)


def _names_in_quotes(signal: Signal, groups: Iterable[str]) -> set[str]:
    """Of the labels that its alerts name: in matchers that no aggregation drops, or to group by."""
    named = {
        name
        for alert in signal.alerts
        for name, domain in labels_of(alert.expr).known.items()
        if domain != GONE
    }
    return {name for name in named.union(groups) if not is_plain_label(name)}


def _mistake(service: Service, signal: Signal, wrong: str, right: str) -> Mistake:
    place = _places(service).get(signal.name, Place(service.spec_file, 1, 1))
    return Mistake(place.file, place.line, place.column, signal.name, wrong, right)


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
