"""The packs, conventions and texts that services are made with: opsgen's own, and before them those
of the user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from opsgen.errors import InputError, Mistake
from opsgen.load.convention_file import ConventionFile
from opsgen.load.documents import validate
from opsgen.load.pack_file import GuidanceSpec, PackFile, TextsFile
from opsgen.load.yaml_reader import read_document

# A link in a checkout, a folder in an installed package: the same path in both.
TEMPLATES = Path(__file__).parent.parent / "templates"
_TEXTS = "texts.yaml"

_M = TypeVar("_M", bound=BaseModel)


@dataclass(frozen=True)
class Library:
    """Everything by its name."""

    packs: Mapping[str, PackFile]
    conventions: Mapping[str, ConventionFile]
    texts: Mapping[str, GuidanceSpec]
    folders: tuple[Path, ...]


@lru_cache(maxsize=8)
def load_library(own_templates: Path | None = None) -> Library:
    """The shipped library, with the files of a user's own folder in place of those of the same
    name.

    Raises InputError for mistakes in a user's file, and where there is nothing to load: no pack or
    no convention would mean no alert, without a word.
    """
    folders = (TEMPLATES,) if own_templates is None else (TEMPLATES, own_templates)
    if own_templates is not None and not own_templates.is_dir():
        raise InputError(
            [Mistake(str(own_templates), 1, 1, "templates", "there is no such folder")]
        )
    packs: dict[str, PackFile] = {}
    conventions: dict[str, ConventionFile] = {}
    texts: dict[str, GuidanceSpec] = {}
    for folder in folders:
        conventions |= {
            found.convention: found for found in _models(folder / "conventions", ConventionFile)
        }
        packs |= dict(_packs(folder, packs))
        if (folder / "packs" / _TEXTS).is_file():
            texts |= _model(folder / "packs" / _TEXTS, TextsFile).texts
    if not (packs and conventions and texts):
        raise InputError(
            [
                Mistake(
                    str(TEMPLATES),
                    1,
                    1,
                    "",
                    "opsgen's own packs are missing",
                    "install opsgen again",
                )
            ]
        )
    return Library(packs, conventions, texts, folders)


def shipped_conventions() -> tuple[str, ...]:
    """The names of opsgen's own conventions, in order: each has a file of its name."""
    return tuple(path.stem for path in _files(TEMPLATES / "conventions"))


def _packs(folder: Path, shipped: Mapping[str, PackFile]) -> Iterator[tuple[str, PackFile]]:
    """A user's own pack takes the place of a shipped one; another name would be read by nothing,
    without a word."""
    for path in _files(folder / "packs"):
        found = _model(path, PackFile)
        if shipped and found.pack not in shipped:
            wrong = f"there is no pack '{found.pack}' whose place this one could take"
            names = ", ".join(sorted(shipped))
            raise InputError(
                [Mistake(str(path), 1, 1, "pack", wrong, f"opsgen's packs are {names}")]
            )
        yield found.pack, found


def _models(folder: Path, model: type[_M]) -> Iterator[_M]:
    for path in _files(folder):
        yield _model(path, model)


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.yaml")) if path.name != _TEXTS]


def _model(path: Path, model: type[_M]) -> _M:
    return validate(read_document(path, str(path)), model)
