"""A Markdown page as its readers get it: CommonMark with tables, parsed to what it shows and where
it leads."""

from __future__ import annotations

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

_PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_MARK = re.compile(r"<!-- opsgen:(?:begin [a-z0-9:_-]+ sha256:[0-9a-f]{16}|end [a-z0-9:_-]+) -->")
_ANCHOR = re.compile(r'<a id="([^"]+)">')
_PLAIN = frozenset({"text", "softbreak"})


class Page:
    """`structure` is everything but the words: two pages that differ in texts alone share it."""

    def __init__(self, content: str) -> None:
        self.content = content
        self.blocks = _PARSER.parse(content)

    @property
    def inlines(self) -> Iterator[Token]:
        for block in self.blocks:
            yield from block.children or ()

    @property
    def anchors(self) -> list[str]:
        return [
            name
            for token in self.inlines
            if token.type == "html_inline"
            for name in _ANCHOR.findall(token.content)
        ]

    @property
    def html(self) -> list[str]:
        """All HTML but anchors and their ends, and the marks of blocks."""
        raw = [
            token.content
            for token in [*self.blocks, *self.inlines]
            if token.type in ("html_inline", "html_block")
        ]
        return [
            found
            for found in raw
            if not (
                _ANCHOR.fullmatch(found) or found == "</a>" or _MARK.fullmatch(found.rstrip("\n"))
            )
        ]

    @property
    def links(self) -> list[str]:
        """Where links and images lead."""
        return [
            str(token.attrs.get("href", token.attrs.get("src")))
            for token in self.inlines
            if token.attrs
        ]

    @property
    def headings(self) -> list[tuple[str, str]]:
        """Each heading's tag and text."""
        return [(tag, words) for tag, kind, words in self._opened if kind == "heading_open"]

    @property
    def rows(self) -> list[list[str]]:
        """The cells of every row of every table, heads included."""
        rows: list[list[str]] = []
        for index, block in enumerate(self.blocks):
            if block.type == "tr_open":
                rows.append([])
            elif block.type in ("th_open", "td_open"):
                rows[-1].append(shown(self.blocks[index + 1]))
        return rows

    def fences(self, language: str) -> list[str]:
        return [
            block.content
            for block in self.blocks
            if block.type == "fence" and block.info == language
        ]

    @property
    def text(self) -> str:
        """All words outside of fences, in order."""
        return "\n".join(shown(block) for block in self.blocks if block.type == "inline")

    @property
    def structure(self) -> list[tuple[object, ...]]:
        blocks = [(block.type, block.tag, block.level, block.info) for block in self.blocks]
        marks = [(token.type, token.level) for token in self.inlines if token.type not in _PLAIN]
        return [*blocks, *marks]

    @property
    def _opened(self) -> Iterator[tuple[str, str, str]]:
        for block, inside in zip(self.blocks, self.blocks[1:], strict=False):
            yield block.tag, block.type, shown(inside)


def shown(block: Token) -> str:
    """The words of a paragraph, heading or cell."""
    return "".join(
        " " if token.type == "softbreak" else token.content
        for token in block.children or ()
        if token.type != "html_inline"
    )


def github_anchors(page: Page) -> list[str]:
    """What GitHub makes of the headings."""
    return [re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-") for _, words in page.headings]


def assert_tidy(content: str) -> None:
    """One line end at the end, no spaces before a line's end, no two empty lines together, no page
    without a title."""
    assert content == content.rstrip("\n") + "\n"
    assert not [line for line in content.splitlines() if line != line.rstrip()]
    assert "\n\n\n" not in content
    assert [tag for tag, _ in Page(content).headings].count("h1") == 1
