"""The error budget is that of its whole period, however much of it Prometheus has seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.signals.scenario import absent, counter, judge, near, runs
from tests.specs import derived

HOUR, DAY = 60, 24 * 60
OK = 'http_requests_total{job="shop",code="200"}'
FAILED = 'http_requests_total{job="shop",code="500"}'
SPENT = "1 - slo:error_budget_remaining:ratio"
SPEC = """\
service: shop
convention: prometheus-http
match: {job: shop}
slos: [{availability: 99.9%}]
"""


@pytest.mark.slow
def test_two_bad_days_spend_two_thirtieths_of_what_a_bad_month_would(
    promtool: Path, tmp_path: Path
) -> None:
    # 2.08 times the sustainable rate: -108 % after a month, and 86 % after two days.
    bad = 2.08
    series = [counter(OK, runs(2 * DAY, 1000 - bad)), counter(FAILED, runs(2 * DAY, bad))]

    judge(
        promtool,
        tmp_path,
        derived(tmp_path, SPEC),
        series,
        [near(SPENT, 2 * DAY, 2.08 * 2 / 30), near("slo:error_ratio:rate30d", 2 * DAY, 0.00208)],
        evaluate_every="5m",
    )


def test_an_outage_in_the_first_hours_spends_what_it_takes_of_the_period(
    promtool: Path, tmp_path: Path
) -> None:
    spec = SPEC.replace("99.9%", "99%, window: 7d")
    series = [
        counter(OK, runs(2 * HOUR, 100), runs(30, 0), runs(90, 100)),
        counter(FAILED, runs(2 * HOUR, 0), runs(30, 100), runs(90, 0)),
    ]

    # Half an hour of 168, at a budget of 1 %.
    judge(
        promtool,
        tmp_path,
        derived(tmp_path, spec),
        series,
        [near(SPENT, 4 * HOUR, 0.5 / 1.68, share=0.05)],
    )


@pytest.mark.slow
def test_a_pause_of_prometheus_makes_no_history_shorter(promtool: Path, tmp_path: Path) -> None:
    spec = SPEC.replace("99.9%", "99%, window: 1d")
    phases = (4 * HOUR, 8 * HOUR, 8 * HOUR)
    ok, failed = (
        [runs(phases[0], pace), absent(phases[1]), runs(phases[2], pace)] for pace in (199, 1)
    )

    judge(
        promtool,
        tmp_path,
        derived(tmp_path, spec),
        [counter(OK, *ok), counter(FAILED, *failed)],
        [near(SPENT, sum(phases), 0.5 * 20 / 24, share=0.03)],
        evaluate_every="5m",
    )


@pytest.mark.slow
def test_a_whole_period_of_history_is_taken_as_it_is(promtool: Path, tmp_path: Path) -> None:
    spec = SPEC.replace("99.9%", "99%, window: 1d")
    series = [counter(OK, runs(2 * DAY, 199)), counter(FAILED, runs(2 * DAY, 1))]

    judge(
        promtool,
        tmp_path,
        derived(tmp_path, spec),
        series,
        [near(SPENT, minute, 0.5) for minute in (DAY + 30, DAY + 9 * HOUR, 2 * DAY)],
        evaluate_every="5m",
    )
