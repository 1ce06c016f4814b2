"""Spec files in, what is made of each out, one spec at a time: nothing of a fleet is held but what
its own files need.

What was made of a spec is kept in the user's cache, under all that it depends on: the spec, the
project file, the user's templates, and this opsgen. A spec whose inputs are as they were is not
even parsed.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from opsgen.errors import InputError, Mistake
from opsgen.fleet import inputs
from opsgen.fleet.load import (
    FleetModel,
    ServiceModel,
    doubles,
    load_organisation,
    load_services,
    out_folder,
    own_templates_of,
    render_service,
)
from opsgen.fleet.workers import each
from opsgen.load.discovery import Shard, Specs, find_specs, shown
from opsgen.load.library import Library, load_library
from opsgen.model.artifact import ArtifactSet, Wanted, digest
from opsgen.output.disk import WriteError
from opsgen.output.plan import FolderContent
from opsgen.resolve.project import Organisation

_T = TypeVar("_T")

_FORM = 1
FRAGMENT = "escalation.yaml"
# Mimir's default.
_MOST_GROUPS_OF_TENANT = 70
# Its texts are a few percent of their size already at the fastest level.
_COMPRESSION = 1
_MEANWHILE = "this was changed while opsgen was building; build again"


@dataclass(frozen=True)
class Made:
    """What is made of one spec. `facts` are what the manifest keeps of it, `fragment` is its part
    of the Alertmanager configuration as JSON, `place` the file, line and column of its name."""

    name: str
    place: tuple[str, int, int]
    warnings: tuple[str, ...]
    not_yet: tuple[str, ...]
    facts: Mapping[str, Any]
    fragment: str
    artifacts: tuple[Wanted, ...]

    @property
    def content(self) -> FolderContent:
        return FolderContent(ArtifactSet(self.artifacts), self.facts)


@dataclass(frozen=True)
class MadeFleet:
    """What is made of every spec, by name. With `keep_going` also the mistakes in the specs that
    were left out, and their names in outputs."""

    specs: Specs
    organisation: Organisation
    own_templates: Path | None
    services: tuple[Made, ...]
    mistakes: tuple[Mistake, ...] = ()
    left_out: frozenset[str] = frozenset()

    @property
    def warnings(self) -> Iterator[str]:
        for made in self.services:
            yield from made.warnings
        groups = sum(made.facts.get("rule_groups", 0) for made in self.services)
        if groups > _MOST_GROUPS_OF_TENANT:
            yield (
                f"{self.organisation.file}: these are {groups} groups of rules, and a tenant of"
                f" Mimir has {_MOST_GROUPS_OF_TENANT}, unless its ruler_max_rule_groups_per_tenant"
                " says otherwise"
            )

    @property
    def not_yet(self) -> Iterator[str]:
        yield from (f"{self.organisation.file}: {field}" for field in self.organisation.not_yet)
        # Of every environment of a spec once.
        yield from dict.fromkeys(
            f"{made.place[0]}: {field}" for made in self.services for field in made.not_yet
        )

    def out(self, given: Path | None) -> Path:
        return out_folder(self.specs, self.organisation, given)


def make_fleet(
    paths: Sequence[Path],
    progress: Callable[[Iterable[Path]], Iterable[Path]] = iter,
    keep_going: bool = False,
    shard: Shard | None = None,
) -> MadeFleet:
    """Everything for every spec at or below the paths; raises InputError with every mistake of
    every file.

    With `keep_going` a spec that is wrong is left out instead, as long as there is another.
    """
    specs = find_specs(paths, shard)
    organisation = load_organisation(specs)
    own_templates = own_templates_of(specs, organisation)
    maker = _Maker(
        specs, organisation, load_library(own_templates), _Cache.of(specs, own_templates)
    )
    services: list[Made] = []
    mistakes: list[Mistake] = []
    left_out: list[str] = []
    for file, found in zip(progress(specs.files), each(maker.make, specs.files), strict=True):
        if isinstance(found, _Refused):
            mistakes += found.mistakes
            left_out.append(specs.name_in_outputs(file))
        else:
            services += (
                found.made(partial(maker.remake, file)) if isinstance(found, _Entry) else found
            )
    twice = list(doubles((made.name, made.place) for made in services))
    if twice or (mistakes and not (keep_going and services)):
        raise InputError([*mistakes, *twice])
    in_order = tuple(sorted(services, key=lambda made: made.name))
    return MadeFleet(
        specs, organisation, own_templates, in_order, tuple(mistakes), frozenset(left_out)
    )


def made_of(fleet: FleetModel) -> MadeFleet:
    """The same of a fleet that is loaded already; raises InputError with every mistake that
    rendering finds."""
    services: list[Made] = []
    mistakes: list[Mistake] = []
    for found in each(
        lambda model: _or_refused(lambda: _made(model, fleet.library)), fleet.services
    ):
        if isinstance(found, _Refused):
            mistakes += found.mistakes
        else:
            services.append(found)
    if mistakes:
        raise InputError(mistakes)
    return MadeFleet(fleet.specs, fleet.organisation, fleet.own_templates, tuple(services))


def facts(model: ServiceModel) -> dict[str, Any]:
    """What the fleet's files need to know of a service, as its manifest keeps it."""
    from opsgen.render.index import index_entry

    service = model.service
    known: dict[str, Any] = {
        "spec": service.spec_file,
        "index": index_entry(service, model.derived).to_json(),
    }
    if "mimir" in service.platform.targets:
        from opsgen.render.rules import rule_groups

        known["rule_groups"] = sum(1 for _ in rule_groups(service, model.derived))
    if "terraform" in service.platform.targets:
        from opsgen.render.terraform.module import handed_over

        handed = handed_over(service)
        known |= {"handed_over": handed} if handed else {}
    return known


