"""What the regular expressions of matchers say of a label's values: which values one accepts, and
which two accept none in common.

Nothing is concluded of an expression that RE2 and Python might read differently, or that takes
Python long to try.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from opsgen.promql.tree import MatchOp

# Regular expressions that mean the same in RE2 and in Python's `re`; of others nothing is
# concluded.
_PORTABLE = re.compile(r"(?:[\w\s:/@%#,;=~<>!&'\"-]|\\[.\-/dws]|[.+*?|()^$]|\[[^\[\]\\]*\])*")
_LITERAL = re.compile(r"(?:[\w\s:/@%#,;=~<>!&'\"-]|\\[.\-/])*")
# Python tries every way to divide a value among repetitions; a few on a short value are quick.
_REPEATED_GROUP = re.compile(r"\)[*+?]")
_MOST_REPETITIONS = 3
_LONGEST_VALUE = 128


class Pattern(NamedTuple):
    """A matcher without its label: `!="a"`, `=~"a.*"`, `!~"a.*"`."""

    op: MatchOp
    text: str

    def accepts(self, value: str) -> bool | None:
        """Whether it accepts the value; None where that is not sure."""
        if self.op == "!=":
            return value != self.text
        matched = matches(self.text, value)
        return matched if matched is None or self.op == "=~" else not matched

    def __str__(self) -> str:
        """In words that follow "is"."""
        words = {"!=": "not", "=~": "like", "!~": "not like"}
        return f'{words[self.op]} "{self.text}"'


@lru_cache(maxsize=4096)
def matches(pattern: str, value: str) -> bool | None:
    """Whether the pattern matches the whole value; None where that is not sure."""
    values = alternatives(pattern)
    if values is not None:
        return value in values
    if not _PORTABLE.fullmatch(pattern) or (value and _takes_long(pattern, value)):
        return None
    try:
        return re.fullmatch(pattern, value, re.ASCII) is not None
    except re.error:
        return None


def _takes_long(pattern: str, value: str) -> bool:
    repetitions = pattern.count("*") + pattern.count("+")
    is_long = len(value) > _LONGEST_VALUE or "\n" in value
    is_nested = _REPEATED_GROUP.search(pattern) is not None
    return is_long or is_nested or repetitions > _MOST_REPETITIONS


@lru_cache(maxsize=4096)
def alternatives(pattern: str) -> frozenset[str] | None:
    """The values of a pattern that is a plain list of them (`GET|POST`); None for any other
    pattern."""
    bare = pattern.removeprefix("^").removesuffix("$")
    if bare.startswith("(") and bare.endswith(")"):
        bare = bare[1:-1].removeprefix("?:")
    parts = bare.split("|")
    if not all(_LITERAL.fullmatch(part) for part in parts):
        return None
    return frozenset(_unescaped(part) for part in parts)


def exclude_each_other(ours: Iterable[Pattern], theirs: Iterable[Pattern]) -> bool:
    """Whether surely no value that is not empty satisfies one of ours and one of theirs."""
    return any(_opposed(one, other) for one, other in product(ours, theirs))


def _opposed(one: Pattern, other: Pattern) -> bool:
    if {one.op, other.op} == {"=~", "!~"}:
        return one.text == other.text
    if one.op != "=~" or other.op != "=~":
        return False
    ours, theirs = _beginnings(one.text), _beginnings(other.text)
    return not any(a.startswith(b) or b.startswith(a) for a in ours for b in theirs)


@lru_cache(maxsize=4096)
def _beginnings(pattern: str) -> tuple[str, ...]:
    """What the values of a pattern begin with; empty texts where that is not sure."""
    bare = pattern.removeprefix("^")
    if not _PORTABLE.fullmatch(pattern) or any(sign in bare for sign in "()[^"):
        return ("",)
    return tuple(_beginning(part) for part in bare.split("|"))


def _beginning(part: str) -> str:
    literal = _LITERAL.match(part)
    text = literal[0] if literal else ""
    is_optional = part[len(text) : len(text) + 1] in ("*", "?") and text
    return _unescaped(re.sub(r"\\?.\Z", "", text) if is_optional else text)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
