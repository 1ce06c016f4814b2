"""`opsgen diff`: what a changed spec means to the people on call, and nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from opsgen.changes.compare import Change, Changes, Difference, compare
from opsgen.changes.words import LONGEST_COMMENT, MARKER, as_markdown, as_text
from opsgen.errors import InputError
from opsgen.fleet.build import contents
from opsgen.fleet.load import load_fleet
from tests.cli.test_commands import run, tree
from tests.repositories import committed, git
from tests.strategies import Spec, examples, service_specs

SPEC = """\
service: shop
team: web
convention: otel-http
slos: [{availability: 99.9%}]
errors: {above: 2%, for: 5m}
uptime: [{url: "https://shop.example.com/health", name: health}]
business:
  - {name: orders, title: Orders, query: "sum(rate(orders_total[5m]))", alerts: [{below: 0.5, severity: page}]}
"""
PROJECT = """\
teams: {web: {escalation: {page: critical, ticket: calm}}}
channels:
  pager: {webhook: {url: "http://a.example.com"}}
  chat: {webhook: {url: "http://b.example.com"}}
escalation:
  critical: [{notify: [pager]}]
  calm: [{notify: [chat], during: office}]
hours: {office: {days: monday to friday, from: "09:00", to: "18:00"}}
"""


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A project of two services whose output is what their specs give."""
    (tmp_path / "specs").mkdir()
    (tmp_path / "opsgen.yaml").write_text(PROJECT)
    (tmp_path / "specs" / "shop.yaml").write_text(SPEC)
    (tmp_path / "specs" / "till.yaml").write_text(SPEC.replace("service: shop", "service: till"))
    assert run("build", "specs", cwd=tmp_path).returncode == 0
    return tmp_path


