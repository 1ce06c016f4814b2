"""The table of channel kinds goes in; the JSON Schema of one channel of the project file comes
out."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import JsonSchemaValue

from opsgen.channels.kinds import KINDS, Kind
from opsgen.channels.option_values import Value
from opsgen.channels.options import Fields, Option
from opsgen.load.forms import exactly_one


def channel_schema() -> JsonSchemaValue:
    """A mapping with exactly one kind, and in it the options of that kind. Options that would hold
    a secret are left out."""
    return {
        "type": "object",
        "description": "Where a notification goes: one kind with its options.",
        "properties": {name: _kind(kind) for name, kind in KINDS.items()},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }


def _kind(kind: Kind) -> dict[str, Any]:
    return {
        **_mapping(kind.fields),
        "description": f"Alertmanager's {kind.key}; {kind.since} or later.",
    }


def _mapping(fields: Fields) -> dict[str, Any]:
    together = [exactly_one(*group) for group in fields.one_of]
    apart = [{"not": {"required": list(group)}} for group in fields.at_most_one]
    return {
        "type": "object",
        "properties": {name: _option(option) for name, option in fields.options.items()},
        "additionalProperties": False,
        **({"allOf": together + apart} if together or apart else {}),
    }


def _option(option: Option) -> dict[str, Any]:
    if isinstance(option.value, Value):
        right = f"{option.value.right[0].upper()}{option.value.right[1:]}."
        return {"type": option.value.json_type, "description": right}
    mapping = _mapping(option.value)
    described = {"description": f"{', '.join(option.value.options)}."}
    return (
        {"type": "array", "items": mapping, **described}
        if option.value.many
        else {**mapping, **described}
    )
