"""Kubernetes' definitions of resources, from the sample data, as a strict JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml


def definition(sample_data: Path, kind: str) -> Mapping[str, Any]:
    """The schema of a kind of resource, in its last version."""
    text = (sample_data / "crds" / f"{kind.lower()}.yaml").read_text(encoding="utf-8")
    # `=` alone is a value to YAML 1.1 that no loader takes; the definition means the text.
    loaded = yaml.load(text.replace("- =\n", "- '='\n"), Loader=yaml.CSafeLoader)
    *_, version = loaded["spec"]["versions"]
    schema: dict[str, Any] = _closed(version["schema"]["openAPIV3Schema"])
    metadata = {**schema["properties"]["metadata"], "additionalProperties": True}
    return {**schema, "properties": {**schema["properties"], "metadata": metadata}}


def _closed(schema: Any) -> Any:
    """Without unknown properties, which the API server would drop in silence; patterns as Python
    has them."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _closed(value) for key, value in schema.items()}
    if "(?i)" in str(found.get("pattern", "")):
        found["pattern"] = f"(?i){found['pattern'].replace('(?i)', '')}"
    if isinstance(found.get("properties"), dict) and found.get("type") == "object":
        found.setdefault("additionalProperties", False)
    return found
