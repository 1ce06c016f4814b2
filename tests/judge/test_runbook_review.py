"""What runbooks still lack: `opsgen runbook status`, and what `opsgen check` says of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_commands import run

SPEC = (
    "service: shop\nteam: web\nconvention: prometheus-http\nmatch: {job: shop}\nslos:"
    " [{availability: 99.9%}]\n"
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "shop.yaml").write_text(SPEC)
    run("build", "shop.yaml", cwd=tmp_path)
    return tmp_path


def status(project: Path, *arguments: str) -> dict[str, Any]:
    done = run("runbook", "status", "--format", "json", *arguments, "shop.yaml", cwd=project)
    (found,) = json.loads(done.stdout)
    return {**found, "exit": done.returncode}


def write_below(project: Path, block: str, text: str) -> None:
    runbook = project / "out" / "shop" / "runbook.md"
    end = f"<!-- opsgen:end {block} -->\n"
    page = runbook.read_text()
    assert end in page
    runbook.write_text(page.replace(end, f"{end}\n{text}\n"))


def asked(found: dict[str, Any]) -> list[str]:
    return [question["question"].split("?")[0] for question in found["open_questions"]]


def test_a_new_runbook_has_its_questions_and_no_notes(project: Path) -> None:
    found = status(project)

    assert "what does shop do, and who notices when it breaks" in asked(found)
    assert "how is shop deployed" in asked(found)
    assert len(found["alerts_without_notes"]) == found["alerts"]
    assert (found["faults"], found["last_reviewed"], found["exit"]) == ([], None, 0)


def test_every_question_is_told_at_its_line(project: Path) -> None:
    lines = (project / "out" / "shop" / "runbook.md").read_text().splitlines()

    for question in status(project)["open_questions"]:
        assert question["question"] in lines[question["line"] - 1]


def test_what_people_write_below_a_block_answers_its_questions(project: Path) -> None:
    write_below(project, "summary", "Sells things. Its buyers notice.")
    write_below(project, "alert:trafficgone-requests", "The load balancer, mostly.")

    found = status(project)

    assert "what does shop do, and who notices when it breaks" not in asked(found)
    assert "TrafficGone" not in found["alerts_without_notes"]


@pytest.mark.parametrize(
    "written", ["Last reviewed: 2027-01-31, Ann", "**Last reviewed** 2027-01-31"]
)
def test_the_last_review_is_peoples_to_write(project: Path, written: str) -> None:
    write_below(project, "summary", written)

    assert status(project)["last_reviewed"] == "2027-01-31"


@pytest.mark.parametrize(("today", "overdue"), [("2027-02-28", False), ("2027-08-01", True)])
def test_a_review_is_overdue_by_the_date_that_is_given(
    project: Path, today: str, overdue: bool
) -> None:
    (project / "opsgen.yaml").write_text("runbooks: {review_after: 180d}\n")
    write_below(project, "summary", "Last reviewed: 2027-01-31, Ann")

    assert status(project, "--today", today)["overdue"] is overdue
    assert status(project)["overdue"] is False


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ("See [there](#nowhere).", "this link leads to #nowhere, which is not on the page"),
        ("See [there](gone.md#a).", "this link leads to gone.md, which does not exist"),
        (
            "`amtool silence add service=till`",
            "this names the service till, but the page is of another service",
        ),
        ('`up{service="till"}`', "this names the service till, but the page is of another service"),
    ],
)
def test_what_leads_nowhere_or_elsewhere_is_a_fault(
    project: Path, written: str, wrong: str
) -> None:
    write_below(project, "debug", written)
    lines = (project / "out" / "shop" / "runbook.md").read_text().splitlines()

    found = status(project)

    assert [fault["wrong"] for fault in found["faults"]] == [wrong]
    assert lines[found["faults"][0]["line"] - 1] == written
    assert found["exit"] == 1


@pytest.mark.parametrize(
    "written", ["See [above](#alerts).", "See [rules](rules.yaml).", "[x](https://a.example.com)"]
)
def test_a_link_that_leads_somewhere_is_no_fault(project: Path, written: str) -> None:
    write_below(project, "debug", written)

    assert status(project)["faults"] == []


def test_a_project_may_ask_for_complete_runbooks_by_tier(project: Path) -> None:
    (project / "opsgen.yaml").write_text("runbooks: {complete: [1, 2]}\n")

    strict = run("runbook", "status", "shop.yaml", cwd=project)
    checked = run("check", "shop.yaml", cwd=project)
    (project / "opsgen.yaml").write_text("runbooks: {complete: 1}\n")
    lenient = run("runbook", "status", "shop.yaml", cwd=project)

    assert strict.returncode == 1
    assert "to write: how is shop deployed?" in strict.stdout
    assert checked.returncode == 1
    assert "to write: how is shop deployed?" in checked.stderr
    assert lenient.returncode == 0


def test_a_broken_runbook_is_a_fault_at_its_line(project: Path) -> None:
    runbook = project / "out" / "shop" / "runbook.md"
    runbook.write_text(runbook.read_text() + "<!-- opsgen:end links -->\n")

    (fault,) = status(project)["faults"]

    assert fault["line"] == len(runbook.read_text().splitlines())
    assert "does not begin anywhere" in fault["wrong"]


def test_a_runbook_that_is_not_there_is_to_be_built(project: Path) -> None:
    (project / "out" / "shop" / "runbook.md").unlink()

    assert [fault["wrong"] for fault in status(project)["faults"]] == [
        "there is no runbook yet; run opsgen build"
    ]


def test_a_comment_for_a_pull_request_is_a_table(project: Path) -> None:
    write_below(project, "debug", "See [there](#nowhere).")

    text = run("runbook", "status", "--format", "markdown", "shop.yaml", cwd=project).stdout

    assert "| shop | web | 2 | " in text
    assert "- out/shop/runbook.md:" in text
    assert "#nowhere" in text
