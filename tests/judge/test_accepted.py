"""What promtool and amtool accepted is remembered: nothing is judged twice, and everything that a
judgement reads makes it new. The programs are real; a script on PATH notes each run of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from opsgen.fleet.build import contents
from opsgen.fleet.load import load_fleet
from opsgen.judge.check import CheckReport, check_fleet
from tests.programs import require_program

SPEC = """\
service: {name}
team: web
business:
  - {{name: orders, query: "sum(rate(orders_total[5m]))", alerts: [{{below: {below}}}]}}
"""


@dataclass
class Project:
    """A folder of specs, and the programs that judge them."""

    folder: Path
    programs: Path
    log: Path

    def check(self) -> CheckReport:
        return check_fleet(load_fleet([self.folder / "specs"]))

    def judged(self) -> list[str]:
        """What was judged since this was last asked."""
        runs = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return sorted(run for run in runs if "--version" not in run)

    def write(self, name: str, more: str = "", below: int = 1) -> None:
        file = self.folder / "specs" / f"{name}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(SPEC.format(name=name, below=below) + more)

    def install(self, name: str, script: str) -> None:
        file = self.programs / name
        file.write_text(f'#!/bin/sh\necho "{name} $*" >>{self.log}\n{script}\n')
        file.chmod(0o755)


@pytest.fixture
def project(tmp_path: Path, promtool: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    programs = tmp_path / "bin"
    programs.mkdir()
    found = Project(tmp_path, programs, tmp_path / "log")
    found.install("promtool", f'exec {promtool} "$@"')
    found.install("amtool", f'exec {require_program("amtool-packaged")} "$@"')
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two", "three"):
        found.write(name)
    return found


def test_the_second_time_nothing_is_judged(project: Project) -> None:
    first = project.check()
    assert len(project.judged()) == len(first.verdicts)

    second = project.check()

    assert project.judged() == []
    assert first.good
    assert second.good
    assert [verdict.subject for verdict in second.verdicts] == [
        verdict.subject for verdict in first.verdicts
    ]
    assert f"{len(first.verdicts)} of them before" in list(second.lines)[-1]


def test_one_change_is_judged_alone(project: Project) -> None:
    project.check()
    project.judged()

    project.write("two", below=2)
    report = project.check()

    assert report.good
    assert project.judged() == [
        "promtool check rules --lint-fatal two/rules.yaml",
        "promtool test rules two/rules.test.yaml",
    ]


def test_a_change_of_the_rules_alone_is_proven_anew(project: Project) -> None:
    project.check()
    project.judged()
    before = proof_of(project, "two")

    project.write("two", "title: Another title\n")
    project.check()

    assert proof_of(project, "two") == before
    assert "promtool test rules two/rules.test.yaml" in project.judged()


def proof_of(project: Project, service: str) -> str:
    (made,) = (
        content.artifacts
        for name, content in contents(load_fleet([project.folder / "specs"]), None).items()
        if name == service
    )
    return next(one.content for one in made if one.path.endswith("rules.test.yaml"))


def test_what_was_refused_is_judged_again(project: Project) -> None:
    project.install("promtool", 'test "$1" = --version || exit 1')

    first, runs = project.check(), project.judged()
    second, again = project.check(), project.judged()

    assert not first.good
    assert not second.good
    assert again == [run for run in runs if run.startswith("promtool")]


def test_another_program_judges_anew(project: Project, promtool: Path) -> None:
    project.check()
    runs = project.judged()

    project.install("promtool", f'# another script\nexec {promtool} "$@"')
    project.check()

    assert project.judged() == [run for run in runs if run.startswith("promtool")]


def test_a_program_that_says_no_version_is_asked_each_time(
    project: Project, promtool: Path
) -> None:
    project.install("promtool", f'test "$1" != --version && exec {promtool} "$@"')

    project.check()
    runs = project.judged()
    project.check()

    assert project.judged() == [run for run in runs if run.startswith("promtool")]


def _all_spoilt(project: Project) -> None:
    for file in (project.folder / "cache").rglob("accepted/*"):
        file.write_bytes(b'{"form": 1, "keys": ')


def _all_of_another_form(project: Project) -> None:
    for file in (project.folder / "cache").rglob("accepted/*"):
        file.write_text('["' + "0" * 64 + '"]')


def _all_gone(project: Project) -> None:
    shutil.rmtree(project.folder / "cache")


def _unwritable(project: Project) -> None:
    shutil.rmtree(project.folder / "cache")
    (project.folder / "cache").write_text("a file, no folder")


@pytest.mark.parametrize("spoil", [_all_spoilt, _all_of_another_form, _all_gone, _unwritable])
def test_a_damaged_memory_is_as_good_as_none(
    project: Project, spoil: Callable[[Project], None]
) -> None:
    project.check()
    runs = project.judged()
    spoil(project)

    report = project.check()

    assert report.good
    assert project.judged() == runs


def test_without_the_cache_everything_is_judged(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPSGEN_NO_CACHE", "1")

    project.check()
    runs = project.judged()
    project.check()

    assert project.judged() == runs
    assert not (project.folder / "cache").exists()


def test_two_programs_of_one_name_are_remembered_side_by_side(
    project: Project, promtool: Path
) -> None:
    """As where one runs the checks of two versions of Prometheus in turn."""
    other = project.programs / "other"
    other.mkdir()
    shutil.copy2(project.programs / "promtool", other / "promtool")
    project.check()
    path = os.environ["PATH"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{other}:{path}")
        project.check()
    project.judged()

    project.check()

    assert project.judged() == []
