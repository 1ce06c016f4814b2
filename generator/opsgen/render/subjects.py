"""What a renderer is given: one service with its signals, or a fleet, whose services are known from
their manifests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from opsgen.load.library import TEMPLATES
from opsgen.model.artifact import Artifact
from opsgen.model.organisation import Organisation
from opsgen.model.service import Place, Service
from opsgen.model.signal import Derived


@dataclass(frozen=True)
class OfService:
    """One service. `place` is where the spec says its name; `folders` are the folders of templates,
    the shipped one first."""

    service: Service
    derived: Derived
    place: Place
    folders: tuple[Path, ...] = (TEMPLATES,)

    @cached_property
    def groups(self) -> Sequence[Mapping[str, Any]]:
        """The service's rule groups as data, in the form of Prometheus' rule files."""
        from opsgen.render.rules import groups_of

        return groups_of(self.service, self.derived)

    @cached_property
    def dashboards(self) -> Sequence[Artifact]:
        """The service's dashboards; more than one target delivers them."""
        from opsgen.render.dashboards import dashboards_of

        return dashboards_of(self.service, self.derived)


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
class OfFleet:
    """All services of a project, built now or before.

    `fragments` are their Alertmanager fragments as data. `facts` are the facts in their manifests,
    by name. `with_resources` names the services that have resources for a cluster.
    """

    organisation: Organisation
    entries: Sequence[ServiceEntry] = ()
    fragments: Sequence[Mapping[str, Any]] = ()
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    with_resources: Sequence[str] = ()

    @cached_property
    def alertmanager(self) -> Artifact:
        """The fleet's Alertmanager configuration."""
        from opsgen.render.alertmanager import united

        organisation = self.organisation
        return united(self.fragments, organisation.catch_all, organisation.watchdog)

    @cached_property
    def alertmanager_config(self) -> Mapping[str, Any]:
        """The fleet's Alertmanager configuration as data."""
        config: Mapping[str, Any] = yaml.load(self.alertmanager.content, Loader=yaml.CSafeLoader)
        return config

    @cached_property
    def overview(self) -> Artifact:
        """The fleet's dashboard; more than one target delivers it."""
        from opsgen.render.overview import overview_of

        return overview_of(self.entries)
