"""How opsgen reports mistakes in the input.

Code that reads input collects `Mistake`s and raises them together as one `InputError`; the command
line prints them. Any other exception is a bug of ours and shows its traceback.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Mistake:
    """What is wrong at one place, and what would be right there.

    `line` and `column` count from 1. `path` is the place in the document as a person would name it
    (`slos[0].availability`); it is empty for the whole document. `right` is empty if there is no
    advice.
    """

    file: str
    line: int
    column: int
    path: str
    wrong: str
    right: str = ""

    def __str__(self) -> str:
        path = f"{self.path}: " if self.path else ""
        right = f"; {self.right}" if self.right else ""
        return f"{self.file}:{self.line}:{self.column}: {path}{self.wrong}{right}"


class InputError(Exception):
    """All mistakes in the input, sorted by place."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        if not self.mistakes:
            raise ValueError("an InputError needs at least one mistake")
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))
