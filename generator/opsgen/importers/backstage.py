"""Backstage's Component (catalog-info.yaml) goes in; a service spec comes out.

Source: backstage.io, "Descriptor Format of Catalog Entities".
"""

from __future__ import annotations

import re

from opsgen.importers.events import slug
from opsgen.importers.source import Imported, Source

# `component:default/orders-api`, `group:payments`, or only the name.
_REFERENCE = re.compile(r"(?:(?P<kind>[a-zA-Z]+):)?(?:[^/]+/)?(?P<name>[^/]+)")


def is_backstage(source: Source) -> bool:
    return source.text("apiVersion").startswith("backstage.io/")


def from_backstage(source: Source) -> Imported | None:
    """The service's spec; None for an entity that is not a component. It has the owner and the
    dependencies, but nothing to watch."""
    if source.text("kind") != "Component":
        return None
    found = Imported(slug(source, ("metadata", "name")))
    for key in ("title", "description"):
        text = " ".join(source.text("metadata", key).split())
        if text:
            found.spec[key] = text
    owner = _REFERENCE.fullmatch(source.text("spec", "owner"))
    if owner:
        found.spec["team"] = owner["name"].lower()
    needed = _needed(source, found)
    if needed:
        found.spec["dependencies"] = needed
    return found


def _needed(source: Source, found: Imported) -> list[dict[str, str]]:
    needed = []
    for path in source.each("spec", "dependsOn"):
        text = source.text(*path)
        reference = _REFERENCE.fullmatch(text)
        if reference and (reference["kind"] or "component").lower() == "component":
            needed.append({"service": reference["name"].lower()})
        else:
            words = (
                f"it does not say what kind of dependency {text} is: write postgresql:, redis:, ..."
            )
            found.notes.append(source.note(path, words))
    return needed
