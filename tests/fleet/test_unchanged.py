"""What is remembered of earlier builds: it saves time, and changes nothing that is said or done."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.test_commands import run, tree

SPEC = "service: shop\nteam: web\nconvention: prometheus-http\nslos: [{availability: 99.9%}]\n"
_WAS_SHORT = """\
import sys
from opsgen.cli.main import main
try:
    main(sys.argv[1:])
finally:
    print("whole" if "opsgen.fleet.load" in sys.modules else "short")
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two services with a project file and a template of their own, just built."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "project"
    (folder / "specs").mkdir(parents=True)
    (folder / "own" / "runbook").mkdir(parents=True)
    (folder / "own" / "runbook" / "service.md.j2").write_text(
        '{% extends "opsgen/runbook/service.md.j2" %}\n'
    )
    (folder / "opsgen.yaml").write_text("templates: own\ntargets: [files, terraform]\n")
    for name in ("shop", "till"):
        (folder / "specs" / f"{name}.yaml").write_text(SPEC.replace("shop", name))
    assert run("build", "specs", cwd=folder).returncode == 0
    return folder


def how(folder: Path, *arguments: str) -> str:
    """`short` where no spec was read, `whole` otherwise."""
    done = subprocess.run(
        [sys.executable, "-c", _WAS_SHORT, *arguments],
        cwd=folder,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def test_a_second_build_reads_no_spec(project: Path) -> None:
    assert how(project, "build", "specs") == "short"
    assert how(project, "build", "--check", "specs") == "short"


def test_it_says_what_the_whole_build_says(project: Path) -> None:
    for arguments in (["build", "specs"], ["build", "--check", "specs"]):
        short = run(*arguments, cwd=project)
        whole = run(*arguments, cwd=project, OPSGEN_NO_CACHE="1")

        assert (short.returncode, short.stdout, short.stderr) == (
            whole.returncode,
            whole.stdout,
            whole.stderr,
        )


def _write(path: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / path).write_text(text)


CHANGES: dict[str, Callable[[Path], object]] = {
    "a spec": _write("specs/shop.yaml", SPEC.replace("99.9%", "99%")),
    "a spec that is wrong": _write("specs/shop.yaml", SPEC.replace("99.9%", "999%")),
    "a new spec": _write("specs/bank.yaml", SPEC.replace("shop", "bank")),
    "a spec less": lambda folder: (folder / "specs" / "till.yaml").unlink(),
    "the project file": _write("opsgen.yaml", "templates: own\nslo: {window: 7d}\n"),
    "no project file": lambda folder: (folder / "opsgen.yaml").unlink(),
    "a nearer project file": _write("specs/opsgen.yaml", "slo: {window: 7d}\n"),
    "a template": _write(
        "own/runbook/service.md.j2", '{% extends "opsgen/runbook/service.md.j2" %}\n\n'
    ),
    "a new template": _write("own/index.md.j2", "# All\n"),
    "an output file": _write("out/shop/rules.yaml", "groups: []\n"),
    "an output file less": lambda folder: (folder / "out" / "shop" / "rules.yaml").unlink(),
    "a manifest": _write("out/.opsgen.manifest", "{}"),
    "the output gone": lambda folder: shutil.rmtree(folder / "out"),
    "a service gone": lambda folder: shutil.rmtree(folder / "out" / "till"),
    "a copy of a service": lambda folder: shutil.copytree(
        folder / "out" / "till", folder / "out" / "copy"
    ),
    "a word in a runbook": (
        lambda folder: (folder / "out" / "shop" / "runbook.md").open("a").write("Call Ann.\n")
    ),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    "arguments", [["build", "specs"], ["build", "--check", "specs"]], ids=["build", "check"]
)
def test_after_any_change_the_whole_build_runs(
    project: Path, change: str, arguments: list[str]
) -> None:
    CHANGES[change](project)
    other = project.with_name("other")
    shutil.copytree(project, other)

    found = run(*arguments, cwd=project)
    expected = run(*arguments, cwd=other, OPSGEN_NO_CACHE="1")

    assert (found.returncode, found.stderr) == (expected.returncode, expected.stderr)
    assert tree(project) == tree(other)


def test_another_way_of_calling_is_another_build(project: Path) -> None:
    assert how(project, "build", "specs/shop.yaml") == "whole"
    assert how(project, "build", "specs/shop.yaml") == "short"
    assert how(project, "build", "--out", "elsewhere", "specs") == "whole"
    assert how(project / "specs", "build", ".") == "whole"


def test_a_partial_build_notices_what_others_did_to_the_fleet(project: Path) -> None:
    run("build", "specs/shop.yaml", cwd=project)
    fragment = project / "out" / "till" / "escalation.yaml"
    fragment.write_text("nothing\n")

    assert run("build", "specs/shop.yaml", cwd=project).returncode == 2


def test_a_build_that_left_something_undone_is_not_remembered(project: Path) -> None:
    runbook = project / "out" / "shop" / "runbook.md"
    runbook.write_text(runbook.read_text().replace("## Maintenance", "## Ours"))

    assert [run("build", "specs", cwd=project).returncode for _ in range(2)] == [1, 1]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"form": 1}', '{"form": 1, "key": 5, "templates": 7}']
)
def test_a_spoilt_cache_is_no_cache(project: Path, text: str) -> None:
    (kept,) = (project.parent / "cache" / "opsgen" / "builds").iterdir()
    kept.write_text(text)

    assert how(project, "build", "specs") == "whole"
    assert how(project, "build", "specs") == "short"


