"""Template folders go in; the library comes out: packs, conventions and texts, opsgen's own and the
user's, which come first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel

from opsgen.errors import InputError, Mistake
from opsgen.load.convention_file import ConventionFile
from opsgen.load.documents import validate
from opsgen.load.pack_check import Fault, did_you_mean, pack_faults, texts_faults
from opsgen.load.pack_each import expanded
from opsgen.load.pack_explanations import explanations, known_causes
from opsgen.load.pack_file import (
    DerivedAlertSpec,
    DerivedName,
    PackFile,
    PackFor,
    TextsFile,
)
from opsgen.load.pack_names import name_faults, signal_clashes
from opsgen.load.shown import path_text
from opsgen.load.yaml_reader import Document, read_document
from opsgen.model.explanations import Explanations

# The same path in a checkout, where it is a link, and in an installed package.
TEMPLATES = Path(__file__).parent.parent / "templates"
_TEXTS = "texts.yaml"

_M = TypeVar("_M", bound=BaseModel)
_R = TypeVar("_R")


@dataclass(frozen=True)
class Library:
    """Everything by its name. Packs are sorted by name; people read the signals of a group in this
    order."""

    packs: Mapping[str, PackFile]
    conventions: Mapping[str, ConventionFile]
    texts: Mapping[str, DerivedAlertSpec]
    explanations: Explanations
    folders: tuple[Path, ...]

    def packs_for(self, of: PackFor) -> dict[str, PackFile]:
        """The packs for one kind of thing, by their names."""
        return {name: pack for name, pack in self.packs.items() if pack.of == of}


@dataclass(frozen=True)
class ReadLibrary:
    """What was read of the folders: the library of all sound files, the mistakes of the others, and
    the names that those would have added."""

    library: Library
    mistakes: tuple[Mistake, ...]
    unread: frozenset[str]


def load_library(own_templates: Path | None = None) -> Library:
    """The shipped library. Files of a user's own folder replace shipped ones of the same name.

    Raises InputError with all mistakes in a user's files, and when there is nothing to load:
    without packs or conventions there would silently be no alerts.
    """
    read = read_library(own_templates)
    if read.mistakes:
        raise InputError(read.mistakes)
    return read.library


@lru_cache(maxsize=8)
def read_library(own_templates: Path | None = None) -> ReadLibrary:
    """The same with its mistakes, so that specs can be checked against what is sound. Raises
    InputError only if there is nothing to read."""
    folders = (TEMPLATES,) if own_templates is None else (TEMPLATES, own_templates)
    if own_templates is not None and not own_templates.is_dir():
        wrong = "there is no such folder"
        raise InputError([Mistake(str(own_templates), 1, 1, "templates", wrong)])
    mistakes: list[Mistake] = []
    packs: dict[str, ReadPack] = {}
    conventions: dict[str, ConventionFile] = {}
    texts: dict[DerivedName, ReadTexts] = {}
    for folder in folders:
        mistakes += _ignored_files(folder)
        read_one = _read_convention if folder == TEMPLATES else _read_own_convention
        found_conventions = list(_all(_files(folder / "conventions"), read_one, mistakes))
        mistakes += _named_twice("convention", found_conventions)
        conventions |= {read.name: read.convention for read in found_conventions}
        found_packs = list(_all(_files(folder / "packs"), read_pack, mistakes))
        mistakes += _named_twice("pack", found_packs)
        mistakes += _other_places(found_packs, packs)
        packs = _replaced(packs, found_packs)

        for read in _all(_texts_files(folder), read_texts, mistakes):
            texts |= dict.fromkeys(read.texts.texts, read)

    in_order = {name: packs[name] for name in sorted(packs)}
    mistakes += _clashes(packs)
    mistakes += _unexplained(in_order.values(), texts)
    if not (packs and conventions and texts):
        wrong = "opsgen's own packs are missing"
        raise InputError([Mistake(str(TEMPLATES), 1, 1, "", wrong, "install opsgen again")])

    words: dict[str, DerivedAlertSpec] = {key: read.texts.texts[key] for key, read in texts.items()}
    models = {name: read.pack for name, read in in_order.items()}
    explained = explanations(models.values(), words)
    library = Library(models, conventions, words, explained, folders)
    faulty = {Path(mistake.file) for mistake in mistakes}
    return ReadLibrary(library, tuple(mistakes), frozenset(map(_name_of_unread, faulty)))


def shipped_conventions() -> tuple[str, ...]:
    """The names of opsgen's own conventions, in order: each has a file of its name."""
    return tuple(path.stem for path in _files(TEMPLATES / "conventions"))


