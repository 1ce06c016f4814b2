"""A runbook's page, as a Markdown parser, a shell and the PromQL parser read it."""

from __future__ import annotations

import re
import subprocess
import sys
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from opsgen.errors import InputError
from opsgen.fleet.load import ServiceModel, load_fleet
from opsgen.load.library import TEMPLATES
from opsgen.model import links
from opsgen.model.service import BurnRate, Convention, EnvironmentVariable, EventSlo, Service
from opsgen.model.signal import Alert, Check, Derived, Guard, Panel, Signal
from opsgen.model.units import unit_named
from opsgen.promql import Matcher, Selector, one_line, parse
from opsgen.quantities import Duration, Ratio
from opsgen.render.runbook.page import render_runbook
from tests.factories import (
    PLACE,
    a_probe,
    a_service,
    a_signal,
    a_team,
    a_threshold,
    an_alert,
    guidance,
)
from tests.programs import ROOT
from tests.render.pages import Page, assert_tidy, github_anchors
from tests.rendering import rendered

BURN_RATES = (
    BurnRate("page", Decimal("14.4"), Duration.of("1h"), Duration.of("5m")),
    BurnRate("page", Decimal(6), Duration.of("6h"), Duration.of("30m")),
)
COMMANDS = MappingProxyType(
    {
        "deploy": "make deploy",
        "rollback": "kubectl -n shop rollout undo deploy/checkout",
        "restart": "kubectl -n shop rollout restart deploy/checkout",
        "scale": "kubectl -n shop scale deploy/checkout --replicas=4",
        "logs": "https://logs.example.com/?app=checkout",
    }
)
HOSTILE = [
    "# heading",
    "a | b || c",
    "two\n\n# lines\n\n- x\n",
    "<script>alert(1)</script>",
    "<!-- opsgen -->",
    "</a><h1>x</h1>",
    "[a](javascript:alert(1)) ![b](https://evil.example/b.png)",
    "<https://evil.example> https://evil.example www.evil.example",
    "``` \n# x\n```",
    "` `` ``` a",
    "~~~\nx\n~~~",
    "**bold** _it_ ~~s~~ $x$",
    "{{ 7 * 7 }} {% include 'x' %} {# c #}",
    "\\| \\` \\",
    "1. one\n2. two",
    "---\n===",
    "> quote",
    "\u202etxt.exe\u2066",
    "مرحبا 🔥 👨‍👩‍👧",
    "[ref]: https://evil.example 'x'",
    "&lt;b&gt; &copy;",
    "word " * 2_000,
]


def page_of(*signals: Signal, **changes: Any) -> Page:
    return Page(rendered(render_runbook, a_service(**changes), Derived(signals)).content)


def a_full_page(text: str = "plain") -> Page:
    """A page with every part, and `text` in every field that people write."""
    query = parse("sum by (le) (errors_total)")
    words = guidance(
        meaning=f"{text} a",
        impact=f"{text} b",
        diagnosis=(Check(f"{text} c", query, "uptime"),),
        causes=(text,),
        mitigation=(text,),
    )
    errors = a_signal(an_alert(summary=text, thresholds=(), guidance=words), title=text)
    orders = a_signal(
        an_alert("OrdersLow", "orders", thresholds=(a_threshold(above=False),), guidance=words),
        name="orders",
        group="business",
        title=f"{text} d",
        unit=unit_named(text),
    )
    slo = EventSlo(
        "prices",
        "events",
        Ratio.parse("99%"),
        Duration.of("30d"),
        PLACE,
        5,
        title=text,
        description=text,
    )
    variable = EnvironmentVariable("URL", text, text, True, False, text)
    return page_of(
        errors,
        orders,
        title=text,
        description=text,
        spec_file=f"{text}x",
        slos=(slo,),
        team=a_team(slack=f"#{text}"),
        environment_variables=(variable,),
        runbook_commands=MappingProxyType(dict.fromkeys(COMMANDS, f"{text} x")),
    )


