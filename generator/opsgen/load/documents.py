"""A document in; a pydantic model of it out, or every mistake in it at its own line and in plain
words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from opsgen.errors import InputError, Mistake
from opsgen.load.shown import (
    HIDDEN,
    LONGEST_SHOWN,
    may_be_secret,
    one_line,
    path_text,
    shown,
    without_credentials,
)
from opsgen.load.yaml_reader import Document, parse_document, read_document
from opsgen.quantities import number_text

__all__ = ["Document", "parse_document", "read_document", "validate"]

_M = TypeVar("_M", bound=BaseModel)
_Path = tuple[str | int, ...]
_Words = tuple[str, str]

_MOST_KEYS_LISTED = 12
_LONGEST_SENTENCE = 400
_MAPPING_KEY = "[key]"  # pydantic's last part of the place of a mistake in a key


def validate(document: Document, model: type[_M]) -> _M:
    """The model of a document. Raises InputError with every mistake of the document, each at its
    own place."""
    if not isinstance(document.value, dict):
        line, column = document.position(())
        wrong = f"the document is {_kind(document.value)}; a mapping was expected"
        raise InputError(
            [Mistake(document.file, line, column, "", wrong, "write `key: value` lines")]
        )
    try:
        return model.model_validate(document.value)
    except ValidationError as error:
        found = [_Found.of(details, document, model) for details in error.errors(include_url=False)]
        raise InputError(_mistakes(found)) from None


@dataclass(frozen=True)
class _Found:
    """One of pydantic's errors and where it is: `path` has only parts that the document has."""

    details: ErrorDetails
    path: _Path
    document: Document
    models: tuple[type[BaseModel], ...]

    @classmethod
    def of(cls, details: ErrorDetails, document: Document, model: type[BaseModel]) -> _Found:
        beyond = (
            tuple(details.get("ctx", {}).get("path", ())) if details["type"] == "opsgen" else ()
        )
        loc = (*details["loc"], *beyond)
        path = _existing(loc[:-1] if details["type"] == "missing" else loc, document.value)
        around = path[:-1] if details["type"] == "extra_forbidden" else path
        return cls(details, path, document, tuple(_models_at(model, around)))

    @property
    def name(self) -> str:
        """The key that is missing or unknown."""
        return str(self.details["loc"][-1])

    @property
    def context(self) -> Mapping[str, Any]:
        return self.details.get("ctx", {})

    @property
    def in_key(self) -> bool:
        """Whether it is the key at `path` that is wrong, not its value."""
        return self.details["loc"][-1:] == (_MAPPING_KEY,)

    @property
    def value(self) -> Any:
        return self.path[-1] if self.in_key else _at(self.document.value, self.path)

    @property
    def raw(self) -> str:
        return str(self.value) if self.in_key else self.document.raw(self.path) or ""

    @property
    def hidden(self) -> bool:
        return may_be_secret(self.path[:-1] if self.in_key else self.path)

    @property
    def echo(self) -> str:
        """The value as a message may show it."""
        return HIDDEN if self.hidden else f"'{shown(self.raw)}'"

    @property
    def fields(self) -> dict[str, FieldInfo]:
        """What may be written in the mapping that this is about."""
        return {
            field.alias or name: field
            for model in self.models
            for name, field in model.model_fields.items()
        }

    @property
    def meant(self) -> str | None:
        """For an unknown key: the known one, not given yet, that it most resembles."""
        given = _at(self.document.value, self.path[:-1])
        return _closest(self.name, [name for name in self.fields if name not in given])

    def mistake(self) -> Mistake:
        wrong, right = _safe(self._words(), self)
        of = "key" if self.in_key or self.details["type"] == "extra_forbidden" else "value"
        line, column = self.document.position(self.path, of)
        return Mistake(self.document.file, line, column, path_text(self.path), wrong, right)

    def _words(self) -> _Words:
        kind = self.details["type"]
        if self.value is None and kind not in ("missing", "extra_forbidden"):
            return "has no value", "write one, or leave the key out"
        return _SENTENCES.get(kind, _in_pydantics_words)(self)


def _mistakes(found: Iterable[_Found]) -> Iterator[Mistake]:
    """Without those that say again that a misspelt key is missing."""
    found = tuple(found)
    misspelt = {
        (one.path[:-1], one.meant) for one in found if one.details["type"] == "extra_forbidden"
    }
    for one in found:
        if one.details["type"] != "missing" or (one.path, one.name) not in misspelt:
            yield one.mistake()


