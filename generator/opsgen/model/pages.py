"""The text of a page that opsgen shares with people goes in; opsgen's blocks and people's text
around them come out.

    <!-- opsgen:begin alert:latency sha256:0123456789abcdef -->
    ... opsgen's; the digest shows whether somebody edited it
    <!-- opsgen:end alert:latency -->
    ... people's, up to the next block; it belongs to the block above it

Markers are whole lines, outside of fenced code. A line `<!-- opsgen:mine alert:latency -->` says
that people have taken a block over: opsgen does not write it. Nothing is read from the disk or
written to it here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from opsgen.errors import InputError, Mistake

# opsgen asks people with this for what it can't know; such a line was not written by people.
TO_WRITE = "> **To write:**"

_ID = r"[a-z0-9][a-z0-9:_-]*"
_MARKER = re.compile(
    rf"<!-- opsgen:(?P<kind>begin|end|mine) (?P<id>{_ID})(?P<was>(?: was:{_ID})*)"
    r"(?: sha256:(?P<sha>[0-9a-f]{16}))? -->[ \t]*\r?\n?"
)
_LIKE_A_MARKER = re.compile(r"<!--\s*opsgen:", re.IGNORECASE)
_FENCE = re.compile(r"[ \t]*(?P<fence>`{3,}|~{3,})(?P<info>.*)")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_HEADING = re.compile(r"^(#{1,6}) +(.*\S)", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """The text between a begin and an end marker; `body` has only line feeds. `sha` is the digest
    in the begin marker, `was` are former ids of the block."""

    id: str
    body: str
    sha: str = ""
    was: tuple[str, ...] = ()
    line: int = 0

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.body.encode()).hexdigest()[:16]

    @property
    def is_edited(self) -> bool:
        return self.sha != self.digest

    @property
    def title(self) -> str:
        """Its first heading, or its id."""
        found = _HEADING.search(self.body)
        return found[2] if found else self.id

    @property
    def text(self) -> str:
        return self.with_digest(self.digest)

    def with_digest(self, sha: str) -> str:
        words = " ".join(
            [self.id, *(f"was:{was}" for was in self.was), *([f"sha256:{sha}"] if sha else [])]
        )
        return f"<!-- opsgen:begin {words} -->\n{self.body}<!-- opsgen:end {self.id} -->\n"


@dataclass(frozen=True)
class Part:
    """A block, and people's text after it, up to the next block."""

    block: Block
    after: str


@dataclass(frozen=True)
class Page:
    """`head` is people's text before the first block, `mine` are the blocks that they have taken
    over."""

    head: str
    parts: tuple[Part, ...]
    mine: frozenset[str] = frozenset()

    @property
    def text(self) -> str:
        return self.head + "".join(part.block.text + part.after for part in self.parts)


def parse_page(text: str, file: str) -> Page:
    """The page; raises InputError with every marker that is broken, nested, repeated or without its
    other half."""
    return _Parser(file).page(text)


# A template prints these marks around a block. No text of a spec has such characters.
_SEAM = re.compile(rf"\x02(?P<kind>begin|end) (?P<id>{_ID})(?P<was>(?: was:{_ID})*)\x03\n")


def seam(kind: Literal["begin", "end"], name: str, was: Iterable[str] = ()) -> str:
    """The mark that a template prints on a line of its own where a block begins or ends; `sealed`
    reads it."""
    return f"\x02{' '.join([kind, name, *(f'was:{one}' for one in was)])}\x03"


def sealed(rendered: str) -> Page:
    """The page that a template has rendered; raises ValueError if its marks do not match, or if a
    text is outside of all blocks and is not a question to people."""
    parts: list[Part] = []
    last = 0
    begun: re.Match[str] | None = None
    for found in _SEAM.finditer(rendered):
        between = rendered[last : found.start()]
        if found["kind"] == "begin" and begun is None:
            _refuse_words(between, "is in no block")
            parts = _followed_by(parts, between)
            begun = found
        elif found["kind"] == "end" and begun is not None and begun["id"] == found["id"]:
            parts.append(Part(_sealed_block(begun, between), ""))
            begun = None
        else:
            raise ValueError(f"{found['kind']} {found['id']} is at the wrong place")
        last = found.end()
    rest = rendered[last:]
    if begun is not None:
        raise ValueError(f"{begun['id']!r} has no end")
    _refuse_words(rest, "has no end")
    if len({part.block.id for part in parts}) < len(parts):
        raise ValueError("two blocks have one id")
    return Page("", tuple(_followed_by(parts, rest)))


def _refuse_words(between: str, wrong: str) -> None:
    if written_by_people(between):
        raise ValueError(f"{between.strip().splitlines()[0]!r} {wrong}")


