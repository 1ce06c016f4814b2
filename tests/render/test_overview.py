"""The fleet's dashboard, by the JSON that Grafana would read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from opsgen.model import links
from opsgen.promql import parse
from opsgen.render.overview import overview_of
from opsgen.render.subjects import ServiceEntry
from tests.render.dashboard_schema import (
    Json,
    expressions,
    overlaps,
    panel_titled,
    panels,
    rows,
    violations,
    walk,
)


def an_entry(name: str, title: str, team: str, tier: int) -> ServiceEntry:
    return ServiceEntry(name, title, "", team, tier, alerts=1, objectives=(), probes=False)


CHECKOUT = an_entry("checkout", "Checkout", "payments", 1)
SEARCH = an_entry("search", "Search", "discovery", 2)
LONG = an_entry("a-service-whose-name-is-longer-than-any-uid", "Long", "payments", 3)


def overview(*services: ServiceEntry) -> Json:
    document: Json = json.loads(overview_of(services).content)
    return document


def test_the_overview_stands_beside_the_services() -> None:
    assert overview_of([CHECKOUT]).path == "overview.json"


@pytest.mark.parametrize("severity", ["page", "ticket", "info"])
def test_firing_alerts_of_each_severity_are_counted_and_none_is_zero(severity: str) -> None:
    (expr,) = expressions(panel_titled(overview(CHECKOUT), f"Firing: {severity}"))

    selected = f'ALERTS{{alertstate="firing",step="",service=~"$service",severity="{severity}"}}'
    assert parse(expr) == parse(f"sum({selected}) or vector(0)")


def test_each_slo_is_a_row_with_its_budget_and_burn_rate() -> None:
    table = panel_titled(overview(CHECKOUT), "Error budgets")

    assert [parse(expr) for expr in expressions(table)] == [
        parse('min by (service, slo) (slo:error_budget_remaining:ratio{service=~"$service"})'),
        parse('max by (service, slo) (slo:burn_rate:ratio1h{service=~"$service"})'),
    ]
    assert all(target["instant"] and target["format"] == "table" for target in table["targets"])


@pytest.mark.parametrize("title", ["Error budgets", "Firing alerts by service and severity"])
def test_each_row_leads_to_the_dashboard_of_its_service(title: str) -> None:
    link = service_link(overview(CHECKOUT, SEARCH), title)

    assert link.startswith("/d/opsgen-${__data.fields.service}?")
    assert links.dashboard_uid("checkout") == "opsgen-checkout"


def test_a_row_leads_there_also_where_a_name_is_too_long_for_a_uid() -> None:
    assert (
        service_link(overview(CHECKOUT, LONG), "Error budgets")
        == "/dashboards?tag=service:${__data.fields.service}"
    )


def service_link(shown: Json, title: str) -> str:
    overrides = panel_titled(shown, title)["fieldConfig"]["overrides"]
    (column,) = (o for o in overrides if o["matcher"]["options"] == "service")
    ((link,),) = (entry["value"] for entry in column["properties"] if entry["id"] == "links")
    return str(link["url"])


def test_the_list_has_every_service_also_those_without_series_the_most_important_first() -> None:
    lines = panel_titled(overview(LONG, SEARCH, CHECKOUT), "Services")["options"][
        "content"
    ].splitlines()[2:]

    assert [line.split("|")[2].strip() for line in lines] == ["checkout", "search", LONG.name]
    for line, service in zip(lines, (CHECKOUT, SEARCH, LONG), strict=True):
        assert f"(/d/{links.dashboard_uid(service.name)}?" in line


def test_the_order_of_the_services_changes_nothing() -> None:
    assert overview_of([CHECKOUT, SEARCH]) == overview_of([SEARCH, CHECKOUT])


def test_hostile_titles_stay_in_their_cell() -> None:
    hostile = an_entry(
        "bad", "a | b\n| c <img src=x> ${datasource} [[service]] [x](javascript:y)", "t", 1
    )

    content = panel_titled(overview(hostile), "Services")["options"]["content"]

    (line,) = content.splitlines()[2:]
    cell = line.partition("](/d/")[0]
    assert "a \\| b \\| c &lt;img src=x&gt;" in cell
    assert "${" not in cell
    assert "\\[x\\](javascript:y)" in cell


def test_no_service_can_have_the_overviews_uid() -> None:
    assert overview()["uid"] != links.dashboard_uid("overview")
    assert "_" in overview()["uid"]  # no service's name has one


def test_panels_never_overlap_and_every_query_is_asked_at_once() -> None:
    shown = overview(CHECKOUT)

    assert overlaps(shown) == []
    assert not any(row["collapsed"] for row in rows(shown))
    assert len({panel["id"] for panel in panels(shown)}) == len(panels(shown))


def test_nothing_is_null_but_where_the_first_colour_begins() -> None:
    nulls = [path for path, value in walk(overview(CHECKOUT)) if value is None]

    assert all(path.endswith(("steps.0.value", "value.steps.0.value")) for path in nulls)


def test_every_panel_says_what_it_shows_in_a_query_that_parses() -> None:
    for panel in panels(overview(CHECKOUT)):
        assert panel["title"]
        assert panel["description"]
        assert all(parse(expr) for expr in expressions(panel))


def test_grafanas_schemas_know_every_key_and_type(sample_data: Path) -> None:
    assert violations(overview(CHECKOUT, SEARCH), sample_data / "grafana-schemas") == []
