"""Expressions that can never fire by their values; proven silent by Prometheus, as others that look
like them are proven to fire."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from opsgen.labelflow import RecordingRule, check_alert, check_expression, known_series
from opsgen.promql import parse
from tests.labelflow.test_values_soundness import evaluated

CHAINED = (
    "a > 5 < 3",
    "a >= 5 < 5",
    "a > 5 <= 5",
    "3 > a > 5",
    "5 < a < 3",
    "a > 5 == 3",
    "a == 5 == 6",
    "a == 5 != 5",
    "a > 5 > 3 < 4",
    "sort(a > 5) < 3",
    "topk(3, a > 5) < 3",
    "sum(a > 5) < 3",
    "max by (job) (a > 5) < 3",
    "(a > 5 or b > 7) < 3",
    "(a > 5 unless b > 1) < 3",
)
JOINED = (
    "a > 5 and a < 3",
    "a < 3 and a > 5",
    "a >= 5 and a < 5",
    "a == 1 and a == 2",
    "a == 1 and a != 1",
    "a > 5 and b > 1 and a < 3",
    "b > 1 and a > 5 and a < 3",
    "a < 3 and (a > 5 or a > 7)",
    'a{x="1"} > 5 and a{job="j"} < 3',
    "rate(c_total[5m]) > 5 and rate(c_total[5m]) < 3",
    "sum by (job) (a) > 5 and sum by (job) (a) < 3",
    "sum by (job) (a) > 5 and on (job) sum by (job) (a) < 3",
    "count(a) > 5 and on () count(a) < 3",
    "hour() >= 22 and hour() < 6",
    "a > 1 and on () hour() >= 22 and on () hour() < 6",
    "a > 1 and on () (hour() >= 22 and hour() < 6)",
    "up != 0 and up != 1",
    "a > b and a < b",
    "a > b and b > a",
    "a > b and b >= a",
    "a == b and a != b",
    "a > b < b",
    "a > a",
    "a < a",
    "a > 5 and (a < 3) > b",
)
EXCLUDED = (
    "a unless a",
    "a > 5 unless a > 3",
    "a > 5 unless a >= 5",
    "up == 0 unless up < 1",
    "sum by (job) (a) > 5 unless on (job) sum by (job) (a) > 3",
)
BOUNDED = (
    "day_of_week() == 7",
    "day_of_week(a) > 6",
    "day_of_week() == 2.5",
    "hour() == 24",
    "hour() > 22 < 23",
    "hour() + 2 > 25",
    "minute() >= 60",
    "month() == 0",
    "month() > 12",
    "day_of_month() == 0",
    "day_of_month() > 31",
    "day_of_year() > 366",
    "days_in_month() > 31",
    "days_in_month() < 28",
    "clamp_max(a, 5) > 5",
    "clamp_min(a, 5) < 5",
    "clamp(a, 1, 5) > 5",
    "clamp(a, 5, 1)",
    "abs(a) < 0",
    "sgn(a) > 1",
    "sqrt(a) < 0",
    "stddev(a) < 0",
    "histogram_fraction(0, 0.2, rate(d[5m])) > 1",
    "vector(time()) % 86400 > 86400",
    "(a > bool 1) > 1",
    "(1 - up) * 100 > 100",
)
COUNTERS = (
    "rate(c_total[5m]) < 0",
    "irate(c_total[5m]) < 0",
    "increase(c_total[5m]) <= -1",
    "sum by (job) (rate(c_total[5m])) < 0",
    "rate(c_total[5m]) / rate(c_total[1m]) < 0",
    "changes(a[5m]) < 0",
    "resets(c_total[5m]) < 0",
    "100 - avg by (job) (rate(c_total[5m])) * 100 > 100",
    "max_over_time(rate(c_total[1m])[5m:1m]) < 0",
    "rate(count_over_time(a[2m])[5m:1m]) < 0",
)
THERE_OR_NOT = (
    "up < 0",
    "up > 1",
    "up == 2",
    "up == 0.5",
    "avg(up) > 1",
    "avg_over_time(up[5m]) > 1",
    "min_over_time(up[5m]) < 0",
    "probe_success == -1",
    "count(up) == 0",
    "count(a == 7) < 1",
    "sum(up == 1) < 1",
    "group(a) == 0",
    "absent(z) == 0",
    "absent(z) > 1",
    "absent_over_time(z[5m]) == 0",
    "present_over_time(a[5m]) == 0",
    "count_over_time(a[5m]) < 1",
    "ALERTS == 0",
)
NOT_A_NUMBER = (
    "a == NaN",
    "a > NaN",
    "NaN < a",
    "a <= NaN",
    "a == 0 / 0",
    "a > Inf",
    "a < -Inf",
)
NEVER = (
    *CHAINED,
    *JOINED,
    *EXCLUDED,
    *BOUNDED,
    *COUNTERS,
    *THERE_OR_NOT,
    *NOT_A_NUMBER,
)

# Each gives something for the series of `test_values_soundness`.
CAN_FIRE = (
    "a > 3 < 6",
    "a >= 5 <= 5",
    "a > 5 and on (job) a < 3",
    "a > 5 and ignoring (instance, x) a < 3",
    "a > 5 and b < 3",
    "a < 3 and a offset 1m > -1",
    "sum by (job) (a < 9) > 0 and on (job) sum by (job) (a < 4) < 6",
    "a > b or a < b",
    "a != a",
    "a != NaN",
    "a == Inf",
    "a > 0 unless a > 3",
    "a unless b > 1",
    'a unless a{x="1"}',
    "delta(c_total[3m]) < 0",
    "predict_linear(c_total[5m], 3600) < 0",
    "sum by (x) (a < 1) < 0",
    "a - b < 0",
    "0 / (up == 0) != 1",
    "1 / (0 - up) > 5",
    "rate((a - 1)[5m:1m]) == 0",
    "up != 0",
    "avg(up) < 1",
    "absent(z) == 1",
    "hour() == 0",
    "day_of_week() == 4",
    "clamp_max(a, 5) >= 5",
    "count(a > 5) == 3",
)
NOT_JUDGED = (
    '{job="j",__name__=~"a|b"} > 5 and {job="j",__name__=~"a|b"} < 3',
    "rate(d_sum[5m]) < 0",
    "rate(job:balance:sum[5m]) < 0",
    "increase((a - b)[1h:1m]) < 0",
    "deriv(a[5m]) < 0",
    "idelta(a[5m]) < 0",
    "time() - start > 300",
    "rate(e_total[5m]) / rate(c_total[5m]) > 1.5",
    "a offset 1d > 5 and a < 3",
    "a > 5 and on (instance) a < 3",
    "a > scalar(b) < scalar(b)",
    "quantile_over_time(0.9, a[5m]) > 1",
    "a == on (job) max by (job) (a)",
)


@pytest.mark.parametrize("expression", NEVER)
def test_what_can_never_fire_is_found_once(expression: str) -> None:
    (finding,) = check_expression(parse(expression))

    assert finding.kind == "never-fires"


def test_what_is_said_never_to_fire_is_silent_in_prometheus(promtool: Path, tmp_path: Path) -> None:
    asked = [one for one in NEVER if "histogram_fraction" not in one]  # not in Prometheus 2.42

    results = evaluated(promtool, tmp_path, [*asked, "a"])

    assert {one: values for one, values in results.items() if values and one != "a"} == {}
    assert results["a"]


@pytest.mark.parametrize("expression", [*CAN_FIRE, *NOT_JUDGED])
def test_what_can_fire_is_left_alone(expression: str) -> None:
    assert [found.kind for found in check_expression(parse(expression))] == []


def test_what_looks_like_a_contradiction_and_is_none_fires_in_prometheus(
    promtool: Path, tmp_path: Path
) -> None:
    results = evaluated(promtool, tmp_path, list(CAN_FIRE))

    assert [one for one in CAN_FIRE if not results.get(one)] == []


@pytest.mark.parametrize(
    ("expression", "message", "right"),
    [
        ("queue > 5 < 3", "`queue > 5` is above 5", "correct one of the two bounds"),
        (
            "queue > 5 and queue <= 3",
            "`queue` is above 5 on the left and at most 3 on the right",
            "join the conditions by `or`",
        ),
        (
            "a > b and b >= a",
            "`a` is above `b` on the left and not above it on the right",
            "bounds",
        ),
        ("day_of_week() == 7", "`day_of_week()` is 0 to 6", "Sunday is 0"),
        ("hour() == 24", "`hour()` is 0 to 23", "in UTC"),
        ("rate(a[5m]) < 0", "`rate(a[5m])` is at least 0", "`delta` or `deriv`"),
        ("sum(rate(a[5m])) < 0", "`sum(rate(a[5m]))` is at least 0", "`delta` or `deriv`"),
        ("up < 0", "`up` is 0 to 1", "a target that is down is 0"),
        ("absent(a) == 0", "`absent(a)` is always 1", "leave the comparison out"),
        ("ALERTS == 0", "`ALERTS` is always 1", "absent(ALERTS"),
        ("sum(up == 1) < 1", "is at least 1", "no result, not 0"),
        ("a == NaN", "nothing is less than, greater than or equal to NaN", "ask `x != x`"),
        ("clamp(a, 5, 1) > 2", "its least value is above its greatest", "the lower bound first"),
        ("a > 5 unless a > 3", "every series that the left side has", "exclude only some"),
        ("a > a", "it compares each series with itself", "another time"),
    ],
)
def test_the_finding_says_why_and_what_would_be_right(
    expression: str, message: str, right: str
) -> None:
    (finding,) = check_expression(parse(expression))

    assert message in finding.message
    assert right in finding.right


@pytest.mark.parametrize("expression", ["(a > 5 < 3) > 1", "(a > 5 < 3) and a > 9", "-(a > 5 < 3)"])
def test_a_part_that_gives_nothing_is_told_once(expression: str) -> None:
    assert len(check_expression(parse(expression))) == 1


@pytest.mark.parametrize("expression", ["(a </ 2) > 1", "(a >/ 2) < 1", "(a atan2 b) < 0"])
def test_of_an_operator_that_bounds_nothing_nothing_is_concluded(expression: str) -> None:
    assert check_expression(parse(expression)) == ()


def test_a_recorded_series_with_a_name_of_prometheus_is_taken_for_what_its_rule_says() -> None:
    known = known_series([RecordingRule("probe_success", parse("sum by (job) (a)"), {})])

    assert check_expression(parse("probe_success > 1"), known) == ()


# Quantiles

OUT_OF_RANGE = {
    "histogram_quantile(95, sum by (le) (rate(d_bucket[5m]))) > 1": ("+Inf", "0.95"),
    "histogram_quantile(-1, d_bucket) > 1": ("-Inf", "0.95"),
    "histogram_quantile(NaN, d_bucket) > 1": ("NaN", "0.95"),
    "quantile(99, a) > 1": ("+Inf", "0.99"),
    "quantile_over_time(99.9, a[5m]) > 1": ("+Inf", "0.999"),
    "quantile by (job) (1.1, a) > 1": ("+Inf", "0.95"),
}


@pytest.mark.parametrize("expression", OUT_OF_RANGE)
def test_a_quantile_is_from_0_to_1(expression: str) -> None:
    result, wanted = OUT_OF_RANGE[expression]

    (finding,) = check_expression(parse(expression))

    assert finding.kind == "quantile-out-of-range"
    assert f"is always {result}" in finding.message
    assert finding.right == f"write for example {wanted}"


def test_prometheus_gives_infinity_for_a_quantile_out_of_range(
    promtool: Path, tmp_path: Path
) -> None:
    asked = ["quantile(99, a)", "quantile_over_time(99, up[5m])", "quantile(-1, a)"]

    results = evaluated(promtool, tmp_path, asked)

    assert [set(results[one]) for one in asked] == [
        {float("inf")},
        {float("inf")},
        {float("-inf")},
    ]


@pytest.mark.parametrize("quantile", ["0", "0.5", "1", "scalar(b)"])
def test_a_quantile_in_range_is_left_alone(quantile: str) -> None:
    assert check_expression(parse(f"histogram_quantile({quantile}, d_bucket) > 1")) == ()


# Rules that Prometheus loads, and then fails to evaluate


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("errors_total[5m]", "not-a-vector"),
        ("rate(errors_total[5m])[1h:]", "not-a-vector"),
        ('"errors"', "not-a-vector"),
        ("rate(a[5m]) / on (job) sum by (job) (rate(a[5m])) > 0.5", "many-to-one"),
        ("sum by (job) (a) / on (job) a > 0.5", "many-to-one"),
        ("a / ignoring (instance) sum without (instance) (a) > 0.5", "many-to-one"),
        ('(a{x="1"} > bool on (job) max by (job) (a{x="1"})) == 1', "many-to-one"),
        ("max by (job) (a) > on (job) a", "many-to-one"),
        ("rate(a[5m]) - on (job) avg by (job) (rate(a[1h])) > 1", "many-to-one"),
    ],
)
def test_a_rule_that_fails_whenever_it_is_evaluated_is_found(
    promtool: Path, tmp_path: Path, expression: str, kind: str
) -> None:
    findings = check_alert(parse(expression))

    assert [finding.kind for finding in findings] == [kind]
    assert "fails" in evaluation(promtool, tmp_path, expression)


@pytest.mark.parametrize(
    "expression",
    [
        "rate(a[5m]) / on (job) group_left () sum by (job) (rate(a[5m])) > 0.5",
        "rate(a[5m]) / ignoring (instance, x) group_left () sum by (job) (rate(a[5m])) > 0.5",
        "a and on (job) sum by (job) (a) > 0",
        "sum by (job) (a) / on (job) sum by (job) (a) > 0.5",
        'a{instance="1",job="j",x="1"} / on (job) sum by (job) (a) > 0.5',
        'a{instance="1",x="1"} / ignoring (x) sum without (x) (a{instance="1",x="1"}) > 0.5',
        "a / on (job, instance, x) sum by (job, instance, x) (b) > 0.5",
    ],
)
def test_a_rule_that_can_be_evaluated_is_left_alone(
    promtool: Path, tmp_path: Path, expression: str
) -> None:
    assert check_alert(parse(expression)) == ()
    assert evaluation(promtool, tmp_path, expression) == "works"


def evaluation(promtool: Path, folder: Path, expression: str) -> str:
    """Whether Prometheus evaluates an alert on series of two instances of a job."""
    rules = {"groups": [{"name": "g", "rules": [{"alert": "A", "expr": expression}]}]}
    series = [
        {"series": f'{name}{{job="j",instance="{instance}",x="1"}}', "values": "0+60x20"}
        for name in ("a", "b", "errors_total")
        for instance in "12"
    ]
    nothing = {"expr": "nothing", "eval_time": "15m", "exp_samples": []}
    test = {
        "rule_files": ["rules.yaml"],
        "tests": [{"interval": "1m", "input_series": series, "promql_expr_test": [nothing]}],
    }
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules))
    (folder / "test.yaml").write_text(yaml.safe_dump(test))
    ran = subprocess.run(
        [promtool, "test", "rules", folder / "test.yaml"], capture_output=True, text=True
    )
    return "works" if ran.returncode == 0 else f"fails: {ran.stdout}{ran.stderr}"
