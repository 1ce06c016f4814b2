"""The signals of a service go in; the queries that its runbook offers to paste come out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from opsgen.model.service import Service
from opsgen.model.signal import Group, Signal
from opsgen.promql import Matcher, Node, Selector, pretty
from opsgen.promql.rewrite import call, ranged, sum_by, with_matchers
from opsgen.quantities import Duration
from opsgen.render.alert_words import within

# What to look at first, one signal of each group.
_FIRST_GROUPS: tuple[Group, ...] = ("uptime", "traffic", "errors", "latency", "business")
# What shows that a deploy went well, the first that there is. An SLO is last, since it remembers
# for an hour what is over.
_PROOF_GROUPS: tuple[Group, ...] = ("errors", "latency", "uptime", "business", "traffic", "slo")
_BASE = Duration.of("5m")


@dataclass(frozen=True)
class RunbookQuery:
    """PromQL ready to paste, and what it shows."""

    title: str
    text: str

    @classmethod
    def of(cls, title: str, node: Node) -> RunbookQuery:
        return cls(title, pretty(node))


@dataclass(frozen=True)
class Proof:
    """A query that shows whether the service is well, and what it must show."""

    query: RunbookQuery
    must_show: str


def first_queries(service: Service, signals: Sequence[Signal]) -> Iterator[RunbookQuery]:
    """The few queries that show at a glance what is broken."""
    firing = {
        "alertstate": "firing",
        "service": service.name,
        "environment": service.environment,
    }
    matchers = tuple(Matcher(label, "=", value) for label, value in firing.items())
    yield RunbookQuery.of("Its alerts that fire", Selector("ALERTS", matchers))
    for group in _FIRST_GROUPS:
        of_group = [signal for signal in signals if signal.group == group]
        with_alerts = [signal for signal in of_group if signal.alerts]
        for signal in (with_alerts or of_group)[:1]:
            yield RunbookQuery.of(signal.title, signal.query)


def instance_query(signals: Sequence[Signal]) -> RunbookQuery | None:
    """The query for the instances, where a signal counts them."""
    found = (signal for signal in signals if signal.unit.name == "targets")
    return next((RunbookQuery.of(signal.title, signal.query) for signal in found), None)


def proof(signals: Sequence[Signal]) -> Proof | None:
    """The first signal with a threshold, by group; without one, the first that has an alert at
    all."""
    by_group = [[s for s in signals if s.group == group and s.alerts] for group in _PROOF_GROUPS]
    ordered = [signal for of_group in by_group for signal in of_group]
    for signal in ordered:
        limits = [limit for alert in signal.alerts for limit in alert.thresholds]
        words = within(signal, limits)
        if words:
            return Proof(RunbookQuery.of(signal.title, signal.query), words)
    for signal in ordered:
        must_show = f"{signal.title} is what it was before"
        return Proof(RunbookQuery.of(signal.title, signal.query), must_show)
    return None


def by_route(service: Service) -> Iterator[RunbookQuery]:
    """The requests and the failures of each route, where the convention has a label for routes."""
    convention = service.convention
    if convention.route_label is None or convention.requests is None:
        return
    counted = [("Requests by route", convention.requests)]
    # A counter of errors that is another metric may lack the label.
    if convention.errors and convention.errors.metric == convention.requests.metric:
        counted.append(("Errors by route", convention.errors))
    for title, selector in counted:
        rate = with_matchers(call("rate", ranged(selector, _BASE)), service.matchers)
        yield RunbookQuery.of(title, sum_by(rate, (convention.route_label,)))
