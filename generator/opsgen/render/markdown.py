"""Plain text goes in; Markdown that shows it as text comes out. Nothing that people write in a spec
becomes markup, a link or HTML.

These functions give `Markdown`. Templates escape everything else that they print, so that no text
is forgotten.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from opsgen.model.pages import TO_WRITE, seam

# What CommonMark and GitHub give a meaning to inside of a line: HTML, code, emphasis, links,
# tables, formulas, references, entities, and addresses that they make links of by themselves.
_SPECIAL = re.compile(r"[\\`*_\[\]<>|~$#]|&(?=#?\w+;)|:(?=//)|(?<=\bwww)\.", re.IGNORECASE)
# What begins a list, or underlines the line before as a heading.
_LINE_START = re.compile(
    r"(?P<bullet>[-+])(?=\s|$)|(?P<rule>[-=]+)$|(?P<number>\d{1,9})(?=[.)](?:\s|$))", re.ASCII
)
_CODE_IN_PROSE = re.compile(r"`([^`]*[^`\s][^`]*)`|(https?://[^\s`]*[^\s`.,;:!?)\"'])")
_BACKTICKS = re.compile(r"`+")
_WEB_ADDRESS = re.compile(r"https?://[^\s<>]+", re.IGNORECASE)
_OWN_ADDRESS = re.compile(r"[\w-][\w.-]*(?:/[\w-][\w.-]*)*(?:#[\w-]+)?|#[\w-]+", re.ASCII)
_ANCHOR = re.compile(r"[\w-]+", re.ASCII)
_NEEDS_BRACKETS = re.compile(r"[()]")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_HIDDEN = frozenset(
    {"Cc", "Cf", "Cs", "Zl", "Zp"}
)  # control and format characters, surrogates, line separators
_JOINERS = "\u200c\u200d"  # without which Persian, and emoji of several parts, fall apart


# How a section of a runbook says which line of the spec it comes from.
ASKED_FOR_BY = "asked for by"


class Markdown(str):
    """Text that is Markdown already."""

    __slots__ = ()


def printed(value: object) -> Markdown:
    """What a template prints: Markdown as it is, any other value as text."""
    return value if isinstance(value, Markdown) else text(value)


def text(value: object) -> Markdown:
    """One line of plain text, escaped."""
    return _at_line_start(_escaped(_one_line(value)))


def prose(value: object) -> Markdown:
    """Our own sentences, escaped. Text in single backticks becomes code, and so do web addresses,
    so that they can be copied."""
    flat = _one_line(value)
    parts: list[str] = []
    last = 0
    for found in _CODE_IN_PROSE.finditer(flat):
        parts.append(_escaped(flat[last : found.start()]))
        parts.append(code(found[1] or found[2]))
        last = found.end()
    parts.append(_escaped(flat[last:]))
    return _at_line_start("".join(parts))


def to_write(question: object) -> Markdown:
    """A gap that only people can fill, visible and easy to count."""
    return Markdown(f"{TO_WRITE} {prose(question)}")


def begin(name: str, was: Iterable[str] = ()) -> Markdown:
    """The mark at which a block of a shared page begins: its id, and the ids that it had before."""
    return Markdown(seam("begin", name, was))


def end(name: str) -> Markdown:
    return Markdown(seam("end", name))


def code(value: object) -> Markdown:
    """A code span. Its backticks are longer than any run of backticks inside."""
    flat = " ".join(_visible(str(value)).splitlines())
    if not flat.strip():
        return Markdown("")
    ticks = "`" * _more_than_inside(flat)
    space = " " if _needs_space(flat) else ""
    return Markdown(f"{ticks}{space}{flat}{space}{ticks}")


def _needs_space(flat: str) -> bool:
    """Whether the code needs a space at both ends: CommonMark takes one off, and backticks must not
    touch."""
    ends = (flat[0], flat[-1])
    return "`" in ends or ends == (" ", " ")


def code_cell(value: object) -> Markdown:
    """Code in a cell of a table, where a `|` ends the cell even inside of code."""
    return Markdown(code(value).replace("|", "\\|"))


def fence(value: object, language: str = "", indent: int = 0) -> Markdown:
    """A fenced block, its fence longer than any run of backticks inside; `indent` columns deep, as
    part of a list."""
    body = _visible(str(value)).strip("\n")
    ticks = "`" * max(3, _more_than_inside(body))
    lines = [f"{ticks}{language}", *(line.rstrip() for line in body.split("\n")), ticks]
    return Markdown("\n".join(f"{' ' * indent}{line}" if line else "" for line in lines))


def link(label: object, address: str) -> Markdown:
    """A link to the web, to a file beside this one, or to an anchor. Any other address becomes
    plain text."""
    if not (is_web_address(address) or _OWN_ADDRESS.fullmatch(address)):
        return Markdown(f"{text(label)} {code_cell(address)}".rstrip())
    target = _visible(address).replace("\\", "%5C").replace("|", "%7C")
    target = _ENTITY.sub("&amp;", target)
    if _NEEDS_BRACKETS.search(target):
        target = f"<{target}>"
    return Markdown(f"[{text(label)}]({target})")


def is_web_address(written: str) -> bool:
    """Whether `link` makes a link to the web of it."""
    return _WEB_ADDRESS.fullmatch(written) is not None


def anchor(name: str) -> Markdown:
    """A target for links to `#name`. Raises ValueError for an invalid name: names are ours, not
    people's."""
    if not _ANCHOR.fullmatch(name):
        raise ValueError(f"{name!r} is no name of an anchor")
    return Markdown(f'<a id="{name}"></a>')


def table(rows: Iterable[Iterable[object]], *headings: object) -> Markdown:
    """A table, each of `rows` on a line of its own; cells are text, or Markdown of one line."""
    rule = [Markdown("---") for _ in headings]
    lines = [_row(cells) for cells in (headings, rule, *rows)]
    return Markdown("\n".join(lines))


def _row(cells: Iterable[object]) -> str:
    texts = (printed(value) for value in cells)
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in texts)


def _one_line(value: object) -> str:
    return " ".join(_visible(str(value)).split())


def _escaped(flat: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", flat)


def _at_line_start(line: str) -> Markdown:
    """Escapes what would begin a list or underline a heading: `1.`, `-`, `===`."""
    found = _LINE_START.match(line)
    if not found:
        return Markdown(line)
    mark = found.group("number") or ""
    return Markdown(f"{mark}\\{line[len(mark) :]}")


def _more_than_inside(flat: str) -> int:
    return 1 + max((len(run) for run in _BACKTICKS.findall(flat)), default=0)


def _visible(value: str) -> str:
    """Shows characters that hide text or turn its direction by their number, and makes all line
    ends alike."""
    plain = value.replace("\r\n", "\n").replace("\r", "\n")
    if plain.isascii() and plain.replace("\n", "").replace("\t", "").isprintable():
        return plain  # nearly every text: the rest of this function is slow
    return "".join(_numbered(char) if _is_hidden(char) else char for char in plain)


def _is_hidden(char: str) -> bool:
    return unicodedata.category(char) in _HIDDEN and char not in "\n\t" and char not in _JOINERS


def _numbered(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"