@pytest.fixture(scope="module")
def examples() -> dict[str, ServiceModel]:
    """The example specs of the project, through every stage before rendering."""
    return {model.service.name: model for model in load_fleet([ROOT / "specs"]).services}


@pytest.fixture(params=["checkout", "payments", "prometheus", "alertmanager"])
def example(request: pytest.FixtureRequest, examples: dict[str, ServiceModel]) -> ServiceModel:
    return examples[request.param]


def example_page(example: ServiceModel) -> Page:
    return Page(rendered(render_runbook, example.service, example.derived).content)


def test_the_page_lies_in_the_services_folder() -> None:
    assert (
        rendered(render_runbook, a_service(), Derived((a_signal(an_alert()),))).path
        == "checkout/runbook.md"
    )


# -- every alert -----------------------------------------------------------------------------------


def test_every_alert_has_a_section_whose_anchor_is_there_once(example: ServiceModel) -> None:
    anchors = example_page(example).anchors

    assert sorted(anchors) == sorted(
        {links.alert_anchor(alert) for alert in example.derived.alerts}
    )
    assert anchors


def test_every_link_inside_of_the_page_leads_somewhere(example: ServiceModel) -> None:
    page = example_page(example)
    inside = [target.removeprefix("#") for target in page.links if target.startswith("#")]

    assert inside
    assert set(inside) <= {*page.anchors, *github_anchors(page)}


def test_no_two_headings_are_the_same(example: ServiceModel) -> None:
    headings = example_page(example).headings

    assert len(set(headings)) == len(headings)


def test_alerts_of_the_same_name_and_title_are_told_apart_by_their_signal() -> None:
    one, other = (
        a_signal(an_alert(signal=name), name=name, panel=Panel(name, "", ""))
        for name in ("errors-a", "errors-b")
    )

    headings = [words for tag, words in page_of(one, other).headings if tag == "h3"]

    assert headings == [
        "ErrorRatioHigh: Error ratio (errors-a)",
        "ErrorRatioHigh: Error ratio (errors-b)",
    ]


def test_the_table_of_alerts_has_a_row_for_each_in_reading_order(example: ServiceModel) -> None:
    page = example_page(example)
    rows = [
        row
        for row in page.rows
        if len(row) == 4 and row[0] in {a.name for a in example.derived.alerts}
    ]

    assert [(row[0], row[1]) for row in rows] == [
        (a.name, a.severity) for a in example.derived.alerts
    ]


def test_severities_of_one_cause_share_a_section() -> None:
    page = page_of(
        a_signal(an_alert(severity="page"), an_alert(severity="ticket", hold=Duration.of("40m")))
    )

    assert page.anchors == ["errorratiohigh-errors"]
    assert ["page: after", "5 minutes"] in page.rows
    assert ["ticket: after", "40 minutes"] in page.rows


@pytest.mark.parametrize(
    ("alert", "fires_when", "facts"),
    [
        (
            an_alert(thresholds=(a_threshold("0.025"),)),
            "Error ratio is above 2.5%",
            [["page: fires above", "2.5%"], ["page: after", "5 minutes"]],
        ),
        (
            an_alert(thresholds=(a_threshold("0.3", above=False),), hold=Duration(0)),
            "Error ratio is below 30%",
            [["page: fires below", "30%"], ["page: after", "at once"]],
        ),
        (
            an_alert(keep_firing=Duration.of("7m"), guards=(Guard(70, Duration.of("1h")),)),
            "Error ratio is above 2%, with at least 70 events in 1 hour",
            [
                ["page: fires above", "2%"],
                ["page: after", "5 minutes"],
                ["page: keeps firing for", "7 minutes more"],
                ["page: needs at least", "70 events in 1 hour"],
            ],
        ),
        (
            an_alert(thresholds=(), summary="No instance is up.", severity="info"),
            "No instance is up",
            [["info: after", "5 minutes"]],
        ),
        (
            an_alert(
                burn_rates=BURN_RATES, thresholds=(a_threshold("0.0144"), a_threshold("0.006"))
            ),
            "Error ratio is above 1.44% over both 1h and 5m, or above 0.6% over both 6h and 30m",
            [
                ["page: fires above", "1.44% over both 1h and 5m"],
                ["page: fires above", "0.6% over both 6h and 30m"],
                ["page: after", "5 minutes"],
            ],
        ),
    ],
)
def test_numbers_are_the_alerts_own(alert: Alert, fires_when: str, facts: list[list[str]]) -> None:
    rows = page_of(a_signal(alert)).rows

    assert [row[2] for row in rows if row[0] == "ErrorRatioHigh"] == [fires_when]
    assert [row for row in rows if row[0].startswith(f"{alert.severity}: ")] == facts


