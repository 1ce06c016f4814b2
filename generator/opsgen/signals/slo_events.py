"""An SLO goes in; its bad events and all its events come out, as PromQL on scraped series.

Without requests there is no sample, instead of NaN. Without an error series the ratio is 0, instead
of nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from opsgen.model.service import EventSlo, Service
from opsgen.promql import Matcher, Node, Selector
from opsgen.promql.rewrite import (
    binary,
    call,
    number,
    ranged,
    rule_query,
    sum_by,
    with_function,
    with_matchers,
    with_range,
)
from opsgen.promql.tree import Aggregate, Matching
from opsgen.quantities import Duration, number_text

BASE_WINDOW = Duration.of("5m")


@dataclass(frozen=True)
class Events:
    """All events, and the bad or the good ones among them, as sums of rates over [5m].

    With `zero_when_absent`, no series of the `part` means that there were none of them.
    """

    total: Node
    part: Node
    part_is_good: bool
    zero_when_absent: bool
    grouping: tuple[str, ...]

    @classmethod
    def of(cls, service: Service, slo: EventSlo) -> Events:
        return _BUILDERS[slo.kind](service, slo)

    def rates(self, window: Duration) -> tuple[Node, Node]:
        """Bad and all events a second."""
        total = with_range(self.total, window)
        return self._bad(with_range(self.part, window), total), total

    def counts(self, window: Duration) -> tuple[Node, Node]:
        """Bad and all events of the window."""
        bad, total = self.rates(window)
        return with_function(bad, "rate", "increase"), with_function(total, "rate", "increase")

    def total_count(self, window: Duration) -> Node:
        return self.counts(window)[1]

    def bad_count(self, window: Duration, counted: Node) -> Node:
        """The bad events of the window, where `counted` are all its events, recorded: they are read
        from the scraped series once."""
        part = with_function(with_range(self.part, window), "rate", "increase")
        return self._bad(part, counted, Matching(self.grouping, on=True))

    def ratio(self, window: Duration) -> Node:
        bad, total = self.rates(window)
        return share(bad, total)

    def _bad(self, part: Node, total: Node, matching: Matching | None = None) -> Node:
        known = part
        if self.zero_when_absent:
            known = binary("or", part, binary("*", number(0), total), matching)
        return binary("-", total, known, matching) if self.part_is_good else known


def event_rates(service: Service, slo: EventSlo) -> tuple[Node, Node]:
    """Bad and all events of an SLO as rates over five minutes. Where the bad ones are counted
    themselves, no series of them gives nothing."""
    events = Events.of(service, slo)
    bad, total = events.rates(BASE_WINDOW)
    return (bad if events.part_is_good else events.part), total


def share(bad: Node, total: Node) -> Node:
    """bad / total; no sample if there were no events."""
    return binary("/", bad, binary(">", total, number(0)))


def le_values(bound: Decimal) -> tuple[str, ...]:
    """The `le` label of a bucket: Prometheus 2 keeps the client's form (`1`), Prometheus 3 always
    writes a float (`1.0`)."""
    plain = number_text(bound)
    texts = [plain]
    if "." not in plain:
        texts.append(f"{plain}.0")
    # Go's shortest float form, which clients write, goes to an exponent outside 1e-4 to 1e21;
    # Prometheus 3 from 1e6 up.
    if bound and not Decimal("1e-4") <= bound < Decimal("1e6"):
        mantissa = number_text(bound.scaleb(-bound.adjusted()))
        texts.append(f"{mantissa}e{bound.adjusted():+03d}")
    return tuple(texts)


def le_matcher(bound: Decimal) -> Matcher:
    values = le_values(bound)
    if len(values) == 1:
        return Matcher("le", "=", values[0])
    escaped = (value.replace(".", "\\.").replace("+", "\\+") for value in values)
    return Matcher("le", "=~", "|".join(escaped))


def _availability(service: Service, slo: EventSlo) -> Events:
    requests, errors = service.convention.requests, service.convention.errors
    assert requests is not None and errors is not None  # resolve refuses such an SLO without them
    bad = _summed(call("rate", ranged(errors, BASE_WINDOW)), slo, service)
    total = _summed(call("rate", ranged(requests, BASE_WINDOW)), slo, service)
    return Events(total, bad, part_is_good=False, zero_when_absent=True, grouping=slo.grouping)


def _latency(service: Service, slo: EventSlo) -> Events:
    histogram, threshold = service.convention.latency, slo.threshold
    # resolve refuses such an SLO without them
    assert histogram is not None and threshold is not None
    bucket = histogram.part("bucket")
    matchers = (*bucket.matchers, le_matcher(histogram.bound(threshold)))
    fast = call("rate", Selector(bucket.metric, matchers, BASE_WINDOW))
    within = _summed(fast, slo, service)
    total = _summed(call("rate", ranged(histogram.part("count"), BASE_WINDOW)), slo, service)
    # A histogram always has all its buckets. If this one is missing, the threshold is not a bucket
    # boundary, and no data is better than 'no slow requests'.
    return Events(total, within, part_is_good=True, zero_when_absent=False, grouping=slo.grouping)


def _spec_events(service: Service, slo: EventSlo) -> Events:
    assert slo.total is not None  # the spec's model requires it
    total = _summed(_as_rate(slo.total), slo, service)
    part = slo.good if slo.bad is None else slo.bad
    assert part is not None  # the spec's model requires one of the two
    return Events(
        total,
        _summed(_as_rate(part), slo, service),
        part_is_good=slo.bad is None,
        zero_when_absent=True,
        grouping=slo.grouping,
    )


_BUILDERS: dict[str, Callable[[Service, EventSlo], Events]] = {
    "availability": _availability,
    "latency": _latency,
    "events": _spec_events,
}


def _as_rate(query: str) -> Node:
    return with_function(rule_query(query), "increase", "rate")


def _summed(node: Node, slo: EventSlo, service: Service) -> Aggregate:
    return sum_by(with_matchers(node, service.matchers), slo.grouping)
