"""A spec that can't be built goes in; every mistake comes out that does not follow from another.

A spec that has mistakes of form has no model, and a project with mistakes has no organisation or no
library. The parts that are sound are resolved nevertheless, so that their mistakes are told at once
with the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import replace
from pathlib import Path
from typing import Any

from opsgen.errors import InputError, Mistake
from opsgen.load.discovery import name_in_messages
from opsgen.load.documents import validate
from opsgen.load.library import Library
from opsgen.load.project_spec import ProjectSpec
from opsgen.load.service_spec import ServiceSpec
from opsgen.load.yaml_reader import Document, read_document
from opsgen.model.organisation import Organisation
from opsgen.resolve.environments import environments_of
from opsgen.resolve.project import resolve_project
from opsgen.resolve.service import resolve

# Keys whose values are checked against the library, and against the project file. What is wrong
# with one of them does not depend on the spec's other keys.
_OF_LIBRARY = frozenset({"convention", "runtime", "process", "dependencies"})
_OF_PROJECT = frozenset({"match", "uptime", "business", "team", "escalation"})
_NAMELESS = "service"  # stands for a name that is missing, or not valid


def mistakes_of_spec(
    file: Path,
    organisation: Organisation | None,
    library: Library | None,
    unread: Set[str] = frozenset(),
) -> tuple[Mistake, ...]:
    """The mistakes of a spec's form, and those of its sound keys. The organisation and the library
    are None if they have mistakes and are not known; `unread` are the names of the packs and
    conventions that have one."""
    try:
        document = read_document(file, name_in_messages(file))
    except InputError as error:
        return error.mistakes
    of_form: tuple[Mistake, ...] = ()
    try:
        validate(document, ServiceSpec)
    except InputError as error:
        of_form = error.mistakes
    if library is None:
        return of_form
    return (*of_form, *mistakes_of_sound_keys(document, of_form, organisation, library, unread))


def mistakes_of_sound_keys(
    document: Document,
    of_form: tuple[Mistake, ...],
    organisation: Organisation | None,
    library: Library,
    unread: Set[str] = frozenset(),
) -> Iterator[Mistake]:
    """The mistakes of keys that have no mistake of form, and name nothing that could not be
    read."""
    faulty = {_first(mistake.path) for mistake in of_form}
    judged = _OF_LIBRARY if organisation is None else _OF_LIBRARY | _OF_PROJECT
    spec = _sound_spec(document, faulty, unread)
    if spec is None:
        return
    known = organisation or resolve_project(ProjectSpec(), None)
    for environment in environments_of(spec):
        found = resolve(spec, document, known, library, document.file, environment)
        yield from (one for one in found.mistakes if _key(one.path) in judged)


def _sound_spec(document: Document, faulty: Set[str], unread: Set[str]) -> ServiceSpec | None:
    """The spec without its faulty keys; None if nothing can be said of it."""
    if not isinstance(document.value, dict):
        return None
    sound = {
        key: value
        for key, value in document.value.items()
        if key not in faulty and not (key in _OF_LIBRARY and unread & set(_names(value)))
    }
    sound.setdefault("service", _NAMELESS)
    try:
        return validate(replace(document, root=document.root._replace(value=sound)), ServiceSpec)
    except InputError:
        return None


def _key(path: str) -> str:
    """The key of the spec that a path is in; in an environment, the key of the environment."""
    return _first(re.sub(r"^environments\.[^.]+\.", "", path))


def _first(path: str) -> str:
    return re.split(r"[.\[]", path, maxsplit=1)[0]


def _names(value: Any) -> Iterator[str]:
    """Every text in a value, keys too."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield key
            yield from _names(below)
    elif isinstance(value, list):
        for below in value:
            yield from _names(below)
    elif isinstance(value, str):
        yield value