def test_no_number_is_told_that_the_alert_does_not_have() -> None:
    alert = an_alert(hold=Duration.of("17m"), thresholds=(a_threshold("0.37"),))
    section = (
        page_of(a_signal(alert))
        .text.partition("ErrorRatioHigh: Error ratio")[2]
        .partition("Deploy")[0]
    )

    assert set(re.findall(r"\d+", section)) == {"17", "37", "15"}  # the 15 is the escalation's


def test_the_query_and_the_expression_of_each_alert_are_ready_to_paste(
    example: ServiceModel,
) -> None:
    pasted = {one_line(parse(block)) for block in example_page(example).fences("promql")}

    for signal in example.derived.signals:
        for alert in signal.alerts:
            assert {one_line(signal.query), one_line(alert.expr)} <= pasted


def test_a_diagnosis_gives_its_query_and_its_command() -> None:
    check = Check("Look at it.", parse("sum(up)"), "uptime")

    page = page_of(a_signal(an_alert(guidance=guidance(diagnosis=(check,)))))

    assert "Look at it." in page.text
    assert "sum(up)\n" in page.fences("promql")
    assert "uptime\n" in page.fences("sh")


def test_a_section_links_to_the_panel_of_its_alert() -> None:
    service, signal = a_service(), a_signal(an_alert(panel="errors"))

    page = Page(rendered(render_runbook, service, Derived((signal,))).content)

    assert links.panel_url(service, "errors") in page.links


def test_without_grafanas_address_there_is_no_link_to_it() -> None:
    page = page_of(a_signal(an_alert()), dashboard_url="")

    assert [target for target in page.links if "grafana" in target or target == "None"] == []
    assert "Open the dashboard of Checkout in Grafana" in page.text


def test_each_severity_says_who_is_told_and_when() -> None:
    page = page_of(a_signal(an_alert(severity="page"), an_alert(severity="ticket")))

    assert (
        "page: at once payments-primary and payments-slack; after 15 minutes engineering-manager"
        in page.text
    )
    assert "ticket: at once payments-slack (during office)" in page.text


# -- the rest of the page --------------------------------------------------------------------------


def test_the_parts_stand_in_the_order_in_which_they_are_needed() -> None:
    headings = [words for tag, words in a_full_page().headings if tag in ("h1", "h2")]

    assert headings == [
        "plain: runbook",
        *["First five minutes", "Alerts", "Deploy", "Rollback", "Restart", "Scale", "Debug"],
        *["Objectives", "Escalation", "Maintenance", "Environment variables", "Metrics", "Links"],
    ]


def test_no_part_is_a_heading_alone(example: ServiceModel) -> None:
    blocks = [block.type for block in example_page(example).blocks if block.level == 0]

    assert ("heading_close", "heading_open") not in pairwise(blocks)


def test_parts_that_a_service_does_not_have_are_left_out() -> None:
    headings = [words for _, words in page_of(a_signal(an_alert())).headings]

    assert not {"Objectives", "Scale", "Environment variables"} & set(headings)
    assert "probes.yaml" not in page_of(a_signal(an_alert())).links


