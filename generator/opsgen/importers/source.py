"""A file of another tool goes in; its YAML documents come out, with the place of every value.

An importer makes an `Imported` of a document.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opsgen.errors import InputError, Mistake
from opsgen.load.shown import path_text
from opsgen.load.yaml_reader import Document, parse_document

At = tuple[str | int, ...]

_NEXT_DOCUMENT = re.compile(r"^---(?=\s|$)", re.MULTILINE)


@dataclass(frozen=True)
class Source:
    """One YAML document of a file."""

    document: Document
    value: Mapping[str, Any]

    def at(self, *path: str | int) -> Any:
        """The value at a path; None where there is none."""
        found: Any = self.value
        for key in path:
            if isinstance(found, Mapping):
                found = found.get(key)
            elif isinstance(found, list) and isinstance(key, int) and key < len(found):
                found = found[key]
            else:
                return None
        return found

    def text(self, *path: str | int) -> str:
        """A scalar as text; empty where there is none."""
        found = self.at(*path)
        return "" if found is None or isinstance(found, Mapping | list) else str(found).strip()

    def each(self, *path: str | int) -> Iterator[At]:
        """The paths of a list's items, or of a mapping's values."""
        found = self.at(*path)
        keys: Iterable[str | int] = ()
        if isinstance(found, Mapping):
            keys = found
        elif isinstance(found, list):
            keys = range(len(found))
        for key in keys:
            yield (*path, key)

    def refused(self, path: At, wrong: str, right: str = "") -> InputError:
        line, column = self.document.position(path)
        file = self.document.file
        return InputError([Mistake(file, line, column, path_text(path), wrong, right)])

    def note(self, path: At, words: str) -> str:
        """A line for people on what is not imported."""
        line, _ = self.document.position(path)
        return f"{self.document.file}:{line}: {words}"


@dataclass
class Imported:
    """A part of a service spec, `spec` with the keys that a person would write; and notes on what
    is not imported."""

    service: str
    spec: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def sources(path: Path, shown_as: str) -> Iterator[Source | InputError]:
    """Every document of a file; for one that can't be read, what is wrong with it. Raises
    InputError for a file that can't be read."""
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError([Mistake(shown_as, 1, 1, "", f"it can't be read: {error}")]) from None
    marks = list(_NEXT_DOCUMENT.finditer(text))
    starts = [0, *(mark.end() for mark in marks)]
    ends = [*(mark.start() for mark in marks), len(text)]
    for start, end in zip(starts, ends, strict=True):
        if _says_something(text[start:end]):
            above = text.count("\n", 0, start)
            yield _source(text[start:end], above, shown_as)


def _says_something(text: str) -> bool:
    lines = (line.strip() for line in text.splitlines())
    return any(line and not line.startswith("#") for line in lines)


def _source(text: str, above: int, shown_as: str) -> Source | InputError:
    # As many lines as there are above it, so that its places are the file's.
    padded = "\n" * above + text
    try:
        document = parse_document(padded.encode(), shown_as)
    except InputError as error:
        return error
    if not isinstance(document.value, Mapping):
        return InputError([Mistake(shown_as, above + 1, 1, "", "this is not a mapping")])
    return Source(document, document.value)
