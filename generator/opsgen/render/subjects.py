"""What renderers are given: one service with its signals, or a fleet of services that are known by
what their manifests say."""

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
    """One service. `place` is where the spec says its name; `folders` are those of templates, the
    shipped one first."""

    service: Service
    derived: Derived
    place: Place
    folders: tuple[Path, ...] = (TEMPLATES,)

    @cached_property
    def groups(self) -> Sequence[Mapping[str, Any]]:
        """Its groups of rules as data, in the form of Prometheus' rule files."""
        from opsgen.render.rules import groups_of

        return groups_of(self.service, self.derived)

    @cached_property
    def dashboards(self) -> Sequence[Artifact]:
        """Its dashboards, which more than one target delivers."""
        from opsgen.render.dashboards import dashboards_of

        return dashboards_of(self.service, self.derived)


@dataclass(frozen=True)
class ServiceEntry:
    """One service as the fleet's files know it, in values that plain JSON can hold.

    `dashboard_url` is empty where Grafana's address is unknown; `folder` is the one in Grafana.
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
        """What `to_json` gave, of this release or another: unknown keys are left aside."""
        fields = {key: known[key] for key in cls.__dataclass_fields__ if key in known}
        return cls(**fields | {"objectives": tuple(known["objectives"])})


def entry_of(service: Service, derived: Derived) -> ServiceEntry:
    """What the fleet's files know of a service."""
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

    `fragments` are their parts of the Alertmanager configuration, as loaded. `facts` are what their
    manifests keep, by name. `with_resources` have resources for a cluster.
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
        """The same as data."""
        config: Mapping[str, Any] = yaml.load(self.alertmanager.content, Loader=yaml.CSafeLoader)
        return config

    @cached_property
    def overview(self) -> Artifact:
        """The fleet's dashboard, which more than one target delivers."""
        from opsgen.render.overview import overview_of

        return overview_of(self.entries)
