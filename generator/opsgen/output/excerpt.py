"""How a file differs from what it should be, in as few lines as show it."""

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
        yield "no text"
        return
    lines = list(unified_diff(old, new, n=0, lineterm=""))[2:]
    short = [
        line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…" for line in lines
    ]
    yield from first_lines(short, _MOST_LINES) if short else ("in line endings alone",)


def first_lines(lines: Sequence[str], most: int) -> Iterator[str]:
    """So many lines, and how many there are beside them."""
    yield from lines[:most]
    if len(lines) > most:
        yield f"and {len(lines) - most} more lines"
