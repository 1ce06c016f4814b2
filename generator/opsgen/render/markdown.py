"""Text to Markdown that shows it as text: nothing that people write in a spec becomes markup, a link or HTML."""

from __future__ import annotations

import re
import unicodedata

# What CommonMark and GitHub give a meaning to inside of a line (HTML, code, emphasis, links, tables, formulas), and
# what they do at its start (headings, lists, rules).
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&$])")
_LINE_START = re.compile(r"^([-=+#]|\d+(?=[.)]))")
_CODE_SPAN = re.compile(r"`([^`\n]+)`")
_RUN_OF_BACKTICKS = re.compile(r"`+")


def text(value: object) -> str:
    """One line of plain text, escaped."""
    flat = " ".join(_visible(str(value)).split())
    return _at_line_start(_SPECIAL.sub(r"\\\1", flat))


def prose(value: object) -> str:
    """Our own sentences: as `text`, but for code in single backticks."""
    flat = " ".join(_visible(str(value)).split())
    parts, last = [], 0
    for span in _CODE_SPAN.finditer(flat):
        parts += [text_inside(flat[last : span.start()]), code(span.group(1))]
        last = span.end()
    return _at_line_start("".join([*parts, text_inside(flat[last:])]))


def _at_line_start(line: str) -> str:
    """`1.` and `-` begin no list, `#` no heading."""
    found = _LINE_START.match(line)
    if not found:
        return line
    mark = found.group(1)
    return f"{mark}\\{line[len(mark) :]}" if mark.isdigit() else f"\\{line}"


def text_inside(value: str) -> str:
    """A part of a line, spaces at its ends kept."""
    return _SPECIAL.sub(r"\\\1", value)


def code(value: object) -> str:
    """A code span, with as many backticks as its content needs; safe in a table too."""
    flat = " ".join(_visible(str(value)).split())
    if not flat:
        return ""
    ticks = "`" * (1 + max((len(run) for run in _RUN_OF_BACKTICKS.findall(flat)), default=0))
    space = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{ticks}{space}{flat}{space}{ticks}"


def cell(value: object) -> str:
    """A cell of a table, in which nothing begins a line."""
    return text_inside(" ".join(_visible(str(value)).split())) or " "


def code_cell(value: object) -> str:
    """Code in a cell of a table, where a `|` ends the cell even inside of code."""
    return code(value).replace("|", "\\|") or " "


def fence(value: object, language: str = "") -> str:
    """A fenced block, its fence longer than any run of backticks inside."""
    body = "\n".join(_visible(line) for line in str(value).splitlines())
    longest = max((len(run) for run in _RUN_OF_BACKTICKS.findall(body)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{language}\n{body}\n{ticks}"


def link(label: str, url: str) -> str:
    """A link, if the URL is http(s) or stays in the repository; else its text."""
    if re.match(r"(?i)https?://[^\s<>]+$", url) or re.match(r"[\w./#-]+$", url):
        return f"[{text(label)}](<{url}>)"
    return f"{text(label)} {code(url)}"


def _visible(value: str) -> str:
    """Control and direction-changing characters, which could hide what a line says, shown by their number."""
    return "".join(
        f"\\u{ord(c):04x}" if unicodedata.category(c) in ("Cc", "Cf") and c not in "\n\t\r" and c != "\u200d" else c
        for c in value
    )
