"""SLOs to signals: event-weighted recording rules, burn-rate alerts, and what is left of the error
budget.

The budget counts events: bad and all events of every five minutes are recorded, summed over the
period, and only then divided. A mean of ratios would weigh a quiet night like a busy day. No
requests give no sample rather than NaN, and no error series yet gives a ratio of 0 rather than
none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from opsgen.model.service import BurnRate, EventSlo, Service, Severity
from opsgen.model.signal import Alert, Guard, Line, Panel, Record, Signal, Threshold
from opsgen.model.units import UNITS
from opsgen.promql import Matcher, Node, Selector, parse
from opsgen.promql.rewrite import (
    all_of,
    any_of,
    binary,
    call,
    number,
    ranged,
    selector,
    sum_by,
    with_function,
    with_matchers,
    with_range,
)
from opsgen.promql.tree import Aggregate, Subquery
from opsgen.quantities import Duration, number_text
from opsgen.signals import burnrates
from opsgen.signals.packs import Texts, alert_texts, hold_of

_BURN = "ErrorBudgetBurn"
_BASE = Duration.of("5m")
_HOUR = Duration.of("1h")
# Windows longer than this are summed from the recorded five-minute counts instead of read from raw
# series again.
_LONGEST_RAW = Duration.of("6h")
# Pages damp a single noisy evaluation; tickets can wait for a quarter of an hour (kubernetes-mixin:
# 2m and 15m).
_HOLD: dict[Severity, Duration] = {
    "page": Duration.of("2m"),
    "ticket": Duration.of("15m"),
    "info": Duration.of("15m"),
}
_KEEP_FIRING: dict[Severity, Duration] = {"page": _BASE, "ticket": Duration(0), "info": Duration(0)}


def slo_signals(
    service: Service, slo: EventSlo, texts: Texts
) -> tuple[tuple[Signal, ...], tuple[str, ...]]:
    """The signals of one SLO (its error ratio, with the alerts, and its budget), and notes on
    changed tiers."""
    tiers = burnrates.tiers(
        slo.objective, slo.window, service.platform.scrape_interval, service.burn_rates
    )
    rates = burnrates.with_severities(tiers.burn_rates, _severities(service))
    events = _Events.of(service, slo)
    recorded = _Recorded(service.name, slo.name)
    alerts = tuple(
        _alert(
            service,
            slo,
            severity,
            [rate for rate in rates if rate.severity == severity],
            events,
            recorded,
            texts,
        )
        for severity in dict.fromkeys(rate.severity for rate in rates)
    )
    records = tuple(_records(slo, rates, events, recorded))
    notes = tuple(f"SLO {slo.name}: {note}" for note in tiers.notes)
    ratio = _ratio_signal(slo, rates, recorded, alerts, records)
    return (ratio, _budget_signal(slo, recorded)), notes


def event_rates(service: Service, slo: EventSlo) -> tuple[Node, Node]:
    """Bad and all events of an SLO as rates over five minutes."""
    events = _Events.of(service, slo)
    return events.bad, events.total


def _severities(service: Service) -> dict[Severity, Severity]:
    """Those of the service's tier, unless the spec gives the alert another."""
    override = service.overrides.get(_BURN)
    given = override.severity if override else None
    return {
        severity: given or meant for severity, meant in severities_of_tier(service.tier).items()
    }


def severities_of_tier(tier: int) -> dict[Severity, Severity]:
    """What a page and a ticket mean at a service's tier: 1 and 2 wake people, 3 makes tickets, 4
    only informs."""
    if tier <= 2:
        return {"page": "page", "ticket": "ticket", "info": "info"}
    if tier == 3:
        return {"page": "ticket", "ticket": "ticket", "info": "info"}
    return {"page": "ticket", "ticket": "info", "info": "info"}


def outage_words(slo: EventSlo) -> str:
    """The error budget as a time of total outage, to the second, at steady traffic."""
    return Duration.from_seconds(int(slo.window.seconds * (1 - slo.objective.value))).in_words


def le_values(bound: Decimal) -> tuple[str, ...]:
    """How Prometheus writes a bucket boundary: 2.x as the client did (`1`), 3.x always as a float
    (`1.0`)."""
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
    return Matcher(
        "le", "=~", "|".join(value.replace(".", "\\.").replace("+", "\\+") for value in values)
    )


