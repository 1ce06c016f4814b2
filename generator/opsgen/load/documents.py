"""A document goes in; a pydantic model of it comes out, or every mistake at its own line in plain
words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from opsgen.errors import InputError, Mistake
from opsgen.load.refusal_words import Words, is_quoted, words_of
from opsgen.load.refusals import Refusal, kind_of
from opsgen.load.shown import (
    HIDDEN,
    LONGEST_SHOWN,
    on_one_line,
    path_text,
    shown,
    without_credentials,
)
from opsgen.load.yaml_reader import Document, parse_document, read_document

__all__ = ["Document", "parse_document", "read_document", "validate"]

_M = TypeVar("_M", bound=BaseModel)
_LONGEST_SENTENCE = 400


def validate(document: Document, model: type[_M]) -> _M:
    """The model of a document. Raises InputError with every mistake of the document, each at its
    own place."""
    if not isinstance(document.value, dict):
        line, column = document.position(())
        wrong = f"the document is {kind_of(document.value)}; a mapping was expected"
        raise InputError(
            [Mistake(document.file, line, column, "", wrong, "write `key: value` lines")]
        )
    try:
        return model.model_validate(document.value)
    except ValidationError as error:
        refusals = [
            Refusal.of(details, document, model) for details in error.errors(include_url=False)
        ]
        raise InputError(map(_mistake, _told_once(refusals))) from None


def _told_once(refusals: Sequence[Refusal]) -> Iterator[Refusal]:
    """Removes mistakes that repeat another: a misspelt key that is also missing, a list that is too
    short because its entries are wrong."""
    misspelt = {(one.path[:-1], one.meant) for one in refusals if one.kind == "extra_forbidden"}
    for one in refusals:
        again = one.kind == "missing" and (one.path, one.name) in misspelt
        because = one.kind == "too_short" and any(_is_below(other, one) for other in refusals)
        if not (again or because):
            yield one


def _is_below(refusal: Refusal, other: Refusal) -> bool:
    depth = len(other.path)
    return len(refusal.path) > depth and refusal.path[:depth] == other.path


def _mistake(refusal: Refusal) -> Mistake:
    document, path = refusal.document, refusal.path
    wrong, right = _safe(words_of(refusal), refusal)
    of = "key" if refusal.in_key or refusal.kind == "extra_forbidden" else "value"
    line, column = document.position(path, of)
    return Mistake(document.file, line, column, path_text(path), wrong, right)


def _safe(words: Words, refusal: Refusal) -> Words:
    """Both sentences on one line, without secrets and without long values."""
    texts = list(_texts(refusal.value))
    if refusal.hidden and is_quoted(refusal):
        is_scalar = not isinstance(refusal.value, dict | list)
        if is_scalar or any(text in sentence for text in texts for sentence in words):
            return f"the value {HIDDEN} is not valid here", ""
    wrong, right = words
    return _cut(wrong, texts), _cut(right, texts)


def _cut(sentence: str, values: Iterable[str]) -> str:
    for value in values:
        if len(value) > LONGEST_SHOWN:
            # As it is, and as Python would quote it.
            sentence = sentence.replace(value, shown(value))
            sentence = sentence.replace(repr(value)[1:-1], shown(value))
    sentence = on_one_line(without_credentials(sentence))
    if len(sentence) <= _LONGEST_SENTENCE:
        return sentence
    return sentence[: _LONGEST_SENTENCE - 1] + "…"


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value that is not empty, at any depth."""
    if isinstance(value, dict):
        for below in value.values():
            yield from _texts(below)
    elif isinstance(value, list):
        for below in value:
            yield from _texts(below)
    elif isinstance(value, str | int | float) and not isinstance(value, bool) and str(value):
        yield str(value)
