"""The model of a dependency in a spec: one kind with its name, matchers, an objective, and the
settings of the kind's pack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter

from opsgen.load.dependency_kinds import FLEET, KINDS_NOT_YET
from opsgen.load.forms import Strict
from opsgen.load.library import load_library
from opsgen.load.match_spec import Match
from opsgen.load.name_fields import Slug
from opsgen.load.pack_setting import Written
from opsgen.load.quantity_fields import ObjectiveField


def _with_kinds(schema: dict[str, Any]) -> None:
    """Adds the kinds that opsgen ships, for editors to complete. Kinds and settings of a user's own
    packs stay allowed."""
    shipped = {
        name: f"{pack.title}, by its name."
        for name, pack in load_library().packs_for("dependency").items()
    }
    kinds = {FLEET: "Another service of this fleet.", **KINDS_NOT_YET, **shipped}
    slug = TypeAdapter(Slug).json_schema()
    names = {kind: {**slug, "description": words} for kind, words in kinds.items()}
    schema["properties"] = names | schema["properties"]
    schema["oneOf"] = [
        *({"required": [kind]} for kind in kinds),
        {"not": {"anyOf": [{"required": [kind]} for kind in kinds]}},
    ]


class DependencySpec(Strict):
    """Something that the service needs: its kind and name, and the settings of the kind's pack."""

    model_config = ConfigDict(extra="allow", json_schema_extra=_with_kinds)

    __pydantic_extra__: dict[str, Written]

    match: Annotated[
        Match, Field(description="Label matchers that select the series of the dependency.")
    ] = Field(default_factory=dict)
    objective: Annotated[
        ObjectiveField | None, Field(description="The availability that the dependency promises.")
    ] = None

    @property
    def written(self) -> Mapping[str, Written]:
        """The kind and the settings, together: only the packs can tell which is which."""
        return self.model_extra or {}