@dataclass(frozen=True)
class _Events:
    """Bad and all events as sums of rates over [5m]; `zero_when_absent`: no series of bad events
    yet means none."""

    bad: Node
    total: Node
    zero_when_absent: bool
    grouping: tuple[str, ...]

    @classmethod
    def of(cls, service: Service, slo: EventSlo) -> _Events:
        builder = {"availability": _availability, "latency": _latency, "events": _spec_events}[
            slo.kind
        ]
        return builder(service, slo)

    def rates(self, window: Duration) -> tuple[Node, Node]:
        return with_range(self._bad_or_zero, window), with_range(self.total, window)

    def counts(self, window: Duration) -> tuple[Node, Node]:
        bad, total = self.rates(window)
        return with_function(bad, "rate", "increase"), with_function(total, "rate", "increase")

    def ratio(self, window: Duration) -> Node:
        bad, total = self.rates(window)
        return _share(bad, total)

    @cached_property
    def _bad_or_zero(self) -> Node:
        if not self.zero_when_absent:
            return self.bad
        return binary("or", self.bad, binary("*", number(0), self.total))


def _share(bad: Node, total: Node) -> Node:
    """bad / total, and nothing at all where there were no events."""
    return binary("/", bad, binary(">", total, number(0)))


def _availability(service: Service, slo: EventSlo) -> _Events:
    requests, errors = service.convention.requests, service.convention.errors
    assert requests is not None and errors is not None  # resolve refuses such an SLO without them
    bad, total = (_summed(call("rate", ranged(s, _BASE)), slo, service) for s in (errors, requests))
    return _Events(bad, total, True, slo.grouping)


def _latency(service: Service, slo: EventSlo) -> _Events:
    histogram, threshold = service.convention.latency, slo.threshold
    assert (
        histogram is not None and threshold is not None
    )  # resolve refuses such an SLO without them
    bucket = histogram.part("bucket")
    fast = Selector(
        bucket.metric, (*bucket.matchers, le_matcher(histogram.bound(threshold))), _BASE
    )
    within = _summed(call("rate", fast), slo, service)
    total = _summed(call("rate", ranged(histogram.part("count"), _BASE)), slo, service)
    # A histogram always has all its buckets: where this one is missing the threshold is no bucket
    # boundary, and no answer is better than 'no slow requests'.
    return _Events(binary("-", total, within), total, False, slo.grouping)


def _spec_events(service: Service, slo: EventSlo) -> _Events:
    assert slo.total is not None  # the spec's model requires it
    total = _summed(_as_rate(slo.total), slo, service)
    if slo.bad is not None:
        return _Events(_summed(_as_rate(slo.bad), slo, service), total, True, slo.grouping)
    assert slo.good is not None  # the spec's model requires one of the two
    good = _summed(_as_rate(slo.good), slo, service)
    good_or_none = binary("or", good, binary("*", number(0), total))
    return _Events(binary("-", total, good_or_none), total, False, slo.grouping)


def _as_rate(query: str) -> Node:
    return with_function(parse(query), "increase", "rate")


def _summed(node: Node, slo: EventSlo, service: Service) -> Aggregate:
    return sum_by(with_matchers(node, service.matchers), slo.grouping)


@dataclass(frozen=True)
class _Recorded:
    """The recorded series of one SLO. They carry `service`, `slo` and the SLO's grouping alone, so
    that editing any other label of the service never breaks their history."""

    service: str
    slo: str

    @property
    def labels(self) -> tuple[tuple[str, str], ...]:
        return (("service", self.service), ("slo", self.slo))

    def series(self, name: str) -> Selector:
        return selector(name, service=self.service, slo=self.slo)

    def ratio(self, window: Duration) -> Selector:
        return self.series(f"slo:error_ratio:rate{window}")

    def events(self, window: Duration) -> Selector:
        return self.series(f"slo:events:increase{window}")

    def summed(self, name: str, window: Duration) -> Node:
        """A five-minute count summed over a longer window, each five minutes once."""
        return call("sum_over_time", Subquery(self.series(name), window, _BASE))


