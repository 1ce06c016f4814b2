"""A business signal of the spec goes in; a signal comes out, with alerts on too little, too much, a
drop against last week, or absence."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from opsgen.model.service import BusinessAlert, BusinessSignal, Service
from opsgen.model.signal import Alert, Line, Panel, Signal, Threshold, Unit
from opsgen.model.units import UNITS, unit_named
from opsgen.promql import Node
from opsgen.promql.rewrite import (
    all_of,
    binary,
    call,
    number,
    rule_query,
    with_matchers,
    with_offset,
)
from opsgen.quantities import Duration, number_text
from opsgen.signals.packs import Texts, alert_texts, hold_of

_HOLD = Duration.of("15m")
_AGAINST = Duration.of("7d")
_DAY, _HOUR = Duration.of("1d"), Duration.of("1h")
_KINDS = {"below": "Low", "above": "High", "drop": "Dropped", "absent": "Absent"}


def alert_name(signal: str, kind: str) -> str:
    """`orders-completed` and `below` give `OrdersCompletedLow`."""
    words = (part[:1].upper() + part[1:] for part in signal.split("-"))
    return "".join(words) + _KINDS[kind]


def kind_of_alert(alert: BusinessAlert) -> str:
    return next(kind for kind in _KINDS if getattr(alert, kind) is not None)


def business_signal(service: Service, business: BusinessSignal, texts: Texts) -> Signal:
    """One signal of the spec's own."""
    matchers = service.matchers if business.matchers is None else business.matchers
    query = with_matchers(rule_query(business.query), matchers)
    unit = unit_named(business.unit)
    title = business.title
    description = business.description or f"{title}, as the owners of {service.title} count it."
    alerts = tuple(_alert(service, business, alert, query, texts) for alert in business.alerts)
    lines = (Line(query, title), *_earlier(business, query))
    return Signal(
        name=business.name,
        group="business",
        title=title,
        description=description,
        unit=unit,
        query=query,
        panel=Panel(business.name, title, description, lines=lines),
        alerts=alerts,
    )


def _earlier(business: BusinessSignal, query: Node) -> Iterator[Line]:
    """The same query at each time that alerts compare with."""
    drops = [alert for alert in business.alerts if alert.drop is not None]
    for against in dict.fromkeys(alert.against or _AGAINST for alert in drops):
        yield Line(with_offset(query, against), f"{against} ago")


def _alert(
    service: Service, business: BusinessSignal, alert: BusinessAlert, query: Node, texts: Texts
) -> Alert:
    kind = kind_of_alert(alert)
    unit = unit_named(business.unit)
    threshold = _threshold(alert, unit)
    name = alert_name(business.name, kind)
    hold = hold_of(service, name, _lasting(alert))
    condition = _condition(alert, query)
    words = _words(business, alert, threshold, hold, unit)
    text = alert_texts(texts, f"Business/{kind}", service, words)
    return Alert(
        name=name,
        signal=business.name,
        severity=alert.severity or "ticket",
        expr=condition,
        condition=condition,
        hold=hold,
        keep_firing=Duration.of("5m") if alert.severity == "page" else Duration(0),
        labels=(),
        summary=text.summary,
        description=text.description,
        guidance=text.guidance,
        panel=business.name,
        thresholds=(threshold,) if threshold else (),
        was=tuple((alert_name(was, kind), was) for was in business.was),
    )


def _lasting(alert: BusinessAlert) -> Duration:
    """How long its condition must hold. `0s` means at once; it is not the same as no value."""
    given = alert.hold if alert.absent is None else alert.absent
    return _HOLD if given is None else given


def _condition(alert: BusinessAlert, query: Node) -> Node:
    if alert.below is not None:
        return binary("<", query, number(alert.below))
    if alert.above is not None:
        return binary(">", query, number(alert.above))
    if alert.drop is not None:
        remaining = number(1 - alert.drop.value)
        earlier = (with_offset(query, time) for time in _times_before(alert.against or _AGAINST))
        return all_of(binary("<", query, binary("*", remaining, before)) for before in earlier)
    return call("absent", query)


def _times_before(against: Duration) -> tuple[Duration, ...]:
    """How long ago it was the same hour of the day: where whole days are compared, also an hour
    less and an hour more, since clocks may have changed in between."""
    if against.milliseconds % _DAY.milliseconds:
        return (against,)
    return against, against - _HOUR, against + _HOUR


def _threshold(alert: BusinessAlert, unit: Unit) -> Threshold | None:
    if alert.below is not None:
        return Threshold(alert.below, False, unit)
    return None if alert.above is None else Threshold(alert.above, True, unit)


def _words(
    business: BusinessSignal,
    alert: BusinessAlert,
    threshold: Threshold | None,
    hold: Duration,
    unit: Unit,
) -> dict[str, str]:
    drop = alert.drop.value if alert.drop is not None else Decimal(0)
    against = alert.against or _AGAINST
    is_around = len(_times_before(against)) > 1
    return {
        "signal_title": business.title,
        "value": f"{{{{ $value | {unit.humanize} }}}}",
        "threshold": threshold.words if threshold else "",
        "hold": hold.in_words,
        "drop": UNITS["ratio"].words(drop),
        "remaining": f"{number_text((1 - drop) * 100)}%",
        "against": against.in_words,
        "around": ", and an hour before and after that" if is_around else "",
    }
