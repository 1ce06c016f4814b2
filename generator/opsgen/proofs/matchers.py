"""Label matchers and regular expressions go in; whether they accept a value, and a few values that
they accept, come out."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice, product, zip_longest

from opsgen.promql import Matcher
from opsgen.proofs.state import LabelSet, Unsupported

# Per construct; enough to tell `[45]..` from `5..` without multiplying.
_MOST_SAMPLES = 6
_ESCAPED = {
    "d": "0",
    "D": "a",
    "w": "a",
    "W": "-",
    "s": " ",
    "S": "a",
    "n": "\n",
    "t": "\t",
    "r": "\r",
}
_EMPTY_ESCAPES = frozenset("bBAz")
_CLASS_NAMES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "lower": "a-z",
    "upper": "A-Z",
}
# What is tried where a class says what it does not want, or is too odd to read.
_ANY_CHARACTERS = "0aA-_/. "


@lru_cache(maxsize=4096)
def accepts(matcher: Matcher, value: str) -> bool:
    """Whether a label of that value passes (empty: there is no such label); raises Unsupported for
    a pattern that can't be read."""
    if matcher.op in ("=", "!="):
        return (value == matcher.value) == (matcher.op == "=")
    matches = _compiled(matcher.value).fullmatch(value) is not None
    return matches == (matcher.op == "=~")


def accept_all(matchers: Iterable[Matcher], labels: LabelSet) -> bool:
    """Whether a series with these labels passes every one of the matchers."""
    values = dict(labels)
    return all(accepts(matcher, values.get(matcher.label, "")) for matcher in matchers)


@lru_cache(maxsize=1024)
def samples(pattern: str) -> tuple[str, ...]:
    """A few texts that the (anchored) pattern matches, the most different first; none where it is
    too odd to read."""
    compiled = _compiled(pattern)
    try:
        found = _Sampler(pattern).alternation()
    except (IndexError, ValueError):
        return ()
    return tuple(text for text in dict.fromkeys(found) if compiled.fullmatch(text))


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    """RE2's syntax is Python's, except for the names of character classes."""
    translated = pattern
    for name, characters in _CLASS_NAMES.items():
        translated = translated.replace(f"[:{name}:]", characters)
    try:
        with warnings.catch_warnings():
            # Python warns of set operations that it may have one day.
            warnings.simplefilter("ignore", FutureWarning)
            return re.compile(translated, re.DOTALL)
    except re.error as error:
        wrong = f"the regular expression {pattern!r} is not understood ({error})"
        raise Unsupported(wrong) from None


class _Sampler:
    """Reads a pattern from left to right; every method gives texts that the part it read may
    match."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0

    def alternation(self) -> list[str]:
        branches = [self._sequence()]
        while self._take("|"):
            branches.append(self._sequence())
        # The first text of every branch comes before the second of any.
        turns = zip_longest(*branches)
        return _few(text for turn in turns for text in turn if text is not None)

    def _sequence(self) -> list[str]:
        found = [""]
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            piece = self._repeated(self._atom())
            found = _few("".join(parts) for parts in product(found, piece))
        return found

    def _atom(self) -> list[str]:
        character = self._next()
        match character:
            case "(":
                return self._group()
            case "[":
                return self._class()
            case "\\":
                return self._escape()
            case ".":
                return ["0", "a"]
            case "^" | "$":
                return [""]
            case _:
                return [character]

    def _group(self) -> list[str]:
        if header := re.compile(r"\?(?:P?<\w+>|[a-zA-Z-]*:)").match(self._pattern, self._at):
            self._at = header.end()
        elif flags := re.compile(r"\?[a-zA-Z-]+\)").match(self._pattern, self._at):
            self._at = flags.end()
            return [""]
        found = self.alternation()
        if not self._take(")"):
            raise ValueError("an unclosed group")
        return found

    def _class(self) -> list[str]:
        written = self._class_text()
        test = _compiled(written)
        tried = [*written, *_ANY_CHARACTERS]
        return _few(character for character in tried if test.fullmatch(character))

    def _class_text(self) -> str:
        """Reads up to the bracket that closes the class; the text has both brackets."""
        start = self._at - 1
        self._take("^")
        self._take("]")
        while self._pattern[self._at] != "]":
            if self._pattern.startswith("[:", self._at):
                self._at = self._pattern.index(":]", self._at) + 1
            self._at += 2 if self._pattern[self._at] == "\\" else 1
        self._at += 1
        return self._pattern[start : self._at]

    def _escape(self) -> list[str]:
        character = self._next()
        if character in _EMPTY_ESCAPES:
            return [""]
        return [_ESCAPED.get(character, character)]

    def _repeated(self, atom: list[str]) -> list[str]:
        found = atom
        if self._take("*") or self._take("?"):
            found = [*atom, ""]
        elif self._take("+"):
            found = atom
        elif counts := re.compile(r"\{(\d+)(,\d*)?\}").match(self._pattern, self._at):
            self._at = counts.end()
            found = [text * int(counts[1]) for text in atom]
        else:
            return found
        self._take("?")  # a lazy quantifier matches the same texts
        return _few(found)

    def _next(self) -> str:
        self._at += 1
        return self._pattern[self._at - 1]

    def _take(self, character: str) -> bool:
        taken = self._pattern.startswith(character, self._at)
        self._at += taken
        return taken


def _few(texts: Iterable[str]) -> list[str]:
    distinct: Iterator[str] = iter(dict.fromkeys(texts))
    return list(islice(distinct, _MOST_SAMPLES))
