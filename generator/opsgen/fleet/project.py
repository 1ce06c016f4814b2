"""The paths of a command go in; the project comes out: its specs, and what all of them share."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from opsgen.errors import InputError, Mistake
from opsgen.fleet.malformed import mistakes_of_spec
from opsgen.fleet.pack_versions import newer_packs
from opsgen.fleet.workers import each
from opsgen.load.discovery import Shard, Specs, find_specs, name_in_messages
from opsgen.load.documents import validate
from opsgen.load.library import Library, load_library, read_library
from opsgen.load.project_spec import ProjectSpec
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
    it adds those of each spec that do not follow from it."""
    specs = find_specs(paths, shard)
    try:
        organisation = load_organisation(specs)
        library = load_library(_own_templates(specs, organisation.templates))
        if too_new := list(newer_packs(library, organisation.platform.prometheus)):
            raise InputError(too_new)
    except InputError as error:
        raise InputError([*error.mistakes, *_further_mistakes(specs)]) from None
    return Project(specs, organisation, library)


def load_organisation(specs: Specs) -> Organisation:
    """The project file above the specs, or the defaults if there is none."""
    if specs.project is None:
        return resolve_project(ProjectSpec(), None)
    document = read_document(specs.project, name_in_messages(specs.project))
    return resolve_project(validate(document, ProjectSpec), document)


def _own_templates(specs: Specs, templates: str | None) -> Path | None:
    """The user's own folder of templates. Its path is written as the template engine writes it, so
    that a mistake in one of its files is recognised as the user's."""
    if not templates:
        return None
    path = Path(os.path.normpath(specs.root / templates))
    return Path(name_in_messages(path))


def _further_mistakes(specs: Specs) -> Iterator[Mistake]:
    """The mistakes of the library and of the specs in a project that can't be loaded."""
    organisation = None
    with suppress(InputError):  # its mistakes are told already
        organisation = load_organisation(specs)
    library, unread = None, frozenset[str]()
    try:
        read = read_library(_own_templates(specs, _written_templates(specs)))
        yield from read.mistakes
        library, unread = read.library, read.unread
    except InputError as error:
        yield from error.mistakes
    of_specs = each(lambda file: mistakes_of_spec(file, organisation, library, unread), specs.files)
    yield from (mistake for found in of_specs for mistake in found)


def _written_templates(specs: Specs) -> str | None:
    """The `templates` of a project file that may have mistakes elsewhere. Raises InputError if they
    can't be told."""
    if specs.project is None:
        return None
    document = read_document(specs.project, name_in_messages(specs.project))
    try:
        return validate(document, ProjectSpec).templates
    except InputError as error:
        is_faulty = any(mistake.path.startswith("templates") for mistake in error.mistakes)
        if is_faulty or not isinstance(document.value, dict):
            raise
        return document.value.get("templates")
