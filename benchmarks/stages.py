"""The stages of a build, measured inside of one process: specs in, seconds by stage out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from opsgen.fleet.build import check_fresh, write_fleet
from opsgen.fleet.load import FleetModel, load_fleet, subject_of
from opsgen.fleet.make import facts, made_of
from opsgen.fleet.project import load_organisation
from opsgen.load.discovery import find_specs
from opsgen.load.documents import validate
from opsgen.load.library import load_library
from opsgen.load.service_spec import ServiceSpec
from opsgen.load.yaml_reader import read_document
from opsgen.model.artifact_kinds import ARTIFACT_KINDS
from opsgen.render.artifacts import function_named
from opsgen.resolve.service import resolve
from opsgen.signals.derive import derive
from opsgen.signals.label_check import flow_mistakes

_T = TypeVar("_T")


class Stopwatch:
    """Seconds by the name of a stage, in the order in which the stages first ran."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def timing(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start

    def timed(self, stage: str, work: Callable[[], _T]) -> _T:
        with self.timing(stage):
            return work()


def stage_seconds(folder: Path, out: Path) -> dict[str, float]:
    """Seconds of every stage of a build of all specs in the folder. Sums of whole stages are marked
    `all:`.

    The stages are timed one by one; then the fleet is loaded, written into an empty folder and
    compared with it, as the command does.
    """
    watch = Stopwatch()
    _load(folder, watch)
    fleet = watch.timed("all: load, resolve, derive, label flow", partial(load_fleet, [folder]))
    _render(fleet, watch)
    watch.timed("all: render and write", lambda: write_fleet(made_of(fleet), out, force=False))
    watch.timed("all: render and compare", lambda: check_fresh(made_of(fleet), out))
    return watch.seconds


def _load(folder: Path, watch: Stopwatch) -> None:
    specs = find_specs([folder])
    organisation = load_organisation(specs)
    library = watch.timed("library", load_library)
    for file in specs.files:
        document = watch.timed("read YAML", partial(read_document, file, str(file)))
        with watch.timing("validate"):
            spec = validate(document, ServiceSpec)
        with watch.timing("resolve"):
            resolved = resolve(spec, document, organisation, library, file.name)
            service = resolved.service
        with watch.timing("derive"):
            derived = derive(service, library)
        with watch.timing("label flow"):
            list(flow_mistakes(service, derived))


def _render(fleet: FleetModel, watch: Stopwatch) -> None:
    kinds = [kind for kind in ARTIFACT_KINDS.values() if kind.of == "service"]
    for model in fleet.services:
        subject = subject_of(model, fleet.project.library)
        for kind in kinds:
            if kind.is_wanted(model.service.platform.targets):
                with watch.timing(f"render {kind.name}"):
                    list(function_named(kind.renderer)(subject))
        with watch.timing("facts for the index"):
            facts(model)
