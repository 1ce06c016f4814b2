"""Failing states and their alerts go in; the timelines of a promtool unit test come out.

A timeline is healthy, then fails in one way after another, then heals. A phase lasts as long as its
alerts need to fire or to resolve, and no longer: promtool is to take less than a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from opsgen.model.service import BurnRate
from opsgen.model.signal import Alert, Escalated
from opsgen.promql.tree import Call, Selector, Subquery, walk
from opsgen.proofs import Scenario
from opsgen.quantities import Duration

# What promtool spends, measured on 2.42 and 3.16: on every evaluation of a rule, and on every
# sample. A proof is to take less than a second.
_RULE_EVALUATION_MS, _SAMPLE_MS, _MOST_MS = 0.12, 0.0012, 800.0
# Multiples of every sample interval, so that phases begin and end on samples. Longer than the ten
# minutes for which the steps of an escalation remember their alert (opsgen.signals.steps): so none
# of them fires here.
STEPS = tuple(Duration.of(text) for text in ("12m", "20m", "30m", "1h", "2h", "6h", "12h", "1d"))
_SAMPLE_INTERVALS = tuple(
    Duration.of(text) for text in ("2m", "1m", "30s", "15s", "10s", "5s", "2s", "1s")
)
# About as many series are left of a timeline of weeks.
_SERIES_OF_WEEKS = 10
# Prometheus looks so far back for the latest sample of an instant selector.
_LOOKBACK = Duration.of("5m")
_NO_TIME = Duration(0)
# What a total failure is given beyond the time that it takes to cross a threshold.
_MARGIN = Decimal("1.3")


@dataclass(frozen=True)
class FailingCase:
    """One failing state: which alerts fire in it, and to whom they would escalate.

    `settles` and `clears` are the shortest times in which the alerts fire and resolve. `looks_back`
    is how far back the baseline lies that they compare with. After `fades` the first of them
    compares with the failure itself and stops firing; None where none does. `burns`: an alert is on
    an error budget.
    """

    scenario: Scenario
    fires: tuple[Alert, ...]
    escalated: tuple[Escalated, ...]
    settles: Duration
    clears: Duration
    looks_back: Duration
    fades: Duration | None
    burns: bool

    @classmethod
    def of(
        cls, scenario: Scenario, fires: tuple[Alert, ...], escalated: tuple[Escalated, ...]
    ) -> FailingCase:
        nearest = [shortest_offset(alert) for alert in fires]
        return cls(
            scenario,
            fires,
            escalated,
            settles=max(_settles(alert) + alert.hold for alert in fires) + _LOOKBACK,
            clears=max(_clears(alert) + alert.keep_firing for alert in fires) + _LOOKBACK,
            looks_back=max(_longest_offset(alert) for alert in fires),
            fades=min((offset for offset in nearest if offset), default=None),
            burns=any(alert.burn_rates for alert in fires),
        )

    @property
    def escalates(self) -> Duration:
        """The time from the first firing alert until the last step is told."""
        return max((step.after for step in self.escalated), default=_NO_TIME)

    def failing(self, history: Duration, step: Duration) -> Duration:
        """How long the case fails, in whole steps.

        It lasts until its alerts fire, although the long windows still hold the healthy time before
        (`history`), and until everybody is told. It ends before one of its alerts fades.
        """
        settled = _whole(self.settles, step) + step * 2
        burnt = _whole(self._time_to_burn(history), step) + step
        told = _whole(self.escalates, step) + step if self.escalated else _NO_TIME
        shown = max(settled, burnt) + told
        if self.fades is None:
            return shown
        before_fading = step * (self.fades.milliseconds // step.milliseconds)
        return min(shown, before_fading)

    def _time_to_burn(self, history: Duration) -> Duration:
        burning = [alert for alert in self.fires if alert.burn_rates]
        return max((_time_to_burn(alert, history) for alert in burning), default=_NO_TIME)

    def shows(self, step: Duration) -> bool:
        """Whether all of its alerts fire and escalate before the first one fades, if rules are
        evaluated every `step`."""
        if self.fades is None:
            return True
        longest = max(_whole_to_fire(alert, step) for alert in self.fires)
        return longest + _whole(self.escalates, step) <= self.fades

    def healing(self, step: Duration) -> Duration:
        return _whole(self.clears, step) + step


# What fails, None for a healthy time, and for how long.
Phase = tuple[FailingCase | None, Duration]


@dataclass(frozen=True)
class Timeline:
    """A healthy time, then one case after the other. Each case lasts until its alerts have fired
    and those of the case before have resolved."""

    cases: tuple[FailingCase, ...]
    before: Duration

    def phases(self, step: Duration) -> list[Phase]:
        """The phases in their order; those without a case are healthy."""
        phases: list[Phase] = [(None, _whole(self.before, step) + step * 2)]
        clears = _NO_TIME
        for case in self.cases:
            failing = case.failing(_total(phases), step)
            phases.append((case, max(failing, clears)))
            clears = case.healing(step)
        return [*phases, (None, clears)]


def timelines(
    cases: Sequence[FailingCase],
    shortest_offset: Duration | None,
    rules: int,
    series: int,
    interval: Duration,
) -> tuple[list[Timeline], Duration]:
    """The timelines, and the finest evaluation interval with which all of them together stay within
    the budget of time; the cheapest where none does."""
    choices: list[tuple[list[Timeline], Duration]] = []
    costs: list[float] = []
    for step in STEPS:
        if step >= interval and all(case.shows(step) for case in cases):
            lines = _in_timelines(cases, shortest_offset, step)
            cost = sum(_cost_ms(line, step, interval, rules, series) for line in lines)
            if cost <= _MOST_MS:
                return lines, step
            choices.append((lines, step))
            costs.append(cost)
    return choices[costs.index(min(costs))]


def sample_interval(alerts: Iterable[Alert]) -> Duration:
    """An interval with at least two samples in the shortest window of a rate, and one in any other
    window."""
    windows = (window for alert in alerts for window in _sampled_windows(alert))
    shortest = min(windows, default=_LOOKBACK)
    fitting = (interval for interval in _SAMPLE_INTERVALS if interval <= shortest)
    return next(fitting, _SAMPLE_INTERVALS[-1])


def _longest_offset(alert: Alert) -> Duration:
    return max(_offsets(alert), default=_NO_TIME)


def shortest_offset(alert: Alert) -> Duration:
    """The nearest of the earlier times that the alert compares with; 0 where there is none."""
    return min(_offsets(alert), default=_NO_TIME)


def _offsets(alert: Alert) -> list[Duration]:
    offsets = (part.offset_ms for part in _ranges_and_selectors(alert))
    return [Duration(offset) for offset in offsets if offset > 0]


def _cost_ms(
    timeline: Timeline, step: Duration, interval: Duration, rules: int, series: int
) -> float:
    length = _total(timeline.phases(step)).milliseconds
    kept = min(series, _SERIES_OF_WEEKS) if timeline.before else series
    evaluations = length / step.milliseconds
    samples = length / interval.milliseconds * kept
    return evaluations * rules * _RULE_EVALUATION_MS + samples * _SAMPLE_MS


def _in_timelines(
    cases: Sequence[FailingCase], shortest_offset: Duration | None, step: Duration
) -> list[Timeline]:
    """The cases, divided into as few timelines as possible.

    A case that burns an error budget has a timeline of its own, since its long windows would
    remember an earlier failure. A case that compares with last week comes after a healthy week. The
    others follow one another, in timelines so short that nothing is compared with an earlier
    failure.
    """
    present = [case for case in cases if not case.looks_back]
    lines = [Timeline((case,), _NO_TIME) for case in present if case.burns]
    others = [case for case in present if not case.burns]
    lines += _chained(others, _NO_TIME, shortest_offset, step)
    for back in sorted({case.looks_back for case in cases if case.looks_back}):
        alike = [case for case in cases if case.looks_back == back]
        lines += _chained(alike, back, back * 2, step)
    return lines


def _chained(
    cases: Sequence[FailingCase], before: Duration, longest: Duration | None, step: Duration
) -> list[Timeline]:
    """The cases one after the other, in timelines shorter than `longest`."""
    lines: list[Timeline] = []
    for case in cases:
        if lines:
            grown = Timeline((*lines[-1].cases, case), before)
            if longest is None or _total(grown.phases(step)) < longest:
                lines[-1] = grown
                continue
        lines.append(Timeline((case,), before))
    return lines


def _total(phases: Iterable[Phase]) -> Duration:
    return Duration(sum(length.milliseconds for _, length in phases))


def _whole(duration: Duration, step: Duration) -> Duration:
    """The duration, rounded up to whole steps."""
    return step * -(-duration.milliseconds // step.milliseconds)


def _whole_to_fire(alert: Alert, step: Duration) -> Duration:
    return _whole(_settles(alert) + _LOOKBACK, step) + _whole(alert.hold, step)


def _ranges_and_selectors(alert: Alert) -> Iterator[Selector | Subquery]:
    return (part for part in walk(alert.expr) if isinstance(part, Selector | Subquery))


def _longest_range(alert: Alert) -> Duration:
    ranges = (part.range for part in _ranges_and_selectors(alert))
    return max((found for found in ranges if isinstance(found, Duration)), default=_NO_TIME)


def _settles(alert: Alert) -> Duration:
    """How long the expression takes to show a change of state: until its windows hold only the new
    state."""
    if alert.burn_rates:
        return min(rate.short_window for rate in alert.burn_rates) + _LOOKBACK
    return _longest_range(alert)


def _clears(alert: Alert) -> Duration:
    if alert.burn_rates:
        return max(rate.short_window for rate in alert.burn_rates) + _LOOKBACK
    return _longest_range(alert)


def _time_to_burn(alert: Alert, before: Duration) -> Duration:
    """How long a total failure takes to lift the ratio over the long window above the threshold,
    with a margin."""
    pairs = zip(alert.burn_rates, alert.thresholds, strict=True)
    return min(_time_to_exceed(rate, threshold.value, before) for rate, threshold in pairs)


def _time_to_exceed(rate: BurnRate, threshold: Decimal, before: Duration) -> Duration:
    history = min(before.seconds, rate.long_window.seconds)
    # A window that is not full yet shrinks the share of failures by what came before; a full one
    # slides over them.
    shrinking = history * threshold / (1 - threshold)
    sliding = rate.long_window.seconds * threshold
    failing = Duration.from_seconds(min(shrinking, sliding) * _MARGIN)
    return failing + rate.short_window + _LOOKBACK * 2


def _sampled_windows(alert: Alert) -> Iterator[Duration]:
    """Windows that must hold a sample: half the range of a rate, since a rate needs two samples."""
    for part in (*walk(alert.expr), *walk(alert.condition)):
        if isinstance(part, Call):
            yield from _windows_of_call(part)
    yield from (rate.short_window // 2 for rate in alert.burn_rates)


def _windows_of_call(call: Call) -> Iterator[Duration]:
    needs_one_sample = call.function.endswith("_over_time")
    for argument in call.args:
        if isinstance(argument, Selector) and isinstance(argument.range, Duration):
            yield argument.range if needs_one_sample else argument.range // 2
