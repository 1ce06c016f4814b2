"""`opsgen explain`: a service and its signals in, every value with its origin and every alert in
words out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from opsgen.channels.providers import Told, told
from opsgen.explain.spec_values import spec_values
from opsgen.fleet.load import ServiceModel
from opsgen.model.oncall import Policy
from opsgen.model.signal import Alert
from opsgen.promql import one_line

_OF_NOBODY = ("default: ", "not ")


def explain_text(model: ServiceModel) -> str:
    """For people, on a terminal of 100 columns or so."""
    return "\n".join(_lines(model)) + "\n"


def explain_json(model: ServiceModel) -> dict[str, Any]:
    """For programs: the same, as plain JSON."""
    service, derived = model.service, model.derived
    return {
        "service": service.name,
        "values": [row._asdict() for row in spec_values(model)],
        "alerts": [_alert_json(alert) for alert in derived.alerts],
        "escalation": {
            severity: _policy_words(policy) for severity, policy in service.team.policies.items()
        },
        "notes": [*service.warnings, *derived.warnings],
        "not_yet_generated": list(service.not_yet),
    }


def _lines(model: ServiceModel) -> Iterator[str]:
    service, derived = model.service, model.derived
    yield f"{service.title} ({service.name}), {service.spec_file}"
    yield ""
    yield "Values"
    rows = list(spec_values(model))
    wide = max(len(row.path) for row in rows)
    for row in rows:
        yield f"  {row.path:<{wide}}  {row.value}"
        # Whence it comes, unless it says of itself that nobody gave it.
        whence = row.origin if row.origin.startswith(_OF_NOBODY) else f"from {row.origin}"
        yield f"  {'':<{wide}}    {whence}"
    yield ""
    yield "Alerts"
    for alert in derived.alerts:
        yield from _alert_lines(alert)
    yield "Who is told"
    for severity, policy in service.team.policies.items():
        yield f"  {severity:<7} {_policy_words(policy)}"
    yield from _titled("Notes", [*service.warnings, *derived.warnings])
    yield from _titled("Not yet generated", service.not_yet)


def _titled(title: str, notes: Sequence[str]) -> Iterator[str]:
    if notes:
        yield ""
        yield title
        yield from (f"  {note}" for note in notes)


def _alert_lines(alert: Alert) -> Iterator[str]:
    yield f"  {alert.name} ({alert.signal}), {alert.severity}"
    yield f"    {alert.guidance.meaning}"
    for words in _numbers(alert):
        yield f"    {words}"
    yield f"    {one_line(alert.expr)}"
    yield ""


def _numbers(alert: Alert) -> Iterator[str]:
    yield f"Fires once this has held for {alert.hold.in_words}." if alert.hold else "Fires at once."
    if alert.keep_firing:
        yield f"Keeps firing for {alert.keep_firing.in_words} after it stopped."
    if alert.guards:
        yield f"Only with at least {alert.fewest}."


def _alert_json(alert: Alert) -> dict[str, Any]:
    return {
        "name": alert.name,
        "signal": alert.signal,
        "severity": alert.severity,
        "words": alert.guidance.meaning,
        "for": str(alert.hold),
        "keep_firing_for": str(alert.keep_firing),
        "thresholds": [threshold.words for threshold in alert.thresholds],
        "minimum_events": [
            {"events": guard.events, "window": str(guard.window)} for guard in alert.guards
        ],
        "expr": one_line(alert.expr),
    }


def _policy_words(policy: Policy) -> str:
    """`at once payments-primary, after 15m payments-secondary (policy critical)`."""
    return f"{', '.join(map(_told_words, told(policy)))} (policy {policy.name})"


def _told_words(one: Told) -> str:
    when = f"after {one.after}" if one.after else "at once"
    hours = f" during {one.during.name}" if one.during else ""
    by = f" by {one.by}" if one.by else ""
    return f"{when} {' and '.join(channel.name for channel in one.channels)}{by}{hours}"
