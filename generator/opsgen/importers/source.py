"""A document of another tool, with its places; and what is made of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
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
        """What stands there; None where there is nothing."""
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
        keys = (
            found
            if isinstance(found, Mapping)
            else range(len(found))
            if isinstance(found, list)
            else ()
        )
        yield from ((*path, key) for key in keys)

    def refused(self, path: At, wrong: str, right: str = "") -> InputError:
        line, column = self.document.position(path)
        return InputError(
            [Mistake(self.document.file, line, column, path_text(path), wrong, right)]
        )

    def note(self, path: At, words: str) -> str:
        """A line for people on what is left behind."""
        line, _ = self.document.position(path)
        return f"{self.document.file}:{line}: {words}"


@dataclass
class Imported:
    """A part of a service spec, `spec` with the keys that a person would write; and notes on what
    was left behind."""

    service: str
    spec: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def sources(path: Path, shown_as: str) -> Iterator[Source | InputError]:
    """Every document of a file; those that can't be read as what is wrong with them. Raises
    InputError for a file that can't be."""
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError([Mistake(shown_as, 1, 1, "", f"it can't be read: {error}")]) from None
    starts = [0, *(match.end() for match in _NEXT_DOCUMENT.finditer(text))]
    ends = [*(match.start() for match in _NEXT_DOCUMENT.finditer(text)), len(text)]
    for start, end in zip(starts, ends, strict=True):
        if all(
            not line.strip() or line.lstrip().startswith("#")
            for line in text[start:end].splitlines()
        ):
            continue
        # As many lines as there are above it, so that its places are the file's.
        padded = "\n" * text.count("\n", 0, start) + text[start:end]
        try:
            document = parse_document(padded.encode(), shown_as)
        except InputError as error:
            yield error
            continue
        value = document.value
        if isinstance(value, Mapping):
            yield Source(document, value)
        else:
            yield InputError(
                [Mistake(shown_as, text.count("\n", 0, start) + 1, 1, "", "this is no mapping")]
            )
