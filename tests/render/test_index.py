"""The page that a person lands on."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from opsgen.model.artifact import Artifact
from opsgen.model.oncall import Channel, Watchdog
from opsgen.model.service import EventSlo
from opsgen.model.signal import Derived
from opsgen.quantities import Duration, Ratio
from opsgen.render.index import render_index
from opsgen.render.subjects import ServiceEntry, entry_of
from tests.factories import PLACE, a_probe, a_service, a_signal, a_team, an_alert
from tests.render.pages import Page, assert_tidy
from tests.rendering import of_fleet

SLO = EventSlo(
    "availability",
    "availability",
    Ratio.parse("99.9%"),
    Duration.of("30d"),
    PLACE,
    5,
    title="Availability",
)

BEAT = Watchdog(Channel("log", "webhook", {"url": "http://log:8080"}), Duration.of("1m"))


def an_entry(name: str = "checkout", team: str = "payments", tier: int = 1) -> ServiceEntry:
    service = a_service(
        name=name, title=name.capitalize(), team=a_team(name=team), tier=tier, slos=(SLO,)
    )
    return entry_of(service, Derived((a_signal(an_alert()),)))


def page_of(*entries: ServiceEntry) -> Page:
    return Page(index_of(entries).content)


def index_of(entries: Sequence[ServiceEntry], **organisation: Any) -> Artifact:
    (artifact,) = render_index(of_fleet(entries, **organisation))
    return artifact


def test_the_page_is_the_readme_of_the_output_folder() -> None:
    assert index_of([an_entry()]).path == "README.md"


def test_an_entry_survives_the_manifest() -> None:
    entry = an_entry()

    assert ServiceEntry.from_json(json.loads(json.dumps(entry.to_json()))) == entry


def test_an_entry_of_another_release_is_read() -> None:
    known = an_entry().to_json() | {"something": "newer"}
    del known["dashboard_url"]

    assert ServiceEntry.from_json(known) == replace(an_entry(), dashboard_url="")


def test_services_stand_by_team_then_tier_then_name_whatever_their_order() -> None:
    entries = [
        an_entry("d", "search", 1),
        an_entry("c", "payments", 1),
        an_entry("b", "payments", 2),
    ]
    entries += [an_entry("a", "payments", 2)]

    page = page_of(*entries)

    assert [words for tag, words in page.headings if words.startswith("Team")] == [
        "Team payments",
        "Team search",
    ]
    assert [row[0] for row in page.rows if len(row) == 8 and row[0] != "Service"] == [
        "C",
        "A",
        "B",
        "D",
    ]
    assert index_of(entries[::-1]) == index_of(entries)


def test_a_row_says_what_the_service_does_and_leads_to_all_of_its_files() -> None:
    page = page_of(an_entry())

    (row,) = [row for row in page.rows if row[0] == "Checkout" and len(row) == 8]
    assert row[1:4] == ["1", "production", "Turns a basket into a paid order."]
    assert row[-1] == "1"
    assert {
        "checkout/runbook.md",
        "checkout/dashboard.json",
        "checkout/rules.yaml",
        "checkout/rules.test.yaml",
        "checkout/escalation.yaml",
        "https://grafana.example.com/d/opsgen-checkout",
        "alertmanager.yml",
        "overview.json",
    } <= set(page.links)


def test_objectives_are_listed_one_a_row() -> None:
    assert ["Checkout", "Availability: 99.9% over 30 days"] in page_of(an_entry()).rows


def test_probes_are_loaded_only_where_there_are_any() -> None:
    probed = entry_of(a_service(probes=(a_probe(),)), Derived(()))

    assert "scrape_config_files" not in page_of(an_entry()).content
    assert "scrape_config_files" in page_of(an_entry("a"), probed).content


def test_the_configuration_to_paste_is_yaml() -> None:
    probed = entry_of(a_service(probes=(a_probe(),)), Derived(()))

    prometheus, grafana = (yaml.safe_load(block) for block in page_of(probed).fences("yaml"))

    assert prometheus == {
        "rule_files": ["/etc/prometheus/opsgen/*.rules.yaml"],
        "scrape_config_files": ["/etc/prometheus/opsgen/*.probes.yaml"],
    }
    assert grafana["providers"][0]["folder"] == "Services"


def test_the_command_that_copies_dashboards_leaves_the_manifests_behind(tmp_path: Path) -> None:
    out, target = tmp_path / "out", tmp_path / "target"
    for name in (
        "overview.json",
        ".opsgen.manifest",
        "checkout/dashboard.json",
        "checkout/.opsgen.manifest",
    ):
        file = out / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("{}", encoding="utf-8")
    target.mkdir()
    (command,) = [block for block in page_of(an_entry()).fences("sh") if block.startswith("find")]

    subprocess.run(
        ["bash", "-c", command.replace("/var/lib/grafana/dashboards", str(target))],
        cwd=out,
        check=True,
    )

    copied = {file.relative_to(target).as_posix() for file in target.rglob("*") if file.is_file()}
    assert copied == {"overview.json", "checkout/dashboard.json"}


def test_the_page_of_no_services_still_reads() -> None:
    assert page_of().headings == [("h1", "Services"), ("h2", "Loading these files")]


@pytest.mark.parametrize(
    "written",
    [
        "a | b\n\n# c",
        "<script>x</script>",
        "[a](javascript:x)",
        "`` ` ```",
        "مرحبا 🔥",
        "\\| &lt;",
        "https://evil.example",
    ],
)
def test_texts_stay_in_their_cells(written: str) -> None:
    plain = replace(
        an_entry(), title="x", description="x", team="x", environment="x", objectives=("x",)
    )
    hostile = replace(
        plain,
        title=written,
        description=written,
        team=written,
        environment=written,
        objectives=(written,),
    )
    flat = " ".join(written.split())

    page = page_of(hostile)

    assert page.structure == page_of(plain).structure
    assert page.html == []
    assert [flat, flat] in page.rows
    assert ("h2", f"Team {flat}") in page.headings


@pytest.mark.parametrize("name", ["../../etc", "/etc", "//evil.example", "javascript:x", "a](b)"])
def test_a_name_from_a_forged_manifest_leads_nowhere(name: str) -> None:
    forged = replace(an_entry(), name=name, dashboard_url="javascript:alert(1)")

    assert set(page_of(forged).links) == {"alertmanager.yml", "overview.json"}


def test_a_long_description_is_cut_at_a_word() -> None:
    page = page_of(replace(an_entry(), description="wording " * 1_000))

    (row,) = [row for row in page.rows if row[0] == "Checkout" and len(row) == 8]
    assert row[3] == f"{'wording ' * 25}".strip() + " …"


def test_the_markdown_is_tidy() -> None:
    assert_tidy(index_of([an_entry("a"), an_entry("b", "search")]).content)


def test_the_rules_of_the_watchdog_are_copied_where_there_are_any() -> None:
    copied = "cp rules.yaml /etc/prometheus/opsgen/watchdog.rules.yaml"

    assert copied in index_of([an_entry()], watchdog=BEAT).content
    assert copied not in index_of([an_entry()]).content
