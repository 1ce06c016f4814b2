"""Subjects in, artifacts out: calls the renderer of each row of the table of kinds, and what the
rows of the table of targets name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cache
from importlib import import_module
from typing import Any

from opsgen.model.artifact import Artifact
from opsgen.model.artifact_kinds import ARTIFACT_KINDS
from opsgen.model.service import Service
from opsgen.model.signal import Derived
from opsgen.model.targets import TARGETS, Target
from opsgen.render.subjects import OfFleet, OfService


def service_artifacts(subject: OfService) -> list[Artifact]:
    """Every artifact of one service, in the order of the table; raises InputError where a target
    can't take one."""
    targets = subject.service.platform.targets
    return [
        artifact
        for kind in ARTIFACT_KINDS.values()
        if kind.of == "service" and _is_wanted(kind.target, targets)
        for artifact in function_named(kind.renderer)(subject)
    ]


def fleet_artifacts(subject: OfFleet) -> Iterator[Artifact]:
    """Every artifact of the fleet itself, in the order of the table."""
    targets = subject.organisation.platform.targets
    for kind in ARTIFACT_KINDS.values():
        if kind.of == "fleet" and _is_wanted(kind.target, targets):
            yield from function_named(kind.renderer)(subject)


def refusals(service: Service) -> Iterator[tuple[str, str]]:
    """What the service's targets can't say of it, with the name of the target."""
    for target in _targets_of(service):
        if target.refuses:
            found: Iterable[str] = function_named(target.refuses)(service)
            yield from ((target.name, wrong) for wrong in dict.fromkeys(found))


def target_facts(service: Service, derived: Derived) -> dict[str, Any]:
    """What the targets' files for the fleet need to know of a service."""
    facts: dict[str, Any] = {}
    for target in _targets_of(service):
        if target.facts:
            facts |= function_named(target.facts)(service, derived)
    return facts


def _targets_of(service: Service) -> list[Target]:
    return [row for name, row in TARGETS.items() if name in service.platform.targets]


@cache
def function_named(name: str) -> Callable[..., Any]:
    """The function that a row names as `module:function`, below opsgen.render."""
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(import_module(f"opsgen.render.{module}"), function)
    return found


def _is_wanted(target: str, targets: Collection[str]) -> bool:
    """Plain files are always written, whatever else is."""
    return target == "files" or target in targets
