"""A service and its alerts go in; `rules.test.yaml` comes out, a promtool unit test in which each
alert fires and resolves.

Every way of failing has its place in a timeline: healthy, then failing, then healthy again. At the
end of each phase the test asserts the complete set of firing alerts: those that the failure
explains, and no others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

from opsgen.errors import InputError, Mistake
from opsgen.model.artifact import Artifact
from opsgen.model.artifact_kinds import PROOF, RULES
from opsgen.model.service import Service
from opsgen.model.signal import Alert, Derived, Escalated
from opsgen.promql.text import quote, series_text
from opsgen.proofs import Condition, Proofs, Series, SeriesLevel, Unprovable, prove
from opsgen.quantities import Duration, number_text
from opsgen.render.rules import rule_groups
from opsgen.render.subjects import OfService
from opsgen.render.timelines import (
    STEPS,
    FailingCase,
    Timeline,
    sample_interval,
    shortest_offset,
    timelines,
)
from opsgen.render.yaml_writer import dump, generated_from
from opsgen.signals.steps import STEP_LABEL, escalations

_ALL_FIRING = 'group by (alertname, severity, signal, step) (ALERTS{alertstate="firing"})'
_HOW_TO_RUN = f"Run it with: promtool test rules {PROOF.path}"
# How a series behaves in a phase, None where it is absent.
_Stretch = tuple[SeriesLevel | None, Duration]


def render_proofs(subject: OfService) -> Iterator[Artifact]:
    """The unit test of one service's rules; raises InputError where the spec's own query can't be
    proven."""
    service, derived = subject.service, subject.derived
    proofs = _proofs(service, derived)
    cases = _cases(service, proofs, derived.alerts)
    _refuse_fading(service, cases)
    groups = list(rule_groups(service, derived))
    interval = sample_interval(derived.alerts)
    rules = sum(len(group.members) for group in groups)
    lines, step = timelines(
        cases,
        _shortest_offset(derived.alerts),
        rules,
        len(proofs.healthy),
        interval,
    )
    document = {
        "rule_files": [RULES.path],
        "evaluation_interval": str(step),
        # Without it promtool takes the groups in random order, and the slow ones read what the
        # others record.
        "group_eval_order": [group.name for group in groups],
        "tests": [_test(line, proofs, step, interval) for line in lines],
    }
    comment = (*generated_from(service.spec_file), _HOW_TO_RUN)
    yield Artifact(PROOF.path_of(service.name), dump(document, comment))


def _shortest_offset(alerts: Iterable[Alert]) -> Duration | None:
    """How far back the nearest baseline lies; None where no alert compares with the past."""
    offsets = (shortest_offset(alert) for alert in alerts)
    return min((offset for offset in offsets if offset), default=None)


def _proofs(service: Service, derived: Derived) -> Proofs:
    conditions = [Condition(alert.key, alert.condition, alert.sparse) for alert in derived.alerts]
    try:
        return prove(conditions, _bounds(service), service.platform.pushed)
    except Unprovable as unprovable:
        alert = next(alert for alert in derived.alerts if alert.key == unprovable.key)
        wrong = f"no proof can be made for {alert.name}: {unprovable.reason}"
        mistake = _mistake(service, alert.signal, wrong, "write the query in a simpler way")
        raise InputError([mistake]) from None


def _refuse_fading(service: Service, cases: Iterable[FailingCase]) -> None:
    """Refuses an alert that compares with an earlier time and must hold for longer than that time
    lies back: it would compare with the failure itself before it fires."""
    mistakes = [_fading(service, case) for case in cases if not case.shows(STEPS[0])]
    if mistakes:
        raise InputError(mistakes)


def _fading(service: Service, case: FailingCase) -> Mistake:
    alert = min((alert for alert in case.fires if shortest_offset(alert)), key=shortest_offset)
    names = " and ".join(dict.fromkeys(found.name for found in case.fires))
    fire = "fires" if len(case.fires) == 1 else "all fire"
    told = " and its last step of escalation is told" if case.escalated else ""
    wrong = (
        f"{alert.name} compares with {shortest_offset(alert)} ago:"
        f" with the failure itself, before {names} {fire}{told}"
    )
    return _mistake(service, alert.signal, wrong, "write a shorter for, or compare with longer ago")


def _mistake(service: Service, signal: str, wrong: str, right: str) -> Mistake:
    """A mistake at the place in the spec that asks for the signal."""
    own = {business.name: business.place for business in service.business}
    own |= {f"slo-{slo.name}": slo.place for slo in service.slos}
    place = own.get(signal)
    if place is None:
        return Mistake(service.spec_file, 1, 1, signal, wrong, right)
    return Mistake(place.file, place.line, place.column, signal, wrong, right)


def _bounds(service: Service) -> dict[str, Sequence[Decimal]]:
    histogram = service.convention.latency
    if histogram is None or not histogram.buckets or histogram.base.metric is None:
        return {}
    return {histogram.base.metric: histogram.buckets}


def _cases(service: Service, proofs: Proofs, alerts: Sequence[Alert]) -> list[FailingCase]:
    by_key = {alert.key: alert for alert in alerts}
    found = []
    for scenario in proofs.scenarios:
        fires = tuple(by_key[key] for key in scenario.fires)
        found.append(FailingCase.of(scenario, fires, escalations(service, fires)))
    return found


def _test(timeline: Timeline, proofs: Proofs, step: Duration, interval: Duration) -> dict[str, Any]:
    phases = timeline.phases(step)
    states = [(case.scenario.state if case else proofs.healthy, length) for case, length in phases]
    names = dict.fromkeys(alert.name for case in timeline.cases for alert in case.fires)
    inputs = []
    for series in _series_of(timeline, proofs):
        stretches = [(state.get(series), length) for state, length in states]
        inputs.append(_input(series, stretches, interval))
    return {
        "name": f"one after the other fires and resolves, and nothing else: {', '.join(names)}",
        "interval": str(interval),
        "input_series": inputs,
        "promql_expr_test": list(_assertions(timeline, step)),
    }


def _assertions(timeline: Timeline, step: Duration) -> Iterator[dict[str, Any]]:
    """The alerts that fire at the end of each phase."""
    yield _assertion(step, ())
    time = Duration(0)
    for case, length in timeline.phases(step):
        time += length
        yield _assertion(time, case.fires if case else ())


def _series_of(timeline: Timeline, proofs: Proofs) -> list[Series]:
    """The series of a timeline. One that lasts for weeks has only those that matter to its alerts,
    since each costs thousands of samples."""
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
    pairs = ", ".join(f"{label}={quote(value)}" for label, value in labels.items())
    return f"{{{pairs}}}"


def _input(series: Series, stretches: Sequence[_Stretch], interval: Duration) -> dict[str, str]:
    values = " ".join(_values(_counted(stretches, interval), interval))
    return {"series": series_text(series.metric, series.labels), "values": values}


def _counted(
    stretches: Iterable[_Stretch], interval: Duration
) -> Iterator[tuple[SeriesLevel | None, int]]:
    """Joins neighbouring stretches of one level; gives their numbers of samples."""
    for level, same in groupby(stretches, key=lambda stretch: stretch[0]):
        length = sum(length.milliseconds for _, length in same)
        yield level, length // interval.milliseconds


def _values(
    stretches: Iterable[tuple[SeriesLevel | None, int]], interval: Duration
) -> Iterator[str]:
    """The values in promtool's expanding notation. The first stretch has one sample more, at time
    zero."""
    value = Decimal(0)
    for index, (level, samples) in enumerate(stretches):
        count = samples + (1 if index == 0 else 0)
        if level is None:
            yield f"_x{count}"
        elif level.counter:
            slope = level.value * interval.seconds
            start = value if index == 0 else value + slope
            yield _growing(start, slope, count)
            value = start + slope * (count - 1)
        else:
            yield f"{number_text(level.value)}x{count - 1}"


def _growing(start: Decimal, slope: Decimal, count: int) -> str:
    sign = "" if slope < 0 else "+"
    return f"{number_text(start)}{sign}{number_text(slope)}x{count - 1}"