@dataclass(frozen=True)
class _Refused:
    """What is wrong with a spec, as a worker sends it: an exception would end the others too."""

    mistakes: tuple[Mistake, ...]


def _or_refused(make: Callable[[], _T]) -> _T | _Refused:
    try:
        return make()
    except InputError as error:
        return _Refused(error.mistakes)


def _made(model: ServiceModel, library: Library) -> Made:
    """Raises InputError where rendering finds what is wrong."""
    from opsgen.render.alertmanager import escalation

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


# -- what was made before --------------------------------------------------------------------------


@dataclass(frozen=True)
class _Maker:
    """Makes one spec, or finds what was made of it."""

    specs: Specs
    organisation: Organisation
    library: Library
    cache: _Cache | None

    def make(self, file: Path) -> _Entry | list[Made] | _Refused:
        """The service of a spec in each of its environments."""
        return _or_refused(lambda: self._known(file))

    def remake(self, file: Path) -> list[Wanted]:
        """Where what was kept is there no more; raises WriteError where the spec is no longer what
        it was."""
        made = _or_refused(lambda: self._make(file))
        if isinstance(made, _Refused):
            raise WriteError(str(file), _MEANWHILE)
        return [artifact for one in made for artifact in one.artifacts]

    def _known(self, file: Path) -> _Entry | list[Made]:
        if self.cache is None:
            return self._make(file)
        try:
            place, key = self.cache.key(file, self.specs.name_in_outputs(file))
        except OSError:
            return self._make(file)  # which says what is wrong with the file
        known = _Entry.read(place, key)
        if known is not None:
            return known
        made = self._make(file)
        return _Entry.write(place, key, made) or made

    def _make(self, file: Path) -> list[Made]:
        """Raises InputError with every mistake of every environment."""
        models = load_services(file, self.specs, self.organisation, self.library)
        found = [_or_refused(partial(_made, model, self.library)) for model in models]
        mistakes = [
            mistake for one in found if isinstance(one, _Refused) for mistake in one.mistakes
        ]
        if mistakes:
            raise InputError(mistakes)
        return [one for one in found if isinstance(one, Made)]