def test_what_the_spec_does_not_say_is_asked_visibly() -> None:
    page = page_of(a_signal(an_alert()), description="", runtime="host")

    asked = [line for line in page.text.splitlines() if line.startswith("To write:")]
    assert [re.findall(r"`?(deploy|rollback|restart|logs)`? under", line) for line in asked] == [
        [],  # what it does
        [],  # when the page was last reviewed
        [],  # what the page's alert was the last time
        ["deploy"],
        ["rollback"],
        ["restart"],
        ["logs"],
    ]


def test_a_spec_that_says_all_leaves_one_question() -> None:
    ticket = a_signal(an_alert(severity="ticket"))
    asked = re.findall(r"To write: (.*)", page_of(ticket, runbook_commands=COMMANDS).text)

    assert [question.partition("?")[0] for question in asked] == [
        "when was this page last reviewed, and by whom"
    ]


def test_of_a_page_people_are_asked_what_it_was_the_last_time() -> None:
    page = page_of(a_signal(an_alert(severity="page")), runbook_commands=COMMANDS)

    assert "To write: what was ErrorRatioHigh the last time, and what stopped it?" in page.text


def test_a_rollback_is_verified_by_a_query_and_what_it_must_show() -> None:
    page = page_of(a_signal(an_alert(thresholds=(a_threshold("0.02"),))), runbook_commands=COMMANDS)
    after = page.content.partition("## Rollback")[2].partition("##")[0]

    assert COMMANDS["rollback"] in after
    assert "it is well when Error ratio is at most 2%" in after
    assert "rate(errors_total[5m])" in after


def test_slos_say_their_budget_as_a_share_and_as_an_outage() -> None:
    slo = EventSlo(
        "availability",
        "availability",
        Ratio.parse("99.9%"),
        Duration.of("30d"),
        PLACE,
        5,
        title="Availability",
    )
    burn = an_alert(burn_rates=BURN_RATES, thresholds=(a_threshold("0.0144"), a_threshold("0.006")))

    rows = page_of(a_signal(burn), slos=(slo,)).rows

    assert ["Availability", "99.9%", "30 days", "0.1%", "43 minutes 12 seconds", ""] in rows
    assert ["Error ratio", "page", "14.4x", "1.44%", "1h and 5m", "5 minutes"] in rows
    assert ["Error ratio", "page", "6x", "0.6%", "6h and 30m", "5 minutes"] in rows


def test_escalation_says_every_step_and_its_hours() -> None:
    rows = page_of(a_signal(an_alert())).rows

    office = "office: monday to friday, 09:00 to 18:00, Europe/Berlin"
    assert [
        "page",
        "at once",
        "payments-primary (pagerduty), payments-slack (slack)",
        "always",
    ] in rows
    assert ["page", "after 15 minutes", "engineering-manager (pagerduty)", "always"] in rows
    assert ["ticket", "at once", "payments-slack (slack)", office] in rows


def test_escalation_is_drawn_step_by_step() -> None:
    (picture,) = page_of(a_signal(an_alert())).fences("mermaid")

    assert picture.splitlines() == [
        "flowchart LR",
        '  page -- at once --> page1["payments-primary<br>payments-slack"]',
        '  page1 -- 15m later --> page2["engineering-manager"]',
        '  ticket -- at once --> ticket1["payments-slack<br>(in office hours)"]',
        '  info -- at once --> info1["payments-slack<br>(in office hours)"]',
    ]


def test_environment_variables_are_listed_and_a_secrets_value_never_is() -> None:
    plain = EnvironmentVariable("TIMEOUT", "duration", "How long.", False, False, "5s")
    secret = EnvironmentVariable("TOKEN", "string", "For the API.", True, True, "hunter2")

    page = page_of(a_signal(an_alert()), environment_variables=(plain, secret))

    assert ["TIMEOUT", "duration", "5s", "no", "no", "How long."] in page.rows
    assert ["TOKEN", "string", "none", "yes", "yes", "For the API."] in page.rows
    assert "hunter2" not in page.content


