"""What a renderer is given: one service with its signals, or a fleet, whose services are known from
their manifests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

from opsgen.load.library import TEMPLATES
from opsgen.model.organisation import Organisation
from opsgen.model.service import Place, Service
from opsgen.model.signal import Derived

_T = TypeVar("_T")


class _Subject:
    """What several renderers need of one subject is made once."""

    @cached_property
    def _made(self) -> dict[Callable[..., object], Any]:
        return {}

    def once(self, make: Callable[[Self], _T]) -> _T:
        """What `make` gives for this subject; the same value each time."""
        if make not in self._made:
            self._made[make] = make(self)
        made: _T = self._made[make]
        return made


@dataclass(frozen=True)
class OfService(_Subject):
    """One service. `place` is where the spec says its name; `folders` are the folders of templates,
    the shipped one first."""

    service: Service
    derived: Derived
    place: Place
    folders: tuple[Path, ...] = (TEMPLATES,)


@dataclass(frozen=True)
class ServiceEntry:
    """What the fleet's files say of one service, in values that JSON can hold.

    `dashboard_url` is empty where Grafana's address is unknown; `folder` is its folder in Grafana.
    """

    name: str
    title: str
    description: str
    team: str
    tier: int
    alerts: int
    objectives: tuple[str, ...]
    probes: bool
    environment: str = ""
    dashboard_url: str = ""
    folder: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"objectives": list(self.objectives)}

    @classmethod
    def from_json(cls, known: Mapping[str, Any]) -> ServiceEntry:
        """The entry that `to_json` wrote, in this release or another; unknown keys are ignored."""
        fields = {key: known[key] for key in cls.__dataclass_fields__ if key in known}
        return cls(**fields | {"objectives": tuple(known["objectives"])})


def entry_of(service: Service, derived: Derived) -> ServiceEntry:
    """The service's entry in the files of the fleet."""
    return ServiceEntry(
        name=service.name,
        title=service.title,
        description=service.description,
        team=service.team.name,
        tier=service.tier,
        alerts=len(derived.alerts),
        objectives=tuple(
            f"{slo.title or slo.name}: {slo.objective} over {slo.window.in_words}"
            for slo in service.slos
        ),
        probes=bool(service.probes),
        environment=service.environment,
        dashboard_url=service.dashboard_url,
        folder=service.folder,
    )


@dataclass(frozen=True)
class OfFleet(_Subject):
    """All services of a project, built now or before.

    `fragments` are their Alertmanager fragments as data. `facts` are the facts in their manifests,
    by name. `with_resources` names the services that have resources for a cluster.
    """

    organisation: Organisation
    entries: Sequence[ServiceEntry] = ()
    fragments: Sequence[Mapping[str, Any]] = ()
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    with_resources: Sequence[str] = ()
