"""Builds each spec's artifacts, from the cache where nothing changed; keeps in memory only what the
fleet's files need.

A spec whose inputs did not change is not even parsed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from opsgen.errors import InputError, Mistake
from opsgen.fleet.cache import MEANWHILE, Cache, Entry, Made
from opsgen.fleet.load import (
    FleetModel,
    ServiceModel,
    doubles,
    load_services,
    render_service,
)
from opsgen.fleet.project import Project, load_project
from opsgen.fleet.workers import each
from opsgen.load.discovery import Shard
from opsgen.load.library import Library
from opsgen.model.artifact import Wanted
from opsgen.output.disk import WriteError

_T = TypeVar("_T")

# Mimir's default.
_MOST_GROUPS_OF_TENANT = 70


@dataclass(frozen=True)
class MadeFleet:
    """The artifacts of every service, sorted by name. With `keep_going` also the mistakes of the
    specs that were left out, and the names of these specs in outputs."""

    project: Project
    services: tuple[Made, ...]
    mistakes: tuple[Mistake, ...] = ()
    left_out: frozenset[str] = frozenset()

    @property
    def warnings(self) -> Iterator[str]:
        yield from self.project.organisation.warnings
        for made in self.services:
            yield from made.warnings
        groups = sum(made.facts.get("rule_groups", 0) for made in self.services)
        if groups > _MOST_GROUPS_OF_TENANT:
            yield (
                f"{self.project.organisation.file}: these are {groups} rule groups,"
                " and Mimir allows"
                f" {_MOST_GROUPS_OF_TENANT} for a tenant unless its"
                " ruler_max_rule_groups_per_tenant says otherwise"
            )

    @property
    def not_yet(self) -> Iterator[str]:
        organisation = self.project.organisation
        yield from (f"{organisation.file}: {field}" for field in organisation.not_yet)
        # Environments of one spec repeat the same lines.
        yield from dict.fromkeys(
            f"{made.place[0]}: {field}" for made in self.services for field in made.not_yet
        )


def make_fleet(
    paths: Sequence[Path],
    progress: Callable[[Iterable[Path]], Iterable[Path]] = iter,
    keep_going: bool = False,
    shard: Shard | None = None,
) -> MadeFleet:
    """Makes the artifacts of every spec at or below the paths; raises InputError with every mistake
    of every file.

    With `keep_going` it leaves out specs with mistakes, unless all specs have mistakes.
    """
    project = load_project(paths, shard)
    specs = project.specs
    maker = _Maker(project, Cache.of(specs, project.own_templates))
    services: list[Made] = []
    refused: dict[Path, _Refused] = {}
    for file, found in zip(progress(specs.files), each(maker.make, specs.files), strict=True):
        if isinstance(found, _Refused):
            refused[file] = found
        else:
            services += maker.services_in(found, file)
    mistakes = _mistakes_of(refused.values())
    _refuse(mistakes, services, keep_going)
    left_out = frozenset(specs.name_in_outputs(file) for file in refused)
    return MadeFleet(project, _by_name(services), mistakes, left_out)


def _refuse(mistakes: Sequence[Mistake], services: Sequence[Made], keep_going: bool) -> None:
    """Raises InputError, unless `keep_going` allows to leave out the specs with mistakes."""
    twice = list(doubles((made.name, made.place) for made in services))
    may_go_on = keep_going and services
    if twice or (mistakes and not may_go_on):
        raise InputError([*mistakes, *twice])


def _by_name(services: Iterable[Made]) -> tuple[Made, ...]:
    return tuple(sorted(services, key=lambda made: made.name))


def made_of(fleet: FleetModel) -> MadeFleet:
    """Makes the artifacts of a fleet that is already loaded; raises InputError with every mistake
    that rendering finds."""

    def make(model: ServiceModel) -> Made | _Refused:
        return _or_refused(lambda: _made(model, fleet.project.library))

    services = _all_or_refused(each(make, fleet.services))
    return MadeFleet(fleet.project, tuple(services))


def facts(model: ServiceModel) -> dict[str, Any]:
    """What the fleet's files need to know about a service; its manifest stores it."""
    from opsgen.render.artifacts import target_facts
    from opsgen.render.subjects import entry_of

    service, derived = model.service, model.derived
    index = entry_of(service, derived).to_json()
    return {"spec": service.spec_file, "index": index, **target_facts(service, derived)}


@dataclass(frozen=True)
class _Refused:
    """The mistakes of a spec. A worker returns them: an exception would stop the other workers."""

    mistakes: tuple[Mistake, ...]


def _or_refused(make: Callable[[], _T]) -> _T | _Refused:
    try:
        return make()
    except InputError as error:
        return _Refused(error.mistakes)


def _mistakes_of(refused: Iterable[_Refused]) -> tuple[Mistake, ...]:
    return tuple(mistake for one in refused for mistake in one.mistakes)


def _all_or_refused(found: Iterable[Made | _Refused]) -> list[Made]:
    """Raises InputError with every mistake, if there is one."""
    listed = list(found)
    mistakes = _mistakes_of(one for one in listed if isinstance(one, _Refused))
    if mistakes:
        raise InputError(mistakes)
    return [one for one in listed if isinstance(one, Made)]


def _made(model: ServiceModel, library: Library) -> Made:
    """Raises InputError if rendering finds a mistake."""
    from opsgen.render.escalation import escalation

    service = model.service
    return Made(
        name=service.name,
        place=model.place,
        warnings=tuple(model.warnings),
        not_yet=tuple(service.not_yet),
        facts=facts(model),
        fragment=json.dumps(escalation(service), separators=(",", ":")),
        artifacts=tuple(render_service(model, library)),
    )


# -- the cache -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Maker:
    """Makes the artifacts of one spec, or finds them in the cache."""

    project: Project
    cache: Cache | None

    def make(self, file: Path) -> Entry | list[Made] | _Refused:
        """The services of a spec, one for each environment."""
        return _or_refused(lambda: self._known(file))

    def services_in(self, found: Entry | list[Made], file: Path) -> Iterable[Made]:
        """The services that `make` gave. Texts that the cache loses are made again."""
        if isinstance(found, Entry):
            return found.made(partial(self.remake, file))
        return found

    def remake(self, file: Path) -> list[Wanted]:
        """Makes the artifacts again after the cache has lost their texts; raises WriteError if the
        spec now has a mistake."""
        made = _or_refused(lambda: self._make(file))
        if isinstance(made, _Refused):
            raise WriteError(str(file), MEANWHILE)
        return [artifact for one in made for artifact in one.artifacts]

    def _known(self, file: Path) -> Entry | list[Made]:
        if self.cache is None:
            return self._make(file)
        try:
            place, key = self.cache.key(file, self.project.specs.name_in_outputs(file))
        except OSError:
            return self._make(file)  # which says what is wrong with the file
        known = Entry.read(place, key)
        if known is not None:
            return known
        made = self._make(file)
        return Entry.write(place, key, made) or made

    def _make(self, file: Path) -> list[Made]:
        """Raises InputError with every mistake of every environment."""
        library = self.project.library
        models = load_services(file, self.project)
        return _all_or_refused(_or_refused(partial(_made, model, library)) for model in models)