@dataclass(frozen=True)
class _Cache:
    """What was made of specs, a file each. `common` stands for all that they depend on together."""

    folder: Path
    common: str

    @classmethod
    def of(cls, specs: Specs, own_templates: Path | None) -> _Cache | None:
        folder = inputs.cache()
        if folder is None:
            return None
        try:
            project = specs.project.read_bytes() if specs.project else b""
            own = inputs.templates(own_templates)
        except OSError:
            return None
        return cls(folder / "specs", inputs.digest([inputs.program(), project, own.encode()]))

    def key(self, file: Path, name: str) -> tuple[Path, str]:
        """Where it is kept, by the file's path, so that one version of each is; and all that it
        depends on."""
        place = inputs.digest([str(file.resolve()).encode()])[:32]
        parts = (self.common.encode(), name.encode(), shown(file).encode(), file.read_bytes())
        return self.folder / place, inputs.digest(parts)


@dataclass(frozen=True)
class _Entry:
    """One file of the cache: a line of JSON with all but the texts, and the texts, compressed."""

    place: Path
    header: Mapping[str, Any]

    @classmethod
    def read(cls, place: Path, key: str) -> _Entry | None:
        """None where it is not there, spoilt, or of other inputs."""
        try:
            with place.open("rb") as file:
                header = json.loads(file.readline())
                whole = os.fstat(file.fileno()).st_size == file.tell() + header["size"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return (
            cls(place, header)
            if whole and header.get("form") == _FORM and header.get("key") == key
            else None
        )

    @classmethod
    def write(cls, place: Path, key: str, made: Sequence[Made]) -> _Entry | None:
        """None where it can't be kept."""
        contents = [artifact.content for one in made for artifact in one.artifacts]
        texts = zlib.compress(json.dumps(contents).encode(), _COMPRESSION)
        header = {
            "form": _FORM,
            "key": key,
            "size": len(texts),
            "made": [
                (
                    *(one.name, one.place, one.warnings, one.not_yet, one.facts, one.fragment),
                    [
                        (artifact.path, artifact.shared, artifact.digest)
                        for artifact in one.artifacts
                    ],
                )
                for one in made
            ],
        }
        with suppress(OSError):
            inputs.replace_file(place, json.dumps(header).encode() + b"\n" + texts)
            return cls(place, header)
        return None

    def made(self, remake: Callable[[], list[Wanted]]) -> Iterator[Made]:
        made = self.header["made"]
        texts = _Texts(self.place, [own for *_, listed in made for _, _, own in listed], remake)
        start = 0
        for name, (file, line, column), warnings, not_yet, known, fragment, listed in made:
            kept = tuple(
                _Kept(path, shared, own, texts, at)
                for at, (path, shared, own) in enumerate(listed, start)
            )
            start += len(listed)
            yield Made(
                name, (file, line, column), tuple(warnings), tuple(not_yet), known, fragment, kept
            )


@dataclass(frozen=True)
class _Texts:
    """The texts of one entry, read when they are asked for."""

    place: Path
    digests: Sequence[str]
    remake: Callable[[], list[Wanted]]

    def read(self) -> list[str]:
        """Raises WriteError where the spec was changed since, and what was made of it is kept no
        more."""
        with suppress(OSError, ValueError, zlib.error):
            with self.place.open("rb") as file:
                file.readline()
                texts: list[str] = json.loads(zlib.decompress(file.read()))
            if [digest(text.encode()) for text in texts] == self.digests:
                return texts
        texts = [one.content for one in self.remake()]
        if [digest(text.encode()) for text in texts] != self.digests:
            raise WriteError(str(self.place), _MEANWHILE)
        return texts


@dataclass(frozen=True)
class _Kept:
    """An artifact whose text lies in the cache."""

    path: str
    shared: bool
    digest: str
    texts: _Texts
    at: int

    @property
    def content(self) -> str:
        return _LAST.of(self.texts)[self.at]

    @property
    def encoded(self) -> bytes:
        return self.content.encode()


class _LastTexts:
    """The texts of one spec are asked for one after the other: they are read once, and let go of
    with the next's."""

    def __init__(self) -> None:
        self._last: tuple[_Texts, list[str]] | None = None

    def of(self, texts: _Texts) -> list[str]:
        if self._last is None or self._last[0] is not texts:
            self._last = (texts, texts.read())
        return self._last[1]


_LAST = _LastTexts()