def _existing(loc: Iterable[str | int], value: Any) -> _Path:
    """The parts of a place that the document has.

    The others are pydantic's names of union members and validators, and keys that a validator has
    put in.
    """
    path: list[str | int] = []
    part: Any
    for part in loc:
        in_mapping = isinstance(value, dict) and part in value
        in_list = isinstance(value, list) and isinstance(part, int) and part < len(value)
        if in_mapping or in_list:
            path.append(part)
            value = value[part]
    return tuple(path)


def _at(value: Any, path: _Path) -> Any:
    part: Any
    for part in path:
        value = value[part]
    return value


def _models_at(annotation: Any, path: _Path) -> Iterator[type[BaseModel]]:
    """The models that may describe the value at this place of a value of this type."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _models_at(get_args(annotation)[0], path)
    elif origin in (Union, UnionType):
        for member in get_args(annotation):
            yield from _models_at(member, path)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not path:
            yield annotation
            return
        for name, field in annotation.model_fields.items():
            if (field.alias or name) == path[0]:
                yield from _models_at(field.annotation, path[1:])
            elif isinstance(path[0], int) and _is_list(
                field.annotation
            ):  # a list that stands for the mapping
                yield from _models_at(field.annotation, path)
    elif path and get_args(annotation):
        # A list's entries, or a mapping's values: its last type, the ellipsis of tuples aside.
        last = [member for member in get_args(annotation) if member is not Ellipsis][-1]
        yield from _models_at(last, path[1:])


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is tuple


def _safe(words: _Words, found: _Found) -> _Words:
    """Both sentences on one line, without secrets, and without the long values that a validator has
    put in."""
    kind, texts = found.details["type"], list(_texts(found.value))
    in_others_words = kind == "opsgen" or kind not in _SENTENCES
    if found.hidden and in_others_words:
        scalar = not isinstance(found.value, dict | list)
        if scalar or any(text in sentence for text in texts for sentence in words):
            return f"the value {HIDDEN} is not right here", ""
    wrong, right = (_cut(sentence, texts) for sentence in words)
    return wrong, right


def _cut(sentence: str, values: Iterable[str]) -> str:
    for value in values:
        if len(value) > LONGEST_SHOWN:
            sentence = sentence.replace(value, shown(value)).replace(
                repr(value)[1:-1], shown(value)
            )
    sentence = one_line(without_credentials(sentence))
    return (
        sentence if len(sentence) <= _LONGEST_SENTENCE else sentence[: _LONGEST_SENTENCE - 1] + "…"
    )


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value, at whatever depth, that says something."""
    if isinstance(value, dict):
        for below in value.values():
            yield from _texts(below)
    elif isinstance(value, list):
        for below in value:
            yield from _texts(below)
    elif isinstance(value, str | int | float) and not isinstance(value, bool) and str(value):
        yield str(value)


_KINDS: dict[type, str] = {
    type(None): "nothing",
    bool: "a yes/no value",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "a mapping",
}


def _kind(value: Any) -> str:
    return _KINDS[type(value)]


def _closest(word: str, words: Iterable[str]) -> str | None:
    by_lower = {candidate.lower(): candidate for candidate in words}
    close = get_close_matches(word.lower()[:LONGEST_SHOWN], by_lower, n=1)
    return by_lower[close[0]] if close else None


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    more = ", ..." if len(names) > _MOST_KEYS_LISTED else ""
    return ", ".join(names[:_MOST_KEYS_LISTED]) + more


def _missing(found: _Found) -> _Words:
    field = found.fields.get(found.name)
    examples = _examples(field) if field else []
    example = f", for example {found.name}: {examples[0]}" if examples else ""
    return f"{found.name} is missing", f"add it{example}"


def _examples(field: FieldInfo) -> list[Any]:
    """The field's own examples, or those that its type has in the JSON Schema."""
    schemas = (getattr(extra, "json_schema", None) for extra in field.metadata)
    of_type = (
        schema["examples"]
        for schema in schemas
        if isinstance(schema, dict) and "examples" in schema
    )
    return field.examples or next(of_type, [])


def _unknown_key(found: _Found) -> _Words:
    if found.meant:
        return "unknown key", f"did you mean '{found.meant}'?"
    return "unknown key", (
        f"write one of {_listed(found.fields)}" if found.fields else "leave it out"
    )


def _expected(what: str, instead: str = "") -> Callable[[_Found], _Words]:
    def words(found: _Found) -> _Words:
        return f"{what} was expected, found {_kind(found.value)}", instead

    return words


def _expected_text(found: _Found) -> _Words:
    if isinstance(found.value, dict | list | str):
        return f"a text was expected, found {_kind(found.value)}", ""
    if found.hidden:
        return f"a text was expected, found {_kind(found.value)}", "put it in quotes"
    raw, quoted = shown(found.raw), f'quote it: "{shown(found.raw)}"'
    if isinstance(found.value, bool):
        return f"`{raw}` is a yes/no value to YAML", quoted
    return (
        f"a text was expected, found {'nothing' if found.value is None else 'the number'} {raw}",
        quoted,
    )


