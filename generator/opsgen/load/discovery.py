"""Paths go in; the spec files at or below them come out, and their project file.

Does not import what reads a spec, so that an unchanged build ends quickly.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from opsgen.errors import InputError, Mistake
from opsgen.model.artifact import MANIFEST

PROJECT_FILE = "opsgen.yaml"
_SPEC_ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True)
class Shard:
    """One part of a fleet, the `number`th of `of`. Only the name of a spec decides in which shard
    it is."""

    number: int
    of: int

    def has(self, name: str) -> bool:
        return (
            int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % self.of
            == self.number - 1
        )


@dataclass(frozen=True)
class Specs:
    """The spec files, the project file above them, the folders that were given, and the names in
    outputs of the specs that other shards have."""

    files: tuple[Path, ...]
    project: Path | None
    folders: tuple[Path, ...]
    elsewhere: frozenset[str] = frozenset()

    @property
    def root(self) -> Path:
        """The folder of the project file; outputs name specs relative to it."""
        return self.project.parent if self.project else Path.cwd()

    def in_shard(self, shard: Shard) -> Specs:
        """Only the specs of one shard; raises InputError if it has none."""
        names = {file: self.name_in_outputs(file) for file in self.files}
        own = tuple(file for file, name in names.items() if shard.has(name))
        if not own:
            wrong = f"there is no spec in shard {shard.number} of {shard.of}"
            right = f"use fewer shards: there are {len(names)} specs"
            raise InputError([Mistake("--shard", 1, 1, "", wrong, right)])
        elsewhere = frozenset(name for file, name in names.items() if file not in own)
        return replace(self, files=own, elsewhere=elsewhere)

    def name_in_outputs(self, file: Path) -> str:
        """The name of a spec in outputs: the same on every machine and from every working
        folder."""
        if self.project is None:
            return "." if file.is_dir() else file.name
        return Path(os.path.relpath(file.resolve(), self.root.resolve())).as_posix()


def find_specs(paths: Sequence[Path], shard: Shard | None = None) -> Specs:
    """The spec files at or below the paths; raises InputError when there is none, or when they have
    several project files."""
    found = _all_specs(paths)
    return found if shard is None else found.in_shard(shard)


def _all_specs(paths: Sequence[Path]) -> Specs:
    mistakes: list[Mistake] = []
    files: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found = sorted(_below(path))
            files |= dict.fromkeys(found)
            if not found:
                wrong = "there is no spec in this folder"
                mistakes.append(_mistake(path, wrong, "write one: opsgen init"))
        elif path.is_file():
            files[path] = None
        else:
            mistakes.append(_mistake(path, "there is no such file or folder"))

    projects = {_project_above(file) for file in files}
    if len(projects) > 1:
        names = " and ".join(sorted(str(project) for project in projects if project))
        wrong = f"these specs have several project files: {names}"
        mistakes.append(_mistake(paths[0], wrong, "build them one project at a time"))
    if mistakes:
        raise InputError(mistakes)

    folders = tuple(path for path in paths if path.is_dir())
    return Specs(tuple(files), next(iter(projects)), folders)


def _mistake(path: Path, wrong: str, right: str = "") -> Mistake:
    return Mistake(str(path), 1, 1, "", wrong, right)


def name_in_messages(path: Path) -> str:
    """A path as messages show it: relative to the working folder if it is below it, otherwise as
    given."""
    try:
        return str(path.resolve().relative_to(Path.cwd().resolve()))
    except ValueError:
        return str(path)


def _below(folder: Path) -> Iterator[Path]:
    for current, folders, files in os.walk(folder):
        if MANIFEST in files:
            folders.clear()  # opsgen's own output has no specs
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            if name.endswith(_SPEC_ENDINGS) and name != PROJECT_FILE and not name.startswith("."):
                yield Path(current) / name


def _project_above(file: Path) -> Path | None:
    """The project file in the spec's folder or the nearest one above."""
    for folder in file.resolve().parents:
        candidate = folder / PROJECT_FILE
        if candidate.is_file():
            return candidate
    return None
