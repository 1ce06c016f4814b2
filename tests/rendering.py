"""Renderers called as the build calls them, with a subject, for tests that have its parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from opsgen.load.library import TEMPLATES
from opsgen.load.project_spec import ProjectSpec
from opsgen.model.artifact import Artifact
from opsgen.model.service import Place, Service
from opsgen.model.signal import Derived
from opsgen.render.subjects import OfFleet, OfService, ServiceEntry
from opsgen.resolve.project import resolve_project


def subject(
    service: Service,
    derived: Derived | None = None,
    folders: tuple[Path, ...] = (TEMPLATES,),
) -> OfService:
    """What a renderer is given of a service."""
    return OfService(service, derived or Derived(()), Place(service.spec_file, 1, 1), folders)


def rendered(
    renderer: Callable[[OfService], Iterable[Artifact]],
    service: Service,
    derived: Derived | None = None,
    folders: tuple[Path, ...] = (TEMPLATES,),
) -> Artifact:
    """The one artifact that a renderer gives for a service."""
    (artifact,) = renderer(subject(service, derived, folders))
    return artifact


def of_fleet(entries: Sequence[ServiceEntry] = (), **organisation: Any) -> OfFleet:
    """A fleet of these services, of a project that says no more than what is given."""
    return OfFleet(replace(resolve_project(ProjectSpec(), None), **organisation), entries)
