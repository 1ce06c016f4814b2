"""The rooms of the package: each looks only downwards, and a reference back is found."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import ROOT

_PACKAGE = ROOT / "generator" / "opsgen"
_FLAT = {"__init__", "__main__", "errors", "quantities"}
_MOST_LINES = 400


def held(folder: Path) -> subprocess.CompletedProcess[str]:
    """What import-linter says of the package in a folder, by the project's own contract."""
    program = Path(sys.executable).parent / "lint-imports"
    return subprocess.run(
        [program, "--no-cache", str(ROOT / "pyproject.toml")],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the package alone, to be changed."""
    left_out = shutil.ignore_patterns("templates", "__pycache__")
    shutil.copytree(_PACKAGE, tmp_path / "opsgen", ignore=left_out)
    return tmp_path


def test_the_rooms_look_only_downwards(copied: Path) -> None:
    found = held(copied)

    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(
    ("room", "back"),
    [
        ("model/links.py", "from opsgen.render.markdown import Markdown"),
        ("load/library.py", "from opsgen.fleet.make import make_fleet"),
        ("resolve/service.py", "from opsgen.render.artifacts import refusals"),
        ("render/rules.py", "from opsgen.output.write import write"),
    ],
)
def test_a_reference_back_is_found_inside_of_a_function_too(
    copied: Path, room: str, back: str
) -> None:
    file = copied / "opsgen" / room
    code = file.read_text(encoding="utf-8")
    file.write_text(f"{code}\n\ndef planted() -> None:\n    {back}\n", encoding="utf-8")

    found = held(copied)

    assert found.returncode == 1
    assert f"opsgen.{room.removesuffix('.py').replace('/', '.')} -> " in found.stdout


def test_every_module_but_the_vocabulary_lies_in_a_room() -> None:
    assert {path.stem for path in _PACKAGE.glob("*.py")} == _FLAT


def test_no_module_is_longer_than_a_reader_holds() -> None:
    lengths = {
        path.relative_to(_PACKAGE).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in _PACKAGE.rglob("*.py")
    }

    assert {name: lines for name, lines in lengths.items() if lines > _MOST_LINES} == {}


def test_only_the_readers_of_tables_import_by_name() -> None:
    """A table names a function of a higher room by text, which the contract can't see."""
    readers = {
        path.relative_to(_PACKAGE).as_posix()
        for path in _PACKAGE.rglob("*.py")
        if re.search(r"import_module|__import__", path.read_text(encoding="utf-8"))
    }

    assert readers == {"judge/programs.py", "render/artifacts.py"}
