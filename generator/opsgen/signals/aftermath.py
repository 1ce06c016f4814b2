"""The signals of a service go in; they come out with alerts that stay silent after what explains
them was told.

Alertmanager mutes an alert only while another one fires. An error budget's windows remember an
outage for longer than the alert that named it: after the end of a failed probe its page would be
told for the 30 minutes of its short window, and its ticket for the 6 hours of that of the ticket.
So these rules look back on `ALERTS`, which Prometheus keeps through a restart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from opsgen.model.service import Service
from opsgen.model.signal import Alert, Signal
from opsgen.promql import Matcher, Matching, Node, Selector
from opsgen.promql.rewrite import any_of, binary, call, ranged
from opsgen.quantities import Duration
from opsgen.signals.causes import Alerts, causes
from opsgen.signals.steps import STEP_LABEL

# What a page's own rate over five minutes and its keep_firing_for of five need to clear, once its
# cause is over. Whoever was told of the cause is still there.
_SETTLES = Duration.of("10m")
_ANYTHING = Matching((), on=True)


def quiet_pages(service: Service, signals: Iterable[Signal]) -> tuple[Signal, ...]:
    """Pages that are silent while a page fires that explains them, and after it for as long as
    nothing but the memory of their windows speaks for them."""
    signals = tuple(signals)
    pages = _Pages.of(service, signals)
    return tuple(
        replace(signal, alerts=tuple(_quiet_page(alert, pages) for alert in signal.alerts))
        for signal in signals
    )


def quiet_tickets(service: Service, signals: Iterable[Signal]) -> tuple[Signal, ...]:
    """Tickets on an error budget that are silent for their short window after a page of the same
    budget, or after one that explains it: until then they would tell of the same outage."""
    signals = tuple(signals)
    pages = _Pages.of(service, signals)
    return tuple(
        replace(signal, alerts=tuple(_quiet_ticket(alert, pages) for alert in signal.alerts))
        for signal in signals
    )


@dataclass(frozen=True)
class _Pages:
    """The pages of a service. Those of the services that it needs are told elsewhere: here they
    would end an alert while Alertmanager mutes it, so that nobody would hear of its end."""

    service: Service
    own: tuple[Alert, ...]

    @classmethod
    def of(cls, service: Service, signals: Iterable[Signal]) -> _Pages:
        alerts = (alert for signal in signals for alert in signal.alerts)
        return cls(service, tuple(alert for alert in alerts if alert.severity == "page"))

    def that_explain(self, alert: Alert) -> Iterator[Selector]:
        """Their series while they fire."""
        name, signal = alert.name, alert.signal
        for cause in causes(self.service):
            if cause.explains(name, signal) and self._has(cause.pages):
                yield _firing(self.service, cause.pages)

    def of_the_same(self, alert: Alert) -> Alert | None:
        """The page of the same error budget."""
        same = (page for page in self.own if (page.name, page.signal) == (alert.name, alert.signal))
        return next(same, None)

    def _has(self, alerts: Alerts) -> bool:
        return any(alerts.has(page.name, page.signal) for page in self.own)


def _quiet_page(alert: Alert, pages: _Pages) -> Alert:
    explaining = list(pages.that_explain(alert)) if alert.severity == "page" else []
    if not explaining:
        return alert
    expr = _unless(alert.expr, _fired(explaining, _SETTLES))
    memory = _memory(alert)
    if memory > _SETTLES:
        remembered = _unless(_fired(explaining, memory), _is_bad_now(alert))
        expr = _unless(expr, remembered)
    return replace(alert, expr=expr)


def _quiet_ticket(alert: Alert, pages: _Pages) -> Alert:
    """While the page is bad now, Alertmanager mutes the ticket. It is silent here before the page
    ends, since the page lasts for its short window and keep_firing_for: else Alertmanager would
    tell of it in between."""
    if alert.severity == "page" or not alert.burn_rates:
        return alert
    same = pages.of_the_same(alert)
    own = [] if same is None else [_firing(pages.service, Alerts((same.name,), (same.signal,)))]
    told = [*own, *pages.that_explain(alert)]
    if not told:
        return alert
    is_over = _unless(_fired(told, _memory(alert)), _is_bad_now(same or alert))
    return replace(alert, expr=_unless(alert.expr, is_over))


def _memory(alert: Alert) -> Duration:
    """How long an alert on an error budget remembers an outage that is over."""
    return max((rate.short_window for rate in alert.burn_rates), default=Duration(0))


def _is_bad_now(alert: Alert) -> Node:
    return alert.expr if alert.still_bad is None else alert.still_bad


def _unless(expr: Node, silent: Node) -> Node:
    """The expression while nothing else has a value, whatever the labels are."""
    return binary("unless", expr, silent, _ANYTHING)


def _fired(pages: Iterable[Selector], window: Duration) -> Node:
    return any_of(call("max_over_time", ranged(page, window)) for page in pages)


def _firing(service: Service, pages: Alerts) -> Selector:
    """The series of pages that fire, steps left out."""
    return Selector(
        "ALERTS",
        (
            _one_of("alertname", pages.names),
            Matcher("alertstate", "=", "firing"),
            Matcher("environment", "=", service.environment),
            Matcher("service", "=", service.name),
            Matcher("severity", "=", "page"),
            _one_of("signal", pages.signals),
            Matcher(STEP_LABEL, "=", ""),
        ),
    )


def _one_of(label: str, values: tuple[str, ...]) -> Matcher:
    """Names of alerts and signals need no escape."""
    if len(values) == 1:
        return Matcher(label, "=", values[0])
    return Matcher(label, "=~", "|".join(values))
