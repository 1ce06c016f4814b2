"""The paths of a command go in; the project comes out: its specs, and what all of them share."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from opsgen.errors import InputError, Mistake
from opsgen.fleet.workers import each
from opsgen.load.discovery import Shard, Specs, find_specs, name_in_messages
from opsgen.load.documents import validate
from opsgen.load.library import Library, load_library
from opsgen.load.project_spec import ProjectSpec
from opsgen.load.service_spec import ServiceSpec
from opsgen.load.yaml_reader import read_document
from opsgen.model.organisation import Organisation
from opsgen.resolve.project import resolve_project


@dataclass(frozen=True)
class Project:
    """The spec files of a command, the resolved project file, and the packs and conventions."""

    specs: Specs
    organisation: Organisation
    library: Library

    @property
    def own_templates(self) -> Path | None:
        """The user's own folder of templates, if there is one."""
        return self.library.folders[1] if len(self.library.folders) > 1 else None

    def out(self, given: Path | None) -> Path:
        """The given output folder, or else the project file's."""
        if given is not None:
            return given
        return Path(os.path.relpath(self.specs.root / self.organisation.out))


def load_project(paths: Sequence[Path], shard: Shard | None = None) -> Project:
    """Raises InputError with every mistake of the project file and of the library. If there is one,
    it adds the mistakes that each spec has on its own."""
    specs = find_specs(paths, shard)
    try:
        organisation = load_organisation(specs)
        return Project(specs, organisation, load_library(_own_templates(specs, organisation)))
    except InputError as error:
        of_specs = (one for found in each(_mistakes_of_form, specs.files) for one in found)
        raise InputError([*error.mistakes, *of_specs]) from None


def load_organisation(specs: Specs) -> Organisation:
    """The project file above the specs, or the defaults if there is none."""
    if specs.project is None:
        return resolve_project(ProjectSpec(), None)
    document = read_document(specs.project, name_in_messages(specs.project))
    return resolve_project(validate(document, ProjectSpec), document)


def _own_templates(specs: Specs, organisation: Organisation) -> Path | None:
    """The user's own folder of templates. Its path is written as the template engine writes it, so
    that a mistake in one of its files is recognised as the user's."""
    if not organisation.templates:
        return None
    return Path(os.path.normpath(specs.root / organisation.templates))


def _mistakes_of_form(file: Path) -> tuple[Mistake, ...]:
    """The mistakes that a spec has without regard to its project."""
    try:
        validate(read_document(file, name_in_messages(file)), ServiceSpec)
    except InputError as error:
        return error.mistakes
    return ()