def test_the_alerts_that_fire_can_be_asked_for_by_their_labels() -> None:
    page = page_of(a_signal(an_alert()), environment="staging")

    assert 'ALERTS{alertstate="firing",service="checkout",environment="staging"}\n' in page.fences(
        "promql"
    )
    assert (
        "amtool silence add service=checkout environment=staging --duration=1h --comment='planned"
        " work'\n" in (page.fences("sh"))
    )


def test_requests_and_errors_are_broken_down_by_route_where_there_is_one() -> None:
    requests = Selector("requests_total", ())
    errors = Selector("requests_total", (Matcher("code", "=~", "5.."),))
    convention = Convention("own", "Own", requests, errors, route_label="handler")

    found = page_of(a_signal(an_alert()), convention=convention).fences("promql")

    assert 'sum by (handler) (rate(requests_total{namespace="shop",job="checkout"}[5m]))\n' in found
    assert (
        'sum by (handler) (rate(requests_total{namespace="shop",job="checkout",code=~"5.."}[5m]))\n'
        in found
    )


# -- commands --------------------------------------------------------------------------------------


def shell_of(**changes: Any) -> str:
    return "".join(page_of(a_signal(an_alert()), **changes).fences("sh"))


@pytest.mark.parametrize(
    ("matchers", "runtime"),
    [
        ((Matcher("job", "=", "checkout"),), "kubernetes"),
        ((Matcher("namespace", "=~", "shop|shop-2"),), "kubernetes"),
        ((Matcher("namespace", "!=", "shop"),), "kubernetes"),
        ((Matcher("namespace", "=", "shop"),), "host"),
    ],
)
def test_no_namespace_is_named_that_the_spec_does_not_name(
    matchers: tuple[Matcher, ...], runtime: str
) -> None:
    assert "kubectl" not in shell_of(matchers=matchers, runtime=runtime)


def test_the_namespace_of_the_matchers_is_looked_at() -> None:
    assert "kubectl -n shop get pods -o wide\n" in shell_of()
    assert "kubectl -n 'a b' get pods -o wide\n" in shell_of(
        matchers=(Matcher("namespace", "=", "a b"),)
    )


@pytest.mark.parametrize(
    ("restart", "command"),
    [
        (
            "kubectl -n shop rollout restart deploy/checkout",
            "kubectl -n shop logs deployment/checkout ",
        ),
        (
            "kubectl rollout restart deployment web --namespace=shop",
            "kubectl --namespace shop logs deployment/web ",
        ),
        (
            "kubectl --context eu -n shop scale sts/db --replicas=3",
            "kubectl --context eu -n shop logs statefulset/db ",
        ),
        ("kubectl -n shop set image deploy/web web=web:2", "kubectl -n shop logs deployment/web "),
        ("systemctl restart checkout", "journalctl -u checkout "),
        ("sudo systemctl restart checkout@1.service", "sudo journalctl -u checkout@1.service "),
        ("docker restart checkout", "docker logs --since 15m --timestamps checkout"),
    ],
)
def test_the_workload_of_the_specs_own_command_is_looked_at(restart: str, command: str) -> None:
    assert command in shell_of(runbook_commands={"restart": restart})


@pytest.mark.parametrize(
    "restart",
    [
        "kubectl -n other rollout restart deploy/checkout",
        "kubectl -n shop rollout restart deploy/a deploy/b",
        "kubectl -n shop rollout restart deploy",
        "kubectl -n shop delete pod checkout-1",
        "kubectl -n shop --flag value rollout restart deploy/checkout",
        "kubectl -n shop rollout restart deploy/checkout && kubectl -n shop get pods",
        "kubectl -n $NS rollout restart deploy/checkout",
        "systemctl --user restart checkout",
        "systemctl restart 'a b'",
        "systemctl restart --force",
        "systemctl restart one two",
        "ssh web-1 sudo systemctl restart checkout",
        "docker compose restart web",
        "echo 'unfinished",
        "make restart",
    ],
)
def test_nothing_is_derived_from_a_command_that_says_more_than_is_understood(restart: str) -> None:
    said, silent = shell_of(runbook_commands={"restart": restart}), shell_of()

    assert said.replace(f"{restart}\n", "", 1) == silent