def changed(folder: Path, file: str, before: str, after: str) -> None:
    path = folder / file
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def found(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    """Every change but those of sections and recording rules, which follow from others."""
    document = said(folder, *arguments)
    changes: list[dict[str, Any]] = document["changes"]
    return [change for change in changes if change["kind"] not in ("section", "recording rule")]


def said(folder: Path, *arguments: str) -> dict[str, Any]:
    before = tree(folder)
    done = run("diff", "--format", "json", *(arguments or ("specs",)), cwd=folder)
    assert done.returncode == 0, done.stderr
    assert tree(folder) == before
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def differences(change: dict[str, Any]) -> dict[str, tuple[str | None, str | None]]:
    return {one["what"]: (one["before"], one["after"]) for one in change["differences"]}


def test_where_nothing_changes_nothing_is_said(built: Path) -> None:
    assert said(built) == {"changed": False, "changes": [], "bytes_alone": []}


def test_a_threshold_is_a_number_before_and_after(built: Path) -> None:
    changed(built, "specs/shop.yaml", "above: 2%, for: 5m", "above: 3%, for: 10m")

    alert, *panels = found(built)
    assert (alert["service"], alert["kind"], alert["change"]) == ("shop", "alert", "changed")
    assert alert["name"] == "ErrorRatioHigh (errors, ticket)"
    assert differences(alert)["lasting"] == ("5m", "10m")
    assert {"what": "number", "before": "0.02", "after": "0.03"} in alert["differences"]
    assert {(panel["kind"], *differences(panel)["thresholds"]) for panel in panels} == {
        ("panel", "0.02", "0.03")
    }


def test_a_severity_is_said_and_who_is_told_now(built: Path) -> None:
    for name in ("shop", "till"):
        changed(built, f"specs/{name}.yaml", "severity: page", "severity: info")

    alert = next(one for one in found(built) if one["kind"] == "alert" and one["service"] == "shop")
    assert alert["name"] == "OrdersLow (orders, info)"
    assert differences(alert)["severity"] == ("page", "info")
    route = next(one for one in found(built) if one["kind"] == "route" and one["service"] == "shop")
    assert (route["name"], route["change"]) == ("info", "added")


def test_a_renamed_signal_is_one_renamed_alert(built: Path) -> None:
    changed(built, "specs/shop.yaml", "name: orders", "name: purchases")

    (alert,) = (one for one in found(built) if one["kind"] == "alert")
    assert (alert["change"], differences(alert)["name"]) == (
        "renamed",
        ("OrdersLow (orders)", "PurchasesLow (purchases)"),
    )


def test_a_new_alert_says_what_it_asks_and_a_lost_one_what_it_asked(built: Path) -> None:
    changed(built, "specs/shop.yaml", "slos: [{availability: 99.9%}]\n", "")
    changed(
        built,
        "specs/shop.yaml",
        "alerts: [{below: 0.5, severity: page}]",
        "alerts: [{absent: 10m}]",
    )

    by_name = {one["name"]: one for one in found(built) if one["kind"] == "alert"}
    assert by_name["ErrorBudgetBurn (slo-availability, page)"]["change"] == "removed"
    lost = differences(by_name["ErrorBudgetBurn (slo-availability, page)"])
    assert lost["expression"][0] is not None
    assert lost["expression"][1] is None
    assert by_name["OrdersAbsent (orders, ticket)"]["change"] == "added"
    assert "orders_total" in str(
        differences(by_name["OrdersAbsent (orders, ticket)"])["expression"][1]
    )


def test_a_policy_changes_who_is_told_of_every_service(built: Path) -> None:
    changed(built, "opsgen.yaml", "[{notify: [pager]}]", "[{notify: [chat]}]")

    routes = [one for one in found(built) if one["kind"] == "route"]
    assert [(one["service"], one["name"]) for one in routes] == [("shop", "page"), ("till", "page")]
    for route in routes:
        before, after = differences(route)["told"]
        assert (str(before).split(" ")[0], str(after).split(" ")[0]) == ("pager", "chat")
    (channel,) = (one for one in found(built) if one["kind"] == "channel")
    assert (channel["service"], channel["change"], channel["name"]) == (None, "removed", "pager")


def test_hours_and_channels_are_the_fleets(built: Path) -> None:
    changed(built, "opsgen.yaml", 'from: "09:00"', 'from: "08:00"')
    changed(built, "opsgen.yaml", "http://b.example.com", "http://c.example.com")

    assert {(one["service"], one["kind"], one["name"], one["change"]) for one in found(built)} == {
        (None, "channel", "chat", "changed"),
        (None, "hours", "office", "changed"),
    }


def test_a_probe_that_polls_something_else(built: Path) -> None:
    changed(
        built,
        "specs/shop.yaml",
        "https://shop.example.com/health",
        "https://www.example.com/health",
    )

    probe = next(one for one in found(built) if one["kind"] == "probe")
    assert differences(probe)["url"] == (
        "https://shop.example.com/health",
        "https://www.example.com/health",
    )


def test_a_service_that_is_gone_or_new(built: Path) -> None:
    (built / "specs" / "till.yaml").rename(built / "specs" / "bank.yaml")
    changed(built, "specs/bank.yaml", "service: till", "service: bank")

    verbs = {(one["service"], one["change"]) for one in found(built)}
    assert verbs == {("till", "removed"), ("bank", "added")}
    assert found(built, "specs/shop.yaml") == []


def test_words_of_people_are_no_change(built: Path) -> None:
    with (built / "out" / "shop" / "runbook.md").open("a") as runbook:
        runbook.write("Call Ann first.\n")

    assert said(built) == {"changed": False, "changes": [], "bytes_alone": []}


def test_other_bytes_of_one_meaning_are_told_apart(built: Path) -> None:
    changed(built, "out/shop/rules.yaml", "# Generated", "# Made")
    changed(built, "specs/till.yaml", "above: 2%", "above: 3%")

    document = said(built)
    assert document["bytes_alone"] == ["shop/rules.yaml"]
    assert {one["service"] for one in document["changes"]} == {"till"}


def test_a_comment_above_changes_no_meaning(built: Path) -> None:
    changed(built, "specs/shop.yaml", "service: shop", "# Sells things.\nservice: shop")

    document = said(built)
    assert document["changes"] == []
    assert document["bytes_alone"] == ["shop/runbook.md"]


def test_a_runbook_section_that_says_something_else(built: Path) -> None:
    changed(
        built,
        "specs/shop.yaml",
        "team: web\n",
        "team: web\nrunbook: {restart: systemctl restart shop}\n",
    )

    sections = [one for one in said(built)["changes"] if one["kind"] == "section"]
    assert "Restart" in [one["name"] for one in sections]
    restart = next(one for one in sections if one["name"] == "Restart")
    assert "systemctl restart shop" in str(differences(restart)["text"][1])


def test_people_read_a_line_for_each_change(built: Path) -> None:
    changed(built, "specs/shop.yaml", "above: 2%, for: 5m", "above: 2%, for: 10m")
    lines = run("diff", "specs", cwd=built).stdout.splitlines()

    assert lines[:3] == [
        "shop",
        "  ~ alert `ErrorRatioHigh (errors, ticket)`",
        "      lasting: 5m -> 10m",
    ]
    assert lines[-1].startswith("1 service: 1 alert changed, ")


def test_an_output_that_is_not_there_yet_is_all_new(built: Path) -> None:
    shutil.rmtree(built / "out")

    assert {one["change"] for one in found(built)} == {"added"}


def test_a_wrong_spec_is_wrong_here_too(built: Path) -> None:
    changed(built, "specs/shop.yaml", "99.9%", "999%")
    done = run("diff", "specs", cwd=built)

    assert (done.returncode, done.stdout) == (2, "")
    assert "specs/shop.yaml:4:" in done.stderr


# -- against git -----------------------------------------------------------------------------------


@pytest.fixture(name="committed")
def _committed(built: Path) -> Path:
    return committed(built)


def test_a_branch_is_compared_with_what_was_committed(committed: Path) -> None:
    changed(committed, "specs/shop.yaml", "above: 2%, for: 5m", "above: 2%, for: 10m")
    assert run("build", "specs", cwd=committed).returncode == 0
    git(committed, "switch", "--quiet", "--create=topic")
    git(committed, "commit", "--all", "--quiet", "--message=second")

    assert said(committed)["changes"] == []
    (alert,) = found(committed, "--from", "main", "specs")
    assert differences(alert)["lasting"] == ("5m", "10m")
    assert found(committed, "--from", "topic", "specs") == []


def test_names_that_git_would_quote_are_read(committed: Path) -> None:
    (committed / "opsgen.yaml").write_text(f"out: 'out é \"x\"'\n{PROJECT}")
    assert run("build", "specs", cwd=committed).returncode == 0
    git(committed, "add", "--all")
    git(committed, "commit", "--quiet", "--message=second")

    assert said(committed, "--from", "HEAD", "specs") == {
        "changed": False,
        "changes": [],
        "bytes_alone": [],
    }


def test_a_commit_from_before_opsgen_has_nothing(committed: Path) -> None:
    git(committed, "rm", "-r", "--quiet", "out")
    git(committed, "commit", "--quiet", "--message=none")

    assert {one["change"] for one in found(committed, "--from", "HEAD", "specs")} == {"added"}


@pytest.mark.parametrize("revision", ["nowhere", "--name-only", "HEAD:specs/shop.yaml", ""])
def test_what_is_no_revision_is_refused(committed: Path, revision: str) -> None:
    done = run("diff", f"--from={revision}", "specs", cwd=committed)

    assert (done.returncode, done.stdout) == (2, "")
    assert "git says: " in done.stderr or "is not a revision" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_repository_or_git_it_says_so(built: Path) -> None:
    done = run(
        "diff", "--from", "main", "specs", cwd=built, GIT_CEILING_DIRECTORIES=str(built.parent)
    )
    assert done.returncode == 2
    assert "not a git repository" in done.stderr

    done = run("diff", "--from", "main", "specs", cwd=built, PATH="/nowhere")
    assert done.returncode == 2
    assert "git is not installed" in done.stderr


# -- for a comment ---------------------------------------------------------------------------------


def test_a_comment_has_its_marker_and_fits(built: Path) -> None:
    changed(built, "specs/shop.yaml", "above: 2%, for: 5m", "above: 2%, for: 10m")
    comment = run("diff", "--format", "markdown", "specs", cwd=built).stdout

    assert comment.startswith(f"{MARKER}\n")
    assert (
        "- **changed** alert `ErrorRatioHigh (errors, ticket)`\n  - lasting: `5m` → `10m`\n"
        in comment
    )


def test_a_comment_on_a_thousand_services_is_cut_between_services() -> None:
    many = tuple(
        Change(
            f"service-{number}",
            "alert",
            "changed",
            "A" * 100,
            (Difference("lasting", "5m", "10m" * 50),),
        )
        for number in range(1_000)
    )
    comment = as_markdown(
        Changes(many, tuple(f"service-{number}/rules.yaml" for number in range(1_000)))
    )

    assert len(comment) < LONGEST_COMMENT + 1_000 < 65_536
    assert comment.count("<details>") == comment.count("</details>")
    left_out = 1_000 - comment.count("<details>")
    assert f"and {left_out} more services" in comment
    assert "and 980 more" in comment


@pytest.mark.parametrize(
    "name", ["`a`", "</details>", "<!-- x", "a\nb", "[x](http://x)", "@team", "|"]
)
def test_nothing_in_a_name_becomes_markup(name: str) -> None:
    comment = as_markdown(
        Changes((Change("shop", "alert", "changed", name, (Difference("x", name, "y"),)),), ())
    )

    assert comment.count("</details>") - (name == "</details>") * 2 == 1
    (line,) = (line for line in comment.splitlines() if line.startswith("- **changed** alert "))
    shown = line.removeprefix("- **changed** alert ")
    assert shown.startswith("`")
    assert shown.endswith("`")


# -- any spec --------------------------------------------------------------------------------------


def files_of(folder: Path, spec: Spec) -> dict[str, bytes]:
    folder.mkdir()
    path = folder / "service.yaml"
    path.write_text(yaml.safe_dump(spec, allow_unicode=True), encoding="utf-8")
    built = contents(load_fleet([path]), folder / "out")
    return {
        artifact.path: artifact.encoded
        for content in built.values()
        for artifact in content.artifacts
    }


@settings(
    max_examples=examples(30),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(service_specs, service_specs)
def test_forth_and_back_is_the_same_the_other_way_round(
    tmp_path_factory: pytest.TempPathFactory, one: Spec, other: Spec
) -> None:
    folder = tmp_path_factory.mktemp("specs")
    try:
        before, after = (
            files_of(folder / "before", one),
            files_of(folder / "after", other | {"service": one["service"]}),
        )
    except InputError:
        return  # what is refused has no output to compare

    forth, back = compare(before, after), compare(after, before)
    assert compare(before, before) == Changes((), ())
    opposite = {"added": "removed", "removed": "added", "changed": "changed", "renamed": "renamed"}
    counted = sorted((change.kind, opposite[change.verb]) for change in forth.changes)
    assert counted == sorted((change.kind, str(change.verb)) for change in back.changes)
    assert forth.bytes_alone == back.bytes_alone
    assert list(as_text(forth))[-1]
