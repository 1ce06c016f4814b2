"""What a service's SLO rules do when Prometheus 2 and Prometheus 3 evaluate them: the stories that
other generators get wrong, and those that a person on call relies on."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest

from opsgen.fleet.load import ServiceModel
from tests.signals.scenario import (
    Expectation,
    Group,
    absent,
    counter,
    firing,
    gauge,
    groups_of,
    judge,
    judge_groups,
    near,
    never_fired,
    no_nan,
    nothing,
    restarts,
    runs,
    sample,
)
from tests.specs import derived

HOUR, DAY = 60, 24 * 60
OK = 'http_requests_total{job="shop",code="200"}'
FAILED = 'http_requests_total{job="shop",code="500"}'
BUDGET_LEFT = "slo:error_budget_remaining:ratio"
# What the budget of a day is worked out from.
RATIO_OF_DAY = "slo:error_ratio:rate1d"
PAGE, TICKET = "ErrorBudgetBurn/page", "ErrorBudgetBurn/ticket"

SPEC = """\
service: shop
convention: prometheus-http
match: {job: shop}
slos:
  - {availability: 99.9%}
"""
OF_ONE_DAY = SPEC.replace("99.9%", "99.9%, window: 1d")


def _recorded(name: str, slo: str = "availability", **grouping: str) -> dict[str, str]:
    return {"__name__": name, "service": "shop", "slo": slo, **grouping}


# -- the budget counts events ----------------------------------------------------------------------


def test_a_busy_day_and_a_bad_night_are_weighed_by_their_requests(
    promtool: Path, tmp_path: Path
) -> None:
    day_requests, night_requests, night_failures = 1000 * 43_200, 1 * 43_200, 0.1 * 43_200
    truth = night_failures / (day_requests + night_requests)
    series = [
        counter(OK, runs(12 * HOUR, 60_000), runs(12 * HOUR, 54)),
        counter(FAILED, runs(12 * HOUR, 0), runs(12 * HOUR, 6)),
    ]

    judge(
        promtool,
        tmp_path,
        derived(tmp_path, SPEC),
        series,
        [
            near("slo:error_ratio:rate30d", DAY, truth),
            near(f"1 - {BUDGET_LEFT}", DAY, truth / 0.001 / 30),
            firing(12 * HOUR),
        ],
        evaluate_every="5m",
    )


def test_twenty_idle_minutes_leave_the_budget_as_it_was(promtool: Path, tmp_path: Path) -> None:
    model = derived(tmp_path, OF_ONE_DAY)
    series = [
        counter(OK, runs(60, 999.5), runs(20, 0), runs(60, 999.5)),
        counter(FAILED, runs(60, 0.5), runs(20, 0), runs(60, 0.5)),
    ]

    judge(
        promtool,
        tmp_path,
        model,
        series,
        [
            *(near(RATIO_OF_DAY, minute, 0.0005) for minute in range(30, 140, 10)),
            nothing("slo:error_ratio:rate5m", 75),
            near("slo:error_ratio:rate1h", 75, 0.0005),
            *no_nan(model, 140),
            never_fired(140),
        ],
    )


def test_a_service_that_never_had_a_request_has_no_ratio_and_no_alert(
    promtool: Path, tmp_path: Path
) -> None:
    model = derived(tmp_path, OF_ONE_DAY)
    series = [counter(OK, runs(60, 0)), counter(FAILED, runs(60, 0))]

    judge(
        promtool,
        tmp_path,
        model,
        series,
        [
            nothing(BUDGET_LEFT, 60),
            nothing("slo:error_ratio:rate1h", 60),
            *no_nan(model, 60),
            never_fired(60),
        ],
    )


@pytest.mark.parametrize(
    "failures", [[], [counter(FAILED, runs(90, 0))]], ids=["no-series", "a-series-of-zeros"]
)
def test_without_an_error_so_far_the_ratio_is_zero_and_the_budget_whole(
    promtool: Path, tmp_path: Path, failures: list[dict[str, str]]
) -> None:
    model = derived(tmp_path, OF_ONE_DAY)
    ratios = [f"slo:error_ratio:rate{window}" for window in ("5m", "1h", "1d")]

    judge(
        promtool,
        tmp_path,
        model,
        [counter(OK, runs(90, 60)), *failures],
        [
            *(sample(ratio, 90, 0, **_recorded(ratio)) for ratio in ratios),
            sample(BUDGET_LEFT, 90, 1, **_recorded(BUDGET_LEFT)),
            sample("slo:objective:ratio", 90, 0.999, **_recorded("slo:objective:ratio")),
            never_fired(90),
        ],
    )


def test_restarted_processes_burn_nothing(promtool: Path, tmp_path: Path) -> None:
    model = derived(tmp_path, OF_ONE_DAY)
    series = [
        counter(OK, runs(60, 999.5), restarts(30, 999.5), restarts(60, 999.5)),
        counter(FAILED, runs(60, 0.5), restarts(30, 0.5), restarts(60, 0.5)),
    ]

    judge(
        promtool,
        tmp_path,
        model,
        series,
        [
            *(near(RATIO_OF_DAY, minute, 0.0005) for minute in (58, 62, 66, 90, 92, 96, 150)),
            never_fired(150),
        ],
    )


def test_replaced_instances_burn_nothing(promtool: Path, tmp_path: Path) -> None:
    series = [
        counter(OK.replace("}", ',instance="a"}'), runs(60, 999.5), absent(90)),
        counter(FAILED.replace("}", ',instance="a"}'), runs(60, 0.5), absent(90)),
        counter(OK.replace("}", ',instance="b"}'), absent(58), runs(92, 999.5)),
        counter(FAILED.replace("}", ',instance="b"}'), absent(58), runs(92, 0.5)),
    ]

    judge(
        promtool,
        tmp_path,
        derived(tmp_path, OF_ONE_DAY),
        series,
        [*(near(RATIO_OF_DAY, minute, 0.0005) for minute in (58, 66, 90, 150)), never_fired(150)],
    )


# -- labels ----------------------------------------------------------------------------------------


def _only_while(groups: list[Group], condition: str, name: str) -> list[Group]:
    """The rules as if their file were loaded only while the condition on the time holds."""
    changed = deepcopy(groups)
    for group in changed:
        group["name"] = f"{name}-{group['name']}"
        for rule in group["rules"]:
            rule["expr"] = f"({rule['expr']}) and on () (vector(time()) {condition})"
    return changed


def _records(groups: list[Group]) -> list[tuple[str, str, dict[str, str]]]:
    return [
        (rule["record"], rule["expr"], rule["labels"])
        for g in groups
        for rule in g["rules"]
        if "record" in rule
    ]


def test_another_team_goes_on_with_the_history_of_the_series(
    promtool: Path, tmp_path: Path
) -> None:
    before = groups_of(derived(tmp_path / "before", f"{OF_ONE_DAY}team: payments\ntier: 1\n"))
    after = groups_of(derived(tmp_path / "after", f"{OF_ONE_DAY}team: orders\ntier: 3\n"))
    assert _records(before) == _records(after)
    assert {frozenset(labels) for name, _, labels in _records(after)} == {
        frozenset({"service", "slo"}),
        frozenset({"service"}),
    }
    changed_at = 60

    series = [
        counter(OK.replace("}", ',team="payments"}'), runs(changed_at, 999.5), absent(60)),
        counter(FAILED.replace("}", ',team="payments"}'), runs(changed_at, 0.5), absent(60)),
        counter(OK.replace("}", ',team="orders"}'), absent(changed_at), runs(60, 999.5)),
        counter(FAILED.replace("}", ',team="orders"}'), absent(changed_at), runs(60, 0.5)),
    ]
    names = sorted({name for name, _, _ in _records(after)})
    judge_groups(
        promtool,
        tmp_path,
        [
            *_only_while(before, f"< {changed_at * 60}", "before"),
            *_only_while(after, f"> {changed_at * 60}", "after"),
        ],
        series,
        [
            *(near(RATIO_OF_DAY, minute, 0.0005) for minute in (30, 55, 70, 120)),
            *(sample(f"count(last_over_time({name}[2h]))", 120, 1) for name in names),
            *(
                sample(f"count(count_over_time({name}[2h]) >= 110)", 120, 1)
                for name in ("slo:events:increase5m", BUDGET_LEFT)
            ),
            never_fired(120),
        ],
    )


def test_grouped_series_carry_the_grouping_and_nothing_else(promtool: Path, tmp_path: Path) -> None:
    model = derived(tmp_path, OF_ONE_DAY.replace("window: 1d", "window: 1d, grouping: [region]"))
    series = [
        counter('http_requests_total{job="shop",code="200",region="eu",zone="a"}', runs(90, 60)),
        counter('http_requests_total{job="shop",code="200",region="us",zone="b"}', runs(90, 60)),
    ]

    recorded = {name for name, _, _ in _records(groups_of(model))}
    names = sorted(name for name in recorded if name.startswith("slo:"))
    judge(
        promtool,
        tmp_path,
        model,
        series,
        [
            *(_one_each(name, 90, ("eu", "us")) for name in names),
            *(nothing(f'{name}{{zone!=""}}', 90) for name in names),
            never_fired(90),
        ],
    )


def _one_each(name: str, at: int, regions: tuple[str, ...]) -> Expectation:
    labels = (f'{{region="{region}",service="shop",slo="availability"}}' for region in regions)
    return {
        "expr": f"0 * {name} + 1",
        "eval_time": f"{at}m",
        "exp_samples": [{"labels": written, "value": 1} for written in labels],
    }


def test_only_the_failing_group_fires(promtool: Path, tmp_path: Path) -> None:
    model = derived(tmp_path, SPEC.replace("99.9%", "99.9%, grouping: [region]"))
    series = [
        counter('http_requests_total{job="shop",code="200",region="eu"}', runs(120, 60)),
        counter(
            'http_requests_total{job="shop",code="200",region="us"}', runs(90, 60), runs(30, 0)
        ),
        counter(
            'http_requests_total{job="shop",code="500",region="us"}', runs(90, 0), runs(30, 60)
        ),
    ]

    judge(
        promtool,
        tmp_path,
        model,
        series,
        [
            never_fired(90),
            firing(
                115,
                "ErrorBudgetBurn/page/us",
                "ErrorBudgetBurn/ticket/us",
                "ErrorRatioHigh/ticket/",
                by=("alertname", "severity", "region"),
            ),
        ],
    )


# -- little traffic --------------------------------------------------------------------------------


def test_one_failure_at_a_request_a_minute_is_no_alert(promtool: Path, tmp_path: Path) -> None:
    series = [
        counter(OK, runs(20 * HOUR, 1), runs(1, 0), runs(4 * HOUR - 1, 1)),
        counter(FAILED, runs(20 * HOUR, 0), runs(1, 1), runs(4 * HOUR - 1, 0)),
    ]

    judge(
        promtool, tmp_path, derived(tmp_path, SPEC), series, [never_fired(DAY)], evaluate_every="5m"
    )


@pytest.mark.parametrize("failed_at", [66, 72, 168])
def test_one_failure_soon_after_the_start_of_a_quiet_service_is_no_page(
    promtool: Path, tmp_path: Path, failed_at: int
) -> None:
    series = [
        counter(OK, runs(failed_at - 1, 1), runs(1, 0), runs(60, 1)),
        counter(FAILED, runs(failed_at - 1, 0), runs(1, 1), runs(60, 0)),
    ]

    judge(
        promtool,
        tmp_path,
        derived(tmp_path, SPEC),
        series,
        [never_fired(failed_at + 60, 'severity="page"')],
    )


def test_a_total_failure_at_a_request_a_minute_pages_within_ten_minutes(
    promtool: Path, tmp_path: Path
) -> None:
    series = [
        counter(OK, runs(6 * HOUR, 1), runs(30, 0)),
        counter(FAILED, runs(6 * HOUR, 0), runs(30, 1)),
    ]

    judge(
        promtool,
        tmp_path,
        derived(tmp_path, SPEC),
        series,
        [
            never_fired(6 * HOUR),
            sample('count(ALERTS{alertstate="firing",severity="page"})', 6 * HOUR + 10, 1),
        ],
    )


# -- how fast it burns -----------------------------------------------------------------------------


@pytest.mark.parametrize("objective", ["50%", "80%", "90%", "93%", "99%", "99.9%", "99.99%"])
def test_a_total_outage_pages_at_every_objective(
    promtool: Path, tmp_path: Path, objective: str
) -> None:
    series = [
        counter(OK, runs(2 * HOUR, 600), runs(75, 0)),
        counter(FAILED, runs(2 * HOUR, 0), runs(75, 600)),
    ]

    judge(
        promtool,
        tmp_path,
        derived(tmp_path, SPEC.replace("99.9%", objective)),
        series,
        [
            never_fired(2 * HOUR),
            sample(
                'count(ALERTS{alertstate="firing",severity="page",slo="availability"})',
                2 * HOUR + 50,
                1,
            ),
        ],
        evaluate_every="2m",
    )


def test_a_page_clears_soon_after_recovery_and_no_ticket_tells_of_it_again(
    promtool: Path, tmp_path: Path
) -> None:
    series = [
        counter(OK, runs(2 * HOUR, 600), runs(20, 0), runs(2 * HOUR, 600)),
        counter(FAILED, runs(2 * HOUR, 0), runs(20, 600), runs(2 * HOUR, 0)),
    ]
    recovered = 2 * HOUR + 20

    judge(
        promtool,
        tmp_path,
        derived(tmp_path, SPEC),
        series,
        [
            firing(recovered, PAGE, TICKET, "ErrorRatioHigh/ticket"),
            firing(recovered + 40),
            firing(recovered + 110),
        ],
    )


def test_a_healthy_busy_service_is_silent(promtool: Path, tmp_path: Path) -> None:
    series = [counter(OK, runs(6 * HOUR, 599_700)), counter(FAILED, runs(6 * HOUR, 300))]

    judge(
        promtool,
        tmp_path,
        derived(tmp_path, SPEC),
        series,
        [near("slo:error_ratio:rate1h", 6 * HOUR, 0.0005), never_fired(6 * HOUR)],
        evaluate_every="2m",
    )


def test_a_burn_of_twice_the_budget_makes_a_ticket_and_no_page(
    promtool: Path, tmp_path: Path
) -> None:
    series = [counter(OK, runs(12 * HOUR, 998)), counter(FAILED, runs(12 * HOUR, 2))]

    judge(
        promtool,
        tmp_path,
        derived(tmp_path, SPEC),
        series,
        [
            near("slo:burn_rate:ratio1h", 12 * HOUR, 2),
            firing(12 * HOUR, TICKET),
            never_fired(12 * HOUR, 'severity="page"'),
        ],
        evaluate_every="5m",
    )


@pytest.mark.parametrize("window", ["1d", "7d", "28d"])
def test_a_burn_that_never_spends_the_budget_never_fires(
    promtool: Path, tmp_path: Path, window: str
) -> None:
    series = [counter(OK, runs(DAY, 9991)), counter(FAILED, runs(DAY, 9))]

    judge(
        promtool,
        tmp_path,
        derived(tmp_path, SPEC.replace("99.9%", f"99.9%, window: {window}")),
        series,
        [
            near("slo:burn_rate:ratio1h", DAY, 0.9),
            near(f"slo:error_ratio:rate{window}", DAY, 0.0009),
            never_fired(DAY),
        ],
        evaluate_every="5m",
    )


# -- latency ---------------------------------------------------------------------------------------

LATENCY = """\
service: shop
convention: prometheus-http
match: {job: shop}
slos:
  - {latency: 99% under 1s, window: 1d}
