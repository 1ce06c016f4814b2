"""Text to Markdown that shows it as text: nothing that people write in a spec becomes markup, a
link or HTML.

What these functions give is `Markdown`; templates escape everything else that they print, so that
no text is forgotten.
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


# How a section of a runbook says which line of the spec it comes of.
ASKED_FOR_BY = "asked for by"


class Markdown(str):
    """Text that is Markdown already."""

    __slots__ = ()


def shown(value: object) -> Markdown:
    """What a template prints: Markdown as it is, anything else as text."""
    return value if isinstance(value, Markdown) else text(value)


def text(value: object) -> Markdown:
    """One line of plain text, escaped."""
    return _at_line_start(_escaped(_one_line(value)))


def prose(value: object) -> Markdown:
    """Our own sentences: as `text`, but for code in single backticks, and web addresses as code,
    ready to be copied."""
    flat = _one_line(value)
    parts, last = [], 0
    for found in _CODE_IN_PROSE.finditer(flat):
        parts += [_escaped(flat[last : found.start()]), code(found.group(1) or found.group(2))]
        last = found.end()
    return _at_line_start("".join([*parts, _escaped(flat[last:])]))


def to_write(question: object) -> Markdown:
    """A gap that only people can fill, visible and easy to count."""
    return Markdown(f"{TO_WRITE} {prose(question)}")


def begin(name: str, was: Iterable[str] = ()) -> Markdown:
    """Where a block of a page that is shared with people begins: its id, and those that it had
    before."""
    return Markdown(seam("begin", name, was))


def end(name: str) -> Markdown:
    return Markdown(seam("end", name))


def code(value: object) -> Markdown:
    """A code span, its backticks more than any run of them inside."""
    flat = " ".join(_visible(str(value)).splitlines())
    if not flat.strip():
        return Markdown("")
    ticks = "`" * _more_than_inside(flat)
    # CommonMark takes one space off both ends where there is one at both, and backticks must not
    # touch.
    needs_space = (
        flat.startswith("`") or flat.endswith("`") or (flat.startswith(" ") and flat.endswith(" "))
    )
    space = " " if needs_space else ""
    return Markdown(f"{ticks}{space}{flat}{space}{ticks}")


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
    """A link to the web, to a file beside this one, or to an anchor; any other address is shown and
    leads nowhere."""
    if not (is_web_address(address) or _OWN_ADDRESS.fullmatch(address)):
        return Markdown(f"{text(label)} {code_cell(address)}".rstrip())
    target = _ENTITY.sub("&amp;", _visible(address).replace("\\", "%5C").replace("|", "%7C"))
    return Markdown(
        f"[{text(label)}]({f'<{target}>' if _NEEDS_BRACKETS.search(target) else target})"
    )


def is_web_address(written: str) -> bool:
    """Whether `link` makes a link to the web of it."""
    return _WEB_ADDRESS.fullmatch(written) is not None


def anchor(name: str) -> Markdown:
    """A place that links lead to by `#name`. Raises ValueError for what is no name: names are ours,
    not people's."""
    if not _ANCHOR.fullmatch(name):
        raise ValueError(f"{name!r} is no name of an anchor")
    return Markdown(f'<a id="{name}"></a>')


def table(rows: Iterable[Iterable[object]], *headings: object) -> Markdown:
    """A table, each of `rows` on a line of its own; cells are text, or Markdown of one line."""
    return Markdown(
        "\n".join(
            [_row(headings), _row(Markdown("---") for _ in headings), *(_row(row) for row in rows)]
        )
    )


def _row(cells: Iterable[object]) -> str:
    return "".join(
        ["|", *(f" {cell} |" if cell else " |" for cell in (shown(value) for value in cells))]
    )


def _one_line(value: object) -> str:
    return " ".join(_visible(str(value)).split())


def _escaped(flat: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", flat)


def _at_line_start(line: str) -> Markdown:
    """`1.` and `-` begin no list, `===` underlines nothing."""
    found = _LINE_START.match(line)
    if not found:
        return Markdown(line)
    mark = found.group("number") or ""
    return Markdown(f"{mark}\\{line[len(mark) :]}")


def _more_than_inside(flat: str) -> int:
    return 1 + max((len(run) for run in _BACKTICKS.findall(flat)), default=0)


def _visible(value: str) -> str:
    """Characters that hide what a line says, or turn its direction, shown by their number; line
    ends made plain."""
    plain = value.replace("\r\n", "\n").replace("\r", "\n")
    if plain.isascii() and plain.replace("\n", "").replace("\t", "").isprintable():
        return plain  # nearly every text: the rest of this function is slow
    return "".join(_numbered(char) if _is_hidden(char) else char for char in plain)


def _is_hidden(char: str) -> bool:
    return unicodedata.category(char) in _HIDDEN and char not in "\n\t" and char not in _JOINERS


def _numbered(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"
