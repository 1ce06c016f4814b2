"""What an expression is worth in a steady state, as a real Prometheus sees it."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from opsgen.promql import parse
from opsgen.proofs import State, Unsupported, evaluate
from tests.proofs.timelines import counters, gauge, judge, labels_text


def _histogram(rates: dict[str, int], **labels: str) -> list[Any]:
    return [counters("h_bucket", rate, le=le, **labels) for le, rate in rates.items()]


_PAST = State(
    [
        counters("requests_total", 50, job="a", code="200"),
        gauge("up", 1, job="a", instance="1"),
        gauge("queue", 7, job="a"),
    ]
)
_NOW = State(
    [
        counters("requests_total", 30, job="a", code="200"),
        counters("requests_total", 10, job="a", code="500"),
        counters("requests_total", 4, job="b", code="200"),
        counters("idle_total", 0, job="a"),
        *_histogram({"0.1": 0, "0.3": 30, "1": 60, "5": 90, "+Inf": 100}, job="a"),
        *_histogram({"0.1": 5, "0.3": 5, "1": 5, "5": 5, "+Inf": 5}, job="b"),
        *_histogram({"0.1": 0, "0.3": 0, "1": 0, "5": 0, "+Inf": 8}, job="c"),
        gauge("up", 1, job="a", instance="1"),
        gauge("up", 0, job="a", instance="2"),
        gauge("up", 1, job="b", instance="1"),
        gauge("queue", -2.5, job="a"),
        gauge("queue", 16, job="b"),
        gauge("limit", 32, job="b", node="n1"),
        gauge("pod_info", 1, job="a", instance="2", node="n2", pod="p-7"),
        gauge("expiry", 90000, job="a"),
        gauge("quota", 0, job="a"),
    ]
)
# Long enough for every window below to be full of one state; `offset 4h` reaches into the past.
_PHASE_MINUTES = 180
_END_SECONDS = (2 * _PHASE_MINUTES - 1) * 60

# Values that a Prometheus computes without any rounding: names and labels are compared too.
_EXACT = [
    "up",
    "up == 1",
    "up == bool 1",
    "1 > up",
    'up{instance!~"2|3"}',
    "queue offset 4h",
    "queue < queue offset 4h",
    "max(up)",
    "min by (job) (up)",
    "avg by (job) (up)",
    "count without (instance) (up)",
    "count by (code) (requests_total)",
    "group by (job) (requests_total)",
    "quantile(0.25, up)",
    "stddev(queue)",
    "stdvar by (job) (queue)",
    "topk(1, queue)",
    "bottomk by (job) (1, up)",
    "absent(up)",
    'absent(up{job="none",instance=~".+"})',
    "absent(nothing == 1)",
    'absent_over_time(nothing{job="a"}[10m])',
    "absent_over_time(up[10m])",
    'up and on (job) requests_total{code="500"}',
    'up unless on (job) requests_total{code="500"}',
    "up unless on (job, instance) up == 1",
    "queue or up",
    "queue or on (job) up",
    "queue / on (job) limit",
    "queue / on (job) group_right (node) limit",
    "up * on (job, instance) group_left (pod) pod_info",
    "up * ignoring (instance) group_left () queue",
    "queue > on (job) limit / 10",
    "sum by (job) (up) == on (job) group (up) by (job)",
    "-queue",
    "abs(queue)",
    "ceil(queue) + floor(queue)",
    "sgn(queue)",
    "sqrt(queue)  > 0",
    "log2(queue) > 0",
    "queue / quota",
    "queue ^ 2 % 10",
    "clamp(queue, 0, 10)",
    "clamp_max(clamp_min(queue, -1), 3)",
    "round(queue, 2)",
    "vector(2) + scalar(quota)",
    "scalar(up) != bool scalar(up)",
    "time() - 60",
    "timestamp(up) - time()",
    "expiry - time() < 100000",
    'label_replace(up, "machine", "m-$1", "instance", "([0-9])")',
    'label_join(up, "where", "/", "job", "instance")',
    "max_over_time(up[10m])",
    "min_over_time(queue[10m])",
    "last_over_time(up[10m])",
    "quantile_over_time(0.9, queue[10m])",
    "present_over_time(requests_total[10m])",
    "changes(queue[10m])",
    "resets(requests_total[10m])",
    "max_over_time(sum(up)[30m:5m])",
    "max_over_time((queue < 0)[30m:5m])",
    "rate(idle_total[5m]) == 0",
    "sort_desc(queue)",
]
_ROUNDED = [
    "rate(requests_total[5m])",
    "irate(requests_total[5m])",
    'increase(requests_total{job="a"}[30m])',
    "increase(requests_total[1h])",
    "delta(queue[10m])",
    "deriv(requests_total[10m])",
    "predict_linear(queue[10m], 3600)",
    "avg_over_time(queue[10m])",
    'sum(rate(requests_total{code=~"5.."}[5m])) / (sum(rate(requests_total[5m])) > 0)',
    "sum by (code) (rate(requests_total[5m])) / on () group_left () sum(rate(requests_total[5m]))",
    "sum(rate(requests_total[5m])) - sum(rate(requests_total[5m] offset 4h))",
    "sum(rate(nothing[5m])) or 0 * sum(rate(requests_total[5m]))",
    "max_over_time(rate(requests_total[5m])[30m:5m])",
    "max_over_time(sum(rate(requests_total[5m]))[30m:5m] offset 4h)",
    "rate(requests_total[10m:1m])",
    "histogram_quantile(0.5, sum by (le) (rate(h_bucket[5m])))",
    'histogram_quantile(0.2, rate(h_bucket{job="a"}[5m]))',
    'histogram_quantile(0.95, rate(h_bucket{job!="a"}[5m]))',
    "histogram_quantile(0.99, sum by (job, le) (rate(h_bucket[5m])))",
    'sum(rate(h_bucket{le="+Inf"}[5m])) - sum(rate(h_bucket{le="0.3"}[5m]))',
    "stddev_over_time(queue[10m])",
    "exp(queue) + ln(queue > 0)",
]


def _value(expr: str) -> dict[tuple[tuple[str, str], ...], float]:
    value = evaluate(parse(expr), _NOW, _PAST, Decimal(_END_SECONDS))
    return value if isinstance(value, dict) else {(): value}


def _assertion(expr: str) -> dict[str, Any]:
    samples = [
        {"labels": labels_text(labels), "value": value} for labels, value in _value(expr).items()
    ]
    return {"expr": expr, "eval_time": f"{_END_SECONDS}s", "exp_samples": samples}


def test_values_are_those_of_a_real_prometheus(promtool: Path, tmp_path: Path) -> None:
    expressions = [*_EXACT, *(f"round({expr}, 0.0001)" for expr in _ROUNDED)]

    assertions = [_assertion(expr) for expr in expressions]

    judge(promtool, tmp_path, [(_PAST, _PHASE_MINUTES), (_NOW, _PHASE_MINUTES)], assertions)


def test_the_comparison_with_promtool_can_fail(promtool: Path, tmp_path: Path) -> None:
    wrong = {"expr": "max(up)", "eval_time": "1h", "exp_samples": [{"labels": "{}", "value": 2}]}

    with pytest.raises(AssertionError, match="max"):
        judge(promtool, tmp_path, [(_NOW, 100)], [wrong])


@pytest.mark.parametrize(
    "expr",
    [
        (
            'histogram_quantile(0.9, sum by (le) (rate(h_bucket{job="none"}[5m]) or'
            " rate(idle_total[5m])))"
        ),
        'rate(requests_total{job="none"}[5m])',
        "sum(rate(idle_total[5m])) / (sum(rate(idle_total[5m])) > 0)",
    ],
)
def test_no_series_give_nothing(expr: str) -> None:
    assert _value(expr) == {}


def test_no_requests_are_not_a_number() -> None:
    ratio = _value("sum(rate(idle_total[5m])) / sum(rate(idle_total[5m]))")
    assert math.isnan(ratio[()])

    no_observations = _value('histogram_quantile(0.9, 0 * rate(h_bucket{job="a"}[5m]))')
    assert [math.isnan(value) for value in no_observations.values()] == [True]


@pytest.mark.parametrize(
    ("expr", "reason"),
    [
        ("requests_total > 100", "raw value of the counter requests_total"),
        ("requests_total and on (job) up", "raw value of the counter requests_total"),
        ("avg_over_time(requests_total[5m])", r"avg_over_time\(\) of a growing counter"),
        ("hour() > 8", r"hour\(\)"),
        ("histogram_count(queue)", r"histogram_count\(\)"),
        ("idelta(queue[5m])", r"idelta\(\)"),
        ('count_values("v", up)', "count_values"),
        ("up @ 0", "@ modifier"),
        ("up offset -5m", "future"),
        ("up / on (job) queue", "several series on the left"),
        ("queue / on (job) up", "several series on the one-side"),
        ('{__name__=~"up|queue"}', "without a metric's name"),
        ('label_replace(up, "instance", "", "", "")', "same labels"),
        ("max_over_time((time() - expiry)[1h:])", r"subquery over time\(\)"),
        ("up[5m]", "range stands where"),
    ],
)
def test_what_no_steady_state_fixes_is_refused_with_its_reason(expr: str, reason: str) -> None:
    with pytest.raises(Unsupported, match=reason):
        _value(expr)
