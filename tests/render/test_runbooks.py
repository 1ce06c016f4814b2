"""The runbook and the index, read as GitHub reads them: through a Markdown parser."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from opsgen.fleet.build import contents
from opsgen.fleet.load import FleetModel, load_fleet
from opsgen.render import markdown
from tests.programs import ROOT

_SPECS = ROOT / "specs"
_HOSTILE = (
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "![x](https://evil.example/p.png)",
    "a | b | c",
    "`` ` ```",
    "# heading",
    "---",
    "*bold* _it_ ~~no~~",
    "1. one",
    "&lt;b&gt; &copy;",
    "\u202egnp.exe",
    "😀 مرحبا",
    "$x^2$",
    "{{ 7 * 7 }} {% raw %}",
    "word " * 2000,
)


@pytest.fixture(scope="module")
def fleet() -> FleetModel:
    return load_fleet([_SPECS])


def page(fleet: FleetModel, name: str, out: Path) -> str:
    wanted = contents(fleet, out)
    folder = wanted[name.partition("/")[0] if "/" in name else ""]
    return next(artifact.content for artifact in folder.artifacts if artifact.path == name)


def tokens(text: str) -> list[Token]:
    """Every token of the page, those inside of lines among them."""
    found: list[Token] = []
    for token in MarkdownIt("gfm-like", {"linkify": False}).parse(text):
        found += [token, *(token.children or [])]
    return found


def spec(tmp_path: Path, **changes: object) -> FleetModel:
    document = {
        "service": "shop",
        "team": "web",
        "convention": "prometheus-http",
        "slos": [{"availability": "99.9%"}],
    } | changes
    (tmp_path / "shop.yaml").write_text(
        yaml.safe_dump(document, allow_unicode=True), encoding="utf-8"
    )
    return load_fleet([tmp_path / "shop.yaml"])


def test_every_alert_has_one_section_that_its_url_leads_to(
    fleet: FleetModel, tmp_path: Path
) -> None:
    rules = yaml.safe_load(page(fleet, "checkout/rules.yaml", tmp_path))
    urls = [
        rule["annotations"]["runbook_url"]
        for group in rules["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]

    anchors = Counter(
        re.findall(r'<a id="([^"]+)"></a>', page(fleet, "checkout/runbook.md", tmp_path))
    )

    assert urls
    assert {url.partition("#")[2] for url in urls} == set(anchors)
    assert set(anchors.values()) == {1}


def test_every_link_inside_the_page_leads_somewhere(fleet: FleetModel, tmp_path: Path) -> None:
    text = page(fleet, "checkout/runbook.md", tmp_path)
    anchors = set(re.findall(r'<a id="([^"]+)"></a>', text))
    anchors |= {
        line.lstrip("# ").lower().replace(" ", "-")
        for line in text.splitlines()
        if line.startswith("## ")
    }

    targets = {
        str(token.attrs["href"])[1:]
        for token in tokens(text)
        if token.type == "link_open"
        if str(token.attrs["href"]).startswith("#")
    }

    assert targets
    assert targets <= anchors


def test_the_sections_come_in_the_order_of_need(fleet: FleetModel, tmp_path: Path) -> None:
    headings = [
        line[3:]
        for line in page(fleet, "checkout/runbook.md", tmp_path).splitlines()
        if line[:3] == "## "
    ]

    assert headings == [
        "First five minutes",
        "Alerts",
        "Deploy",
        "Rollback",
        "Restart",
        "Debug",
        "Objectives",
        "Escalation",
        "Maintenance",
        "Environment variables",
        "Metrics",
        "Links",
    ]


def test_the_numbers_are_the_rules_own(tmp_path: Path) -> None:
    fleet = spec(tmp_path, errors={"above": "7.5%", "for": "9m"}, latency={"p99": "800ms"})
    text = page(fleet, "shop/runbook.md", tmp_path)
    rules = page(fleet, "shop/rules.yaml", tmp_path)

    section = text.partition('<a id="errorratiohigh-errors"></a>')[2].partition("<a id=")[0]

    assert "| ticket: fires above | 7.5% |" in section
    assert "| ticket: after | 9 minutes |" in section
    least = "14 requests in 5 minutes, or 14 requests in 1 hour, or 5 failures in 1 day"
    assert f"| ticket: needs at least | {least} |" in section
    assert "more than 7.5% of all requests" in section.replace("More", "more")
    assert "0.075" in rules
    assert "for: 9m" in rules
    assert ">= 14" in rules


def test_each_alert_section_can_be_used_with_no_human_word_in_it(
    fleet: FleetModel, tmp_path: Path
) -> None:
    for model in fleet.services:
        text = page(fleet, f"{model.service.name}/runbook.md", tmp_path)
        for section in text.split("<a id=")[1:]:
            for part in (
                "**Meaning.**",
                "**Impact.**",
                "**Diagnosis.**",
                "**Likely causes.**",
                "**Mitigation.**",
            ):
                assert part in section
            assert "```promql" in section


def test_what_opsgen_cannot_know_is_a_visible_question(tmp_path: Path) -> None:
    text = page(spec(tmp_path), "shop/runbook.md", tmp_path)

    questions = [line for line in text.splitlines() if line.startswith("> **To write:**")]

    assert len(questions) == 8
    assert all("?" in question for question in questions)


def test_nothing_is_told_to_a_service_to_which_it_does_not_apply(
    fleet: FleetModel, tmp_path: Path
) -> None:
    kubernetes = page(fleet, "checkout/runbook.md", tmp_path)
    host = page(fleet, "prometheus/runbook.md", tmp_path)

    assert "kubectl -n shop get pods" in kubernetes
    assert "kubectl" not in host
    assert "systemctl restart prometheus" in host


def test_every_command_is_one_that_a_shell_reads(fleet: FleetModel, tmp_path: Path) -> None:
    commands = [
        token.content
        for model in fleet.services
        for token in tokens(page(fleet, f"{model.service.name}/runbook.md", tmp_path))
        if token.type == "fence" and token.info == "sh"
    ]

    assert len(commands) > 10
    for command in commands:
        assert not re.search(r"<\w+>", command)
        subprocess.run(["bash", "-n"], input=command, text=True, check=True, timeout=10)


@pytest.mark.parametrize("hostile", _HOSTILE, ids=lambda text: text[:12])
def test_text_from_a_spec_arrives_as_text(tmp_path: Path, hostile: str) -> None:
    fleet = spec(
        tmp_path,
        title=hostile,
        description=hostile,
        business=[
            {
                "name": "orders",
                "title": hostile,
                "description": hostile,
                "query": "sum(rate(orders_total[5m]))",
                "unit": "orders/s",
                "alerts": [{"below": 1}],
            }
        ],
        environment_variables=[
            {"name": "A", "type": hostile, "default": hostile, "description": hostile}
        ],
        runbook={"deploy": hostile},
    )
    (tmp_path / "plain").mkdir()
    plain = spec(
        tmp_path / "plain",
        title="x",
        description="x",
        business=[
            {
                "name": "orders",
                "title": "x",
                "description": "x",
                "query": "sum(rate(orders_total[5m]))",
                "unit": "orders/s",
                "alerts": [{"below": 1}],
            }
        ],
        environment_variables=[{"name": "A", "type": "x", "default": "x", "description": "x"}],
        runbook={"deploy": "x"},
    )

    for name in ("shop/runbook.md", "README.md"):
        marked = Counter(
            token.type
            for token in tokens(page(fleet, name, tmp_path))
            if token.type not in _SHAPELESS
        )
        unmarked = Counter(
            token.type
            for token in tokens(page(plain, name, tmp_path))
            if token.type not in _SHAPELESS
        )
        assert marked == unmarked


# Tokens of plain text: how many there are says nothing about markup. Code spans differ where a text
# is not plain.
_SHAPELESS = {"text", "softbreak", "hardbreak", "text_special", "code_inline"}


def test_a_table_has_as_many_cells_in_every_row(tmp_path: Path) -> None:
    variables = [{"name": "A", "type": "a|b", "default": "c|d`e|", "description": "x | y\nz"}]
    text = page(spec(tmp_path, environment_variables=variables), "shop/runbook.md", tmp_path)

    table = text.partition("## Environment variables")[2].partition("## Metrics")[0]
    rows = [line for line in table.splitlines() if line.startswith("|")]

    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {7}


@pytest.mark.parametrize("value", ["", "`", "``", "a`b", "`a`", "|"])
def test_a_code_span_shows_what_it_was_given(value: str) -> None:
    shown = [
        token for token in tokens(f"x {markdown.code(value)} y") if token.type == "code_inline"
    ]

    assert [token.content for token in shown] == ([value] if value else [])


def test_a_fence_outlasts_the_fences_inside() -> None:
    (fence,) = [
        token
        for token in tokens(markdown.fence("a\n```\nb\n`````\nc", "sh"))
        if token.type == "fence"
    ]

    assert fence.content == "a\n```\nb\n`````\nc\n"


def test_the_index_links_every_service_and_its_objectives(
    fleet: FleetModel, tmp_path: Path
) -> None:
    text = page(fleet, "README.md", tmp_path)

    for model in fleet.services:
        assert f"]({model.service.name}/runbook.md)" in text
        for slo in model.service.slos:
            assert f"{slo.title}: {slo.objective} over" in text


def test_every_alert_names_the_line_of_the_spec_that_it_comes_of(tmp_path: Path) -> None:
    spec = (
        "service: shop\nteam: web\nconvention: otel-http\nmatch: {job: shop}\n"
        "slos:\n- availability: 99.9%\nlatency:\n  p99: 800ms\nerrors: {above: 2%}\n"
        "uptime:\n- {url: 'https://shop.example.com/health', name: health}\n"
        "business:\n- {name: orders, query: sum(orders), alerts: [{below: 1}]}\n"
    )
    (tmp_path / "service.yaml").write_text(spec)
    built = contents(load_fleet([tmp_path / "service.yaml"]), None)["shop"]
    runbook = next(
        artifact.content for artifact in built.artifacts if artifact.path.endswith("runbook.md")
    )
    found = {}
    for section in runbook.split("\n### ")[1:]:
        line = re.search(r"asked for by \| line (\d+) of service\.yaml", section)
        if line:
            found[section.partition(":")[0]] = int(line[1])

    assert found == {
        "ErrorBudgetBurn": 6,
        "ProbeFailed": 11,
        "ProbeSlow": 11,
        "CertificateExpiring": 11,
        "TargetsAbsent": 4,
        "TargetDown": 4,
        "TrafficGone": 3,
        "ErrorRatioHigh": 9,
        "LatencyP99High": 8,
        "OrdersLow": 13,
    }
