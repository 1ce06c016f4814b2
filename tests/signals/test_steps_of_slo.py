"""Whom an outage of an SLO reaches, evaluated by Prometheus 2 and Prometheus 3: later steps are for
an outage that lasts, not for a page that goes on after its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from opsgen.fleet.load import ServiceModel
from tests.signals.scenario import (
    Expectation,
    absent,
    counter,
    groups_of,
    judge,
    never_fired,
    runs,
)
from tests.specs import derived

HOUR = 60
# Enough to fill the long windows so far that the one of an hour is the fastest.
BEFORE = 3 * HOUR
OK = 'http_requests_total{job="shop",code="200"}'
FAILED = 'http_requests_total{job="shop",code="500"}'

SPEC = """\
service: shop
team: web
convention: prometheus-http
match: {job: shop}
slos:
  - {availability: 99.9%}
"""
PROJECT = """\
prometheus: {scrape_interval: 1m, evaluation_interval: 1m}
teams: {web: {escalation: {page: critical, ticket: calm}}}
channels:
  first: {webhook: {url: "http://a.example.com"}}
  second: {webhook: {url: "http://b.example.com"}}
escalation:
  critical: [{notify: [first]}, {after: 15m, notify: [second]}, {after: 30m, notify: [first, second]}]
  calm: [{notify: [first]}]
