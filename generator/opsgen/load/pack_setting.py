"""A setting of a pack, as its file declares it. The text or number of a spec goes in; an exact
value or a mistake comes out."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any

from pydantic import (
    Field,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticKnownError

from opsgen.load.forms import Deferred
from opsgen.load.quantity_fields import DurationField, NumberField, PercentField
from opsgen.load.scalars import mistake
from opsgen.load.text_fields import Text
from opsgen.model.settings import SettingKind, SettingValue, as_number

SettingName = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9_]*$", description="Lowercase letters, digits and _.")
]


def _scalar(value: Any) -> Any:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return value
    raise PydanticKnownError("string_type")


# A text or a number, as written; the setting's type says which one is right.
Written = Annotated[
    str | int | float,
    PlainValidator(_scalar),
    WithJsonSchema(
        {"type": ["string", "number"], "description": "A percentage, a duration or a number."}
    ),
]

_TYPES: dict[SettingKind, Any] = {
    "percentage": PercentField,
    "duration": DurationField,
    "number": NumberField,
}


class SettingMistake(ValueError):
    """The written value does not fit the setting; `wrong` and `right` say why."""

    def __init__(self, wrong: str, right: str) -> None:
        super().__init__(f"{wrong}; {right}")
        self.wrong, self.right = wrong, right


def setting_value(kind: SettingKind, written: Written) -> SettingValue:
    """The value of a setting of this kind; raises SettingMistake."""
    try:
        value: SettingValue = _adapter(kind).validate_python(written)
    except ValidationError as error:
        context = error.errors(include_url=False)[0].get("ctx", {})
        wrong = context.get("wrong", f"a {kind} was expected")
        raise SettingMistake(wrong, context.get("right", "")) from None
    return value


@lru_cache(maxsize=len(_TYPES))
def _adapter(kind: SettingKind) -> TypeAdapter[Any]:
    return TypeAdapter(_TYPES[kind])


class SettingSpec(Deferred):
    """A setting of the pack's own, which a spec may give."""

    type: Annotated[SettingKind, Field(description="What it holds.", examples=["percentage"])]
    default: Annotated[
        Written | None,
        Field(description="Its value where the spec gives none.", examples=["80%", "5m", 1000]),
    ] = None
    source: Annotated[Text | None, Field(description="Where the default was taken from.")] = None
    description: Annotated[Text, Field(description="What it is, for the reference.")]
    more_than: Annotated[
        Written | None, Field(description="What it must be more than.", examples=["0%"])
    ] = None
    less_than: Annotated[
        Written | None, Field(description="What it must be less than.", examples=["100%"])
    ] = None

    @model_validator(mode="after")
    def _of_its_type(self) -> SettingSpec:
        for key in ("more_than", "less_than", "default"):
            written = getattr(self, key)
            try:
                value = None if written is None else setting_value(self.type, written)
                if value is not None and key == "default":
                    self.check(value)
            except SettingMistake as error:
                raise mistake(error.wrong, error.right, (key,)) from None
        if self.default is not None and self.source is None:
            raise mistake(
                "the default needs a source", "write source: and where the default was taken from"
            )
        return self

    @property
    def value(self) -> SettingValue:
        """The default, as its type has it; None where there is none."""
        return None if self.default is None else setting_value(self.type, self.default)

    def read(self, written: Written) -> SettingValue:
        """The value that a spec gives; raises SettingMistake."""
        value = setting_value(self.type, written)
        self.check(value)
        return value

    def check(self, value: SettingValue) -> None:
        """Raises SettingMistake where the value is not within its limits."""
        number = as_number(value)
        least, most = self.more_than, self.less_than
        if least is not None and number <= as_number(setting_value(self.type, least)):
            raise SettingMistake(f"{value} is too small", f"write more than {least}")
        if most is not None and number >= as_number(setting_value(self.type, most)):
            raise SettingMistake(f"{value} is too large", f"write less than {most}")
