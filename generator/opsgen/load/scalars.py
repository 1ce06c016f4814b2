"""What the types of single values share: how they report a mistake, and their JSON Schema for
editors."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import PlainSerializer, Strict, WithJsonSchema
from pydantic_core import PydanticCustomError

from opsgen.load.shown import shown


def mistake(wrong: str, right: str = "", path: tuple[str | int, ...] = ()) -> PydanticCustomError:
    """What a validator raises: what is wrong, and what would be right; `path` leads from its value
    to the place."""
    return PydanticCustomError(
        "opsgen", "{wrong}; {right}", {"wrong": wrong, "right": right, "path": path}
    )


def checked(what: str, pattern: str, right: str) -> Callable[[str], str]:
    """A validator that takes the texts that match the whole pattern."""

    def check(text: str) -> str:
        if re.fullmatch(pattern, text):
            return text
        raise mistake(f"'{shown(text)}' is not a valid {what}", right)

    return check


def text_schema(
    pattern: str, description: str, *examples: str, longest: int | None = None
) -> WithJsonSchema:
    """The JSON Schema of a text that matches the whole pattern."""
    length = {} if longest is None else {"maxLength": longest}
    found = {"type": "string", "pattern": f"^(?:{pattern})$", **length, "description": description}
    return WithJsonSchema({**found, "examples": list(examples)})


AS_TEXT = PlainSerializer(str, return_type=str)
# Without strictness pydantic takes `yes` for 1, and 1 or "yes" for true.
WholeNumber = Annotated[int, Strict()]
YesNo = Annotated[bool, Strict()]