def test_nothing_is_derived_from_commands_that_name_different_workloads() -> None:
    commands = {"restart": "systemctl restart one", "deploy": "systemctl restart two"}

    assert "journalctl" not in shell_of(runbook_commands=commands)


def test_probes_can_be_tried_by_hand() -> None:
    shell = shell_of(probes=(a_probe("https://shop.example.com/a?b=1&c=$(id)"),))

    assert "--max-time 5 'https://shop.example.com/a?b=1&c=$(id)'\n" in shell


def test_logs_may_be_a_link_or_a_command() -> None:
    assert (
        "https://logs.example.com/?app=checkout"
        in page_of(a_signal(an_alert()), runbook_commands=COMMANDS).links
    )
    assert "journalctl -u x\n" in shell_of(runbook_commands={"logs": "journalctl -u x"})


def test_bash_accepts_every_command(example: ServiceModel, tmp_path: Path) -> None:
    fences = example_page(example).fences("sh")
    script = tmp_path / "all.sh"
    script.write_text("\n".join(fences), encoding="utf-8")

    checked = subprocess.run(["bash", "-n", script], capture_output=True, text=True, check=False)

    assert fences
    assert (checked.returncode, checked.stderr) == (0, "")


def test_no_command_and_no_query_has_a_blank_to_fill_in(example: ServiceModel) -> None:
    page = example_page(example)

    for block in [*page.fences("sh"), *page.fences("promql")]:
        assert not re.search(r"<[A-Za-z][\w -]*>|\bYOUR_|\bTODO\b|\.\.\.", block)


# -- texts are texts -------------------------------------------------------------------------------


@pytest.mark.parametrize("written", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_changes_what_the_page_is_made_of(written: str) -> None:
    plain, hostile = a_full_page(), a_full_page(written)

    def bones(page: Page) -> list[tuple[object, ...]]:
        """In guidance, which is our own prose, backticks and addresses are shown as code."""
        return [part for part in page.structure if part[0] != "code_inline"]

    assert hostile.html == []
    assert hostile.links == plain.links
    assert hostile.anchors == plain.anchors
    assert bones(hostile) == bones(plain)


@pytest.mark.parametrize("written", [text for text in HOSTILE if "\u202e" not in text])
def test_text_arrives_as_it_was_written(written: str) -> None:
    page = a_full_page(written)
    flat = " ".join(written.split())

    assert page.headings[0] == ("h1", f"{flat}: runbook")
    assert ["Team", f"payments (#{' '.join(written.splitlines())})"] in page.rows
    assert [row for row in page.rows if len(row) == 6 and row[0] == flat and row[5] == flat]


def test_a_text_that_turns_direction_is_shown_by_its_characters() -> None:
    assert "\u202e" not in a_full_page("\u202etxt.exe").content
    assert a_full_page("\u202etxt.exe").headings[0] == ("h1", "\\u202etxt.exe: runbook")


@pytest.mark.parametrize(
    "logs", ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "http://x/\n[a](b)"]
)
def test_an_address_that_runs_code_is_no_link(logs: str) -> None:
    page = page_of(a_signal(an_alert()), runbook_commands={"logs": logs})

    assert not [target for target in page.links if not re.match(r"https://g|#|[\w./]+$", target)]
    assert page.html == []
    assert f"{logs}\n" in page.fences("sh")


# -- clean and steady ------------------------------------------------------------------------------


def test_the_markdown_is_tidy(example: ServiceModel) -> None:
    assert_tidy(rendered(render_runbook, example.service, example.derived).content)


