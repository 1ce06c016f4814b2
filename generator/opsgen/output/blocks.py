"""Merges the page that opsgen wants into the page that is there, and keeps what people wrote.

Two pages (`model.pages`) go in; the text to write comes out, with the edits inside of blocks that
were left alone. Nothing is read from the disk or written to it here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import unified_diff
from typing import Literal

from opsgen.model.pages import Block, Page, parse, written_by_people

Side = Literal["mine", "theirs"]

RETIRED = "retired"
_RETIRED_BODY = """\

## Retired

What people wrote about alerts and sections that this page no longer has.

"""


@dataclass(frozen=True)
class Edited:
    """A generated block that somebody changed, and how it differs from what opsgen would write
    there."""

    id: str
    line: int
    diff: str


@dataclass(frozen=True)
class Merged:
    """The page as it is to be, and the edits in its blocks that were left as they are."""

    text: str
    edited: tuple[Edited, ...]


def merge(present: str, wanted: Page, file: str, take: Side | None = None) -> Merged:
    """What opsgen wants, in the page that is there: blocks are replaced where they stand, new ones
    follow the one that they are to follow, and people's text stays with its block.

    What belonged to a block that is gone moves to the end, under its title. A block that somebody
    edited is left as it is, or with `take` made people's own (`mine`) or written anew (`theirs`).
    Raises InputError as `parse`.
    """
    line_end = "\r\n" if present.count("\r\n") * 2 > present.count("\n") else "\n"
    found = parse(present, file)
    parts, edited, kept = _replaced(found, wanted, take, line_end)
    merged = _written(found.head, _with_new(parts, wanted, found.mine | kept, line_end), line_end)
    if present and not present.endswith("\n"):
        merged = merged.removesuffix(line_end)
    return Merged(merged, tuple(edited))


@dataclass(frozen=True)
class _Placed:
    """A block on its way into a page: its id there, its text or None where it stays as it was,
    people's text after."""

    id: str
    text: str
    after: str


def _replaced(
    found: Page, wanted: Page, take: Side | None, line_end: str
) -> tuple[list[_Placed], list[Edited], set[str]]:
    """The parts that are there, with the blocks that are wanted in their place; what is gone is
    retired. Beside the edits that stay, the ids of all blocks that are not opsgen's to write."""
    new = {part.block.id: part.block for part in wanted.parts}
    present = {part.block.id for part in found.parts}
    renamed = {
        was: block.id for block in new.values() for was in block.was if block.id not in present
    }
    placed: list[_Placed] = []
    edited: list[Edited] = []
    kept: set[str] = set()
    retired = ""
    for part in found.parts:
        old = part.block
        block = new.get(old.id) or new.get(renamed.get(old.id, ""))
        if old.id == RETIRED:
            retired = part.after + retired
        elif old.is_edited and (block is None or old.body != block.body) and take != "theirs":
            kept |= {old.id, renamed.get(old.id, old.id)}
            if take is None:
                edited.append(Edited(old.id, old.line, _diff(old, block)))
                placed.append(_Placed(old.id, old.with_digest(old.sha), part.after))
            else:
                placed.append(_Placed("", f"<!-- opsgen:mine {old.id} -->\n{old.body}", part.after))
        elif block is not None:
            placed.append(_Placed(block.id, block.text, part.after))
        elif written_by_people(part.after):
            retired += f"{_ended(retired, line_end)}{line_end}### {old.title}{line_end}{part.after}"
    if written_by_people(retired):
        placed = [
            *placed[:-1],
            *(replace(one, after=_apart(one.after, line_end)) for one in placed[-1:]),
        ]
        placed.append(_Placed(RETIRED, Block(RETIRED, _RETIRED_BODY).text, retired))
    return placed, edited, kept


def _ended(text: str, line_end: str) -> str:
    return "" if not text or text.endswith("\n") else line_end


def _with_new(
    placed: list[_Placed], wanted: Page, taken: frozenset[str], line_end: str
) -> list[_Placed]:
    """With the blocks that are not there yet, each after the one that it is to follow."""
    result = list(placed)
    before = ""
    for part in wanted.parts:
        ids = [one.id for one in result]
        if part.block.id in taken:
            continue
        if part.block.id not in ids:
            at = ids.index(before) + 1 if before else 0
            if at:
                previous = result[at - 1]
                result[at - 1] = replace(previous, after=_apart(previous.after, line_end))
            result.insert(
                at,
                _Placed(
                    part.block.id, part.block.text, (part.after or "\n").replace("\n", line_end)
                ),
            )
        before = part.block.id
    return result


def _apart(after: str, line_end: str) -> str:
    """People's text, with an empty line before the block that follows."""
    if not after.strip():
        return after or line_end
    return (
        after
        if after.endswith(("\n\n", "\n\r\n"))
        else f"{after}{_ended(after, line_end)}{line_end}"
    )


def _written(head: str, placed: Sequence[_Placed], line_end: str) -> str:
    """One text. Empty lines that separated two blocks are not left at the end of the page."""
    text = head + "".join(one.text.replace("\n", line_end) + one.after for one in placed)
    return text.removesuffix(placed[-1].after) if placed and not placed[-1].after.strip() else text


def _diff(old: Block, new: Block | None) -> str:
    lines = unified_diff(
        (new.body if new else "").splitlines(),
        old.body.splitlines(),
        "opsgen's",
        "as it is",
        lineterm="",
        n=1,
    )
    return "\n".join(lines)
