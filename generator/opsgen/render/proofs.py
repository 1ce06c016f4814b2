"""Proofs: the service's alerts in, a promtool unit test out in which each of them fires and
resolves.

Every way of failing has its place in a timeline, which is healthy, then failing, then healthy
again. At the end of each phase the complete set of firing alerts is asserted on the `ALERTS`
series: those that the failure explains, no others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

from opsgen.errors import InputError, Mistake
from opsgen.model.artifact import Artifact
from opsgen.model.artifact_kinds import PROOF, RULES
from opsgen.model.service import BurnRate, Service
from opsgen.model.signal import Alert, Derived, Escalated
from opsgen.promql.text import quote
from opsgen.promql.tree import Call, Selector, Subquery, walk
from opsgen.proofs import Condition, Level, Proofs, Scenario, Series, Unprovable, prove
from opsgen.quantities import Duration, number_text
from opsgen.render.rules import rule_groups
from opsgen.render.subjects import OfService
from opsgen.render.yaml_writer import dump, generated_from
from opsgen.signals.steps import STEP_LABEL, escalations

# What promtool spends, measured on 2.42 and 3.16: on every evaluation of a rule, and on every
# sample. A proof is to take less than a second.
_RULE_EVALUATION_MS, _SAMPLE_MS, _MOST_MS = 0.12, 0.0012, 800.0
# Multiples of every sample interval, so that phases begin and end on samples.
_STEPS = tuple(Duration.of(text) for text in ("10m", "20m", "30m", "1h", "2h", "6h", "12h", "1d"))
_SAMPLE_INTERVALS = tuple(
    Duration.of(text) for text in ("2m", "1m", "30s", "15s", "10s", "5s", "2s", "1s")
)
# About as many series are left of a timeline of weeks.
_SERIES_OF_WEEKS = 10
_LOOKBACK = Duration.of(
    "5m"
)  # Prometheus looks so far back for the latest sample of an instant selector
_ALL_FIRING = 'group by (alertname, severity, signal, step) (ALERTS{alertstate="firing"})'


def render_proofs(subject: OfService) -> Iterator[Artifact]:
    """The unit test of one service's rules; raises InputError where the spec's own query can't be
    proven."""
    service, derived = subject.service, subject.derived
    alerts = derived.alerts
    proofs = _proofs(service, derived)
    cases = _cases(service, proofs, alerts)
    _refuse_fading(service, cases)
    groups = list(rule_groups(service, derived))
    interval = _sample_interval(alerts)
    shortest_offset = min(
        (offset for alert in alerts if (offset := _longest_offset(alert))), default=None
    )
    rules = sum(len(group.members) for group in groups)
    timelines, step = _timelines(cases, shortest_offset, rules, len(proofs.healthy), interval)
    document = {
        "rule_files": [RULES.path],
        "evaluation_interval": str(step),
        # Without it promtool takes the groups in random order, and the slow ones read what the
        # others record.
        "group_eval_order": [group.name for group in groups],
        "tests": [_test(timeline, proofs, step, interval) for timeline in timelines],
    }
    yield Artifact(PROOF.path_of(service.name), dump(document, _comment(service)))


def _comment(service: Service) -> tuple[str, ...]:
    return (
        *generated_from(service.spec_file),
        f"Run it with: promtool test rules {PROOF.path}",
    )


def _proofs(service: Service, derived: Derived) -> Proofs:
    conditions = [Condition(alert.key, alert.condition, alert.sparse) for alert in derived.alerts]
    try:
        return prove(conditions, _bounds(service))
    except Unprovable as unprovable:
        signal = next(s for s in derived.signals if any(a.key == unprovable.key for a in s.alerts))
        place = _place(service, signal.name)
        wrong = f"no proof can be made for {unprovable.key.partition('/')[0]}: {unprovable.reason}"
        raise InputError(
            [Mistake(*place, signal.name, wrong, "write the query in a plainer way")]
        ) from None


def _refuse_fading(service: Service, cases: Iterable[_Case]) -> None:
    """An alert that compares with an earlier time, and must hold for longer than that, compares
    with the failure itself before it fires."""
    mistakes = []
    for case in cases:
        if not case.shows(_STEPS[0]):
            alert = min((a for a in case.fires if _longest_offset(a)), key=_longest_offset)
            names = " and ".join(dict.fromkeys(found.name for found in case.fires))
            wrong = (
                f"{alert.name} compares with {_longest_offset(alert)} ago: with the failure itself,"
                f" before {names} "
            )
            wrong += "fires" if len(case.fires) == 1 else "all fire"
            wrong += " and its last step of escalation is told" if case.escalated else ""
            right = "write a shorter for, or compare with longer ago"
            mistakes.append(Mistake(*_place(service, alert.signal), alert.signal, wrong, right))
    if mistakes:
        raise InputError(mistakes)


def _place(service: Service, signal: str) -> tuple[str, int, int]:
    own = {business.name: business.place for business in service.business}
    own |= {f"slo-{slo.name}": slo.place for slo in service.slos}
    place = own.get(signal)
    return (place.file, place.line, place.column) if place else (service.spec_file, 1, 1)


def _bounds(service: Service) -> dict[str, Sequence[Decimal]]:
    histogram = service.convention.latency
    if histogram is None or not histogram.buckets or histogram.base.metric is None:
        return {}
    return {histogram.base.metric: histogram.buckets}


@dataclass(frozen=True)
class _Case:
    """One scenario: what fires while it fails, and later to whom it escalates, how long that takes
    to show and to clear at the least, how far back the baseline lies that its alerts compare with,
    and whether it burns an error budget. `fades` is the time after which the first of its alerts
    compares with the failure itself, and stops firing; None where none does."""

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
    ) -> _Case:
        return cls(
            scenario,
            fires,
            escalated,
            settles=max(_settles(alert) + alert.hold for alert in fires) + _LOOKBACK,
            clears=max(_clears(alert) + alert.keep_firing for alert in fires) + _LOOKBACK,
            looks_back=max(_longest_offset(alert) for alert in fires),
            fades=min(
                (offset for alert in fires if (offset := _longest_offset(alert))), default=None
            ),
            burns=any(alert.burn_rates for alert in fires),
        )

    @property
    def escalates(self) -> Duration:
        """From when its alerts fire until its last step is told."""
        return max((step.after for step in self.escalated), default=Duration(0))

    def failing(self, history: Duration, step: Duration) -> Duration:
        """Whole steps, until the long windows are full of failures in spite of the healthy time
        before, and everybody is told."""
        burning = max(
            (_time_to_burn(alert, history) for alert in self.fires if alert.burn_rates),
            default=Duration(0),
        )
        told = _whole(self.escalates, step) + step if self.escalated else Duration(0)
        shown = max(_whole(self.settles, step) + step * 2, _whole(burning, step) + step) + told
        return (
            shown
            if self.fades is None
            else min(shown, step * (self.fades.milliseconds // step.milliseconds))
        )

    def shows(self, step: Duration) -> bool:
        """Whether all of its alerts fire, and escalate, before the first of them fades, evaluated
        so often."""
        if self.fades is None:
            return True
        longest = max(
            _whole(_settles(alert) + _LOOKBACK, step) + _whole(alert.hold, step)
            for alert in self.fires
        )
        return longest + _whole(self.escalates, step) <= self.fades

    def healing(self, step: Duration) -> Duration:
        return _whole(self.clears, step) + step


def _cases(service: Service, proofs: Proofs, alerts: Sequence[Alert]) -> list[_Case]:
    by_key = {alert.key: alert for alert in alerts}
    found = []
    for scenario in proofs.scenarios:
        fires = tuple(by_key[key] for key in scenario.fires)
        found.append(_Case.of(scenario, fires, escalations(service, fires)))
    return found


Phase = tuple[_Case | None, Duration]


@dataclass(frozen=True)
class _Timeline:
    """A healthy time, and then one case after the other. Each has the time to show, and what failed
    before to clear."""

    cases: tuple[_Case, ...]
    before: Duration

    def phases(self, step: Duration) -> list[Phase]:
        """The phases in their order; those without a case are healthy."""
        phases: list[Phase] = [(None, _whole(self.before, step) + step * 2)]
        clears = Duration(0)
        for case in self.cases:
            phases.append((case, max(case.failing(_total(phases), step), clears)))
            clears = case.healing(step)
        return [*phases, (None, clears)]


def _timelines(
    cases: Sequence[_Case],
    shortest_offset: Duration | None,
    rules: int,
    series: int,
    interval: Duration,
) -> tuple[list[_Timeline], Duration]:
    """The timelines, and the finest evaluation interval with which all together stay within the
    budget of time; where none does, the cheapest one."""
    steps = [
        step for step in _STEPS if step >= interval and all(case.shows(step) for case in cases)
    ]
    choices = [(_in_timelines(cases, shortest_offset, step), step) for step in steps]
    costs = [
        sum(_cost_ms(line, step, interval, rules, series) for line in lines)
        for lines, step in choices
    ]
    affordable = (choice for choice, cost in zip(choices, costs, strict=True) if cost <= _MOST_MS)
    return next(affordable, choices[costs.index(min(costs))])


def _cost_ms(
    timeline: _Timeline, step: Duration, interval: Duration, rules: int, series: int
) -> float:
    length = _total(timeline.phases(step)).milliseconds
    kept = min(series, _SERIES_OF_WEEKS) if timeline.before else series
    evaluations, samples = length / step.milliseconds, length / interval.milliseconds * kept
    return evaluations * rules * _RULE_EVALUATION_MS + samples * _SAMPLE_MS


def _in_timelines(
    cases: Sequence[_Case], shortest_offset: Duration | None, step: Duration
) -> list[_Timeline]:
    """Cases that compare with last week, after a healthy week. Those that burn an error budget each
    by itself, since its long windows would remember an earlier failure. All others one after the
    other, in timelines so short that nothing is compared with an earlier failure."""
    back = [case for case in cases if case.looks_back]
    burning = [case for case in cases if not case.looks_back and case.burns]
    others = [case for case in cases if not case.looks_back and not case.burns]
    lines = [_Timeline((case,), Duration(0)) for case in burning]
    lines += _chained(others, Duration(0), shortest_offset, step)
    for looks_back in sorted({case.looks_back for case in back}):
        lines += _chained(
            [case for case in back if case.looks_back == looks_back],
            looks_back,
            looks_back * 2,
            step,
        )
    return lines


def _chained(
    cases: Sequence[_Case], before: Duration, longest: Duration | None, step: Duration
) -> list[_Timeline]:
    lines: list[_Timeline] = []
    for case in cases:
        grown = _Timeline((*lines[-1].cases, case), before) if lines else None
        if grown is not None and (longest is None or _total(grown.phases(step)) < longest):
            lines[-1] = grown
        else:
            lines.append(_Timeline((case,), before))
    return lines


def _total(phases: Iterable[Phase]) -> Duration:
    return Duration(sum(length.milliseconds for _, length in phases))


def _whole(duration: Duration, step: Duration) -> Duration:
    """Rounded up to whole steps."""
    return step * -(-duration.milliseconds // step.milliseconds)


def _longest_offset(alert: Alert) -> Duration:
    offsets = [
        found.offset_ms for found in walk(alert.expr) if isinstance(found, Selector | Subquery)
    ]
    return Duration(max(0, *offsets, 0))


def _ranges(alert: Alert) -> list[Duration]:
    ranges = [found.range for found in walk(alert.expr) if isinstance(found, Selector | Subquery)]
    return [found for found in ranges if isinstance(found, Duration)]


def _settles(alert: Alert) -> Duration:
    """How long after a change of state the expression says so: its windows are full of the new
    state."""
    if alert.burn_rates:
        return min(rate.short_window for rate in alert.burn_rates) + _LOOKBACK
    return max(_ranges(alert), default=Duration(0))


def _clears(alert: Alert) -> Duration:
    if alert.burn_rates:
        return max(rate.short_window for rate in alert.burn_rates) + _LOOKBACK
    return max(_ranges(alert), default=Duration(0))


def _time_to_burn(alert: Alert, before: Duration) -> Duration:
    """How long a total failure takes to lift the ratio over the long window above the threshold,
    with a margin."""
    pairs = zip(alert.burn_rates, alert.thresholds, strict=True)
    return min(_time_to_exceed(rate, threshold.value, before) for rate, threshold in pairs)


def _time_to_exceed(rate: BurnRate, threshold: Decimal, before: Duration) -> Duration:
    history = min(before.seconds, rate.long_window.seconds)
    shrinking = history * threshold / (1 - threshold)
    sliding = rate.long_window.seconds * threshold
    return (
        Duration.from_seconds(min(shrinking, sliding) * Decimal("1.3"))
        + rate.short_window
        + _LOOKBACK * 2
    )


def _sample_interval(alerts: Iterable[Alert]) -> Duration:
    """Two samples or more in the shortest window of a rate, and one in that of anything else."""
    windows = [window for alert in alerts for window in _sampled_windows(alert)]
    return next(
        (i for i in _SAMPLE_INTERVALS if i <= min(windows, default=_LOOKBACK)),
        _SAMPLE_INTERVALS[-1],
    )


def _sampled_windows(alert: Alert) -> Iterator[Duration]:
    """Windows that must hold a sample: of rates half their range, since a rate needs two."""
    for node in (*walk(alert.expr), *walk(alert.condition)):
        if isinstance(node, Call):
            for argument in node.args:
                if isinstance(argument, Selector) and isinstance(argument.range, Duration):
                    yield (
                        argument.range
                        if node.function.endswith("_over_time")
                        else argument.range // 2
                    )
    yield from (rate.short_window // 2 for rate in alert.burn_rates)


def _test(
    timeline: _Timeline, proofs: Proofs, step: Duration, interval: Duration
) -> dict[str, Any]:
    phases = timeline.phases(step)
    states = [(case.scenario.state if case else proofs.healthy, length) for case, length in phases]
    names = dict.fromkeys(alert.name for case in timeline.cases for alert in case.fires)
    assertions, time = [_assertion(step, ())], Duration(0)
    for case, length in phases:
        time += length
        assertions.append(_assertion(time, (*case.fires, *case.escalated) if case else ()))
    return {
        "name": f"one after the other fires and resolves, and nothing else: {', '.join(names)}",
        "interval": str(interval),
        "input_series": [
            _input(found, [(state.get(found), length) for state, length in states], interval)
            for found in _series_of(timeline, proofs)
        ],
        "promql_expr_test": assertions,
    }


def _series_of(timeline: _Timeline, proofs: Proofs) -> list[Series]:
    """The series of a timeline: all, but of one that lasts for weeks only those that matter to its
    alerts, since each costs thousands of samples."""
    found: set[Series] = set()
    for case in timeline.cases:
        found.update(*(case.scenario.least or (proofs.healthy, case.scenario.state)))
    return sorted(found, key=lambda series: (series.metric, series.labels))


def _assertion(time: Duration, fires: Iterable[Alert | Escalated]) -> dict[str, Any]:
    samples = [{"labels": _firing_labels(found), "value": 1} for found in fires]
    return {"expr": _ALL_FIRING, "eval_time": str(time), "exp_samples": samples}


def _firing_labels(found: Alert | Escalated) -> str:
    alert = found.alert if isinstance(found, Escalated) else found
    labels = {"alertname": alert.name, "severity": alert.severity, "signal": alert.signal}
    if isinstance(found, Escalated):
        labels[STEP_LABEL] = str(found.step)
    return f"{{{', '.join(f'{label}={quote(value)}' for label, value in labels.items())}}}"


def _input(
    series: Series, phases: Sequence[tuple[Level | None, Duration]], interval: Duration
) -> dict[str, str]:
    labels = ",".join(f"{label}={quote(value)}" for label, value in series.labels)
    counts = [
        (level, length.milliseconds // interval.milliseconds) for level, length in _merged(phases)
    ]
    return {"series": f"{series.metric}{{{labels}}}", "values": " ".join(_values(counts, interval))}


def _merged(
    phases: Iterable[tuple[Level | None, Duration]],
) -> Iterator[tuple[Level | None, Duration]]:
    """Neighbouring phases of one level as one."""
    for level, same in groupby(phases, key=lambda phase: phase[0]):
        yield level, Duration(sum(length.milliseconds for _, length in same))


def _values(phases: Iterable[tuple[Level | None, int]], interval: Duration) -> Iterator[str]:
    """promtool's expanding notation. The first phase has one sample more, the one at time zero."""
    value = Decimal(0)
    for index, (level, samples) in enumerate(phases):
        count = samples + (1 if index == 0 else 0)
        if level is None:
            yield f"_x{count}"
        elif level.counter:
            slope = level.value * interval.seconds
            start = value if index == 0 else value + slope
            sign = "" if slope < 0 else "+"
            yield f"{number_text(start)}{sign}{number_text(slope)}x{count - 1}"
            value = start + slope * (count - 1)
        else:
            yield f"{number_text(level.value)}x{count - 1}"