"""


def _histogram(le: str, *within_and_all: tuple[int, int, int]) -> list[dict[str, str]]:
    """A histogram with one bucket and the rest; each phase is its minutes, the fast and all
    requests a minute."""
    fast = [runs(minutes, quick) for minutes, quick, _ in within_and_all]
    everything = [runs(minutes, total) for minutes, _, total in within_and_all]
    base = "http_request_duration_seconds"
    return [
        counter(f'{base}_bucket{{job="shop",le="{le}"}}', *fast),
        counter(f'{base}_bucket{{job="shop",le="+Inf"}}', *everything),
        counter(f'{base}_count{{job="shop"}}', *everything),
    ]


@pytest.mark.parametrize("le", ["1", "1.0"])
def test_a_latency_slo_finds_its_bucket_however_it_is_written(
    promtool: Path, tmp_path: Path, le: str
) -> None:
    series = _histogram(le, (90, 995, 1000), (60, 0, 1000))

    judge(
        promtool,
        tmp_path,
        derived(tmp_path, LATENCY),
        series,
        [
            near("slo:error_ratio:rate5m", 90, 0.005),
            near(RATIO_OF_DAY, 90, 0.005),
            never_fired(90),
            sample('count(ALERTS{alertstate="firing",severity="page",slo="latency"})', 150, 1),
        ],
    )


def test_a_latency_slo_without_its_bucket_has_no_data_rather_than_a_perfect_ratio(
    promtool: Path, tmp_path: Path
) -> None:
    model = derived(tmp_path, LATENCY)

    judge(
        promtool,
        tmp_path,
        model,
        _histogram("0.9", (90, 500, 1000)),
        [
            nothing("slo:error_ratio:rate5m", 90),
            nothing("slo:error_ratio:rate1h", 90),
            nothing(BUDGET_LEFT, 90),
            *no_nan(model, 90),
            never_fired(90),
        ],
    )


def test_without_a_request_over_the_threshold_the_latency_budget_is_whole(
    promtool: Path, tmp_path: Path
) -> None:
    judge(
        promtool,
        tmp_path,
        derived(tmp_path, LATENCY),
        _histogram("1", (60, 100, 100), (20, 0, 0), (60, 100, 100)),
        [
            sample(BUDGET_LEFT, 70, 1, **_recorded(BUDGET_LEFT, "latency")),
            sample(BUDGET_LEFT, 140, 1, **_recorded(BUDGET_LEFT, "latency")),
            never_fired(140),
        ],
    )


# -- the long form ---------------------------------------------------------------------------------

LONG = """\
service: shop
match: {job: shop}
slos:
  - name: fresh
    objective: 99%
    window: 1d
    EVENTS
    total: rate(updates_total[5m])
    grouping: [region]