def test_the_page_is_the_same_under_any_hash_seed() -> None:
    script = (
        "import sys; from tests.render.test_runbook_pages import a_full_page; "
        "sys.stdout.buffer.write(a_full_page('x').content.encode())"
    )
    pages = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={
                "PYTHONHASHSEED": seed,
                "PYTHONPATH": f"{ROOT}:{ROOT / 'generator'}",
                "TZ": zone,
                "LC_ALL": "C",
            },
            capture_output=True,
            check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Kathmandu"))
    }

    assert pages == {a_full_page("x").content.encode()}


# -- people's own templates ------------------------------------------------------------------------


def own_page(tmp_path: Path, template: str, **changes: Any) -> str:
    file = tmp_path / "runbook" / "service.md.j2"
    file.parent.mkdir()
    file.write_text(template, encoding="utf-8")
    service: Service = a_service(**changes)
    return rendered(
        render_runbook, service, Derived((a_signal(an_alert()),)), (TEMPLATES, tmp_path)
    ).content


def test_a_persons_template_replaces_a_part_and_keeps_the_rest(tmp_path: Path) -> None:
    template = (
        '{% extends "opsgen/runbook/service.md.j2" %}\n'
        "{% block links %}{{ super() }}- {{ service.title }}\n{% endblock %}\n"
    )

    page = Page(own_page(tmp_path, template, title="<b>Shop</b>"))

    assert page.anchors == ["errorratiohigh-errors"]
    assert page.text.endswith("All services\n<b>Shop</b>")
    assert page.html == []


def test_a_persons_template_adds_a_part_and_changes_the_order(tmp_path: Path) -> None:
    (tmp_path / "company").mkdir()
    (tmp_path / "company" / "rules.md.j2").write_text("\n## Rules of {{ service.team.name }}\n")
    template = (
        '{% extends "opsgen/runbook/service.md.j2" %}\n'
        "{% block page %}\n"
        '{{ "top"|begin }}\n{{ self.summary() }}\n{{ "top"|end }}\n\n'
        '{{ "rules"|begin }}\n{% include "company/rules.md.j2" %}\n{{ "rules"|end }}\n\n'
        '{{ "links"|begin }}\n{{ self.links() }}\n{{ "links"|end }}\n'
        "{% endblock %}\n"
    )

    page = Page(own_page(tmp_path, template))

    assert [words for _, words in page.headings] == [
        "Checkout: runbook",
        "Rules of payments",
        "Links",
    ]
    assert [block.split()[2] for block in re.findall("<!-- opsgen:begin .* -->", page.content)] == [
        "top",
        "rules",
        "links",
    ]


def test_a_part_of_a_persons_template_outside_of_blocks_is_a_mistake(tmp_path: Path) -> None:
    template = (
        '{% extends "opsgen/runbook/service.md.j2" %}\n{% block more %}\n## Rules\n{% endblock %}\n'
    )

    with pytest.raises(InputError) as told:
        own_page(tmp_path, template)

    (mistake,) = told.value.mistakes
    assert (
        mistake.wrong
        == "the page that it produces can't be divided into blocks: '## Rules' is in no block"
    )
    assert Path(mistake.file) == tmp_path / "runbook" / "service.md.j2"


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("# a\n\n{{ service.nothing }}\n", 3),
        ("# a\n{% if %}\n", 2),
        ("# a\n\n\n{{ 1 / 0 }}\n", 4),
        ("{% include 'nowhere.j2' %}\n", 1),
        ("# a\n{{ ''.__class__.__mro__ }}\n", 2),
    ],
)
def test_a_mistake_in_a_persons_template_is_told_with_its_line(
    tmp_path: Path, template: str, line: int
) -> None:
    with pytest.raises(InputError) as told:
        own_page(tmp_path, template)

    (mistake,) = told.value.mistakes
    assert (Path(mistake.file), mistake.line) == (tmp_path / "runbook" / "service.md.j2", line)
