"""The events of an SLO go in; its recording rules come out, and the series that they record.

Bad events and all events of every five minutes are recorded, summed over the period, and only then
divided. A mean of ratios would give a quiet night the weight of a busy day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from opsgen.model.service import BurnRate, EventSlo
from opsgen.model.signal import Record
from opsgen.promql import Node, Selector
from opsgen.promql.rewrite import binary, call, number, selector
from opsgen.promql.tree import Subquery
from opsgen.quantities import Duration
from opsgen.signals.slo_events import BASE_WINDOW, Events, share

HOUR = Duration.of("1h")
# Windows longer than this are summed from the recorded five-minute counts instead of read from raw
# series again.
_LONGEST_RAW = Duration.of("6h")
_ERRORS = f"slo:errors:increase{BASE_WINDOW}"
_EVENTS = f"slo:events:increase{BASE_WINDOW}"
BUDGET_LEFT = "slo:error_budget_remaining:ratio"


@dataclass(frozen=True)
class RecordedSeries:
    """The recorded series of one SLO.

    They carry only `service`, `slo` and the SLO's grouping, so that editing any other label of the
    service never breaks their history.
    """

    service: str
    slo: str

    @property
    def labels(self) -> tuple[tuple[str, str], ...]:
        return (("service", self.service), ("slo", self.slo))

    @property
    def errors(self) -> Selector:
        """Bad events of five minutes."""
        return self._series(_ERRORS)

    @property
    def budget_left(self) -> Selector:
        return self._series(BUDGET_LEFT)

    def ratio(self, window: Duration) -> Selector:
        return self._series(f"slo:error_ratio:rate{window}")

    def events(self, window: Duration = BASE_WINDOW) -> Selector:
        return self._series(f"slo:events:increase{window}")

    def _series(self, name: str) -> Selector:
        return selector(name, service=self.service, slo=self.slo)


def is_slow(window: Duration) -> bool:
    """Whether a window is so long that it is summed from recorded counts and evaluated rarely."""
    return window > _LONGEST_RAW


def records(
    slo: EventSlo, rates: Sequence[BurnRate], events: Events, recorded: RecordedSeries
) -> Iterator[Record]:
    """The recording rules, each before the rules that read it."""
    labels = recorded.labels
    yield from _counts(rates, events, recorded)
    yield from _ratios(slo, rates, events, recorded)
    yield Record("slo:objective:ratio", _objective(slo, recorded), labels)
    budget = number(1 - slo.objective.value)
    burn_rate = binary("/", recorded.ratio(HOUR), budget)
    yield Record("slo:burn_rate:ratio1h", burn_rate, labels)
    spent = binary("/", recorded.ratio(slo.window), budget)
    yield Record(BUDGET_LEFT, binary("-", number(1), spent), labels, True)


def _counts(
    rates: Sequence[BurnRate], events: Events, recorded: RecordedSeries
) -> Iterator[Record]:
    bad_count, event_count = events.counts(BASE_WINDOW)
    yield Record(_ERRORS, bad_count, recorded.labels)
    yield Record(_EVENTS, event_count, recorded.labels)
    for window in sorted({rate.long_window for rate in rates} - {BASE_WINDOW}):
        name = f"slo:events:increase{window}"
        count = _event_count(events, recorded, window)
        yield Record(name, count, recorded.labels, is_slow(window))


def _ratios(
    slo: EventSlo, rates: Sequence[BurnRate], events: Events, recorded: RecordedSeries
) -> Iterator[Record]:
    windows = {BASE_WINDOW, HOUR}
    for rate in rates:
        windows |= {rate.long_window, rate.short_window}
    ordered = [(window, is_slow(window)) for window in sorted(windows)]
    if slo.window not in windows:
        ordered.append((slo.window, True))
    for window, slow in ordered:
        name = f"slo:error_ratio:rate{window}"
        ratio = _error_ratio(events, recorded, window)
        yield Record(name, ratio, recorded.labels, slow)


def _objective(slo: EventSlo, recorded: RecordedSeries) -> Node:
    """The objective as a series; a grouped SLO has one for every group with events."""
    value = number(slo.objective.value)
    if not slo.grouping:
        return call("vector", value)
    return binary("+", binary("*", number(0), recorded.events()), value)


def _event_count(events: Events, recorded: RecordedSeries, window: Duration) -> Node:
    if window < HOUR:
        return events.counts(window)[1]
    return _summed_over(recorded.events(), window)


def _error_ratio(events: Events, recorded: RecordedSeries, window: Duration) -> Node:
    bad, total = recorded.errors, recorded.events()
    if window == BASE_WINDOW:
        return share(bad, total)
    if is_slow(window):
        return share(_summed_over(bad, window), _summed_over(total, window))
    return events.ratio(window)


def _summed_over(counts: Selector, window: Duration) -> Node:
    """Five-minute counts summed over a longer window; each five minutes count once."""
    return call("sum_over_time", Subquery(counts, window, BASE_WINDOW))
