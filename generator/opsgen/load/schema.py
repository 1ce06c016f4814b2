"""The models go in; JSON Schemas of the files come out, for editors that complete and check."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from opsgen.load.convention_file import ConventionFile
from opsgen.load.pack_file import PackFile, TextsFile
from opsgen.load.project_spec import ProjectSpec
from opsgen.load.service_spec import ServiceSpec

SCHEMAS: dict[str, tuple[type[BaseModel], str]] = {
    "service": (ServiceSpec, "opsgen service spec"),
    "project": (ProjectSpec, "opsgen project file (opsgen.yaml)"),
    "pack": (PackFile, "opsgen pack"),
    "convention": (ConventionFile, "opsgen convention"),
    "texts": (TextsFile, "opsgen texts"),
}


def json_schema(kind: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one kind of file. It allows every form that opsgen reads, and no
    other."""
    model, title = SCHEMAS[kind]
    schema = model.model_json_schema(by_alias=True, mode="validation", schema_generator=_AsWritten)
    for definition in schema.get("$defs", {}).values():
        definition.pop("title", None)  # the name of a class of ours
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **_on_one_line(schema), "title": title}


def _on_one_line(schema: dict[str, Any]) -> dict[str, Any]:
    """Puts each description on one line."""
    return {key: _unbroken(key, value) for key, value in schema.items()}


def _unbroken(key: str, value: Any) -> Any:
    if key == "description" and isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, dict):
        return _on_one_line(value)
    return [_unbroken("", item) for item in value] if isinstance(value, list) else value


class _AsWritten(GenerateJsonSchema):
    """Pydantic's generator, without what only matters inside opsgen."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """A title that repeats the key says nothing."""
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """`None` stands for a key that was left out; null itself is a mistake."""
        return self.generate_inner(schema["schema"])

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """A key that is not of the pattern of its names is a mistake."""
        found = super().dict_schema(schema)
        return {**found, "additionalProperties": False} if "patternProperties" in found else found

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Only defaults that editors can fill in: the others are empty, or in the description."""
        found = super().default_schema(schema)
        if not isinstance(found.get("default"), str | int | float) or found["default"] == "":
            found.pop("default", None)
        return found