# -- one file --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReadPack:
    """A pack and its document. `each` may make several signals of one: `written` says for every
    signal which one of the file it comes from."""

    pack: PackFile
    document: Document
    written: tuple[int, ...]

    @property
    def name(self) -> str:
        return self.pack.pack

    def mistake(self, fault: Fault, of: str = "value") -> Mistake:
        found = _mistake(self.document, fault, of)
        return replace(found, path=_as_written(found.path, self.written))


@dataclass(frozen=True)
class ReadConvention:
    """A convention and its document."""

    convention: ConventionFile
    document: Document

    @property
    def name(self) -> str:
        return self.convention.convention


@dataclass(frozen=True)
class ReadTexts:
    """The words of alerts that code derives, and where they stand."""

    texts: TextsFile
    document: Document


def read_pack(path: Path) -> ReadPack:
    """A pack's file, checked; raises InputError with all of its mistakes."""
    whole = expanded(read_document(path, str(path)))
    try:
        pack = validate(whole.document, PackFile)
    except InputError as error:
        refused = whole.without_effects(error.mistakes)
        found = [replace(m, path=_as_written(m.path, whole.written)) for m in refused]
        raise InputError([*found, *whole.mistakes]) from None
    read = ReadPack(pack, whole.document, whole.written)
    faults = [*pack_faults(pack), *name_faults(pack, read.written)]
    mistakes = [*whole.mistakes, *whole.without_effects(map(read.mistake, faults))]
    if mistakes:
        raise InputError(mistakes)
    return read


def read_texts(path: Path) -> ReadTexts:
    """The file of texts, checked; raises InputError with all of its mistakes."""
    document = read_document(path, str(path))
    texts = validate(document, TextsFile)
    mistakes = [_mistake(document, fault) for fault in texts_faults(texts)]
    if mistakes:
        raise InputError(mistakes)
    return ReadTexts(texts, document)


def _read_convention(path: Path) -> ReadConvention:
    document = read_document(path, str(path))
    return ReadConvention(validate(document, ConventionFile), document)


def _read_own_convention(path: Path) -> ReadConvention:
    """A user's convention, judged by its samples too. Raises InputError with all mistakes."""
    from opsgen.load.convention_samples import contradictions  # only for those who have their own

    read = _read_convention(path)
    mistakes = [
        _mistake(read.document, Fault(found.path, found.wrong, found.right))
        for found in contradictions(read.convention)
        if found.certain
    ]
    if mistakes:
        raise InputError(mistakes)
    return read


def _name_of_unread(path: Path) -> str:
    """The name that a file with mistakes gives its pack or convention, or else the file's own."""
    try:
        written = read_document(path, str(path)).value
    except InputError:
        return path.stem
    names = written if isinstance(written, dict) else {}
    return str(names.get("pack") or names.get("convention") or path.stem)


def _all(
    paths: Iterable[Path], read: Callable[[Path], _R], mistakes: list[Mistake]
) -> Iterator[_R]:
    """What each file holds. The mistakes of wrong files are added to the list."""
    for path in paths:
        try:
            yield read(path)
        except InputError as error:
            mistakes += error.mistakes


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.yaml")) if path.name != _TEXTS]


def _texts_files(folder: Path) -> list[Path]:
    path = folder / "packs" / _TEXTS
    return [path] if path.is_file() else []


