"""Collects the mistakes of one document with their places, and raises them all at once."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Protocol

from opsgen.errors import InputError, Mistake
from opsgen.load.shown import listed, path_text
from opsgen.model.service import Place

# Where a part of a document stands: its keys and indices, from the outermost on.
KeyPath = tuple[str | int, ...]


class Positions(Protocol):
    """Where the parts of a document are; `of` says whether the key or the value is meant."""

    @property
    def file(self) -> str: ...

    def position(self, path: KeyPath, of: str = "value") -> tuple[int, int]: ...

    def has(self, path: KeyPath) -> bool: ...


class Mistakes:
    """Collects mistakes at places of one document, and raises them all at once."""

    def __init__(self, document: Positions | None) -> None:
        self._document = document
        self._found: list[tuple[KeyPath, Mistake]] = []

    def add(self, path: KeyPath, wrong: str, right: str = "", of: str = "value") -> None:
        place = self.place(path, of)
        text = path_text(path)
        mistake = Mistake(place.file, place.line, place.column, text, wrong, right)
        self._found.append((path, mistake))

    def written(self, path: KeyPath, part: str) -> KeyPath:
        """The path of a part; the path without it when the short form was written, which has no key
        for the part."""
        longer = (*path, part)
        return longer if self._document is not None and self._document.has(longer) else path

    def place(self, path: KeyPath, of: str = "value") -> Place:
        if self._document is None:
            return Place("opsgen.yaml", 1, 1)
        line, column = self._document.position(path, of)
        return Place(self._document.file, line, column)

    @property
    def paths(self) -> frozenset[KeyPath]:
        """Where there are mistakes."""
        return frozenset(path for path, _ in self._found)

    @property
    def all(self) -> tuple[Mistake, ...]:
        return tuple(mistake for _, mistake in self._found)

    def raise_any(self) -> None:
        if self._found:
            raise InputError(self.all)


def suggest(name: str, known: Iterable[str], what: str) -> str:
    """`did you mean 'x'?`, or a list of the known names."""
    names = sorted(known)
    close = get_close_matches(name, names, 1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"the {what} are {listed(names)}" if names else f"there are no {what}"
