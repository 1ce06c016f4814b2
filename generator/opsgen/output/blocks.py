"""Merges the page that opsgen wants into the page that is there, and keeps what people wrote.

Two pages (`model.pages`) go in; the text to write comes out, with the edits inside of blocks that
were left alone. Nothing is read from the disk or written to it here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import unified_diff
from typing import Literal

from opsgen.model.pages import Block, Page, Part, parse_page, written_by_people

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
    """What opsgen wants, in the page that is there.

    Blocks are replaced where they stand, new ones follow the one that they are to follow, and
    people's text stays with its block. What belonged to a block that is gone moves to the end,
    under its title. A block that somebody edited is left as it is; with `take` it becomes people's
    own (`mine`) or is written anew (`theirs`). Raises InputError as `parse_page`.
    """
    line_end = "\r\n" if present.count("\r\n") * 2 > present.count("\n") else "\n"
    found = parse_page(present, file)
    merger = _Merger(found, wanted, take, line_end)
    parts = merger.replaced()
    parts = _with_new(parts, wanted, found.mine | merger.kept, line_end)
    merged = _written(found.head, parts, line_end)
    if present and not present.endswith("\n"):
        merged = merged.removesuffix(line_end)
    return Merged(merged, tuple(merger.edited))


@dataclass(frozen=True)
class _Placed:
    """A block on its way into a page: its id there, its text, and people's text after it."""

    id: str
    text: str
    after: str


class _Merger:
    """Puts the wanted blocks in the place of those that are there.

    `edited` are the edits that stay, `kept` the ids of all blocks that opsgen is not to write.
    """

    def __init__(self, found: Page, wanted: Page, take: Side | None, line_end: str) -> None:
        self.edited: list[Edited] = []
        self.kept: set[str] = set()
        self._found = found
        self._take = take
        self._line_end = line_end
        self._new = {part.block.id: part.block for part in wanted.parts}
        self._renamed = _renamed(found, wanted)
        self._placed: list[_Placed] = []
        self._retired = ""

    def replaced(self) -> list[_Placed]:
        """The parts of the page; what people wrote about blocks that are gone comes last."""
        for part in self._found.parts:
            self._place(part)
        if not written_by_people(self._retired):
            return self._placed
        if self._placed:
            last = self._placed[-1]
            self._placed[-1] = replace(last, after=_apart(last.after, self._line_end))
        retired = Block(RETIRED, _RETIRED_BODY)
        return [*self._placed, _Placed(RETIRED, retired.text, self._retired)]

    def _place(self, part: Part) -> None:
        old = part.block
        new = self._new.get(old.id) or self._new.get(self._renamed.get(old.id, ""))
        differs = new is None or old.body != new.body
        if old.id == RETIRED:
            self._retired = part.after + self._retired
        elif old.is_edited and differs and self._take != "theirs":
            self._keep(part, new)
        elif new is not None:
            self._placed.append(_Placed(new.id, new.text, part.after))
        elif written_by_people(part.after):
            self._retire(part)

    def _keep(self, part: Part, new: Block | None) -> None:
        """Leaves an edited block as it is."""
        old = part.block
        self.kept |= {old.id, self._renamed.get(old.id, old.id)}
        if self._take is None:
            self.edited.append(Edited(old.id, old.line, _diff(old, new)))
            self._placed.append(_Placed(old.id, old.with_digest(old.sha), part.after))
        else:
            mine = f"<!-- opsgen:mine {old.id} -->\n{old.body}"
            self._placed.append(_Placed("", mine, part.after))

    def _retire(self, part: Part) -> None:
        """Keeps people's text under the title of its block, which is gone."""
        end = self._line_end
        if self._retired and not self._retired.endswith("\n"):
            self._retired += end
        self._retired += f"{end}### {part.block.title}{end}{part.after}"


def _renamed(found: Page, wanted: Page) -> dict[str, str]:
    """The new id of each block that has another one now, unless a block of that id is there too."""
    present = {part.block.id for part in found.parts}
    blocks = [part.block for part in wanted.parts if part.block.id not in present]
    return {was: block.id for block in blocks for was in block.was}


def _with_new(
    placed: list[_Placed], wanted: Page, taken: frozenset[str], line_end: str
) -> list[_Placed]:
    """With the blocks that are not there yet, each after the one that it is to follow."""
    result = list(placed)
    before = ""
    for part in wanted.parts:
        name = part.block.id
        if name in taken:
            continue
        ids = [one.id for one in result]
        if name not in ids:
            at = ids.index(before) + 1 if before else 0
            if at:
                previous = result[at - 1]
                result[at - 1] = replace(previous, after=_apart(previous.after, line_end))
            after = (part.after or "\n").replace("\n", line_end)
            result.insert(at, _Placed(name, part.block.text, after))
        before = name
    return result


def _apart(after: str, line_end: str) -> str:
    """People's text, with an empty line before the block that follows."""
    if not after.strip():
        return after or line_end
    if after.endswith(("\n\n", "\n\r\n")):
        return after
    ended = after if after.endswith("\n") else f"{after}{line_end}"
    return f"{ended}{line_end}"


def _written(head: str, placed: Sequence[_Placed], line_end: str) -> str:
    """One text. Empty lines that separated two blocks are not left at the end of the page."""
    text = head + "".join(one.text.replace("\n", line_end) + one.after for one in placed)
    if placed and not placed[-1].after.strip():
        return text.removesuffix(placed[-1].after)
    return text


def _diff(old: Block, new: Block | None) -> str:
    wanted = new.body.splitlines() if new else []
    present = old.body.splitlines()
    lines = unified_diff(wanted, present, "opsgen's", "as it is", lineterm="", n=1)
    return "\n".join(lines)
