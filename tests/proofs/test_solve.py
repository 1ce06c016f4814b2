"""What makes alerts fire: states that are found from expressions alone, and that a real Prometheus
agrees with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from opsgen.promql import one_line, parse
from opsgen.promql.rewrite import longest_lookback
from opsgen.proofs import (
    Condition,
    Proofs,
    Scenario,
    Series,
    SeriesLevel,
    State,
    Unprovable,
    evaluate,
    prove,
)
from tests.proofs.timelines import judge

_REQUESTS = 'http_requests_total{job="a"}'
_ERRORS = 'http_requests_total{job="a",code=~"5.."}'
_BOUNDS = {
    "h": [Decimal(bound) for bound in ("0.05", "0.1", "0.25", "0.3", "0.5", "1", "2.5", "5")]
}


def _error_ratio(errors: str = f"sum(rate({_ERRORS}[5m]))") -> str:
    return f"{errors} / (sum(rate({_REQUESTS}[5m])) > 0)"


_RATIO_OR_ZERO = _error_ratio(f"(sum(rate({_ERRORS}[5m])) or 0 * sum(rate({_REQUESTS}[5m])))")
_SLOW_RATIO = (
    '(sum(rate(h_count{job="a"}[5m])) - sum(rate(h_bucket{job="a",le="0.3"}[5m]))) '
    '/ (sum(rate(h_count{job="a"}[5m])) > 0)'
)
_ORDERS = "sum(rate(orders_completed_total[5m]))"
_ORDERS_BEFORE = "sum(rate(orders_completed_total[5m] offset 8h))"


def _percentile(share: str) -> str:
    return f'histogram_quantile({share}, sum by (le) (rate(h_bucket{{job="a"}}[5m])))'


# One service's worth, of every shape that is generated. The offsets are hours rather than weeks,
# for promtool's sake.
_SERVICE: Mapping[str, str] = {
    "ErrorRatioHigh": f"{_error_ratio()} > 0.02 and sum(increase({_REQUESTS}[5m])) >= 50",
    "ErrorRatioHigh/or": f"{_RATIO_OR_ZERO} > 0.02 and sum(increase({_REQUESTS}[5m])) >= 50",
    "Burn/page": (
        f"({_RATIO_OR_ZERO} > 0.0144 and sum(increase({_REQUESTS}[1h])) >= 70) "
        f"or ({_RATIO_OR_ZERO} > 0.006 and sum(increase({_REQUESTS}[6h])) >= 167)"
    ),
    "Burn/ticket": f"{_RATIO_OR_ZERO} > 0.001 and sum(increase({_REQUESTS}[3d])) >= 1000000",
    "Burn/extreme": f"{_RATIO_OR_ZERO} > 0.9",
    "SlowBurn/page": f'{_SLOW_RATIO} > 0.144 and sum(increase(h_count{{job="a"}}[1h])) >= 7',
    "SlowBurn/ticket": f"{_SLOW_RATIO} > 0.01",
    "LatencyP50High": f"{_percentile('0.5')} > 0.08",
    "LatencyP99High": (
        f'{_percentile("0.99")} > 0.8 and sum(increase(h_count{{job="a"}}[5m])) >= 100'
    ),
    "TrafficGone": (
        f"sum(increase({_REQUESTS}[30m])) == 0 and sum(rate({_REQUESTS}[1h] offset 8h)) > 0.1 "
        'and on () max(up{job="a"}) == 1'
    ),
    "TargetsAbsent": 'absent(up{job="a"} == 1)',
    "TargetDown": '1 - avg(up{job="a"}) > 0.1',
    "ProbeFailed": 'max_over_time(probe_success{job="p"}[2m]) == 0',
    "ProbeSlow": 'avg_over_time(probe_duration_seconds{job="p"}[5m]) > 1',
    "CertificateExpiring": (
        'last_over_time(probe_ssl_earliest_cert_expiry{job="p"}[1h]) - time() < 1209600'
    ),
    "OrdersLow": f"{_ORDERS} < 0.5",
    "OrdersHigh": f"{_ORDERS} > 100",
    "OrdersDropped": f"{_ORDERS} < 0.5 * {_ORDERS_BEFORE}",
    "OrdersAbsent": f"absent({_ORDERS})",
    "SuccessLow": "sum(rate(a_total[5m])) / sum(rate(b_total[5m])) < 0.9",
    "QueueLong": "max(queue_length) > 1000",
    "RegionQuiet": "sum by (region) (rate(x[5m])) < 5",
    "Frozen": "avg(temp) < -5",
}


def _conditions(expressions: Mapping[str, str]) -> list[Condition]:
    return [Condition(key, parse(expr)) for key, expr in expressions.items()]


def _prove(expressions: Mapping[str, str]) -> Proofs:
    return prove(_conditions(expressions), _BOUNDS)


def _only(expr: str) -> Scenario:
    (scenario,) = _prove({"it": expr}).scenarios
    return scenario


def _fires(expr: str, now: State, past: State, seconds: int = 0) -> bool:
    value = evaluate(parse(expr), now, past, Decimal(seconds))
    return bool(value) if isinstance(value, dict) else True


def _changed(proofs: Proofs, scenario: Scenario) -> dict[Series, SeriesLevel | None]:
    before, after = proofs.healthy, scenario.state
    return {
        found: after.get(found)
        for found in {**before, **after}
        if before.get(found) != after.get(found)
    }


def _alternatives(expressions: Mapping[str, str]) -> str:
    """One expression whose result names every condition that fires."""
    return " or ".join(
        f'label_replace(group({expr}), "key", "{key}", "", "")' for key, expr in expressions.items()
    )


def _assertion(
    expressions: Mapping[str, str], minutes: int, fires: Sequence[str]
) -> dict[str, Any]:
    samples = [{"labels": f'{{key="{key}"}}', "value": 1} for key in fires]
    return {"expr": _alternatives(expressions), "eval_time": f"{minutes}m", "exp_samples": samples}


@pytest.mark.parametrize("key", _SERVICE)
def test_every_shape_is_proven_alone(key: str) -> None:
    proofs = _prove({key: _SERVICE[key]})

    (scenario,) = proofs.scenarios
    assert scenario.fires == (key,)
    assert not _fires(_SERVICE[key], proofs.healthy, proofs.healthy)
    assert _fires(_SERVICE[key], scenario.state, proofs.healthy)


def test_every_alert_of_a_service_fires_in_a_scenario_of_their_common_proof() -> None:
    proofs = _prove(_SERVICE)

    assert {key for scenario in proofs.scenarios for key in scenario.fires} == set(_SERVICE)


def test_a_real_prometheus_sees_exactly_what_the_proof_says(promtool: Path, tmp_path: Path) -> None:
    proofs = _prove(_SERVICE)
    healthy_minutes, failing_minutes = 11 * 60, 2 * 60

    for scenario in proofs.scenarios:
        judge(
            promtool,
            tmp_path,
            [(proofs.healthy, healthy_minutes), (scenario.state, failing_minutes)],
            [
                _assertion(_SERVICE, 5, ()),
                _assertion(_SERVICE, healthy_minutes - 1, ()),
                _assertion(_SERVICE, healthy_minutes + failing_minutes - 1, scenario.fires),
            ],
        )


def test_conditions_that_fire_together_share_a_scenario() -> None:
    expressions = {
        key: _SERVICE[key] for key in ("ErrorRatioHigh", "Burn/page", "Burn/ticket", "TrafficGone")
    }

    scenarios = _prove(expressions).scenarios

    assert [scenario.fires for scenario in scenarios] == [
        ("ErrorRatioHigh", "Burn/page", "Burn/ticket"),
        ("TrafficGone",),
    ]


def test_healthy_requests_are_busy_and_without_errors() -> None:
    proofs = _prove({"it": _SERVICE["ErrorRatioHigh"]})

    by_code = {dict(series.labels)["code"]: level.value for series, level in proofs.healthy.items()}
    assert by_code == {"200": 1000, "500": 0}


def test_an_outage_is_preferred_to_a_near_miss() -> None:
    proofs = _prove({"it": _SERVICE["Burn/ticket"]})

    (errors,) = _changed(proofs, proofs.scenarios[0]).values()
    assert errors is not None
    assert errors.value >= 99 * 1000


def test_a_failing_state_changes_one_source_where_one_is_enough() -> None:
    proofs = _prove(_SERVICE)

    for scenario in proofs.scenarios:
        metrics = {
            series.metric.removesuffix("_bucket").removesuffix("_sum")
            for series in _changed(proofs, scenario)
        }
        assert len(metrics) == 1, scenario.fires


def test_the_state_that_fires_the_fewest_others_is_chosen() -> None:
    proofs = _prove({"QueueLong": "max(queue) > 500", "QueueVeryLong": "max(queue) > 1000"})

    assert [scenario.fires for scenario in proofs.scenarios] == [
        ("QueueLong",),
        ("QueueLong", "QueueVeryLong"),
    ]


def test_two_alerts_on_opposite_sides_leave_room_for_health() -> None:
    proofs = _prove({"Low": f"{_ORDERS} < 40", "High": f"{_ORDERS} > 42"})

    (level,) = proofs.healthy.values()
    assert 40 < level.value < 42


def test_what_depends_on_the_time_holds_ten_days_later() -> None:
    expr = _SERVICE["CertificateExpiring"]
    proofs = _prove({"it": expr})

    for seconds in (0, 10 * 86_400):
        assert not _fires(expr, proofs.healthy, proofs.healthy, seconds)
        assert _fires(expr, proofs.scenarios[0].state, proofs.healthy, seconds)


def test_a_healthy_start_without_a_past_is_silent_too() -> None:
    expr = f"{_ORDERS} > 0.5 unless {_ORDERS_BEFORE} > 0.4"
    proofs = _prove({"it": expr})

    assert not _fires(expr, proofs.healthy, State())


def test_nothing_hangs_on_the_last_digit_of_a_rate() -> None:
    proofs = _prove({"it": "sum(rate(x_total[5m])) > 1000"})

    (level,) = proofs.healthy.values()
    assert level.value < 999


@pytest.mark.parametrize(
    "expr",
    [
        "sum(rate(x_total[5m])) > 5 and sum(rate(x_total[5m])) < 7",
        "sum(increase(errors_total[1h])) > 10 and sum(rate(x_total[5m])) > 5000",
        "node_filesystem_avail_bytes / node_filesystem_size_bytes < 0.1",
        "predict_linear(node_filesystem_avail_bytes[6h], 4 * 86400) < 0",
        "deriv(disk_free_bytes[1h]) < -100",
        "process_open_fds / process_max_fds > 0.85",
        "sum(rate(h_sum[5m])) / sum(rate(h_count[5m])) > 0.4",
        'a{namespace="shop"} * on (namespace, pod) group_left (node) pod_info > 5',
        'sum by (pod) (used{pod=~"web-.*"}) / sum by (pod) (limit) > 0.9',
        "kube_deployment_spec_replicas != kube_deployment_status_replicas_available",
        "time() - max(last_success_timestamp_seconds) > 86400",
        "clamp_max(queue, 100) / 100 > 0.5",
        (
            "sum by (a) (rate(x_total[5m])) < 0.5 * sum by (a) (rate(x_total[5m] offset 1w)) and on"
            " () max(up) == 1"
        ),
        "avg_over_time((queue > bool 10)[1h:1m]) > 0.5",
        "absent_over_time(heartbeat[10m])",
        "count(up == 0) > 0",
        "config_reload_failed == 1",
        "maintenance_window",
    ],
)
def test_the_queries_of_users_are_proven_too(expr: str) -> None:
    assert _only(expr).fires == ("it",)


@pytest.mark.parametrize(
    ("expr", "reason"),
    [
        (
            "sum(rate(x_total[5m])) > 5 and hour() > 8",
            r"hour\(\) has no fixed value in a steady state",
        ),
        ("changes(up[5m]) > 3", r"changes\(\) is 0"),
        ("rate(x_total[5m]) > 1 and x_total > 7", "raw value of the counter x_total"),
        (
            "sum(rate(x_total[5m])) > 5 and sum(rate(x_total[5m])) < 4",
            "opsgen found no steady state in which it fires",
        ),
        ("vector(1)", "opsgen found no steady state in which it is silent"),
        ('x{a="1",a="2"} > 5', "no series of x can satisfy"),
        ("up @ 5 == 0", "@ modifier"),
        ("sum(rate(errors_total[5m])) / sum(rate(errors_total[5m])) > 2", "in which it fires"),
        ("histogram_quantile(0.9, sum by (le) (rate(h_bucket[5m]))) > 60", "in which it fires"),
    ],
)
def test_what_can_not_be_proven_is_named_with_its_reason(expr: str, reason: str) -> None:
    with pytest.raises(Unprovable, match=reason) as raised:
        _prove({"fine": "up == 0", "it": expr})

    assert raised.value.key == "it"


def test_alerts_that_contradict_each_other_are_named() -> None:
    with pytest.raises(Unprovable, match="in which it and Low are silent") as raised:
        _prove({"High": f"{_ORDERS} > 5", "Low": f"{_ORDERS} < 10"})

    assert raised.value.key == "High"


def test_equal_input_gives_equal_proofs() -> None:
    first, second = _prove(_SERVICE), _prove(_SERVICE)

    assert first == second
    assert list(first.healthy) == list(second.healthy)


def test_an_alert_that_looks_back_has_states_that_say_the_same_with_fewer_series() -> None:
    proofs = _prove(_SERVICE)

    scenario = next(found for found in proofs.scenarios if "OrdersDropped" in found.fires)
    assert scenario.least is not None
    before, after = scenario.least
    assert len(before) < len(proofs.healthy)
    assert not any(_fires(expr, before, before) for expr in _SERVICE.values())
    assert (
        tuple(key for key, expr in _SERVICE.items() if _fires(expr, after, before))
        == scenario.fires
    )


@pytest.mark.parametrize("service", ["neutral-0", "other", "proof", "0", "a b", "é", ""])
def test_services_that_differ_in_label_values_have_proofs_that_differ_in_those(
    service: str,
) -> None:
    def conditions(value: str) -> dict[str, str]:
        own = f'rate(requests_total{{job="{value}"}}[5m])'
        failed = f'rate(requests_total{{code=~"5..", job="{value}"}}[5m])'
        return {
            "Errors": f"sum({failed}) / sum({own}) > 0.1",
            "Beside": f'sum by (job) ({own}) < 0.1 and on (job) up{{job="{value}"}} == 1',
            "Others": 'sum(rate(requests_total{job="neighbour"}[5m])) > 100',
        }

    proofs = _prove(conditions(service))

    for scenario in proofs.scenarios:
        firing = [
            k
            for k, expr in conditions(service).items()
            if _fires(expr, scenario.state, proofs.healthy)
        ]
        assert tuple(firing) == scenario.fires
    assert {dict(series.labels).get("job", "") for series in proofs.healthy} >= {
        service,
        "neighbour",
    }


# Their `for` and their other fields don't matter here; what no steady state proves is left out, and
# counted.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("component", "unprovable"),
    [("alertmanager", 3), ("nodeExporter", 0), ("prometheus", 0), ("kubeStateMetrics", 1)],
)
def test_public_alerts_are_proven_together(
    component: str, unprovable: int, sample_data: Path, promtool: Path, tmp_path: Path
) -> None:
    file = sample_data / "rules" / "kube-prometheus" / f"{component}-prometheusRule.yaml"
    expressions = _alerts_of(file)
    provable = {key: expr for key, expr in expressions.items() if _is_provable(expr)}
    assert len(expressions) - len(provable) == unprovable

    proofs = _prove(provable)

    lookback = max(int(longest_lookback(parse(expr)).minutes) for expr in provable.values())
    healthy, failing = 2 * lookback + 60, lookback + 60
    for scenario in proofs.scenarios:
        judge(
            promtool,
            tmp_path,
            [(proofs.healthy, healthy), (scenario.state, failing)],
            [
                _assertion(provable, healthy - 1, ()),
                _assertion(provable, healthy + failing - 1, scenario.fires),
            ],
        )


def _alerts_of(file: Path) -> dict[str, str]:
    groups = yaml.safe_load(file.read_text())["spec"]["groups"]
    rules = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    return {
        f"{rule['alert']}/{index}": one_line(parse(rule["expr"]))
        for index, rule in enumerate(rules)
    }


def _is_provable(expr: str) -> bool:
    try:
        _prove({"it": expr})
    except Unprovable:
        return False
    return True
