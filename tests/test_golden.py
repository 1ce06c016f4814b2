"""Golden trees: whole outputs of small specs, compared byte for byte, and judged, so that none
freezes a bug.

`make golden` writes them anew; the difference is then read in review.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from difflib import unified_diff
from itertools import islice
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from opsgen.alertmanager.routing import concerning
from opsgen.cli.main import main
from opsgen.fleet.build import check_fresh, write_fleet
from opsgen.fleet.load import load_fleet
from opsgen.fleet.make import make_fleet
from opsgen.judge.closure import gaps
from opsgen.model.artifact import Artifact
from tests.programs import ROOT

GOLDEN = ROOT / "tests" / "golden"
NAMES = sorted(path.name for path in GOLDEN.iterdir() if path.is_dir())
_REGENERATE = "make golden"
_MOST_LINES = 60
_UPDATE = bool(os.environ.get("OPSGEN_UPDATE_GOLDEN"))


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def difference(expected: dict[str, bytes], found: dict[str, bytes]) -> str:
    """What differs, file by file, as a unified diff; empty where nothing does."""
    return "\n".join(
        line
        for path in sorted(expected.keys() | found.keys())
        for line in _file(path, expected, found)
    )


def _file(path: str, expected: dict[str, bytes], found: dict[str, bytes]) -> Iterator[str]:
    old, new = expected.get(path), found.get(path)
    if old is None or new is None:
        yield (
            f"{path}:"
            f" {'is not in the golden tree' if old is None else 'is only in the golden tree'}"
        )
    elif old != new:
        lines = unified_diff(
            old.decode().splitlines(),
            new.decode().splitlines(),
            f"golden/{path}",
            f"built/{path}",
            lineterm="",
            n=2,
        )
        yield from islice(lines, _MOST_LINES)


def build(name: str, out: Path) -> None:
    """The golden spec's whole output."""
    report = write_fleet(make_fleet([GOLDEN / name / "specs"]), out, force=True)
    assert report.good, report.lines


def test_there_are_golden_trees() -> None:
    assert len(NAMES) >= 3


@pytest.mark.parametrize("name", NAMES)
def test_the_output_is_the_golden_tree(name: str, tmp_path: Path) -> None:
    golden = GOLDEN / name / "out"
    if _UPDATE:
        shutil.rmtree(golden, ignore_errors=True)
        build(name, golden)

    build(name, tmp_path / "out")

    differs = difference(tree(golden), tree(tmp_path / "out"))
    assert not differs, (
        f"if this is meant, {_REGENERATE!r} writes the golden trees anew:\n{differs}"
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_tree_is_closed(name: str) -> None:
    out = GOLDEN / name / "out"
    alertmanager = yaml.safe_load((out / "alertmanager.yml").read_bytes())

    for model in load_fleet([GOLDEN / name / "specs"]).services:
        service = model.service
        files = [path for path in (out / service.name).rglob("*") if path.is_file()]
        artifacts = [
            Artifact(path.relative_to(out).as_posix(), path.read_text(encoding="utf-8"))
            for path in files
            if path.name[0] != "."
        ]

        assert gaps(service, artifacts, concerning(alertmanager, service.name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_promtool_takes_a_golden_tree_and_proves_it(promtool: Path, name: str) -> None:
    rules = sorted((GOLDEN / name / "out").glob("*/rules.yaml"))

    assert rules
    for path in rules:
        accepted(promtool, "check", "rules", "--lint-fatal", path.name, cwd=path.parent)
        accepted(promtool, "test", "rules", "rules.test.yaml", cwd=path.parent)


@pytest.mark.parametrize("name", NAMES)
def test_amtool_takes_a_golden_tree(amtool: Path, name: str) -> None:
    out = GOLDEN / name / "out"

    for path in [out / "alertmanager.yml", *sorted(out.glob("*/escalation.yaml"))]:
        accepted(amtool, "check-config", path.name, cwd=path.parent)


def accepted(program: Path, *arguments: str, cwd: Path) -> None:
    done = subprocess.run(
        [program, *arguments], cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_committed_output_is_what_the_specs_give() -> None:
    report = check_fresh(make_fleet([ROOT / "specs"]), ROOT / "out")

    assert report.good, "\n".join(("make build writes it anew:", *report.lines))


def test_a_stale_output_is_told_apart(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "out", tmp_path / "out")
    rules = tmp_path / "out" / "checkout" / "rules.yaml"
    rules.write_text(rules.read_text(encoding="utf-8").replace("0.5", "0.25", 1), encoding="utf-8")

    result = CliRunner().invoke(
        main, ["build", "--check", str(ROOT / "specs"), "--out", str(tmp_path / "out")]
    )

    assert result.exit_code == 1
    assert "checkout/rules.yaml" in result.stderr


def test_a_difference_names_the_file_and_the_lines() -> None:
    said = difference({"a": b"one\ntwo\n", "b": b""}, {"a": b"one\n2\n", "c": b""})

    assert "-two" in said
    assert "+2" in said
    assert "b: is only in the golden tree" in said
    assert "c: is not in the golden tree" in said
