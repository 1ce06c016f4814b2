"""Two contents of a file go in; the few lines that show how they differ come out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import unified_diff

_MOST_LINES = 12
_LONGEST_LINE = 160


def excerpt(before: bytes, after: bytes) -> Iterator[str]:
    """The first lines that differ, as `diff -u` has them, without context; nothing of what is no
    text."""
    try:
        old, new = before.decode().splitlines(), after.decode().splitlines()
    except UnicodeDecodeError:
        yield "not text"
        return
    lines = list(unified_diff(old, new, n=0, lineterm=""))[2:]
    if lines:
        yield from first_lines([_shortened(line) for line in lines], _MOST_LINES)
    else:
        yield "only the line endings differ"


def _shortened(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…"


def first_lines(lines: Sequence[str], most: int) -> Iterator[str]:
    """So many lines, and how many there are beside them."""
    yield from lines[:most]
    if len(lines) > most:
        yield f"and {len(lines) - most} more lines"