def _records(
    slo: EventSlo, rates: Iterable[BurnRate], events: _Events, recorded: _Recorded
) -> Iterable[Record]:
    """The recording rules, each before those that read it."""
    labels = recorded.labels
    bad_count, event_count = events.counts(_BASE)
    yield Record(f"slo:errors:increase{_BASE}", bad_count, labels)
    yield Record(f"slo:events:increase{_BASE}", event_count, labels)
    rates = tuple(rates)
    counted = sorted({rate.long_window for rate in rates} - {_BASE})
    for window in counted:
        yield Record(
            f"slo:events:increase{window}",
            _event_count(events, recorded, window),
            labels,
            _is_slow(window),
        )
    windows = {_BASE, _HOUR, *(w for rate in rates for w in (rate.long_window, rate.short_window))}
    for window in sorted(windows):
        yield Record(
            f"slo:error_ratio:rate{window}",
            _error_ratio(events, recorded, window),
            labels,
            _is_slow(window),
        )
    period = slo.window
    if period not in windows:
        yield Record(
            f"slo:error_ratio:rate{period}", _error_ratio(events, recorded, period), labels, True
        )
    yield Record("slo:objective:ratio", _objective(slo, recorded), labels)
    budget = number(1 - slo.objective.value)
    yield Record("slo:burn_rate:ratio1h", binary("/", recorded.ratio(_HOUR), budget), labels)
    left = binary("-", number(1), binary("/", recorded.ratio(period), budget))
    yield Record("slo:error_budget_remaining:ratio", left, labels, True)


def _objective(slo: EventSlo, recorded: _Recorded) -> Node:
    """The objective as a series; grouped SLOs have one for every group that has events."""
    value = number(slo.objective.value)
    if not slo.grouping:
        return call("vector", value)
    return binary("+", binary("*", number(0), recorded.events(_BASE)), value)


def _is_slow(window: Duration) -> bool:
    return window > _LONGEST_RAW


def _event_count(events: _Events, recorded: _Recorded, window: Duration) -> Node:
    if window < _HOUR:
        return events.counts(window)[1]
    return recorded.summed(f"slo:events:increase{_BASE}", window)


def _error_ratio(events: _Events, recorded: _Recorded, window: Duration) -> Node:
    errors, total = f"slo:errors:increase{_BASE}", f"slo:events:increase{_BASE}"
    if window == _BASE:
        return _share(recorded.series(errors), recorded.series(total))
    if _is_slow(window):
        return _share(recorded.summed(errors, window), recorded.summed(total, window))
    return events.ratio(window)


def _alert(
    service: Service,
    slo: EventSlo,
    severity: Severity,
    rates: list[BurnRate],
    events: _Events,
    recorded: _Recorded,
    texts: Texts,
) -> Alert:
    words = _words(service, slo, rates)
    text = alert_texts(texts, f"{_BURN}/{slo.kind}", service, words)
    return Alert(
        name=_BURN,
        signal=f"slo-{slo.name}",
        severity=severity,
        expr=any_of(_burning(service, slo, rate, recorded) for rate in rates),
        condition=any_of(
            _burning_raw(service, slo, rate, events, rate.long_window) for rate in rates
        ),
        sparse=any_of(_burning_raw(service, slo, rate, events, _BASE) for rate in rates),
        hold=hold_of(service, _BURN, _HOLD[severity]),
        keep_firing=_KEEP_FIRING[severity],
        labels=(("slo", slo.name),),
        summary=text.summary,
        description=text.description,
        guidance=text.guidance,
        panel=f"slo-{slo.name}",
        burn_rates=tuple(rates),
        thresholds=tuple(_threshold(slo, rate) for rate in rates),
        guards=tuple(Guard(_fewest(service, slo, rate), rate.long_window) for rate in rates),
        slow=any(_is_slow(rate.long_window) for rate in rates),
        was=tuple((_BURN, f"slo-{was}") for was in slo.was),
    )


def _burning(service: Service, slo: EventSlo, rate: BurnRate, recorded: _Recorded) -> Node:
    """Both windows above the threshold, and enough events that one bad one alone is not."""
    limit = number(burnrates.threshold(rate, slo.objective))
    enough = binary(">=", recorded.events(rate.long_window), number(_fewest(service, slo, rate)))
    above = [
        binary(">", recorded.ratio(window), limit)
        for window in (rate.long_window, rate.short_window)
    ]
    return all_of([*above, enough])


def _burning_raw(
    service: Service, slo: EventSlo, rate: BurnRate, events: _Events, window: Duration
) -> Node:
    """In terms of raw series, with the events of `window` counted."""
    limit = number(burnrates.threshold(rate, slo.objective))
    enough = binary(">=", events.counts(window)[1], number(_fewest(service, slo, rate)))
    return all_of([binary(">", events.ratio(_BASE), limit), enough])


