"""Finds the specs and their project file, runs load, resolve and derive on each spec, and collects
all mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsgen.errors import InputError, Mistake
from opsgen.fleet.malformed import mistakes_of_sound_keys
from opsgen.fleet.project import Project, load_project
from opsgen.fleet.workers import each
from opsgen.load.discovery import Shard, name_in_messages
from opsgen.load.documents import validate
from opsgen.load.library import Library
from opsgen.load.service_spec import ServiceSpec
from opsgen.load.yaml_reader import Document, read_document
from opsgen.model.artifact import Artifact
from opsgen.model.organisation import Organisation
from opsgen.model.service import Place, Service
from opsgen.model.signal import Derived
from opsgen.model.targets import TARGETS
from opsgen.resolve.environments import environments_of
from opsgen.resolve.mistakes import suggest
from opsgen.resolve.policies import default_policy
from opsgen.resolve.service import resolve
from opsgen.resolve.sound import Resolved
from opsgen.signals.derive import derive, possible_alerts
from opsgen.signals.label_check import flow_mistakes, unsendable_alerts

if TYPE_CHECKING:
    from opsgen.render.subjects import OfService


@dataclass(frozen=True)
class ServiceModel:
    """One service after load, resolve and derive."""

    service: Service
    derived: Derived
    document: Document

    @property
    def place(self) -> tuple[str, int, int]:
        """The file, line and column of the service's name; for an environment other than the
        first, those of the environment."""
        if self.service.name != self.service.spec_name:
            return self.document.file, *self.document.position(
                ("environments", self.service.environment), "key"
            )
        return self.document.file, *self.document.position(("service",), "value")

    @property
    def warnings(self) -> Iterator[str]:
        yield from self.service.warnings
        yield from (f"{self.document.file}: {note}" for note in self.derived.warnings)


@dataclass(frozen=True)
class FleetModel:
    """All services of one project, sorted by name."""

    project: Project
    services: tuple[ServiceModel, ...]

    @property
    def warnings(self) -> Iterator[str]:
        yield from self.project.organisation.warnings
        for model in self.services:
            yield from model.warnings


def load_fleet(
    paths: Sequence[Path],
    progress: Callable[[Iterable[Path]], Iterable[Path]] = iter,
    shard: Shard | None = None,
) -> FleetModel:
    """Loads every service at or below the paths; raises InputError with every mistake of every
    file."""
    project = load_project(paths, shard)
    files = project.specs.files
    loaded = each(lambda file: _loaded(file, project), files)
    found = [one for _, some in zip(progress(files), loaded, strict=True) for one in some]
    services = [one for one in found if isinstance(one, ServiceModel)]
    services.sort(key=lambda model: model.service.name)
    mistakes = [one for one in found if isinstance(one, Mistake)]
    mistakes += doubles((model.service.name, model.place) for model in services)
    if mistakes:
        raise InputError(mistakes)
    return FleetModel(project, tuple(services))


def render_service(model: ServiceModel, library: Library) -> list[Artifact]:
    """Every artifact of one service. Imports the renderers only now: most commands need none."""
    from opsgen.render.artifacts import service_artifacts

    return service_artifacts(subject_of(model, library))


def subject_of(model: ServiceModel, library: Library) -> OfService:
    """What renderers receive for one service."""
    from opsgen.render.subjects import OfService

    return OfService(model.service, model.derived, Place(*model.place), library.folders)


def _loaded(file: Path, project: Project) -> tuple[ServiceModel, ...] | tuple[Mistake, ...]:
    try:
        return tuple(load_services(file, project))
    except InputError as error:
        return tuple(error.mistakes)


def load_services(file: Path, project: Project) -> list[ServiceModel]:
    """The services of a spec: one for each environment, in the spec's order. Raises InputError with
    every mistake."""
    document = read_document(file, name_in_messages(file))
    name = project.specs.name_in_outputs(file)
    organisation, library = project.organisation, project.library
    try:
        spec = validate(document, ServiceSpec)
    except InputError as error:
        sound = mistakes_of_sound_keys(document, error.mistakes, organisation, library)
        raise InputError([*error.mistakes, *sound]) from None
    found: list[ServiceModel] = []
    mistakes: list[Mistake] = []
    for environment in environments_of(spec):
        one = resolve(spec, document, organisation, library, name, environment)
        derived = _derived(one, library)
        mistakes += _mistakes(one, derived, organisation, document)
        found.append(ServiceModel(one.service, derived, document))
    if mistakes:
        raise InputError(mistakes)
    return found


def _derived(resolved: Resolved, library: Library) -> Derived:
    may_come: Set[str] = frozenset()
    if resolved.lacks_alerts:
        may_come = possible_alerts(library, resolved.left_out)
    return derive(resolved.service, library, may_come)


def _mistakes(
    resolved: Resolved, derived: Derived, organisation: Organisation, document: Document
) -> Iterator[Mistake]:
    """What every stage has against a service. Where an earlier one has something against it, what
    may follow from that alone is not told."""
    service = resolved.service
    yield from resolved.mistakes
    yield from _beyond_targets(service, document)
    yield from derived.mistakes
    yield from flow_mistakes(service, derived)
    yield from unsendable_alerts(service, derived, organisation.platform.alertmanager)
    if not derived.alerts and not resolved.lacks_alerts:
        wrong = "this spec makes no alert"
        right = "leave an alert on, or write slos or uptime"
        yield Mistake(document.file, 1, 1, "", wrong, right)
    if not resolved.lacks_policies:
        yield from _unheard_pages(service, derived, organisation, document)


def _beyond_targets(service: Service, document: Document) -> Iterator[Mistake]:
    """What a target cannot express; reported at the service's name."""
    from opsgen.render.artifacts import refusals

    place = (document.file, *document.position(("service",)), "service")
    for name in service.platform.targets:
        if service.name == TARGETS[name].folder:
            wrong = f"the target {name} writes a folder of this name"
            yield Mistake(*place, wrong, "give the service another name")
    for name, wrong in refusals(service):
        yield Mistake(*place, wrong, f"remove it, or leave {name} out of targets")


def _unheard_pages(
    service: Service, derived: Derived, organisation: Organisation, document: Document
) -> Iterator[Mistake]:
    """If the project has policies, pages that notify nobody are a mistake. Without policies there
    is a warning instead, made elsewhere."""
    pages = sorted({alert.name for alert in derived.alerts if alert.severity == "page"})
    has_policy = service.team.policies["page"] != default_policy()
    if has_policy or not pages or not organisation.policies:
        return
    line, column = document.position(("service",), "value")
    names, team = ", ".join(pages), service.team.name
    wrong = f"its pages ({names}) notify nobody: team {team} has no policy for them"
    known = suggest("", organisation.policies, "policies")
    right = f"write escalation: {{page: ...}} there or here; {known}"
    yield Mistake(document.file, line, column, "service", wrong, right)


def doubles(services: Iterable[tuple[str, tuple[str, int, int]]]) -> Iterator[Mistake]:
    """A mistake for each service that has a second spec: both would write the same files. Takes
    the names with their places."""
    first: dict[str, str] = {}
    for name, (file, line, column) in services:
        if name in first:
            wrong = f"the service {name} already has a spec: {first[name]}"
            yield Mistake(file, line, column, "service", wrong, "give one of them another name")
        first.setdefault(name, file)
