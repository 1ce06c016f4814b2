"""How a file differs from what it should be, in as few lines as show it."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import unified_diff

_MOST_LINES = 12
_LONGEST_LINE = 160


def excerpt(before: bytes, after: bytes) -> Iterator[str]:
    """The first lines that differ, as `diff -u` has them, without context; nothing of what is no text."""
    try:
        old, new = before.decode().splitlines(), after.decode().splitlines()
    except UnicodeDecodeError:
        yield "no text"
        return
    lines = list(unified_diff(old, new, n=0, lineterm=""))[2:]
    yield from (line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…" for line in lines[:_MOST_LINES])
    if len(lines) > _MOST_LINES:
        yield f"and {len(lines) - _MOST_LINES} more lines"
    if not lines:
        yield "in line endings alone"
