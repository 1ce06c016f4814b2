"""The service's dashboard, by the JSON that Grafana would read."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from html.parser import HTMLParser
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from grafanalib import formatunits

from opsgen.model import links
from opsgen.model.oncall import Severity, Team
from opsgen.model.platform import Platform
from opsgen.model.service import Convention, Service
from opsgen.model.signal import (
    GROUPS,
    Alert,
    Derived,
    Group,
    Guidance,
    Line,
    Panel,
    Signal,
    Threshold,
    Unit,
)
from opsgen.model.units import UNITS, unit_named
from opsgen.promql import Call, Matcher, Selector, parse
from opsgen.promql.tree import walk as walk_query
from opsgen.quantities import Duration
from opsgen.render.dashboards import render_dashboards
from opsgen.resolve.servers import TIMINGS
from tests.render.dashboard_schema import (
    Json,
    expressions,
    overlaps,
    panel_titled,
    panels,
    rows,
    step_values,
    violations,
    walk,
)
from tests.rendering import rendered

HOSTILE = (
    "{{ $labels.x }} $instance ${datasource} [[instance]] <script>alert(1)</script> | `id` *b* _i_"
    ' [a](javascript:b) &amp; "quoted" \\ مرحبا 🔥'
)
UNITS_OF_GRAFANA = {
    value for name, value in vars(formatunits).items() if isinstance(value, str) and name.isupper()
}


def a_service(**changes: Any) -> Service:
    known: dict[str, Any] = {
        "name": "checkout",
        "title": "Checkout",
        "description": "Turns a basket into a paid order.",
        "team": Team("payments", "#payments", MappingProxyType({})),
        "tier": 1,
        "environment": "production",
        "runtime": "kubernetes",
        "spec_file": "specs/checkout.yaml",
        "convention": Convention("otel-http", "OpenTelemetry HTTP"),
        "matchers": (Matcher("namespace", "=", "shop"), Matcher("job", "=", "checkout")),
        "slos": (),
        "probes": (),
        "business": (),
        "settings": MappingProxyType({}),
        "origins": MappingProxyType({}),
        "overrides": MappingProxyType({}),
        "burn_rates": None,
        "platform": Platform(
            "2.42", "0.25", Duration.of("15s"), Duration.of("30s"), "blackbox:9115", TIMINGS
        ),
        "runbook_commands": MappingProxyType({}),
        "runbook_url": "https://git.example.com/out/checkout/runbook.md",
        "dashboard_url": "https://grafana.example.com/d/opsgen-checkout",
        "folder": "checkout",
    }
    return Service(**known | changes)


def an_alert(
    name: str, signal: str, *limits: tuple[str, bool], severity: Severity = "ticket", **changes: Any
) -> Alert:
    """`limits` are values, and whether the alert fires above or below."""
    known: dict[str, Any] = {
        "expr": parse("up == 0"),
        "condition": parse("up == 0"),
        "hold": Duration.of("5m"),
        "keep_firing": Duration(0),
        "labels": (),
        "summary": f"{signal} is not as it should be.",
        "description": "",
        "guidance": Guidance("", "", (), (), ()),
        "thresholds": tuple(
            Threshold(Decimal(value), above, UNITS["ratio"]) for value, above in limits
        ),
    }
    return Alert(name=name, signal=signal, severity=severity, **known | changes)


def a_signal(
    name: str,
    group: Group = "saturation",
    query: str = "avg(rate(work_seconds_total[5m]))",
    *alerts: Alert,
    key: str | None = None,
    title: str = "",
    description: str = "What it is.",
    unit: Unit = UNITS["ratio"],
    live: bool = True,
    kind: Any = "timeseries",
    lines: int = 1,
) -> Signal:
    node = parse(query)
    legends = [f"{name} {index}" for index in range(lines)]
    return Signal(
        name=name,
        group=group,
        title=title or name,
        description=description,
        unit=unit,
        query=node,
        panel=Panel(
            key or name,
            title or name,
            description,
            kind,
            tuple(Line(node, legend, live) for legend in legends),
        ),
        alerts=alerts,
    )


def every_kind_of_signal() -> tuple[Signal, ...]:
    burn = an_alert(
        "ErrorBudgetBurn", "slo-availability", ("0.0144", True), ("0.006", True), severity="page"
    )
    slow_burn = an_alert("ErrorBudgetBurn", "slo-availability", ("0.003", True), ("0.001", True))
    failed = an_alert("ProbeFailed", "probe-healthz", severity="page")
    high = an_alert("ErrorRatioHigh", "errors", ("0.02", True))
    below = Threshold(Decimal("0.5"), False, unit_named("orders/s"))
    few = an_alert("OrdersCompletedLow", "orders-completed", severity="page", thresholds=(below,))
    recorded = 'slo:error_ratio:rate5m{service="checkout",slo="availability"}'
    return (
        a_signal("slo-availability", "slo", recorded, burn, slow_burn, live=False, lines=4),
        a_signal("slo-availability-budget", "slo", "slo:error_budget_remaining:ratio", live=False),
        a_signal(
            "probe-healthz",
            "uptime",
            "probe_success",
            failed,
            live=False,
            kind="state",
            unit=UNITS["state"],
        ),
        a_signal(
            "requests", "traffic", "sum(rate(http_requests_total[5m]))", unit=UNITS["requests/s"]
        ),
        a_signal("errors", "errors", 'sum(rate(http_requests_total{code=~"5.."}[5m]))', high),
        *(
            a_signal(
                f"latency-p{p}",
                "latency",
                quantile(p),
                key="latency",
                title="Latency",
                unit=UNITS["seconds"],
            )
            for p in (50, 95, 99)
        ),
        a_signal(
            "orders-completed",
            "business",
            "sum(rate(orders_total[5m]))",
            few,
            unit=unit_named("orders/s"),
        ),
        a_signal("version", "deployment", "count(build_info)", kind="stat", unit=UNITS["count"]),
    )


def quantile(percentile: int) -> str:
    return (
        f"histogram_quantile(0.{percentile}, sum by (le)"
        " (rate(http_request_duration_seconds_bucket[5m])))"
    )


def dashboard(*signals: Signal, **changes: Any) -> Json:
    artifact = rendered(render_dashboards, a_service(**changes), Derived(signals))
    document: Json = json.loads(artifact.content)
    return document


def test_a_service_has_one_dashboard_in_its_folder() -> None:
    artifact = rendered(render_dashboards, a_service(), Derived(every_kind_of_signal()))

    assert artifact.path == "checkout/dashboard.json"
    assert str(artifact.content).endswith("}\n")


def test_what_draws_nothing_does_not_wait_for_grafanalib() -> None:
    script = (
        "import sys, opsgen.render.dashboards, opsgen.render.overview; sys.exit('grafanalib' in"
        " sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_every_signal_has_a_panel_that_asks_its_query() -> None:
    signals = every_kind_of_signal()

    shown = dashboard(*signals)

    by_id = {panel["id"]: panel for panel in panels(shown)}
    for signal in signals:
        asked = expressions(by_id[links.panel_id(signal.panel.key)])
        metrics = {node.metric for node in walk_query(signal.query) if isinstance(node, Selector)}
        assert any(metric in expr for expr in asked for metric in metrics if metric)


def test_signals_of_one_key_share_a_panel_under_the_first_ones_words() -> None:
    first = a_signal("cpu", query="cpu", key="both", title="CPU", description="How busy.")
    second = a_signal(
        "cpu-limit", query="cpu_limit", key="both", title="Limit", description="How much there is."
    )

    panel = panel_titled(dashboard(first, second), "CPU")

    assert expressions(panel) == ["cpu", "cpu_limit"]
    assert [target["refId"] for target in panel["targets"]] == ["A", "B"]
    assert panel["description"].startswith("How busy.")


def test_rows_stand_in_the_order_in_which_a_person_looks_at_them() -> None:
    shown = dashboard(*reversed(every_kind_of_signal()))

    titles = [row["title"] for row in rows(shown)]
    assert titles[0] == "Overview"
    assert titles[1:] == [title for title in GROUPS.values() if title in titles]
    assert len(titles) == 8


def test_the_overview_shows_what_the_service_has_and_nothing_else() -> None:
    everything, nothing = dashboard(*every_kind_of_signal()), dashboard(a_signal("disk"))

    assert stats(everything) == [
        "Error budget left",
        "Request rate",
        "Error ratio",
        "Latency, p99",
        "Firing alerts",
    ]
    assert stats(nothing) == ["Firing alerts"]


def stats(shown: Json) -> list[str]:
    return [panel["title"] for panel in panels(shown) if panel["gridPos"]["y"] == 1]


def test_a_stat_shows_this_moment_and_says_when_there_is_no_data() -> None:
    stat = panel_titled(dashboard(*every_kind_of_signal()), "Error ratio")

    assert stat["options"]["reduceOptions"]["calcs"] == ["lastNotNull"]
    assert stat["fieldConfig"]["defaults"]["noValue"] == "no data"
    assert all(target["instant"] and not target["range"] for target in stat["targets"])


def test_the_budgets_of_all_slos_are_one_query_named_by_their_slo() -> None:
    budgets = [
        a_signal(
            f"slo-{slo}-budget",
            "slo",
            f'slo:error_budget_remaining:ratio{{service="checkout",slo="{slo}"}}',
        )
        for slo in ("availability", "latency")
    ]

    (target,) = panel_titled(dashboard(*budgets), "Error budget left")["targets"]

    assert target["expr"] == 'slo:error_budget_remaining:ratio{service="checkout"}'
    assert target["legendFormat"] == "{{slo}}"


def test_no_firing_alert_is_shown_as_zero() -> None:
    (expr,) = expressions(panel_titled(dashboard(), "Firing alerts"))

    assert parse(expr) == parse(
        'sum(ALERTS{alertstate="firing",service="checkout",step=""}) or vector(0)'
    )


def test_every_threshold_of_an_alert_is_drawn_on_its_panel() -> None:
    signals = every_kind_of_signal()

    shown = dashboard(*signals)

    by_id = {panel["id"]: panel for panel in panels(shown)}
    for signal in signals:
        panel = by_id[links.panel_id(signal.panel.key)]
        compared = sorted(
            {float(limit.value) for alert in signal.alerts for limit in alert.thresholds}
        )
        assert step_values(panel) == compared
        if compared:
            assert panel["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"] == {
                "mode": "dashed"
            }


@pytest.mark.parametrize(
    ("limits", "colors"),
    [
        ([("0.5", True, "page")], {None: "green", 0.5: "red"}),
        ([("0.5", True, "ticket")], {None: "green", 0.5: "orange"}),
        ([("0.5", False, "page")], {None: "red", 0.5: "green"}),
        (
            [("0.2", True, "ticket"), ("0.5", True, "page")],
            {None: "green", 0.2: "orange", 0.5: "red"},
        ),
        ([("0.2", True, "page"), ("0.5", True, "ticket")], {None: "green", 0.2: "red", 0.5: "red"}),
        (
            [("0.2", False, "page"), ("0.5", False, "ticket")],
            {None: "red", 0.2: "orange", 0.5: "green"},
        ),
        (
            [("0.2", False, "page"), ("0.9", True, "ticket")],
            {None: "red", 0.2: "green", 0.9: "orange"},
        ),
        ([("0.5", True, "ticket"), ("0.5", True, "page")], {None: "green", 0.5: "red"}),
    ],
)
def test_colours_tell_how_severe_an_alert_would_fire_there(
    limits: list[tuple[str, bool, Severity]], colors: dict[float | None, str]
) -> None:
    alerts = [
        an_alert(f"Alert{i}", "disk", (value, above), severity=s)
        for i, (value, above, s) in enumerate(limits)
    ]

    panel = panel_titled(dashboard(a_signal("disk", "saturation", "disk", *alerts)), "disk")

    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert {step["value"]: step["color"] for step in steps} == colors
    assert [step["value"] for step in steps] == list(colors)


def test_a_threshold_in_another_unit_is_not_drawn_on_the_panels_axis() -> None:
    dropped = an_alert("OrdersDropped", "orders", ("0.5", False))

    panel = panel_titled(
        dashboard(a_signal("orders", "business", "orders", dropped, unit=unit_named("orders/s"))),
        "orders",
    )

    assert step_values(panel) == []


def test_the_axis_reaches_the_first_threshold_so_that_it_is_seen() -> None:
    panel = panel_titled(dashboard(*every_kind_of_signal()), "slo-availability")

    custom = panel["fieldConfig"]["defaults"]["custom"]
    assert (custom["axisSoftMin"], custom["axisSoftMax"]) == (0, 0.001)


def test_rates_of_instances_follow_the_zoom_and_the_choice_of_instances() -> None:
    shown = dashboard(*every_kind_of_signal())

    assert expressions(panel_titled(shown, "requests")) == [
        'sum(rate(http_requests_total{instance=~"$instance"}[$__rate_interval]))'
    ]


def test_recorded_series_and_probes_know_no_instances() -> None:
    shown = dashboard(*every_kind_of_signal())

    for title in (
        "slo-availability",
        "slo-availability-budget",
        "probe-healthz",
        "orders-completed",
    ):
        assert not any("instance" in expr for expr in expressions(panel_titled(shown, title)))


def test_all_instances_are_those_too_that_have_no_such_label() -> None:
    (variable,) = (v for v in dashboard()["templating"]["list"] if v["name"] == "instance")

    assert variable["allValue"] == ".*"
    assert variable["query"] == 'label_values(up{namespace="shop",job="checkout"}, instance)'
    assert variable["multi"]
    assert variable["includeAll"]


def test_a_panel_links_to_the_runbook_section_of_each_of_its_alerts() -> None:
    panel = panel_titled(dashboard(*every_kind_of_signal()), "slo-availability")

    assert [(link["title"], link["url"]) for link in panel["links"]] == [
        (
            "Runbook: ErrorBudgetBurn",
            "https://git.example.com/out/checkout/runbook.md#errorbudgetburn-slo-availability",
        )
    ]


def test_a_panel_says_what_its_alerts_do_and_where_to_read_on() -> None:
    panel = panel_titled(dashboard(*every_kind_of_signal()), "slo-availability")

    assert panel["description"].split("\n\n") == [
        "What it is.",
        "ErrorBudgetBurn pages above 1.44% or above 0.6%: slo-availability is not as it should be.",
        (
            "ErrorBudgetBurn opens a ticket above 0.3% or above 0.1%: slo-availability is not as it"
            " should be."
        ),
        "What to do is in the runbook: follow this panel's link.",
    ]


def test_without_a_runbook_url_there_are_no_links_to_it() -> None:
    shown = dashboard(*every_kind_of_signal(), runbook_url="")

    assert not any(panel.get("links") for panel in panels(shown))
    assert [link["title"] for link in shown["links"]] == ["Other services"]


def test_a_new_panel_changes_no_other_panels_id() -> None:
    signals = every_kind_of_signal()

    before = dashboard(*signals)
    after = dashboard(a_signal("new-one", "slo"), *signals)

    assert set(ids(before)) < set(ids(after))
    assert {title: ids(after)[title] for title in ids(before)} == ids(before)
    assert before["uid"] == after["uid"] == "opsgen-checkout"


def ids(shown: Json) -> dict[str, int]:
    return {
        f"{part['type']}: {part['title']}": part["id"] for part in [*rows(shown), *panels(shown)]
    }


def test_of_two_keys_with_one_hash_the_first_keeps_the_id_that_links_have() -> None:
    first, second = two_keys_with_one_id()

    shown = dashboard(a_signal(first), a_signal(second))

    found = panel_titled(shown, first)["id"], panel_titled(shown, second)["id"]
    assert found == (links.panel_id(first), links.panel_id(first) + 1)


def two_keys_with_one_id() -> tuple[str, str]:
    seen: dict[int, str] = {}
    for number in count():
        key = f"signal-{number}"
        if (other := seen.setdefault(links.panel_id(key), key)) != key:
            return other, key
    raise AssertionError


def test_queries_asked_at_first_stay_within_the_budget_and_the_rest_waits_in_collapsed_rows() -> (
    None
):
    busy = [a_signal(f"objective-{index}", "slo", "slo", lines=4) for index in range(5)]

    shown = dashboard(*busy, *every_kind_of_signal()[3:])

    assert sum(len(expressions(panel)) for panel in shown["panels"]) <= 20
    assert [row["title"] for row in rows(shown) if row["collapsed"]] == ["Service level objectives"]
    assert len(next(row["panels"] for row in rows(shown) if row["collapsed"])) == 5


def test_what_users_feel_stays_open_before_what_explains_it() -> None:
    probes = [
        a_signal(f"probe-{index}", "uptime", "probe_success", live=False) for index in range(12)
    ]

    shown = dashboard(*probes, *every_kind_of_signal())

    assert [row["title"] for row in rows(shown) if row["collapsed"]] == ["Uptime"]


@pytest.mark.parametrize("number", range(1, 14))
def test_panels_fill_the_grid_and_never_overlap(number: int) -> None:
    shown = dashboard(
        *every_kind_of_signal(), *(a_signal(f"own-{index}") for index in range(number))
    )

    assert overlaps(shown) == []
    for place in (panel["gridPos"] for panel in panels(shown)):
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24
    lines = {panel["gridPos"]["y"] for panel in panels(shown)}
    for y in lines:
        assert (
            sum(panel["gridPos"]["w"] for panel in panels(shown) if panel["gridPos"]["y"] == y)
            == 24
        )


@pytest.mark.parametrize(
    "key",
    [
        "intervalFactor",  # halves the points
        "maxDataPoints",  # hides what lies between them
        "version",
        "__inputs",
        "rows",
        "gnetId",
        "sharedCrosshair",
        "hideControls",
        "style",
        "span",
        "height",
        "error",
        "step",
        "metric",
        "target",
        "useTags",
        "tagsQuery",
        "yaxis",
        "op",
    ],
)
def test_no_key_that_hides_data_or_that_nothing_reads(key: str) -> None:
    shown = dashboard(*every_kind_of_signal())

    assert [path for path, _ in walk(shown) if path.rpartition(".")[2] == key] == []


def test_only_panels_have_numbers_for_ids() -> None:
    shown = dashboard(*every_kind_of_signal())

    assert "id" not in shown
    assert all(isinstance(panel["id"], int) for panel in panels(shown))


def test_nothing_is_null_but_where_the_first_colour_begins() -> None:
    nulls = [path for path, value in walk(dashboard(*every_kind_of_signal())) if value is None]

    assert nulls
    assert all(path.endswith("thresholds.steps.0.value") for path in nulls)


def test_grafana_finds_the_dashboard_in_the_form_that_it_keeps() -> None:
    shown = dashboard(*every_kind_of_signal())

    expected = {
        "schemaVersion": 39,
        "editable": False,
        "graphTooltip": 1,
        "timezone": "browser",
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "title": "Checkout",
        "tags": ["opsgen", "service:checkout", "team:payments", "tier:1"],
    }
    assert {key: shown[key] for key in expected} == expected
    assert {panel["pluginVersion"] for panel in panels(shown)} == {"11.4.0"}


@pytest.mark.parametrize(
    ("scraped", "interval"), [("15s", "15s"), ("1m30s", "90s"), ("500ms", "500ms"), ("1h", "3600s")]
)
def test_the_smallest_step_is_the_scrape_interval_in_one_unit(scraped: str, interval: str) -> None:
    platform = Platform(
        "2.42", "0.25", Duration.of(scraped), Duration.of("30s"), "blackbox:9115", TIMINGS
    )

    shown = dashboard(*every_kind_of_signal(), platform=platform)

    assert {panel["interval"] for panel in panels(shown)} == {interval}


def test_firing_alerts_are_marked_on_the_time_axis() -> None:
    built_in, firing = dashboard()["annotations"]["list"]

    assert built_in["builtIn"] == 1
    assert parse(firing["expr"]) == parse('ALERTS{alertstate="firing",service="checkout",step=""}')
    assert (firing["titleFormat"], firing["textFormat"]) == ("{{alertname}}", "{{severity}}")


def test_hostile_text_names_no_variable_anywhere() -> None:
    shown = hostile_dashboard()

    own = {"${datasource}", '"$instance"', "[$__rate_interval]", "$__all"}
    for path, value in walk(shown):
        if isinstance(value, str):
            for known in own:
                value = value.replace(known, "")
            if not path.endswith(".uid"):
                assert not any(begin in value for begin in ("$i", "$d", "${", "[[")), path


def test_hostile_text_is_no_html_and_no_markdown_in_a_description() -> None:
    description = panel_titled_like(hostile_dashboard(), "alert(1)")["description"]

    tags = _Tags()
    tags.feed(description)
    assert tags.found == []
    assert "\\*b\\*" in description
    assert "\\_i\\_" in description
    assert "\\[a\\](javascript:b)" in description
    assert "\\`id\\`" in description


def test_hostile_text_arrives_whole() -> None:
    title = panel_titled_like(hostile_dashboard(), "alert(1)")["title"]

    assert title.replace("\u2060", "") == HOSTILE


def test_a_title_stays_on_one_line_and_a_list_in_a_description_is_none() -> None:
    panel = panel_titled_like(
        dashboard(
            a_signal("disk", title="a\n  b", description="# head\n- item\n1. one\n    code\n===")
        ),
        "a b",
    )

    assert panel["title"] == "a b"
    assert panel["description"].split("\n\n")[0] == "\\# head\n\\- item\n1\\. one\ncode\n\\==="


def test_a_title_that_is_a_legend_is_no_template_there() -> None:
    signal = a_signal("orders", title="{{instance}}")
    titled = Panel("orders", "{{instance}}", "", lines=(Line(signal.query, "{{instance}}"),))

    panel = panel_titled(
        dashboard(
            Signal("orders", "business", "{{instance}}", "", UNITS["count"], signal.query, titled)
        ),
        "{{instance}}",
    )

    assert "{{" not in panel["targets"][0]["legendFormat"]


def test_a_label_value_that_looks_like_a_variable_is_still_that_value() -> None:
    matchers = (Matcher("path", "=", "/$__from/${x}/[[y]]"), Matcher("route", "=~", "/pay$"))
    signal = a_signal("orders", "business", 'orders{path="/$__from/${x}/[[y]]",route=~"/pay$"}')

    (expr,) = expressions(panel_titled(dashboard(signal), "orders"))

    assert "$_" not in expr
    assert "${" not in expr
    assert "[[" not in expr
    assert parse(expr) == Selector("orders", matchers)


def hostile_dashboard() -> Json:
    alert = an_alert("DiskFull", "disk", ("0.9", True), summary=HOSTILE)
    signal = a_signal(
        "disk", "saturation", "disk", alert, title=HOSTILE, description=HOSTILE, unit=UNITS["ratio"]
    )
    return dashboard(
        signal,
        title=HOSTILE,
        description=HOSTILE,
        runbook_url="https://git.example.com/${datasource}/[[instance]]",
    )


def panel_titled_like(shown: Json, part: str) -> Json:
    (found,) = (panel for panel in panels(shown) if part in panel["title"])
    return found


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)


def test_grafanas_schemas_know_every_key_and_type(sample_data: Path) -> None:
    shown = dashboard(*every_kind_of_signal(), *(a_signal(f"own-{index}") for index in range(20)))

    assert any(row["collapsed"] for row in rows(shown))
    assert violations(shown, sample_data / "grafana-schemas") == []


_NEED_TITLES = {"stat", "singlestat", "graph", "table", "timeseries", "gauge"}
_ON_AN_AXIS = {"singlestat", "graph", "table", "timeseries"}


def _query_variables(shown: Json) -> list[Json]:
    return [variable for variable in shown["templating"]["list"] if variable["type"] == "query"]


def _one_datasource_variable(shown: Json) -> bool:
    (variable,) = (v for v in shown["templating"]["list"] if v["type"] == "datasource")
    return (variable["name"], variable["label"], variable["query"]) == (
        "datasource",
        "Data source",
        "prometheus",
    )


def _queries(shown: Json) -> list[str]:
    return [expr for panel in panels(shown) for expr in expressions(panel)]


def _parsed(expr: str) -> Any:
    return parse(expr.replace("$__rate_interval", "7m"))


def _rates_follow_the_zoom(expr: str) -> bool:
    calls = (
        node
        for node in walk_query(_parsed(expr))
        if isinstance(node, Call) and node.function in ("rate", "irate")
    )
    return all(
        isinstance(call.args[0], Selector) and call.args[0].range == Duration.of("7m")
        for call in calls
    )


# The rules of grafana/dashboard-linter that hold for every service, by their number in its
# documentation.
LINTER_RULES: dict[str, Callable[[Json], bool]] = {
    "1 template-datasource": _one_datasource_variable,
    "5 template-on-time-change-reload": lambda shown: all(
        v["refresh"] == 2 for v in _query_variables(shown)
    ),
    "6 panel-datasource": lambda shown: all(
        panel["datasource"]["uid"] == "${datasource}"
        for panel in panels(shown)
        if panel["type"] in _ON_AN_AXIS
    ),
    "7 panel-title-description": lambda shown: all(
        panel["title"] and panel["description"]
        for panel in panels(shown)
        if panel["type"] in _NEED_TITLES
    ),
    # A business signal's own words are a free suffix, which the linter's list cannot have.
    "8 panel-units": lambda shown: all(
        panel["fieldConfig"]["defaults"]["unit"] in UNITS_OF_GRAFANA
        or panel["fieldConfig"]["defaults"]["unit"].startswith("suffix:")
        for panel in panels(shown)
        if panel["type"] in _NEED_TITLES
    ),
    "9 panel-no-targets": lambda shown: all(
        panel["targets"] for panel in panels(shown) if panel["type"] in _NEED_TITLES
    ),
    "12 target-promql": lambda shown: all(_parsed(expr) for expr in _queries(shown)),
    "13 target-rate-interval": lambda shown: all(
        _rates_follow_the_zoom(expr) for expr in _queries(shown)
    ),
    "17 uneditable-dashboard": lambda shown: shown["editable"] is False,
}


@pytest.mark.parametrize("rule", LINTER_RULES)
def test_grafanas_dashboard_linter_has_nothing_to_say(rule: str) -> None:
    assert LINTER_RULES[rule](dashboard(*every_kind_of_signal()))