def _expected_mapping(found: _Found) -> _Words:
    keys = (
        f"write a mapping with {_listed(found.fields)}"
        if found.fields
        else "write `key: value` lines"
    )
    return f"a mapping was expected, found {_kind(found.value)}", keys


def _expected_whole_number(found: _Found) -> _Words:
    return f"a whole number was expected, found {_kind(found.value)} ({found.echo})", ""


def _not_one_of(found: _Found) -> _Words:
    allowed = str(found.context.get("expected", ""))
    choices = re.findall(r"'((?:[^'\\]|\\.)*)'", allowed)
    if isinstance(found.value, dict | list):
        return (
            f"{_kind(found.value)} is not allowed here",
            f"write one of {_listed(choices) or allowed}",
        )
    close = _closest(found.raw, choices)
    meant = f"did you mean '{close}'? " if close and not found.hidden else ""
    one = "write" if len(choices) == 1 else "write one of"
    return f"{found.echo} is not allowed here", f"{meant}{one} {_listed(choices) or allowed}"


def _pattern(found: _Found) -> _Words:
    return (
        f"{found.echo} is not of the right form",
        f"write a text that matches {found.context['pattern']}",
    )


def _count_of(bound: str, words: str) -> Callable[[_Found], _Words]:
    def sentence(found: _Found) -> _Words:
        number = found.context[bound]
        what = "character" if isinstance(found.value, str) else "entry" if number == 1 else "entrie"
        plural = "" if number == 1 else "s"
        return (
            f"is too {'short' if bound == 'min_length' else 'long'}",
            f"{words} {number} {what}{plural}",
        )

    return sentence


def _limit(bound: str, wrong: str, right: str) -> Callable[[_Found], _Words]:
    def sentence(found: _Found) -> _Words:
        return f"{found.echo} {wrong}", f"write {right} {_number(found.context[bound])}"

    return sentence


def _number(number: Any) -> str:
    return number_text(number) if hasattr(number, "as_tuple") else str(number)


def _tag(found: _Found) -> _Words:
    return "is of no known kind", f"write one of {found.context.get('expected_tags', '')}"


def _no_tag(found: _Found) -> _Words:
    discriminator = str(found.context.get("discriminator", "a key")).strip("'")
    return f"{discriminator} is missing", "add it: it says which kind this is"


def _our_own(found: _Found) -> _Words:
    return str(found.context["wrong"]), str(found.context["right"])


def _in_pydantics_words(found: _Found) -> _Words:
    message = found.details["msg"]
    for theirs in ("Value error, ", "Assertion failed, "):
        message = message.removeprefix(theirs)
    return message[:1].lower() + message[1:], ""


_LIST = _expected("a list", "write [a, b], or a line that begins with `- ` for each")
_YES_NO = _expected("true or false")
_NUMBER = _expected("a number")

# By pydantic's type of error: what is wrong and what would be right.
_SENTENCES: dict[str, Callable[[_Found], _Words]] = {
    "opsgen": _our_own,
    "missing": _missing,
    "extra_forbidden": _unknown_key,
    "string_type": _expected_text,
    "int_type": _expected_whole_number,
    "int_parsing": _expected_whole_number,
    "int_from_float": _expected_whole_number,
    "int_parsing_size": _expected_whole_number,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "decimal_type": _NUMBER,
    "decimal_parsing": _NUMBER,
    "bool_type": _YES_NO,
    "bool_parsing": _YES_NO,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
    "dict_type": _expected_mapping,
    "mapping_type": _expected_mapping,
    "model_type": _expected_mapping,
    "model_attributes_type": _expected_mapping,
    "dataclass_type": _expected_mapping,
    "literal_error": _not_one_of,
    "enum": _not_one_of,
    "string_pattern_mismatch": _pattern,
    "string_too_short": _count_of("min_length", "write at least"),
    "string_too_long": _count_of("max_length", "write at most"),
    "too_short": _count_of("min_length", "write at least"),
    "too_long": _count_of("max_length", "write at most"),
    "greater_than": _limit("gt", "is too small", "a number above"),
    "greater_than_equal": _limit("ge", "is too small", "at least"),
    "less_than": _limit("lt", "is too large", "a number below"),
    "less_than_equal": _limit("le", "is too large", "at most"),
    "multiple_of": _limit("multiple_of", "does not divide", "a multiple of"),
    "union_tag_invalid": _tag,
    "union_tag_not_found": _no_tag,
}
