"""Claims about business signals: how their alerts are named, what they compare, and when they
fire."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsgen.model.service import BusinessAlert, Place
from opsgen.model.signal import Alert, Signal
from opsgen.promql import one_line
from opsgen.quantities import Duration, Ratio
from opsgen.signals.business import alert_name, kind_of_alert
from tests.signals.scenario import (
    absent,
    counter,
    firing,
    gauge,
    judge,
    never_fired,
    open_hours,
    runs,
)
from tests.specs import derived, refused

QUERY = "sum(rate(orders_total[5m]))"


def _spec(alerts: str, query: str = QUERY, name: str = "orders", more: str = "") -> str:
    return (
        "service: shop\nteam: web\nmatch: {job: shop}\n"
        f"business:\n  - name: {name}\n    title: Orders\n    unit: orders/s\n"
        f"    query: {query}\n{more}    alerts: {alerts}\n"
    )


def _signal(folder: Path, alerts: str, query: str = QUERY, more: str = "") -> Signal:
    model = derived(folder, _spec(alerts, query, more=more))
    (signal,) = (signal for signal in model.derived.signals if signal.group == "business")
    return signal


def _only(folder: Path, alert: str, query: str = QUERY) -> Alert:
    (found,) = _signal(folder, f"[{alert}]", query).alerts
    return found


@pytest.mark.parametrize(
    ("signal", "kind", "name"),
    [
        ("orders-completed", "below", "OrdersCompletedLow"),
        ("orders", "above", "OrdersHigh"),
        ("a-b-c", "drop", "ABCDropped"),
        ("p95-of-2", "absent", "P95Of2Absent"),
    ],
)
def test_an_alert_is_named_after_its_signal(signal: str, kind: str, name: str) -> None:
    assert alert_name(signal, kind) == name


def test_the_kind_of_an_alert_is_the_condition_that_it_has() -> None:
    place = Place("service.yaml", 1, 1)

    assert kind_of_alert(BusinessAlert(place, drop=Ratio.parse("5%"))) == "drop"
    assert kind_of_alert(BusinessAlert(place, absent=Duration.of("5m"))) == "absent"


@pytest.mark.parametrize(
    ("alert", "expr"),
    [
        ("{below: 0.5}", 'sum(rate(orders_total{job="shop"}[5m])) < 0.5'),
        ("{above: 1000000}", 'sum(rate(orders_total{job="shop"}[5m])) > 1000000'),
        ("{above: 1e-7}", 'sum(rate(orders_total{job="shop"}[5m])) > 0.0000001'),
        ("{above: -5}", 'sum(rate(orders_total{job="shop"}[5m])) > -5'),
        (
            "{drop: 30%}",
            (
                'sum(rate(orders_total{job="shop"}[5m])) < 0.7 *'
                ' sum(rate(orders_total{job="shop"}[5m] offset 7d))'
                ' and sum(rate(orders_total{job="shop"}[5m])) < 0.7 *'
                ' sum(rate(orders_total{job="shop"}[5m] offset 6d23h))'
                ' and sum(rate(orders_total{job="shop"}[5m])) < 0.7 *'
                ' sum(rate(orders_total{job="shop"}[5m] offset 7d1h))'
            ),
        ),
        (
            "{drop: 12.5%, against: 6h}",
            (
                'sum(rate(orders_total{job="shop"}[5m])) < 0.875 *'
                ' sum(rate(orders_total{job="shop"}[5m] offset 6h))'
            ),
        ),
        ("{absent: 10m}", 'absent(sum(rate(orders_total{job="shop"}[5m])))'),
    ],
)
def test_a_condition_is_plain_promql(tmp_path: Path, alert: str, expr: str) -> None:
    assert one_line(_only(tmp_path, alert).expr) == expr


@pytest.mark.parametrize(
    ("alert", "hold", "severity", "keep_firing"),
    [
        ("{below: 1}", "15m", "ticket", "0s"),
        ("{above: 1, for: 0s}", "0s", "ticket", "0s"),
        ("{below: 1, for: 3m, severity: page}", "3m", "page", "5m"),
        ("{absent: 10m}", "10m", "ticket", "0s"),
        ("{drop: 50%, for: 30m, severity: info}", "30m", "info", "0s"),
    ],
)
def test_an_alert_holds_as_long_as_the_spec_says(
    tmp_path: Path, alert: str, hold: str, severity: str, keep_firing: str
) -> None:
    found = _only(tmp_path, alert)

    assert (str(found.hold), found.severity, str(found.keep_firing)) == (
        hold,
        severity,
        keep_firing,
    )


def test_every_offset_of_an_expression_of_many_parts_is_moved(tmp_path: Path) -> None:
    query = "sum(rate(paid_total[5m])) / sum(rate(orders_total[5m] offset 1h))"

    expr = one_line(_only(tmp_path, "{drop: 50%}", query).expr)

    assert 'paid_total{job="shop"}[5m] offset 7d' in expr
    assert 'orders_total{job="shop"}[5m] offset 7d1h' in expr


def test_a_signals_own_matchers_take_the_place_of_the_services(tmp_path: Path) -> None:
    signal = _signal(tmp_path, "[{below: 1}]", more="    match: {job: billing}\n")

    assert one_line(signal.query) == 'sum(rate(orders_total{job="billing"}[5m]))'


def test_a_signal_without_matchers_is_asked_of_all_series(tmp_path: Path) -> None:
    signal = _signal(tmp_path, "[{below: 1}]", more="    match: {}\n")

    assert one_line(signal.query) == QUERY


def test_what_the_query_matches_already_is_left_as_it_is(tmp_path: Path) -> None:
    signal = _signal(tmp_path, "[{below: 1}]", query="'sum(rate(orders_total{job=~\"a|b\"}[5m]))'")

    assert one_line(signal.query) == 'sum(rate(orders_total{job=~"a|b"}[5m]))'


def test_the_panel_shows_what_a_drop_is_compared_with(tmp_path: Path) -> None:
    signal = _signal(tmp_path, "[{drop: 50%}, {drop: 80%, against: 1d, severity: page}]")

    assert [line.legend for line in signal.panel.lines] == ["Orders", "7d ago", "1d ago"]


def test_the_words_say_what_is_compared(tmp_path: Path) -> None:
    low = _only(tmp_path, "{below: 0.5}")
    dropped = _only(tmp_path, "{drop: 30%}")

    assert (
        low.description
        == "Orders is at {{ $value | humanize }}; less than 0.5 orders/s for 15 minutes is too"
        " little."
    )
    assert (
        dropped.description
        == "Orders is at {{ $value | humanize }}, which is less than 70% of what it was 7 days ago,"
        " and an hour before and after that."
    )
    assert (
        dropped.guidance.meaning
        == "Orders has been 30% or more below its value of 7 days ago, and an hour before and after that,"
        " for 15 minutes."
    )


# -- mistakes --------------------------------------------------------------------------------------


def test_a_name_that_makes_an_alert_too_long_is_a_mistake(tmp_path: Path) -> None:
    longest = "x" * 37

    alerts = derived(tmp_path, _spec("[{below: 1}]", name=longest)).derived.alerts

    assert f"X{longest[1:]}Low" in {alert.name for alert in alerts}
    assert refused(tmp_path, _spec("[{below: 1}]", name=f"{longest}x")) == [
        f"service.yaml:5:5: {longest}x: the name of its alert X{longest}Low has 41 characters,"
        " more than 40; give the signal a shorter name"
    ]


def test_two_alerts_of_one_name_and_severity_are_a_mistake(tmp_path: Path) -> None:
    assert refused(tmp_path, _spec("[{below: 1}, {below: 2}]")) == [
        "service.yaml:5:5: OrdersLow: there are two alerts OrdersLow of severity ticket on orders; "
        "give one of them another severity, or leave one out"
    ]


def test_two_severities_of_one_cause_share_a_name(tmp_path: Path) -> None:
    signal = _signal(tmp_path, "[{below: 1}, {below: 0.1, severity: page}]")

    assert [(alert.name, alert.severity) for alert in signal.alerts] == [
        ("OrdersLow", "ticket"),
        ("OrdersLow", "page"),
    ]


@pytest.mark.parametrize(
    "name", ["targets", "probe-healthz", "probes", "slo-fresh", "slo-fresh-budget"]
)
def test_a_name_that_opsgen_gives_itself_is_a_mistake(tmp_path: Path, name: str) -> None:
    spec = (
        _spec("[{below: 1}]", name=name)
        + "uptime: [https://shop.example.com/healthz]\nslos: [{name: fresh, objective: 99%, bad:"
        " 'rate(a_total[5m])', total: 'rate(b_total[5m])'}]\n"
    )

    assert refused(tmp_path, spec) == [
        f"service.yaml:5:5: {name}: another signal or panel of the service is named {name}; give"
        " this one another name"
    ]


# -- under Prometheus ------------------------------------------------------------------------------


def test_too_little_too_much_and_nothing_at_all_fire(promtool: Path, tmp_path: Path) -> None:
    model = derived(tmp_path, _spec("[{below: 1}, {above: 10, severity: page}, {absent: 10m}]"))
    series = [
        counter('orders_total{job="shop"}', runs(60, 300), runs(40, 30), runs(40, 900), absent(40))
    ]

    judge(
        promtool,
        tmp_path,
        model,
        series,
        [
            never_fired(60),
            firing(99, "OrdersLow/ticket"),
            firing(139, "OrdersHigh/page"),
            firing(170, "OrdersAbsent/ticket"),
        ],
    )


def test_a_drop_fires_against_the_same_hour_of_the_day_before(
    promtool: Path, tmp_path: Path
) -> None:
    model = derived(tmp_path, _spec("[{drop: 50%, against: 1d}]", query="sum(orders)"))
    day = 25 * 60
    series = [{"series": 'orders{job="shop"}', "values": f"100+0x{day} 60+0x119 40+0x120"}]

    judge(
        promtool,
        tmp_path,
        model,
        series,
        [never_fired(day + 115), firing(day + 180, "OrdersDropped/ticket")],
        evaluate_every="5m",
    )


# Open from 8 to 20 o'clock at two hours before UTC in summer, and at one in winter.
_SUMMER, _WINTER = (6, 18), (7, 19)


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), [(_SUMMER, _WINTER), (_WINTER, _SUMMER)])
@pytest.mark.parametrize("against", ["1d", "1w"])
def test_a_change_of_the_clocks_is_no_drop(
    promtool: Path, tmp_path: Path, before: tuple[int, int], after: tuple[int, int], against: str
) -> None:
    model = derived(tmp_path, _spec(f"[{{drop: 50%, against: {against}}}]"))
    days = [*open_hours(8, before, 60), *open_hours(8, after, 60)]
    middle = 16 * 24 * 60 + 12 * 60

    judge(
        promtool,
        tmp_path,
        model,
        [counter('orders_total{job="shop"}', *days, runs(10 * 60, 60), runs(3 * 60, 20))],
        [never_fired(16 * 24 * 60), firing(middle, "OrdersDropped/ticket")],
        evaluate_every="5m",
    )


def test_without_a_day_before_a_drop_is_silent(promtool: Path, tmp_path: Path) -> None:
    model = derived(tmp_path, _spec("[{drop: 50%, against: 1d}]", query="sum(orders)"))

    judge(promtool, tmp_path, model, [gauge('orders{job="shop"}', 0, 120)], [never_fired(120)])
