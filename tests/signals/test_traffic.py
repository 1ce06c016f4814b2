"""Claims about TrafficGone: silence is told however it comes about, and only where there was
something to hear."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.signals.scenario import (
    Phase,
    absent,
    counter,
    firing,
    judge,
    never_fired,
    open_hours,
    runs,
)
from tests.specs import derived

_DAY = 24 * 60
# With what lies around the hour of a week ago.
_WEEK = 7 * _DAY + 2 * 60
_SPEC = "service: shop\nteam: web\nconvention: prometheus-http\nmatch: {job: shop}\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    "silence",
    [
        pytest.param(runs(60, 0), id="its counter stands still"),
        pytest.param(
            absent(60),
            id="it has no series: a deploy that nothing reaches, or a metric that was renamed",
        ),
    ],
)
def test_silence_where_a_week_ago_was_traffic_is_a_ticket(
    promtool: Path, tmp_path: Path, silence: Phase
) -> None:
    model = derived(tmp_path, _SPEC)
    requests = counter('http_requests_total{job="shop",code="200"}', runs(_WEEK, 10), silence)

    judge(
        promtool,
        tmp_path,
        model,
        [requests],
        [firing(_WEEK), firing(_WEEK + 50, "TrafficGone/ticket")],
        evaluate_every="5m",
    )


@pytest.mark.slow
@pytest.mark.parametrize("last_week", [runs(_WEEK, 0), absent(_WEEK), runs(_WEEK, 2)])
def test_silence_is_no_news_where_a_week_ago_was_little(
    promtool: Path, tmp_path: Path, last_week: Phase
) -> None:
    """Two requests a minute are sixty in half an hour."""
    model = derived(tmp_path, _SPEC)
    requests = counter('http_requests_total{job="shop",code="200"}', last_week, runs(60, 0))

    judge(promtool, tmp_path, model, [requests], [never_fired(_WEEK + 60)], evaluate_every="5m")


@pytest.mark.slow
def test_without_an_instance_it_is_absence_that_tells(promtool: Path, tmp_path: Path) -> None:
    model = derived(tmp_path, _SPEC)
    requests = counter('http_requests_total{job="shop",code="200"}', runs(_WEEK, 10), absent(60))

    judge(
        promtool,
        tmp_path,
        model,
        [requests],
        [firing(_WEEK + 50, "TargetsAbsent/page")],
        evaluate_every="5m",
        target='up{job="another"}',
    )


# Open from 8 to 20 o'clock at two hours before UTC in summer, and at one in winter.
_SUMMER, _WINTER = (6, 18), (7, 19)
_CHANGES = [
    pytest.param(_SUMMER, _WINTER, id="clocks go back"),
    pytest.param(_WINTER, _SUMMER, id="clocks go forward"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), _CHANGES)
def test_quiet_nights_are_no_news_when_clocks_change(
    promtool: Path, tmp_path: Path, before: tuple[int, int], after: tuple[int, int]
) -> None:
    model = derived(tmp_path, _SPEC)
    days = [*open_hours(8, before, 10), *open_hours(9, after, 10)]
    requests = counter('http_requests_total{job="shop",code="200"}', *days)

    judge(promtool, tmp_path, model, [requests], [never_fired(17 * _DAY)], evaluate_every="5m")


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), _CHANGES)
def test_silence_in_the_middle_of_the_day_after_clocks_change_is_a_ticket(
    promtool: Path, tmp_path: Path, before: tuple[int, int], after: tuple[int, int]
) -> None:
    model = derived(tmp_path, _SPEC)
    opens, _ = after
    morning = [runs(opens * 60, 0), runs(3 * 60, 10), runs(60, 0)]
    requests = counter(
        'http_requests_total{job="shop",code="200"}', *open_hours(8, before, 10), *morning
    )
    silent = 8 * _DAY + (opens + 3) * 60

    judge(
        promtool,
        tmp_path,
        model,
        [requests],
        [firing(silent), firing(silent + 45, "TrafficGone/ticket")],
        evaluate_every="5m",
    )
