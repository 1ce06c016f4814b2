"""Formats for programs: what each reader makes of them, at the place where people change
something."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsgen.model.findings import CaseResult, Finding, as_github, as_json, as_junit, as_sarif
from tests.cli.test_commands import run

SPEC = "service: shop\nteam: web\nconvention: prometheus-http\nslos: [{availability: 99.9%}]\n"
WRONG = SPEC.replace("99.9%", "999%") + "latenzy: 1\n"
_COMMAND = re.compile(r"::(?P<level>error|warning) (?P<properties>[^:\n]*)::(?P<message>[^\n]*)")


def annotated(printed: str) -> list[dict[str, str]]:
    """As GitHub's runner reads workflow commands."""
    found = []
    for line in printed.splitlines():
        match = _COMMAND.fullmatch(line)
        assert match, line
        properties = dict(one.split("=", 1) for one in match["properties"].split(","))
        found.append(
            {key: unquote(text) for key, text in {**match.groupdict(), **properties}.items()}
        )
    return found


def results(printed: str) -> list[tuple[str, str, int, int, str]]:
    """Rule, file, line, column and message of every result of a SARIF document."""
    document = json.loads(printed)
    assert document["version"] == "2.1.0"
    (sarif,) = document["runs"]
    known = [rule["id"] for rule in sarif["tool"]["driver"]["rules"]]
    found = []
    for result in sarif["results"]:
        assert result["ruleId"] in known
        (location,) = result["locations"]
        place = location["physicalLocation"]
        region = place["region"]
        file = unquote(place["artifactLocation"]["uri"])
        found.append(
            (
                result["ruleId"],
                file,
                region["startLine"],
                region["startColumn"],
                result["message"]["text"],
            )
        )
    return found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "shop.yaml").write_text(SPEC)
    return tmp_path


@pytest.mark.parametrize("command", [["build"], ["build", "--check"], ["check"]], ids=" ".join)
def test_a_mistake_is_annotated_at_its_line(project: Path, command: list[str]) -> None:
    (project / "specs" / "shop.yaml").write_text(WRONG)
    done = run(*command, "--format", "github", "specs", cwd=project)

    assert done.returncode == 2
    assert [(one["level"], one["file"], one["line"]) for one in annotated(done.stdout)] == [
        ("error", "specs/shop.yaml", "4"),
        ("error", "specs/shop.yaml", "5"),
    ]
    assert "999%" in annotated(done.stdout)[0]["message"]
    assert "2 mistakes; nothing was written." in done.stderr


def test_a_mistake_is_a_result_for_code_scanning(project: Path) -> None:
    (project / "specs" / "shop.yaml").write_text(WRONG)
    done = run("build", "--format", "sarif", "specs", cwd=project)

    found = results(done.stdout)
    assert [(rule, file, line) for rule, file, line, _, _ in found] == [
        ("mistake", "specs/shop.yaml", 4),
        ("mistake", "specs/shop.yaml", 5),
    ]
    assert "did you mean 'latency'?" in found[1][4]


def test_the_fingerprint_of_a_result_is_not_of_its_line() -> None:
    def fingerprint(line: int, message: str) -> dict[str, str]:
        document = json.loads(as_sarif([Finding("error", "mistake", "a.yaml", line, 1, message)]))
        found: dict[str, str] = document["runs"][0]["results"][0]["partialFingerprints"]
        return found

    assert fingerprint(1, "x") == fingerprint(9, "x") != fingerprint(1, "y")


def test_what_is_stale_is_said_once_at_its_spec(project: Path) -> None:
    run("build", "specs", cwd=project)
    (project / "specs" / "shop.yaml").write_text(SPEC.replace("99.9%", "99%"))
    done = run("build", "--check", "--format", "github", "specs", cwd=project)

    assert done.returncode == 1
    errors = [one for one in annotated(done.stdout) if one["level"] == "error"]
    (of_spec,) = [one for one in errors if one["file"] == "specs/shop.yaml"]
    assert of_spec["line"] == "1"
    assert "shop/rules.yaml (changed)" in of_spec["message"]
    assert "opsgen build" in of_spec["message"]


def test_what_was_edited_by_hand_is_said_at_the_file(project: Path) -> None:
    run("build", "specs", cwd=project)
    (project / "out" / "shop" / "rules.yaml").write_text("groups: []\n")
    done = run("build", "--check", "--format", "json", "specs", cwd=project)

    errors = [one for one in json.loads(done.stdout) if one["level"] == "error"]
    assert [(one["rule"], one["file"], one["message"]) for one in errors] == [
        ("stale", "out/shop/rules.yaml", "edited since opsgen wrote it")
    ]


def test_where_all_is_well_there_are_warnings_alone(project: Path) -> None:
    run("build", "specs", cwd=project)
    for form in ("github", "sarif", "json"):
        done = run("build", "--check", "--format", form, "specs", cwd=project)
        assert done.returncode == 0
        assert "nobody is told of its" in done.stdout
        assert '"error"' not in done.stdout
        assert "::error" not in done.stdout