def _followed_by(parts: list[Part], text: str) -> list[Part]:
    """The parts, with the text added after the last block."""
    return [*parts[:-1], *(replace(part, after=text) for part in parts[-1:])]


def _sealed_block(begun: re.Match[str], between: str) -> Block:
    # Empty lines around the marks, so that no Markdown takes them for a part of a table or a
    # paragraph.
    inside = between.strip("\n")
    return Block(begun["id"], f"\n{inside}\n\n", was=_former(begun))


def _former(found: re.Match[str]) -> tuple[str, ...]:
    """The ids that a block had before."""
    return tuple(part.removeprefix("was:") for part in found["was"].split())


def is_shared(text: str) -> bool:
    """Whether the text has a marker."""
    return _LIKE_A_MARKER.search(text) is not None


def written_by_people(text: str) -> bool:
    """Whether people wrote something in the text."""
    return any(line.strip() and not line.startswith(TO_WRITE) for line in text.splitlines())


# -- parsing ---------------------------------------------------------------------------------------


class _Parser:
    """Reads a page line by line; `mistakes` are in the order of the lines."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.mistakes: list[Mistake] = []
        self.first: dict[str, int] = {}
        self.mine: set[str] = set()
        self.open: Block | None = None
        self.body: list[str] = []
        self.head: list[str] = []
        self.done: list[tuple[Block, list[str]]] = []

    def page(self, text: str) -> Page:
        for number, line, is_code in _lines(text):
            self._line(number, line, is_code)
        if self.open is not None:
            wrong = f"the block {self.open.id} has no end"
            self._wrong(self.open.line, wrong, _end_of(self.open.id))
        if self.mistakes:
            raise InputError(self.mistakes)
        parts = tuple(Part(block, "".join(after)) for block, after in self.done)
        return Page("".join(self.head), parts, frozenset(self.mine))

    def _line(self, number: int, line: str, is_code: bool) -> None:
        found = None if is_code else _MARKER.fullmatch(line)
        if found:
            self._marker(number, found)
        elif not is_code and _LIKE_A_MARKER.match(line):
            wrong = "this is not a marker as opsgen writes it"
            self._wrong(number, wrong, "restore it from version control")
        else:
            self._text(line)

    def _marker(self, number: int, found: re.Match[str]) -> None:
        name = found["id"]
        if found["kind"] == "mine":
            self.mine.add(name)
            self._text(found[0])
        elif found["kind"] == "begin":
            self._begin(number, name, found)
        elif self.open is None:
            wrong = f"the block {name} ends here but does not begin anywhere"
            self._wrong(number, wrong, "remove this line")
        elif self.open.id != name:
            wrong = f"the block {name} ends here, inside of {self.open.id}"
            self._wrong(number, wrong, _end_of(self.open.id))
        else:
            self.done.append((replace(self.open, body="".join(self.body)), []))
            self.open = None

    def _begin(self, number: int, name: str, found: re.Match[str]) -> None:
        if self.open is not None:
            wrong = f"the block {name} begins inside of {self.open.id}"
            self._wrong(number, wrong, _end_of(self.open.id))
        if name in self.first:
            wrong = f"the block {name} is there twice, first at line {self.first[name]}"
            self._wrong(number, wrong, "remove one of them")
        self.first.setdefault(name, number)
        self.open = Block(name, "", found["sha"] or "", _former(found), number)
        self.body = []

    def _text(self, line: str) -> None:
        if self.open is not None:
            self.body.append(line.replace("\r\n", "\n"))
        else:
            (self.done[-1][1] if self.done else self.head).append(line)

    def _wrong(self, number: int, wrong: str, right: str) -> None:
        self.mistakes.append(Mistake(self.file, number, 1, "", wrong, right))


def _end_of(name: str) -> str:
    return f"write <!-- opsgen:end {name} --> where it ends, or restore it from version control"


def _lines(text: str) -> Iterator[tuple[int, str, bool]]:
    """Each line with its number, its end, and whether it is fenced code."""
    fence = ""
    for number, line in enumerate(_LINE.findall(text), start=1):
        found = _FENCE.match(line)
        opens = found is not None and _opens(found)
        yield number, line, bool(fence) or opens
        if found and fence:
            is_end = found["fence"].startswith(fence) and not found["info"].strip()
            fence = "" if is_end else fence
        elif found and opens:
            fence = found["fence"]


def _opens(found: re.Match[str]) -> bool:
    """Whether a fence opens a block of code. A fence of backticks with a backtick after it is
    inline code (CommonMark)."""
    return found["fence"][0] == "~" or "`" not in found["info"]