def _ignored_files(templates: Path) -> Iterator[Mistake]:
    """A mistake for each YAML file beside the packs and conventions that would not be read."""
    for folder in (templates / "packs", templates / "conventions"):
        for path in sorted(folder.rglob("*.*")):
            # Editors and Kubernetes' volumes keep copies in hidden files and folders.
            is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
            if is_hidden or path.suffix.lower() not in (".yaml", ".yml"):
                continue
            wrong = f"opsgen reads only files named *.yaml that are directly in {folder.name}/"
            if path.parent != folder:
                yield Mistake(str(path), 1, 1, "", wrong, f"move it to {folder.name}/")
            elif path.suffix != ".yaml":
                yield Mistake(str(path), 1, 1, "", wrong, f"name it {path.stem}.yaml")


def _mistake(document: Document, fault: Fault, of: str = "value") -> Mistake:
    line, column = document.position(fault.path, of)
    return Mistake(document.file, line, column, path_text(fault.path), fault.wrong, fault.right)


def _as_written(path: str, written: tuple[int, ...]) -> str:
    """Replaces the number of a signal in a path by the number that it has in the file."""

    def number(found: re.Match[str]) -> str:
        return f"signals[{written[int(found[1])]}]" if written else found[0]

    return re.sub(r"^signals\[(\d+)\]", number, path)


# -- all files together ----------------------------------------------------------------------------


def _named_twice(
    kind: Literal["pack", "convention"], files: Iterable[ReadPack | ReadConvention]
) -> Iterator[Mistake]:
    """A mistake for each file of a folder whose name another one there has."""
    first: dict[str, str] = {}
    for read in files:
        if read.name in first:
            wrong = f"the {kind} '{read.name}' is already in {first[read.name]}"
            yield _mistake(read.document, Fault((kind,), wrong, "give one of them another name"))
        first.setdefault(read.name, read.document.file)


def _other_places(packs: Iterable[ReadPack], before: Mapping[str, ReadPack]) -> Iterator[Mistake]:
    """A mistake for each pack that replaces one for another kind of thing, which would be lost
    silently."""
    for read in packs:
        shipped = before.get(read.pack.pack)
        if shipped is not None and shipped.pack.of != read.pack.of:
            wrong = f"this replaces the pack '{read.pack.pack}', which is for {shipped.pack.of}"
            right = f"write for: {shipped.pack.of}, or give the pack another name"
            yield read.mistake(Fault(("for",), wrong, right))


def _replaced(before: Mapping[str, ReadPack], found: Iterable[ReadPack]) -> dict[str, ReadPack]:
    """The packs of all folders so far. Those of the last folder come last, so that a clash is a
    mistake of a user's pack and never of a shipped one."""
    own = {read.pack.pack: read for read in found}
    return {name: read for name, read in before.items() if name not in own} | own


def _clashes(packs: Mapping[str, ReadPack]) -> Iterator[Mistake]:
    """A mistake for each name of a signal that another pack has, if one service can use both."""
    for clash in signal_clashes(read.pack for read in packs.values()):
        yield packs[clash.pack].mistake(clash.fault)


def _unexplained(
    packs: Iterable[ReadPack], texts: Mapping[DerivedName, ReadTexts]
) -> Iterator[Mistake]:
    """A mistake for each name in `explained_by` that explains nothing."""
    packs = list(packs)
    of_all = [read.pack for read in packs]
    for read in packs:
        known = known_causes(of_all, read.pack)
        for fault in _unknown_explanations(("explained_by",), read.pack.explained_by or (), known):
            yield read.mistake(fault)
        for index, signal in enumerate(read.pack.signals):
            path = ("signals", index, "explained_by")
            for fault in _unknown_explanations(path, signal.explained_by or (), known):
                yield read.mistake(fault)
    for key, read_text in texts.items():
        named = read_text.texts.texts[key].explained_by
        for fault in _unknown_explanations(
            ("texts", key, "explained_by"), named, known_causes(of_all)
        ):
            yield _mistake(read_text.document, fault)


def _unknown_explanations(
    path: tuple[str | int, ...], names: tuple[str, ...], known: Iterable[str]
) -> Iterator[Fault]:
    for index, name in enumerate(names):
        if name not in known:
            wrong = f"no page of a signal '{name}' explains anything"
            right = did_you_mean(name, known, "allowed names")
            yield Fault((*path, index), wrong, right)
