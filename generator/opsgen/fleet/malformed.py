"""A spec that can't be built goes in; every mistake comes out that does not follow from another.

A spec that has mistakes of form has no model, and a project with mistakes has no organisation or no
library. The parts that are sound are resolved nevertheless, so that their mistakes are told at once
with the others.
"""

from __future__ import annotations

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
_Keys = tuple[str, ...]
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
    if not isinstance(document.value, dict):
        return
    faulty = {_keys(mistake.path) for mistake in of_form}
    spec = _sound_spec(document, faulty | set(_of_unread(document.value, unread)))
    if spec is None:
        return
    judged = _OF_LIBRARY if organisation is None else _OF_LIBRARY | _OF_PROJECT
    known = organisation or resolve_project(ProjectSpec(), None)
    for environment in environments_of(spec):
        found = resolve(spec, document, known, library, document.file, environment)
        yield from (one for one in found.mistakes if _key(one.path) in judged)


def _sound_spec(document: Document, faulty: Set[_Keys]) -> ServiceSpec | None:
    """The spec without its faulty parts, or without the whole keys where the rest of one is not
    valid by itself; None if nothing can be said of it."""
    for paths in (faulty, {path[:1] for path in faulty}):
        sound = {"service": _NAMELESS, **_without(document.value, paths)}
        try:
            root = document.root._replace(value=sound)
            return validate(replace(document, root=root), ServiceSpec)
        except InputError:
            continue
    return None


def _without(value: dict[str, Any], paths: Set[_Keys]) -> dict[str, Any]:
    sound = {}
    for key, below in value.items():
        inner = {path[1:] for path in paths if path[:1] == (key,)}
        if not inner:
            sound[key] = below
        elif () not in inner and isinstance(below, dict):
            sound[key] = _without(below, inner)
    return sound


def _of_unread(spec: dict[str, Any], unread: Set[str]) -> Iterator[_Keys]:
    """The keys of a spec and of its environments that name a pack or convention with mistakes."""
    environments = spec.get("environments")
    below = environments if isinstance(environments, dict) else {}
    places: list[tuple[_Keys, Any]] = [((), spec)]
    places += [(("environments", name), one) for name, one in below.items()]
    for path, keys in places:
        for key in _OF_LIBRARY:
            if isinstance(keys, dict) and not unread.isdisjoint(_names(keys.get(key))):
                yield (*path, key)


def _key(path: str) -> str:
    """The key of the spec that a path is in; in an environment, the key of the environment."""
    keys = _keys(path)
    return "".join(keys[2:3] if keys[:1] == ("environments",) else keys[:1])


def _keys(path: str) -> _Keys:
    """The keys of a path down to the first list: entries keep their places if none is left out."""
    named = path.partition("[")[0]
    return tuple(named.split(".")) if named else ()


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