def test_where_nothing_can_be_kept_a_build_is_a_build(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(project / "opsgen.yaml"))

    assert [run("build", "specs", cwd=project).returncode for _ in range(2)] == [0, 0]


# -- what was made of each spec --------------------------------------------------------------------

_WAS_MADE = """\
import os, sys
from opsgen.fleet import make as making
from opsgen.cli.main import main
real = making.load_services
def counted(file, *others):
    os.write(1, f"{file.name}\\n".encode())
    return real(file, *others)
making.load_services = counted
main(sys.argv[1:])
"""


def made(folder: Path, *arguments: str) -> list[str]:
    """The specs that were read; the others were known."""
    command = [sys.executable, "-c", _WAS_MADE, *arguments]
    done = subprocess.run(
        command, cwd=folder, env=os.environ, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return sorted(done.stdout.split())


def test_only_a_spec_that_changed_is_read_again(project: Path) -> None:
    (project / "specs" / "shop.yaml").write_text(SPEC.replace("99.9%", "99%"))

    assert made(project, "build", "specs") == ["shop.yaml"]


def test_a_new_project_file_or_template_is_a_reason_to_read_all(project: Path) -> None:
    for path, text in (
        ("opsgen.yaml", "templates: own\nslo: {window: 7d}\n"),
        ("own/runbook/service.md.j2", '{% extends "opsgen/runbook/service.md.j2" %}\n\n'),
    ):
        (project / path).write_text(text)
        assert made(project, "build", "specs") == ["shop.yaml", "till.yaml"]


def test_a_lost_file_is_written_again_from_what_is_known(project: Path) -> None:
    before = tree(project / "out")
    shutil.rmtree(project / "out")

    assert made(project, "build", "specs") == []
    assert tree(project / "out") == before


def entries(project: Path) -> list[Path]:
    return sorted((project.parent / "cache" / "opsgen" / "specs").iterdir())


@pytest.mark.parametrize("keep", [0, 1, 200, -1, -100])
def test_a_spoilt_entry_is_made_anew(project: Path, keep: int) -> None:
    before = tree(project / "out")
    shutil.rmtree(project / "out")
    for entry in entries(project):
        entry.write_bytes(entry.read_bytes()[:keep])

    assert made(project, "build", "specs") == ["shop.yaml", "till.yaml"]
    assert tree(project / "out") == before


def test_spoilt_texts_are_noticed_before_they_are_written(project: Path) -> None:
    before = tree(project / "out")
    shutil.rmtree(project / "out")
    for entry in entries(project):
        content = bytearray(entry.read_bytes())
        content[-20] ^= 0xFF
        entry.write_bytes(content)

    assert made(project, "build", "specs") == ["shop.yaml", "till.yaml"]
    assert tree(project / "out") == before


def test_the_same_is_written_from_what_is_known_as_without(project: Path) -> None:
    shutil.rmtree(project / "out")
    known = run("build", "specs", cwd=project)
    of_known = tree(project / "out")
    shutil.rmtree(project / "out")
    without = run("build", "specs", cwd=project, OPSGEN_NO_CACHE="1")

    assert (known.returncode, known.stderr) == (without.returncode, without.stderr)
    assert tree(project / "out") == of_known


def test_one_entry_is_kept_of_each_spec(project: Path) -> None:
    for bound in ("99%", "98%", "97%"):
        (project / "specs" / "shop.yaml").write_text(SPEC.replace("99.9%", bound))
        run("build", "specs", cwd=project)

    assert len(entries(project)) == 2


def test_mistakes_are_said_at_every_build(project: Path) -> None:
    (project / "specs" / "shop.yaml").write_text(SPEC.replace("99.9%", "999%"))
    said = [run("build", "specs", cwd=project) for _ in range(2)]

    assert [done.returncode for done in said] == [2, 2]
    assert said[0].stderr == said[1].stderr
    assert "999%" in said[0].stderr


def test_a_fleet_of_many_is_made_on_all_cores_and_only_once(project: Path) -> None:
    for number in range(40):
        (project / "specs" / f"s{number}.yaml").write_text(SPEC.replace("shop", f"s{number}"))
    assert len(made(project, "build", "specs")) == 40
    assert made(project, "build", "--check", "specs") == []