"""
NO_STEP = 'step!=""'


def page(at: int, *steps: str, **labels: str) -> Expectation:
    """Exactly these steps of the page fire; an empty one is the page itself. `labels` choose one of
    a group."""
    by = ",".join(f'{label}="{value}"' for label, value in labels.items())
    matchers = f'alertname="ErrorBudgetBurn",severity="page",alertstate="firing",{by}'
    return {
        "expr": f"group by (step) (ALERTS{{{matchers}}})",
        "eval_time": f"{at}m",
        "exp_samples": [
            {"labels": f'{{step="{step}"}}' if step else "{}", "value": 1} for step in steps
        ],
    }


def outage_of_two_and_a_half_minutes() -> tuple[list[Any], list[Any]]:
    """What succeeds and what fails, a minute each."""
    return [runs(2, 0), runs(1, 300)], [runs(2, 600), runs(1, 300)]


def model_of(folder: Path, spec: str = SPEC) -> ServiceModel:
    return derived(folder, spec, PROJECT)


def test_after_a_short_outage_the_page_goes_on_and_no_step_is_told(
    promtool: Path, tmp_path: Path
) -> None:
    good, bad = outage_of_two_and_a_half_minutes()
    series = [
        counter(OK, runs(BEFORE, 600), *good, runs(HOUR, 600)),
        counter(FAILED, runs(BEFORE, 0), *bad, runs(HOUR, 0)),
    ]
    end = BEFORE + 3

    judge(
        promtool,
        tmp_path,
        model_of(tmp_path),
        series,
        [
            page(BEFORE + 2),
            page(BEFORE + 5, ""),
            # Through the window of six hours, and keep_firing_for.
            page(end + 30, ""),
            page(end + 40),
            never_fired(end + HOUR, NO_STEP),
        ],
    )


def test_two_short_outages_half_an_hour_apart_are_two(promtool: Path, tmp_path: Path) -> None:
    """The page fires all the while."""
    good, bad = outage_of_two_and_a_half_minutes()
    series = [
        counter(OK, runs(BEFORE, 600), *good, runs(27, 600), *good, runs(HOUR, 600)),
        counter(FAILED, runs(BEFORE, 0), *bad, runs(27, 0), *bad, runs(HOUR, 0)),
    ]

    judge(
        promtool,
        tmp_path,
        model_of(tmp_path),
        series,
        [
            page(BEFORE + 20, ""),
            page(BEFORE + 34, ""),
            page(BEFORE + 50, ""),
            never_fired(BEFORE + 90, NO_STEP),
        ],
    )


def test_an_hour_of_outage_is_told_step_by_step_and_its_end_within_six_minutes(
    promtool: Path, tmp_path: Path
) -> None:
    series = [
        counter(OK, runs(BEFORE, 600), runs(HOUR, 0), runs(HOUR, 600)),
        counter(FAILED, runs(BEFORE, 0), runs(HOUR, 600), runs(HOUR, 0)),
    ]
    began, end = BEFORE + 3, BEFORE + HOUR

    judge(
        promtool,
        tmp_path,
        model_of(tmp_path),
        series,
        [
            page(began + 1, ""),
            page(began + 14, ""),
            page(began + 16, "", "2"),
            page(began + 29, "", "2"),
            page(began + 31, "", "2", "3"),
            page(end, "", "2", "3"),
            page(end + 6, ""),
            page(end + 20, ""),
        ],
    )


def test_steps_go_on_when_the_requests_cease(promtool: Path, tmp_path: Path) -> None:
    """First all fail, then the processes are gone: nothing says that it is better."""
    series = [
        counter(OK, runs(BEFORE, 600), runs(10, 0), absent(HOUR)),
        counter(FAILED, runs(BEFORE, 0), runs(10, 600), absent(HOUR)),
    ]

    judge(
        promtool,
        tmp_path,
        model_of(tmp_path),
        series,
        [page(BEFORE + 16, ""), page(BEFORE + 20, "", "2"), page(BEFORE + 30, "", "2")],
    )


def test_each_group_has_steps_of_its_own(promtool: Path, tmp_path: Path) -> None:
    """One region fails for a quarter of an hour and more, the other one for a moment."""
    good, bad = outage_of_two_and_a_half_minutes()
    ok, failed = (f'http_requests_total{{job="shop",code="{code}",region=' for code in (200, 500))
    series = [
        counter(f'{ok}"eu"}}', runs(BEFORE, 600), runs(HOUR, 0)),
        counter(f'{failed}"eu"}}', runs(BEFORE, 0), runs(HOUR, 600)),
        counter(f'{ok}"us"}}', runs(BEFORE, 600), *good, runs(HOUR - 3, 600)),
        counter(f'{failed}"us"}}', runs(BEFORE, 0), *bad, runs(HOUR - 3, 0)),
    ]

    judge(
        promtool,
        tmp_path,
        model_of(tmp_path, SPEC.replace("99.9%", "99.9%, grouping: [region]")),
        series,
        [
            page(BEFORE + 25, "", "2", region="eu"),
            page(BEFORE + 25, "", region="us"),
            page(BEFORE + 40, "", "2", "3", region="eu"),
            never_fired(BEFORE + HOUR, 'step!="",region="us"'),
        ],
    )


def test_a_step_has_the_labels_of_its_page_whatever_its_query_keeps(
    promtool: Path, tmp_path: Path
) -> None:
    spec = """\
service: shop
team: web
convention: prometheus-http
match: {job: shop}
business:
  - name: waiting
    query: max by (queue) (waiting)
    alerts: [{above: 10, for: 2m, severity: page}]
"""
    mine = 'waiting{job="shop",queue="mine"}'
    series = [
        counter(mine, runs(0, 0), runs(HOUR, 30)),
        counter('waiting{job="shop",queue="other"}', runs(HOUR, 0)),
    ]
    model = model_of(tmp_path, spec)
    (labels,) = (
        rule["labels"]
        for group in groups_of(model)
        for rule in group["rules"]
        if rule.get("alert") == "WaitingHigh" and rule["labels"].get("step") == "2"
    )
    told = {**labels, "alertname": "WaitingHigh", "alertstate": "firing", "queue": "mine"}
    written = ",".join(f'{label}="{value}"' for label, value in told.items())

    judge(
        promtool,
        tmp_path,
        model,
        series,
        [
            {
                "expr": 'ALERTS{step="2"}',
                "eval_time": "25m",
                "exp_samples": [{"labels": f"ALERTS{{{written}}}", "value": 1}],
            }
        ],
    )
