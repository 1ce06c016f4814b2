"""What the models of all files share: their base class, and the short forms that people may
write."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticKnownError, core_schema

from opsgen.load.scalars import mistake

_NOTHING = object()


class Strict(BaseModel):
    """The base class. Unknown keys and keys without a value are mistakes; a value can't change
    after it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_null(cls, value: Any) -> Any:
        """Null is no way to leave something out: an empty `latency:` is a line that was not
        finished.

        Every type refuses the stand-in, each at its own key. A validator for every field would say
        the same, and cost a tenth of a short run.
        """
        if not isinstance(value, dict):
            return value
        return {key: _NOTHING if below is None else below for key, below in value.items()}


class Deferred(Strict):
    """A model that pydantic builds only when it is first used: most runs need few of these."""

    model_config = ConfigDict(defer_build=True)


class _Shorter(ABC):
    """Lets people write less than the whole value. The JSON Schema has both forms."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._widened, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        whole = handler(schema)
        return {"anyOf": [self._short(handler.resolve_ref_schema(whole)), whole]}

    @abstractmethod
    def _widened(self, value: Any) -> Any:
        """The whole value for a short one; anything else as it is."""

    @abstractmethod
    def _short(self, whole: JsonSchemaValue) -> JsonSchemaValue:
        """The JSON Schema of the short form, a part of that of the whole value."""


@dataclass(frozen=True)
class _KeyAlone(_Shorter):
    """The short form of a mapping is the value of this key."""

    key: str

    def _short(self, whole: JsonSchemaValue) -> JsonSchemaValue:
        short: JsonSchemaValue = whole["properties"][self.key]
        return short


@dataclass(frozen=True)
class ShortForm(_KeyAlone):
    """Lets a text stand for a mapping with one key: a URL for `{url: ...}`."""

    def _widened(self, value: Any) -> Any:
        if isinstance(value, str):
            return {self.key: value}
        if isinstance(value, int | float):
            raise PydanticKnownError("string_type")
        return value


@dataclass(frozen=True)
class OneKey(_KeyAlone):
    """Lets a list stand for a mapping with one key: steps for `{steps: [...]}`."""

    def _widened(self, value: Any) -> Any:
        return {self.key: value} if isinstance(value, list) else value


@dataclass(frozen=True)
class OneOf:
    """A text that is one of these names, which a table knows."""

    names: tuple[str, ...]

    def __get_pydantic_core_schema__(self, source: Any, _: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(list(self.names))


@dataclass(frozen=True)
class OneOrMany(_Shorter):
    """Lets a text or a number stand for a list of that one."""

    def _short(self, whole: JsonSchemaValue) -> JsonSchemaValue:
        short: JsonSchemaValue = whole["items"]
        return short

    def _widened(self, value: Any) -> Any:
        return [value] if isinstance(value, str | int) else value


@dataclass(frozen=True)
class AtLeastOne:
    """Refuses an empty list where leaving the key out means something else; `otherwise` says
    what."""

    otherwise: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._not_empty, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "minItems": 1}

    def _not_empty(self, value: Any) -> Any:
        if value == []:
            raise mistake("the list is empty", f"write at least one entry, or {self.otherwise}")
        return value


@dataclass(frozen=True)
class StandIn:
    """Lets certain values stand for a mapping: `off` for `{off: true}`. The JSON Schema has them
    beside it."""

    values: tuple[Any, ...]
    meaning: tuple[tuple[str, Any], ...] = ()

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._widened, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"enum": list(self.values)}, handler(schema)]}

    def _widened(self, value: Any) -> Any:
        stands_in = any(value == other and type(value) is type(other) for other in self.values)
        return dict(self.meaning) if stands_in else value


def exactly_one(*keys: str) -> JsonSchemaValue:
    """The part of a JSON Schema that says that exactly one of these keys is there."""
    return {"oneOf": [{"required": [key]} for key in keys]}


def refuse_all_but_one(model: Strict, names: tuple[str, ...], what: str) -> None:
    """Raises a mistake unless exactly one of these fields has a value; `what` names the model."""
    given = [name.removesuffix("_") for name in names if getattr(model, name) is not None]
    if len(given) == 1:
        return
    right = f"write one of {', '.join(name.removesuffix('_') for name in names)}"
    if given:
        raise mistake(f"{what} can't have {' and '.join(given)} together", right)
    raise mistake(f"{what} is incomplete", right)
