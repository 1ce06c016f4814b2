"""The index: what each service's manifest says of it in, `README.md` out, the page that a person
lands on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from opsgen.load.library import TEMPLATES
from opsgen.model.artifact import Artifact
from opsgen.model.service import Service
from opsgen.model.signal import Derived
from opsgen.render.markdown import Markdown, link
from opsgen.render.templates import render
from opsgen.render.yaml_writer import dump

_TEMPLATE = "index.md.j2"
_LONGEST_DESCRIPTION = 200


@dataclass(frozen=True)
class IndexEntry:
    """One service in the index, as plain JSON can hold it. `dashboard_url` is empty where Grafana's
    address is unknown, `folder` is the one in Grafana."""

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
    def from_json(cls, known: Mapping[str, Any]) -> IndexEntry:
        """What `to_json` gave, of this release or another: unknown keys are left aside."""
        fields = {key: known[key] for key in cls.__dataclass_fields__ if key in known}
        return cls(**fields | {"objectives": tuple(known["objectives"])})


def index_entry(service: Service, derived: Derived) -> IndexEntry:
    """What the index says of a service."""
    return IndexEntry(
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


def render_index(
    entries: Iterable[IndexEntry],
    folders: tuple[Path, ...] = (TEMPLATES,),
    watchdog: bool = False,
    terraform: bool = False,
) -> Artifact:
    """The page; the order of the entries does not matter. `folders` are those of templates, the
    shipped one first; `watchdog` says whether the fleet has rules of its own, `terraform` whether a
    folder of that."""
    ordered = sorted(entries, key=lambda entry: (entry.team, entry.tier, entry.name))
    grafana_folders = {entry.folder for entry in ordered}
    page = render(
        folders,
        _TEMPLATE,
        teams=[
            (team, [tuple(_service_row(entry)) for entry in of_team])
            for team, of_team in groupby(ordered, key=lambda entry: entry.team)
        ],
        objective_rows=list(_objective_rows(ordered)),
        probes=any(entry.probes for entry in ordered),
        watchdog=watchdog,
        terraform=terraform,
        provider=_provider(grafana_folders.pop() if len(grafana_folders) == 1 else ""),
    )
    return Artifact("README.md", page)


def _service_row(entry: IndexEntry) -> Iterator[object]:
    yield _runbook(entry, entry.title)
    yield entry.tier
    yield entry.environment
    yield _shortened(entry.description)
    file = link("file", f"{entry.name}/dashboard.json")
    yield (
        Markdown(f"{link('dashboard', entry.dashboard_url)} ({file})")
        if entry.dashboard_url
        else file
    )
    rules = link("rules", f"{entry.name}/rules.yaml")
    yield Markdown(f"{rules} ({link('tests', f'{entry.name}/rules.test.yaml')})")
    yield link("escalation", f"{entry.name}/escalation.yaml")
    yield entry.alerts


def _objective_rows(entries: Sequence[IndexEntry]) -> Iterator[tuple[object, ...]]:
    for entry in entries:
        for objective in entry.objectives:
            yield _runbook(entry, entry.title), objective


def _runbook(entry: IndexEntry, label: str) -> Markdown:
    return link(label, f"{entry.name}/runbook.md")


def _shortened(description: str) -> str:
    """As much as fits a cell; the runbook has all of it."""
    flat = " ".join(description.split())
    if len(flat) <= _LONGEST_DESCRIPTION:
        return flat
    return f"{flat[:_LONGEST_DESCRIPTION].rpartition(' ')[0] or flat[:_LONGEST_DESCRIPTION]} …"


def _provider(folder: str) -> str:
    """Grafana's file of dashboard providers."""
    provider = {
        "name": "opsgen",
        "folder": folder,
        "type": "file",
        "options": {"path": "/var/lib/grafana/dashboards"},
    }
    return dump({"apiVersion": 1, "providers": [provider]})
