"""What a service with little traffic is told, request by request: every outage that has enough
failures for a person to be called, and nothing for a failure now and then."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path

import pytest

from tests.signals.scenario import judge, never_fired, sample
from tests.specs import derived

HOUR, DAY = 60, 24 * 60
OK = 'http_requests_total{job="shop",code="200"}'
FAILED = 'http_requests_total{job="shop",code="500"}'
PAGE = 'ALERTS{alertname="ErrorBudgetBurn",alertstate="firing",severity="page"}'
TICKET = 'ALERTS{alertname="ErrorBudgetBurn",alertstate="firing",severity="ticket"}'
SPEC = """\
service: shop
convention: prometheus-http
match: {job: shop}
slos:
  - {availability: OBJECTIVE}
"""


def of(objective: str, more: str = "") -> str:
    return SPEC.replace("OBJECTIVE", objective + more)


def counted(series: str, minutes: Iterable[int]) -> dict[str, str]:
    """A counter with so many events in each minute, from 0."""
    values = accumulate(minutes, initial=0)
    return {"series": series, "values": " ".join(map(str, values))}


def regular(minutes: int, every: int) -> list[int]:
    """One event every so many minutes."""
    return [int(minute % every == every - 1) for minute in range(minutes)]


def by_chance(minutes: int, an_hour: float, seed: int) -> Iterator[int]:
    """Independent arrivals, so many an hour on average."""
    arrivals = random.Random(seed)
    for _ in range(minutes):
        count, waited = 0, arrivals.expovariate(an_hour / HOUR)
        while waited < 1:
            count, waited = count + 1, waited + arrivals.expovariate(an_hour / HOUR)
        yield count


@pytest.mark.parametrize(
    ("objective", "every", "paged_after"),
    [("99.999%", 1, 9), ("99.9%", 3, 18), ("99.99%", 6, 33), ("99.95%", 12, 63), ("99%", 60, 303)],
)
def test_a_total_outage_pages_soon_after_its_fifth_failure(
    promtool: Path, tmp_path: Path, objective: str, every: int, paged_after: int
) -> None:
    before = 2 * HOUR
    requests = regular(before + 6 * HOUR, every)
    series = [
        counted(OK, [*requests[:before], *[0] * (6 * HOUR)]),
        counted(FAILED, [*[0] * before, *requests[before:]]),
    ]

    judge(
        promtool,
        tmp_path,
        derived(tmp_path, of(objective)),
        series,
        [
            never_fired(before + 4 * every - 1),
            sample(f"count({PAGE})", before + paged_after, 1),
        ],
    )


@pytest.mark.parametrize("an_hour", [0.5, 3])
def test_a_total_outage_of_two_days_is_one_page_or_one_ticket_however_requests_arrive(
    promtool: Path, tmp_path: Path, an_hour: float
) -> None:
    alert, severity = (PAGE, "page") if an_hour > 1 else (TICKET, "ticket")
    failures = list(by_chance(2 * DAY, an_hour, seed=11))
    series = [counted(OK, [0] * (2 * DAY)), counted(FAILED, failures)]
    began = f"min_over_time(timestamp({alert})[2d:2m])"
    lasted = f"(2 * 86400 - {began}) / 120 + 1"

    judge(
        promtool,
        tmp_path,
        derived(tmp_path, of("99.9%")),
        series,
        [
            sample(f"count({alert}) by (severity)", 2 * DAY, 1, severity=severity),
            # It fires at every evaluation since the first.
            sample(
                f"sum(count_over_time({alert}[2d])) == bool sum({lasted})",
                2 * DAY,
                1,
            ),
        ],
        evaluate_every="2m",
    )


@pytest.mark.parametrize("an_hour", [50])
def test_a_sustainable_share_of_failures_pages_nobody(
    promtool: Path, tmp_path: Path, an_hour: float
) -> None:
    minutes = 3 * DAY
    series = [
        counted(OK, by_chance(minutes, an_hour, seed=3)),
        counted(FAILED, by_chance(minutes, an_hour * 0.001, seed=4)),
    ]

    judge(
        promtool,
        tmp_path,
        derived(tmp_path, of("99.9%")),
        series,
        [never_fired(minutes, 'severity="page"')],
        evaluate_every="2m",
    )


def test_four_failures_page_nobody_and_the_number_is_a_setting(
    promtool: Path, tmp_path: Path
) -> None:
    requests = regular(2 * HOUR, 2)
    series = [
        counted(OK, [*requests, *[0] * 10, *requests]),
        counted(FAILED, [*[0] * (2 * HOUR), *[0, 1] * 4, *[0] * (2 * HOUR + 2)]),
    ]

    judge(
        promtool,
        tmp_path,
        derived(tmp_path, of("99.9%")),
        series,
        [never_fired(3 * HOUR, 'severity="page"')],
    )
    judge(
        promtool,
        tmp_path,
        derived(tmp_path, of("99.9%", ", min_bad_events: 3")),
        series,
        [sample(f"count({PAGE})", 2 * HOUR + 10, 1)],
    )
    judge(
        promtool,
        tmp_path,
        derived(tmp_path, of("99.9%"), "slo: {min_bad_events: 3}\n"),
        series,
        [sample(f"count({PAGE})", 2 * HOUR + 10, 1)],
    )


RATIO = 'ALERTS{alertname="ErrorRatioHigh",alertstate="firing"}'
SLOW = 'ALERTS{alertname="LatencyP99High",alertstate="firing"}'
THRESHOLDS = """\
service: shop
convention: prometheus-http
match: {job: shop}
errors: {above: 2%}
latency: {p99: 500ms}
"""


@pytest.mark.parametrize("an_hour", [2, 40, 200])
def test_an_error_alert_is_one_episode_of_an_outage_at_any_volume(
    promtool: Path, tmp_path: Path, an_hour: float
) -> None:
    minutes = DAY
    failures = list(by_chance(minutes, an_hour, seed=5))
    began = f"min_over_time(timestamp({RATIO})[2d:2m])"

    judge(
        promtool,
        tmp_path,
        derived(tmp_path, THRESHOLDS),
        [counted(OK, [0] * minutes), counted(FAILED, failures)],
        [
            sample(f"count({RATIO})", 8 * HOUR, 1),
            sample(
                f"sum(count_over_time({RATIO}[2d])) == bool sum((86400 - {began}) / 120 + 1)",
                minutes,
                1,
            ),
        ],
        evaluate_every="2m",
    )


@pytest.mark.parametrize(("an_hour", "slow_share", "fires"), [(8, 1, 1), (8, 0.1, 0), (40, 1, 1)])
def test_slow_requests_are_noticed_at_any_volume_and_one_slow_request_is_not(
    promtool: Path, tmp_path: Path, an_hour: float, slow_share: float, fires: int
) -> None:
    requests = list(by_chance(12 * HOUR, an_hour, seed=6))
    chance = random.Random(7)
    fast = [sum(chance.random() >= slow_share for _ in range(count)) for count in requests]
    buckets = {"0.1": fast, "0.5": fast, "1": requests, "+Inf": requests}
    series = [
        counted(f'http_request_duration_seconds_bucket{{job="shop",le="{bound}"}}', counts)
        for bound, counts in buckets.items()
    ]

    judge(
        promtool,
        tmp_path,
        derived(tmp_path, THRESHOLDS),
        [*series, counted('http_request_duration_seconds_count{job="shop"}', requests)],
        [sample(f"count({SLOW}) or vector(0)", 12 * HOUR, fires)],
        evaluate_every="2m",
    )
