"""An error of the YAML parser goes in; its place, what is wrong and what would be right come out,
in plain words."""

from __future__ import annotations

import re
from typing import NamedTuple

import yaml

from opsgen.load.shown import shown

LINE_END = re.compile(r"\r\n|\n|\r")


def syntax_mistake(error: yaml.MarkedYAMLError, text: str) -> tuple[int, int, str, str]:
    """Line and column from 1, what is wrong, and what would be right."""
    theirs = error.problem or ""
    known = next((problem for problem in _PROBLEMS if problem.theirs in theirs), _UNKNOWN)
    mark = error.context_mark if known.opening and error.context_mark else error.problem_mark
    assert mark is not None  # a MarkedYAMLError of the parser has one
    lines = LINE_END.split(text)
    line = lines[mark.line] if mark.line < len(lines) else ""
    width = len(line) - len(line.lstrip(" \t"))
    indentation = line[:width]
    if "\t" in indentation and mark.column <= width:
        return mark.line + 1, indentation.index("\t") + 1, _TAB.wrong, _TAB.right

    char = line[mark.column : mark.column + 1]
    wrong = known.wrong.format(char=shown(char), theirs=shown(theirs))
    return mark.line + 1, mark.column + 1, wrong, known.right


class _Problem(NamedTuple):
    """A part of the parser's message, and plain words for it; `opening` points at the place where
    the construct begins."""

    theirs: str
    wrong: str
    right: str
    opening: bool = False


_TAB = _Problem("tab character", "a tab is used for indentation", "use spaces")
_UNKNOWN = _Problem(
    "", "not valid YAML: {theirs}", "check the indentation, and quote texts with special characters"
)

# Every message of libyaml 0.2.5 (scanner.c, parser.c) that a person's typing leads to; `{char}` is
# the character there.
_PROBLEMS = (
    _TAB,
    _Problem(
        "found character that cannot start", "a value can't begin with `{char}`", "put it in quotes"
    ),
    _Problem(
        "mapping values are not allowed",
        "a colon is not allowed here",
        "quote a text that has `: ` in it, or check the indentation",
    ),
    _Problem(
        "could not find expected ':'",
        "this key has no colon",
        "write `key: value`, or indent the line if it belongs to the one above",
        opening=True,
    ),
    _Problem(
        "did not find expected key",
        "this line does not continue the mapping above it",
        "check the indentation, and the quotes of the value before it",
    ),
    _Problem(
        "did not find expected '-' indicator",
        "this line does not continue the list above it",
        "begin the line with `- `, or check the indentation",
    ),
    _Problem(
        "did not find expected ',' or ']'",
        "the list that begins here is not closed, or lacks a comma",
        "write [a, b]",
        opening=True,
    ),
    _Problem(
        "did not find expected ',' or '}'",
        "the mapping that begins here is not closed, or lacks a comma",
        "write {a: 1, b: 2}",
        opening=True,
    ),
    _Problem(
        "found unexpected end of stream",
        "the quote that begins here is never closed",
        "close it",
        opening=True,
    ),
    _Problem(
        "found unexpected document indicator",
        "the quote that begins here is never closed",
        "close it",
        opening=True,
    ),
    _Problem(
        "found unknown escape character",
        "a backslash in double quotes begins an escape, but this is not a valid one",
        "use single quotes, or write two backslashes",
    ),
    _Problem(
        "hexdecimal number",
        "an escape lacks hexadecimal digits",
        "write for example \\x41 or \\u0041",
    ),
    _Problem(
        "invalid Unicode character escape",
        "this escape is not a Unicode character",
        "write the character itself",
    ),
    _Problem(
        "sequence entries are not allowed",
        "a list can't begin here",
        "begin it on a line of its own",
    ),
    _Problem("mapping keys are not allowed", "a key can't be here", "check the indentation"),
    _Problem(
        "did not find expected node content",
        "a value was expected here",
        "write one, or remove the extra bracket or comma",
    ),
    _Problem(
        "alphabetic or numeric character",
        "`&` and `*` begin an anchor or an alias, but this is not a valid name of one",
        "quote a text that begins with & or *",
    ),
    _Problem(
        "expected comment or line break",
        "a text that begins with | or > is a block, which begins on the next line",
        "quote it, or move it to the next line",
    ),
    _Problem(
        "indentation indicator equal to 0",
        "the indentation of a block can't be 0",
        "write 1 to 9, or nothing",
    ),
    _Problem(
        "expected <document start>",
        "the document has ended before this",
        "remove the `...` or what follows it",
    ),
    _Problem(
        "incompatible YAML document",
        "this version of YAML is not supported",
        "leave the %YAML line out",
    ),
    _Problem(
        "directive",
        "a line that begins with % is a directive, but this is not a valid one",
        "leave it out",
        opening=True,
    ),
    _Problem(
        "tag",
        "this is not a valid tag",
        "leave it out; quote a text that begins with !",
        opening=True,
    ),
)
