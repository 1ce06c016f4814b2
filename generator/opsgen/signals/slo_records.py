"""The events of an SLO go in; its recording rules come out, and the series that they record.

All events and the bad ones are counted in each window and only then divided. A mean of ratios would
give a quiet night the weight of a busy day. Scraped series are read once for each window up to an
hour; longer windows are sums of recorded hours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from opsgen.model.service import BurnRate, EventSlo
from opsgen.model.signal import Record
from opsgen.promql import Node, Selector
from opsgen.promql.rewrite import any_of, binary, call, number, selector, with_offset
from opsgen.promql.tree import Subquery
from opsgen.quantities import Duration
from opsgen.signals.slo_events import BASE_WINDOW, Events, share

HOUR = Duration.of("1h")
_LATEST = Duration.of("6h")
_Counted = Callable[[Duration], Selector]
# Windows longer than this are evaluated less often.
_LONGEST_FAST = Duration.of("6h")
# A longer window is the sum of its parts, each counted by `increase()` of one hour: it sees what
# happened within a gap of ten minutes between two scrapes, and reads few samples.
_COUNTED = tuple(Duration.of(text) for text in ("1d", "6h", "1h"))
_LONGEST_OF_PARTS = Duration.of("3d")
BUDGET_LEFT = "slo:error_budget_remaining:ratio"


def _events_name(window: Duration) -> str:
    return f"slo:events:increase{window}"


def _errors_name(window: Duration) -> str:
    return f"slo:errors:increase{window}"


def _ratio_name(window: Duration) -> str:
    return f"slo:error_ratio:rate{window}"


def _lately_name(window: Duration) -> str:
    return f"slo:error_ratio:lately{window}"


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
    def budget_left(self) -> Selector:
        return self._series(BUDGET_LEFT)

    def ratio(self, window: Duration) -> Selector:
        return self._series(_ratio_name(window))

    def lately(self, window: Duration) -> Selector:
        """The error ratio of a short window; where it holds too few events, of the shortest longer
        one that holds enough."""
        return self._series(_lately_name(window))

    def events(self, window: Duration) -> Selector:
        """All events of the window."""
        return self._series(_events_name(window))

    def errors(self, window: Duration) -> Selector:
        """The bad events of the window."""
        return self._series(_errors_name(window))

    def _series(self, name: str) -> Selector:
        return selector(name, service=self.service, slo=self.slo)


def is_slow(window: Duration) -> bool:
    """Whether a window is so long that it is evaluated rarely."""
    return window > _LONGEST_FAST


def records(
    slo: EventSlo, rates: Sequence[BurnRate], events: Events, recorded: RecordedSeries
) -> Iterator[Record]:
    """The recording rules, each before the rules that read it."""
    labels, windows = recorded.labels, _windows(rates)
    for window in windows:
        yield from _of_window(window, events, recorded)
    for short, long_window in sorted(_long_by_short(rates).items()):
        candidates = [window for window in windows if short <= window < long_window]
        lately = _lately(slo, candidates, long_window, recorded)
        yield Record(_lately_name(short), lately, labels, is_slow(long_window))
    yield Record("slo:objective:ratio", _objective(slo, recorded), labels)
    budget = number(1 - slo.objective.value)
    burn_rate = binary("/", recorded.ratio(HOUR), budget)
    yield Record("slo:burn_rate:ratio1h", burn_rate, labels)
    if slo.window not in windows:
        total, bad = _counts(slo.window, events, recorded)
        yield Record(_ratio_name(slo.window), share(bad, total), labels, slow=True)
    of_history = binary("/", recorded.ratio(slo.window), budget)
    spent = binary("*", of_history, _share_with_history(slo.window, recorded))
    yield Record(BUDGET_LEFT, binary("-", number(1), spent), labels, slow=True)


def _share_with_history(period: Duration, recorded: RecordedSeries) -> Node:
    """The share of the period that lies after the first count.

    The budget is that of the whole period: what two days have spent of thirty is their own ratio,
    for two thirtieths of the traffic.
    """
    counted = Subquery(call("timestamp", recorded.events(BASE_WINDOW)), period, BASE_WINDOW)
    since = binary("-", call("time"), call("min_over_time", counted))
    # The first count is of the five minutes before it.
    history = binary("+", since, number(BASE_WINDOW.seconds))
    return call("clamp_max", binary("/", history, number(period.seconds)), number(1))


def _windows(rates: Sequence[BurnRate]) -> tuple[Duration, ...]:
    """The windows of the tiers and all their parts, shortest first."""
    windows = {BASE_WINDOW, HOUR, _LATEST}
    for rate in rates:
        windows |= {rate.long_window, rate.short_window}
    found: set[Duration] = set()
    while windows:
        found |= windows
        windows = {parts.each for parts in map(_parts, windows) if parts is not None} - found
    return tuple(sorted(found))


@dataclass(frozen=True)
class _Parts:
    """A window as a number of shorter ones of the same length."""

    each: Duration
    number: int


def _parts(window: Duration) -> _Parts | None:
    """The window in as few parts as possible; None where it is not a sum of counted windows."""
    if window > _LONGEST_OF_PARTS:
        return None
    for each in _COUNTED:
        times, rest = divmod(window.milliseconds, each.milliseconds)
        if times > 1 and not rest:
            return _Parts(each, times)
    return None


def _of_window(window: Duration, events: Events, recorded: RecordedSeries) -> Iterator[Record]:
    """All events of a window, its bad events, and their ratio."""
    labels, slow = recorded.labels, is_slow(window)
    total, bad = _counts(window, events, recorded)
    yield Record(_events_name(window), total, labels, slow)
    yield Record(_errors_name(window), bad, labels, slow)
    ratio = share(recorded.errors(window), recorded.events(window))
    yield Record(_ratio_name(window), ratio, labels, slow)


def _counts(window: Duration, events: Events, recorded: RecordedSeries) -> tuple[Node, Node]:
    """All events of a window, and the bad ones."""
    if window > _LONGEST_OF_PARTS:
        counted = recorded.events, recorded.errors
        total, bad = (_latest_and_before(count, window) for count in counted)
        return total, bad
    parts = _parts(window)
    if parts is None:
        return events.total_count(window), events.bad_count(window, recorded.events(window))
    total, bad = recorded.events(parts.each), recorded.errors(parts.each)
    return _added(total, parts), _added(bad, parts)


def _added(count: Selector, parts: _Parts) -> Node:
    """The latest count and the earlier ones that follow each other; one that is not there is 0."""
    whole: Node = count
    for index in range(1, parts.number):
        earlier = with_offset(count, parts.each * index)
        whole = binary("+", whole, _or_zero(earlier, count))
    return whole


def _long_by_short(rates: Sequence[BurnRate]) -> dict[Duration, Duration]:
    """The short windows, each with the longest of the long ones that it goes with."""
    by_length = sorted(rates, key=lambda rate: rate.long_window)
    return {rate.short_window: rate.long_window for rate in by_length}


def _lately(
    slo: EventSlo, windows: Sequence[Duration], long_window: Duration, recorded: RecordedSeries
) -> Node:
    """The ratio of the first of the windows that holds enough events; else of the long one.

    What a window holds is estimated from the long one, so that a pause between two requests, or a
    burst of them, does not switch to another window.
    """
    return any_of(
        [
            *(_if_enough(slo, window, long_window, recorded) for window in windows),
            recorded.ratio(long_window),
        ]
    )


def _if_enough(
    slo: EventSlo, window: Duration, long_window: Duration, recorded: RecordedSeries
) -> Node:
    times = Decimal(long_window.milliseconds) / window.milliseconds
    needed = (times * slo.min_bad_events).to_integral_value(ROUND_CEILING)
    enough = binary(">=", recorded.events(long_window), number(needed))
    return binary("and", recorded.ratio(window), enough)


def _latest_and_before(recorded: _Counted, window: Duration) -> Node:
    """The count of a window of many days: the latest hours, and what was before them.

    What was before is summed from hours that overlap, one every five minutes: an event between two
    scrapes at the edge of one hour is within eleven others, and a pause of Prometheus loses no more
    than itself. The middle of such an hour lies half an hour back, so they begin half an hour
    earlier.
    """
    latest = recorded(_LATEST)
    hours = Subquery(recorded(HOUR), window - _LATEST, BASE_WINDOW)
    overlapping = number(HOUR.milliseconds // BASE_WINDOW.milliseconds)
    sum_of_hours = with_offset(call("sum_over_time", hours), _LATEST - HOUR // 2)
    before = binary("/", sum_of_hours, overlapping)
    return binary("+", _or_zero(latest, before), _or_zero(before, latest))


def _or_zero(count: Node, other: Node) -> Node:
    """The count; 0 where only the other one is there."""
    return binary("or", count, binary("*", number(0), other))


def _objective(slo: EventSlo, recorded: RecordedSeries) -> Node:
    """The objective as a series; a grouped SLO has one for every group with events."""
    value = number(slo.objective.value)
    if not slo.grouping:
        return call("vector", value)
    return binary("+", binary("*", number(0), recorded.events(BASE_WINDOW)), value)
