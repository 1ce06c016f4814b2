"""The text of a Go template goes in; its tokens come out, as Go's text/template reads them.

Outside of `{{ }}` everything is text. What Go's scanner refuses is a token of the kind `error`, and
ends the tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

TokenKind = Literal[
    "text",
    "open",
    "close",
    "space",
    "(",
    ")",
    "|",
    ",",
    "=",
    ":=",
    ".",
    "field",
    "variable",
    "identifier",
    "keyword",
    "nil",
    "bool",
    "number",
    "string",
    "char",
    "error",
    "end",
]


@dataclass(frozen=True, slots=True)
class Token:
    """A part of the template as written; of an error, what is wrong in plain words."""

    kind: TokenKind
    text: str


KEYWORDS = frozenset(
    {
        "block",
        "break",
        "continue",
        "define",
        "else",
        "end",
        "if",
        "range",
        "template",
        "with",
    }
)
_BOOLS = frozenset({"true", "false"})
# The space before `-}}` belongs to the delimiter.
_CLOSE = re.compile(r"(?:[ \t\r\n]-)?\}\}")
_SPACE = re.compile(r"[ \t\r\n]+?(?=[ \t\r\n]-\}\})|[ \t\r\n]+")
_COMMENT = re.compile(r"\{\{(?:-[ \t\r\n])?/\*")
_COMMENT_END = re.compile(r"\*/(?:[ \t\r\n]-)?\}\}")
_OPEN = re.compile(r"\{\{(?:-(?=[ \t\r\n]))?")
_ENDS_A_WORD = re.compile(r"[ \t\r\n.,|:)(]|\}\}|\Z")
_TOKEN = re.compile(
    r"""
      (?P<string>"(?:\\[^\n]|[^"\\\n])*"|`[^`]*`)
    | (?P<char>'(?:\\[^\n]|[^'\\\n])*')
    | (?P<number>[+-]?(?:\d|\.\d)(?:[eEpP][+-]|[\w.])*|[+-])
    | (?P<variable>\$\w*)
    | (?P<field>\.\w+)
    | (?P<identifier>\w+)
    | (?P<sign>:=|[.,()|=])
    """,
    re.VERBOSE,
)
# What strconv.Unquote and the number syntax of Go take.
_GOOD_STRING = re.compile(
    r"""`[^`]*`|"(?:[^"\\\n]|\\[abfnrtv\\"]|\\[0-3][0-7]{2}|\\x[0-9a-fA-F]{2}"""
    r"""|\\u(?![dD][89a-fA-F])[0-9a-fA-F]{4}|\\U00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4})*\""""
)
_GOOD_CHAR = re.compile(
    r"""'(?:[^'\\\n]|\\[abfnrtv\\']|\\[0-3][0-7]{2}|\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}"""
    r"""|\\U[0-9a-fA-F]{8})'"""
)
_GOOD_NUMBER = re.compile(
    r"[+-]?(?:0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|0(?:_?[0-7])*"
    r"|[1-9](?:_?\d)*|(?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)i?"
)
_UNCLOSED = {
    '"': 'the string that begins with `"` is never closed',
    "`": "the string that begins with a backquote is never closed",
    "'": "the character that begins with `'` is never closed",
}


def tokens_of(text: str) -> Iterator[Token]:
    """The tokens; the last is of the kind `end` or `error`."""
    position = 0
    while (opening := text.find("{{", position)) >= 0:
        if opening > position:
            yield Token("text", text[position:opening])
        if comment := _COMMENT.match(text, opening):
            ending = _COMMENT_END.match(text, text.find("*/", comment.end()) % (len(text) + 1))
            if ending is None:
                yield Token("error", "the comment that begins with `/*` does not end with `*/}}`")
                return
            position = ending.end()
            continue
        position = opening
        for token, after in _action(text, opening):
            position = after
            yield token
            if token.kind == "error":
                return
    if position < len(text):
        yield Token("text", text[position:])
    yield Token("end", "")


def _action(text: str, opening: int) -> Iterator[tuple[Token, int]]:
    """The tokens of one `{{ }}`, each with the position after it."""
    found = _OPEN.match(text, opening)
    assert found is not None
    yield Token("open", found[0]), found.end()
    position = found.end()
    depth = 0
    while True:
        closing = _CLOSE.match(text, position)
        if closing and depth:
            yield Token("error", "a parenthesis is never closed"), position
            return
        if closing:
            yield Token("close", closing[0]), closing.end()
            return
        token, position = _next(text, position)
        depth += (token.kind == "(") - (token.kind == ")")
        if depth < 0:
            token = Token("error", "`)` closes nothing")
        yield token, position
        if token.kind == "error":
            return


def _next(text: str, position: int) -> tuple[Token, int]:
    if position >= len(text):
        return Token("error", "`{{` is never closed with `}}`"), position
    space = _SPACE.match(text, position)
    if space:
        return Token("space", space[0]), space.end()
    found = _TOKEN.match(text, position)
    if found is None:
        char = text[position]
        return Token("error", _UNCLOSED.get(char, f"`{char}` has no meaning here")), position
    return _known(found), found.end()


def _known(found: re.Match[str]) -> Token:
    kind, word = found.lastgroup, found[0]
    if kind == "sign":
        return Token(word, word)  # type: ignore[arg-type]  # the pattern has only signs that are kinds
    if kind in ("variable", "field", "identifier"):
        return _word(found)
    good = {"string": _GOOD_STRING, "char": _GOOD_CHAR, "number": _GOOD_NUMBER}[str(kind)]
    if not good.fullmatch(word):
        return Token("error", f"`{word}` is not a valid {kind}")
    return Token(kind, word)  # type: ignore[arg-type]  # the names of the groups are kinds


def _word(found: re.Match[str]) -> Token:
    word = found[0]
    if not _ENDS_A_WORD.match(found.string, found.end()):
        char = found.string[found.end()]
        return Token("error", f"`{char}` can't follow `{word}`")
    if found.lastgroup != "identifier":
        return Token(found.lastgroup, word)  # type: ignore[arg-type]  # a name of a group is a kind
    if word in KEYWORDS:
        return Token("keyword", word)
    if word in _BOOLS:
        return Token("bool", word)
    return Token("nil" if word == "nil" else "identifier", word)
