"""A service or a fleet goes in; its artifacts come out. Calls the renderer of each row in the table
of kinds, and the functions that the rows in the table of targets name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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
    """Every artifact of one service, in the order of the table. Raises InputError where a target
    can't deliver one."""
    targets = subject.service.platform.targets
    return [
        artifact
        for kind in ARTIFACT_KINDS.values()
        if kind.of == "service" and kind.is_wanted(targets)
        for artifact in function_named(kind.renderer)(subject)
    ]


def fleet_artifacts(subject: OfFleet) -> Iterator[Artifact]:
    """Every artifact of the fleet itself, in the order of the table."""
    targets = subject.organisation.platform.targets
    for kind in ARTIFACT_KINDS.values():
        if kind.of == "fleet" and kind.is_wanted(targets):
            yield from function_named(kind.renderer)(subject)


def refusals(service: Service) -> Iterator[tuple[str, str]]:
    """What the service's targets can't express, each with the name of the target."""
    for target in _targets_of(service):
        if target.refuses:
            found: Iterable[str] = function_named(target.refuses)(service)
            yield from ((target.name, wrong) for wrong in dict.fromkeys(found))


def target_facts(service: Service, derived: Derived) -> dict[str, Any]:
    """What the manifest keeps of a service for the targets' files of the fleet."""
    facts: dict[str, Any] = {}
    for target in _targets_of(service):
        if target.facts:
            facts |= function_named(target.facts)(service, derived)
    return facts


def _targets_of(service: Service) -> list[Target]:
    return [row for name, row in TARGETS.items() if name in service.platform.targets]


@cache
def function_named(name: str) -> Callable[..., Any]:
    """The function that a row names as `module:function`, in a module of opsgen.render."""
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(import_module(f"opsgen.render.{module}"), function)
    return found