"""
BAD, GOOD = "bad: rate(updates_stale_total[5m])", "good: rate(updates_fresh_total[5m])"


@pytest.mark.parametrize("events", [BAD, GOOD, BAD.replace("rate", "increase").replace("5m", "1h")])
def test_bad_or_good_events_over_any_total_by_group(
    promtool: Path, tmp_path: Path, events: str
) -> None:
    series = [
        counter('updates_total{job="shop",region="eu"}', runs(150, 1000)),
        counter('updates_total{job="shop",region="us"}', runs(150, 1000)),
        counter('updates_stale_total{job="shop",region="us"}', runs(90, 5), runs(60, 1000)),
        counter('updates_fresh_total{job="shop",region="eu"}', runs(150, 1000)),
        counter('updates_fresh_total{job="shop",region="us"}', runs(90, 995), runs(60, 0)),
    ]

    judge(
        promtool,
        tmp_path,
        derived(tmp_path, LONG.replace("EVENTS", events)),
        series,
        [
            sample(
                'slo:error_ratio:rate1h{region="eu"}',
                90,
                0,
                **_recorded("slo:error_ratio:rate1h", "fresh", region="eu"),
            ),
            near('slo:error_ratio:rate1h{region="us"}', 90, 0.005),
            near(f'{RATIO_OF_DAY}{{region="us"}}', 90, 0.005),
            sample(
                f'{BUDGET_LEFT}{{region="eu"}}',
                150,
                1,
                **_recorded(BUDGET_LEFT, "fresh", region="eu"),
            ),
            never_fired(90),
            firing(150, f"{PAGE}/us", f"{TICKET}/us", by=("alertname", "severity", "region")),
        ],
    )


def test_without_a_good_event_since_the_start_everything_is_bad(
    promtool: Path, tmp_path: Path
) -> None:
    series = [counter('updates_total{job="shop",region="eu"}', runs(90, 1000))]
    name = "slo:error_ratio:rate1h"

    judge(
        promtool,
        tmp_path,
        derived(tmp_path, LONG.replace("EVENTS", GOOD)),
        series,
        [sample(name, 90, 1, **_recorded(name, "fresh", region="eu")), firing(90, PAGE, TICKET)],
    )


def test_rates_and_increases_over_any_window_make_the_same_rules(tmp_path: Path) -> None:
    def groups(name: str, spec: str) -> list[Group]:
        return groups_of(derived(tmp_path / name, spec))

    rates = LONG.replace("EVENTS", BAD)

    assert groups("rates", rates) == groups("increases", rates.replace("rate(", "increase("))
    assert groups("rates", rates) == groups("hours", rates.replace("5m", "1h"))
    assert groups("rates", rates) == groups(
        "sums",
        rates.replace("rate(updates_total[5m])", "sum by (region) (rate(updates_total[5m]))"),
    )


# -- the harness itself ----------------------------------------------------------------------------


def test_the_judge_sees_an_alert_that_should_not_fire(promtool: Path, tmp_path: Path) -> None:
    def told(*expectations: Expectation) -> None:
        model: ServiceModel = derived(tmp_path, SPEC)
        series = [counter(FAILED, runs(60, 600))]
        judge(promtool, tmp_path, model, series, expectations)

    told(firing(60, PAGE, TICKET, "ErrorRatioHigh/ticket"), sample("count(up)", 60, 1))

    for wrong in (
        firing(60, PAGE),
        never_fired(60),
        near("slo:error_ratio:rate1h", 60, 0.9),
        nothing(BUDGET_LEFT, 60),
    ):
        with pytest.raises(AssertionError, match="FAILED"):
            told(wrong)


def test_a_gauge_and_an_absent_target_are_told_apart(promtool: Path, tmp_path: Path) -> None:
    """`up` is given to every story; a story may give it another name and be told that the target is
    gone."""
    judge(
        promtool,
        tmp_path,
        derived(tmp_path, SPEC),
        [gauge("unrelated", 1, 30)],
        [firing(30, "TargetsAbsent/page")],
        target='up{job="elsewhere"}',
    )
