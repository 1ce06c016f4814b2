"""An SLO goes in; its bad events and all its events come out, as PromQL on scraped series.

Without requests there is no sample, instead of NaN. Without an error series the ratio is 0, instead
of nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from opsgen.model.service import EventSlo, Service
from opsgen.promql import Matcher, Node, Selector, parse
from opsgen.promql.rewrite import (
    binary,
    call,
    number,
    ranged,
    sum_by,
    with_function,
    with_matchers,
    with_range,
)
from opsgen.promql.tree import Aggregate
from opsgen.quantities import Duration, number_text

BASE_WINDOW = Duration.of("5m")


@dataclass(frozen=True)
class Events:
    """Bad and all events as sums of rates over [5m]. With `zero_when_absent`, a missing series of
    bad events counts as 0."""

    bad: Node
    total: Node
    zero_when_absent: bool
    grouping: tuple[str, ...]

    @classmethod
    def of(cls, service: Service, slo: EventSlo) -> Events:
        return _BUILDERS[slo.kind](service, slo)

    def rates(self, window: Duration) -> tuple[Node, Node]:
        return with_range(self._bad_or_zero, window), with_range(self.total, window)

    def counts(self, window: Duration) -> tuple[Node, Node]:
        bad, total = self.rates(window)
        return with_function(bad, "rate", "increase"), with_function(total, "rate", "increase")

    def ratio(self, window: Duration) -> Node:
        bad, total = self.rates(window)
        return share(bad, total)

    @cached_property
    def _bad_or_zero(self) -> Node:
        if not self.zero_when_absent:
            return self.bad
        return binary("or", self.bad, _zero_for_each(self.total))


def event_rates(service: Service, slo: EventSlo) -> tuple[Node, Node]:
    """Bad and all events of an SLO as rates over five minutes."""
    events = Events.of(service, slo)
    return events.bad, events.total


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
    return Events(bad, total, True, slo.grouping)


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
    return Events(binary("-", total, within), total, False, slo.grouping)


def _spec_events(service: Service, slo: EventSlo) -> Events:
    assert slo.total is not None  # the spec's model requires it
    total = _summed(_as_rate(slo.total), slo, service)
    if slo.bad is not None:
        return Events(_summed(_as_rate(slo.bad), slo, service), total, True, slo.grouping)
    assert slo.good is not None  # the spec's model requires one of the two
    good = _summed(_as_rate(slo.good), slo, service)
    good_or_none = binary("or", good, _zero_for_each(total))
    return Events(binary("-", total, good_or_none), total, False, slo.grouping)


_BUILDERS: dict[str, Callable[[Service, EventSlo], Events]] = {
    "availability": _availability,
    "latency": _latency,
    "events": _spec_events,
}


def _zero_for_each(series: Node) -> Node:
    return binary("*", number(0), series)


def _as_rate(query: str) -> Node:
    return with_function(parse(query), "increase", "rate")


def _summed(node: Node, slo: EventSlo, service: Service) -> Aggregate:
    return sum_by(with_matchers(node, service.matchers), slo.grouping)
