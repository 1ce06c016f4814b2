"""An error of pydantic and the document go in; what pydantic refuses comes out, with its place in
the document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from opsgen.load.shown import (
    HIDDEN,
    LONGEST_SHOWN,
    may_be_secret,
    shown,
)
from opsgen.load.yaml_reader import Document

_Path = tuple[str | int, ...]
_MAPPING_KEY = "[key]"  # pydantic's last part of the place of a mistake in a key


@dataclass(frozen=True)
class Refusal:
    """One of pydantic's errors and where it is: `path` has only parts that the document has."""

    details: ErrorDetails
    path: _Path
    document: Document
    models: tuple[type[BaseModel], ...]

    @classmethod
    def of(cls, details: ErrorDetails, document: Document, model: type[BaseModel]) -> Refusal:
        beyond = (
            tuple(details.get("ctx", {}).get("path", ())) if details["type"] == "opsgen" else ()
        )
        loc = (*details["loc"], *beyond)
        path = _existing(loc[:-1] if details["type"] == "missing" else loc, document.value)
        around = path[:-1] if details["type"] == "extra_forbidden" else path
        return cls(details, path, document, tuple(_models_at(model, around)))

    @property
    def kind(self) -> str:
        """Pydantic's name for it."""
        return self.details["type"]

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
        return self.path[-1] if self.in_key else value_at(self.document.value, self.path)

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
        """The known key, not given yet, that is most similar to an unknown one."""
        given = value_at(self.document.value, self.path[:-1])
        return closest(self.name, [name for name in self.fields if name not in given])


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


def value_at(value: Any, path: _Path) -> Any:
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
            elif isinstance(path[0], int) and _is_list(field.annotation):
                # A list that stands for the mapping.
                yield from _models_at(field.annotation, path)
    elif path and get_args(annotation):
        # The type of a list's entries or a mapping's values is the last one, except the ellipsis of
        # tuples.
        last = [member for member in get_args(annotation) if member is not Ellipsis][-1]
        yield from _models_at(last, path[1:])


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is tuple


_KINDS: dict[type, str] = {
    type(None): "nothing",
    bool: "a yes/no value",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "a mapping",
}


def kind_of(value: Any) -> str:
    return _KINDS[type(value)]


def closest(word: str, words: Iterable[str]) -> str | None:
    by_lower = {candidate.lower(): candidate for candidate in words}
    close = get_close_matches(word.lower()[:LONGEST_SHOWN], by_lower, n=1)
    return by_lower[close[0]] if close else None