def _fewest(service: Service, slo: EventSlo, rate: BurnRate) -> int:
    """The fewest events with which one bad one alone is not above the threshold.

    Where a window is summed from five-minute counts, one bad event counts for a little more than
    one: increase() extrapolates what it saw between the first and the last scrape to the whole five
    minutes.
    """
    scrape = service.platform.scrape_interval.seconds
    stretched = (
        _BASE.seconds / (_BASE.seconds - scrape) if _is_slow(rate.long_window) else Decimal(1)
    )
    return burnrates.minimum_events(rate, slo.objective, stretched)


def _threshold(slo: EventSlo, rate: BurnRate) -> Threshold:
    return Threshold(burnrates.threshold(rate, slo.objective), True, UNITS["ratio"])


def _words(service: Service, slo: EventSlo, rates: list[BurnRate]) -> dict[str, str]:
    budget = 1 - slo.objective.value
    return {
        "value": "{{ $value | humanizePercentage }}",
        "slo": slo.name,
        "slo_title": slo.title,
        "objective": str(slo.objective),
        "window": slo.window.in_words,
        "budget": UNITS["ratio"].words(budget),
        "outage": outage_words(slo),
        "slow": str(slo.threshold or ""),
        "tiers": "; or ".join(_tier_words(service, slo, rate) for rate in rates),
        "budget_left": _budget_left(service, slo),
    }


def _tier_words(service: Service, slo: EventSlo, rate: BurnRate) -> str:
    limit = UNITS["ratio"].words(burnrates.threshold(rate, slo.objective))
    spent = rate.factor * rate.long_window.hours / slo.window.hours * 100
    return (
        f"more than {limit} over both {rate.long_window} and {rate.short_window}"
        f" ({number_text(rate.factor)} times the sustainable rate, which spends"
        f" {number_text(round(spent, 1))}% of the budget in {rate.long_window}; needs at least"
        f" {_fewest(service, slo, rate)} events in {rate.long_window})"
    )


def _budget_left(service: Service, slo: EventSlo) -> str:
    """A Go template action that prints what is left of the budget, or nothing where that is not
    known yet."""
    if slo.grouping:
        return ""
    left = f"slo:error_budget_remaining:ratio{{service='{service.name}',slo='{slo.name}'}}"
    return (
        f'{{{{ with query "{left}" }}}} '
        "Of the error budget {{ . | first | value | humanizePercentage }} is left.{{ end }}"
    )


def _legend(slo: EventSlo, words: str) -> str:
    groups = " ".join(f"{{{{{label}}}}}" for label in slo.grouping)
    return f"{words} {groups}".strip()


def _ratio_signal(
    slo: EventSlo,
    rates: tuple[BurnRate, ...],
    recorded: _Recorded,
    alerts: tuple[Alert, ...],
    records: tuple[Record, ...],
) -> Signal:
    shown = sorted({_BASE, *(rate.long_window for rate in rates)})[:3]
    lines = tuple(
        Line(recorded.ratio(window), _legend(slo, f"over {window}"), live=False) for window in shown
    )
    return Signal(
        name=f"slo-{slo.name}",
        group="slo",
        title=f"{slo.title}: error ratio",
        description=slo.description or _what_is_allowed(slo),
        unit=UNITS["ratio"],
        query=recorded.ratio(_HOUR),
        panel=Panel(f"slo-{slo.name}", f"{slo.title}: error ratio", "", lines=lines),
        alerts=alerts,
        records=records,
    )


def _what_is_allowed(slo: EventSlo) -> str:
    allowed = UNITS["ratio"].words(1 - slo.objective.value)
    period = slo.window.in_words
    return (
        f"The share of bad events. The objective of {slo.objective} over {period} allows {allowed}."
    )


def _budget_signal(slo: EventSlo, recorded: _Recorded) -> Signal:
    left = recorded.series("slo:error_budget_remaining:ratio")
    title = f"{slo.title}: error budget left"
    return Signal(
        name=f"slo-{slo.name}-budget",
        group="slo",
        title=title,
        description=(
            f"What is left of the {slo.window.in_words} error budget; below zero the objective is"
            " missed."
        ),
        unit=UNITS["ratio"],
        query=left,
        panel=Panel(
            f"slo-{slo.name}-budget",
            title,
            "",
            lines=(Line(left, _legend(slo, "budget left"), live=False),),
        ),
    )
