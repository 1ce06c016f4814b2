"""JSON Schemas of the files that people write, for editors that complete and check as people type."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from opsgen.spec.pack import ConventionFile, PackFile, TextsFile
from opsgen.spec.project import ProjectSpec
from opsgen.spec.service import ServiceSpec

SCHEMAS: dict[str, tuple[type[BaseModel], str]] = {
    "service": (ServiceSpec, "opsgen service spec"),
    "project": (ProjectSpec, "opsgen project file (opsgen.yaml)"),
    "pack": (PackFile, "opsgen pack"),
    "convention": (ConventionFile, "opsgen convention"),
    "texts": (TextsFile, "opsgen texts"),
}


def json_schema(kind: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one kind of file."""
    model, title = SCHEMAS[kind]
    schema = model.model_json_schema(by_alias=True, mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title}