def test_proofs_are_cases_of_a_test_report(project: Path, promtool: Path) -> None:
    done = run("check", "--format", "junit", "specs", cwd=project, PATH=str(promtool.parent))
    root = ElementTree.fromstring(done.stdout)

    assert done.returncode == 0
    cases = {(case.get("classname"), case.get("name")): case for case in root.iter("testcase")}
    assert ("closure", "shop") in cases
    assert ("promtool", "shop/rules.test.yaml") in cases
    assert root.get("tests") == str(len(cases))
    assert root.get("failures") == "0"


def test_a_program_that_is_missing_is_skipped_and_one_that_refuses_fails(
    project: Path, tmp_path: Path
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "promtool").write_text("#!/bin/sh\necho 'refused: <&>' >&2; exit 1\n")
    (programs / "promtool").chmod(0o755)
    done = run("check", "--format", "junit", "specs", cwd=project, PATH=str(programs))
    root = ElementTree.fromstring(done.stdout)

    assert done.returncode == 1
    failures = [
        case.get("name") for case in root.iter("testcase") if case.find("failure") is not None
    ]
    assert failures == ["shop/rules.yaml", "shop/rules.test.yaml"]
    assert {failure.text for failure in root.iter("failure")} == {"refused: <&>"}
    assert [
        case.get("classname") for case in root.iter("testcase") if case.find("skipped") is not None
    ] == ["amtool"]

    printed = run("check", "--format", "github", "specs", cwd=project, PATH=str(programs)).stdout
    assert {one["file"] for one in annotated(printed) if one["level"] == "error"} == {
        "specs/shop.yaml"
    }


def test_a_wrong_spec_fails_its_test_report(project: Path) -> None:
    (project / "specs" / "shop.yaml").write_text(WRONG)
    done = run("check", "--format", "junit", "specs", cwd=project)

    assert done.returncode == 2
    assert ElementTree.fromstring(done.stdout).get("failures") == "2"


def test_lint_annotates_rule_files(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(
        "groups:\n- name: a\n  rules:\n  - alert: Never\n    expr: sum(up) / on (job) up > 1\n"
    )
    done = run("lint", "--format", "github", "rules.yaml", cwd=tmp_path)

    assert done.returncode == 1
    (found,) = annotated(done.stdout)
    assert (found["level"], found["file"], found["line"]) == ("error", "rules.yaml", "5")
    assert (
        results(run("lint", "--format", "sarif", "rules.yaml", cwd=tmp_path).stdout)[0][0] == "lint"
    )


def test_github_shows_ten_and_is_told_how_many_more() -> None:
    many = [Finding("error", "gap", f"{number}.yaml", 1, 1, "x") for number in range(25)]
    few = [Finding("warning", "warning", f"{number}.yaml", 1, 1, "x") for number in range(10)]
    lines = as_github([*few, *many]).splitlines()

    assert [line.split(" ")[0] for line in lines] == ["::error"] * 10 + ["::warning"] * 10
    assert lines[9].endswith("::and 16 more: see the log")
    assert as_github([]) == ""


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(_TEXTS, _TEXTS.filter(bool), st.integers(1))
def test_any_text_arrives_as_it_is(message: str, file: str, line: int) -> None:
    finding = Finding("warning", "lint", file, line, 1, message)

    (command,) = annotations_of_one(as_github([finding]))
    assert (command["file"], command["line"], command["message"]) == (file, str(line), message)
    assert results(as_sarif([finding])) == [("lint", file, line, 1, message)]
    (written,) = json.loads(as_json([finding]))
    assert written == {
        "level": "warning",
        "rule": "lint",
        "file": file,
        "line": line,
        "column": 1,
        "message": message,
    }


def annotations_of_one(printed: str) -> list[dict[str, Any]]:
    """One command a line, whatever else ends lines in Python's eyes."""
    line, rest = printed.split("\n")
    assert rest == ""
    level, _, tail = line.removeprefix("::").partition(" ")
    properties, _, message = tail.partition("::")
    found = dict(one.split("=", 1) for one in properties.split(","))
    return [
        {
            "level": level,
            **{key: unescaped(text) for key, text in found.items()},
            "message": unescaped(message),
        }
    ]


def unescaped(text: str) -> str:
    for code, char in (("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        text = text.replace(code, char)
    return text


@given(st.text(), st.text(st.characters()))
def test_any_text_fits_into_a_test_report(name: str, failure: str) -> None:
    root = ElementTree.fromstring(
        as_junit([CaseResult("a", name, failure), CaseResult("b", "c")]).encode("utf-8")
    )

    assert root.get("tests") == "2"
    assert root.get("failures") == str(int(bool(failure)))
