"""The entries of all services, from their manifests, go in; `README.md`, the first page of the
output, comes out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from opsgen.load.library import TEMPLATES
from opsgen.model.artifact import Artifact
from opsgen.model.artifact_kinds import (
    DASHBOARD,
    ESCALATION,
    INDEX,
    PROOF,
    RULES,
    RUNBOOK,
    TERRAFORM,
    file_names,
)
from opsgen.render.markdown import Markdown, link
from opsgen.render.subjects import OfFleet, ServiceEntry
from opsgen.render.templates import render_template
from opsgen.render.yaml_writer import dump

_TEMPLATE = "index.md.j2"
_LONGEST_DESCRIPTION = 200


def render_index(subject: OfFleet) -> Iterator[Artifact]:
    """The page; the order of the entries does not matter."""
    ordered = sorted(subject.entries, key=lambda entry: (entry.team, entry.tier, entry.name))
    grafana_folders = {entry.folder for entry in ordered}
    page = render_template(
        (TEMPLATES,),
        _TEMPLATE,
        teams=[
            (team, [tuple(_service_row(entry)) for entry in of_team])
            for team, of_team in groupby(ordered, key=lambda entry: entry.team)
        ],
        objective_rows=list(_objective_rows(ordered)),
        probes=any(entry.probes for entry in ordered),
        watchdog=subject.organisation.watchdog is not None,
        terraform=TERRAFORM.target in subject.organisation.platform.targets,
        files=file_names(),
        provider=_provider(grafana_folders.pop() if len(grafana_folders) == 1 else ""),
    )
    yield Artifact(INDEX.path, page)


def _service_row(entry: ServiceEntry) -> Iterator[object]:
    yield _runbook(entry, entry.title)
    yield entry.tier
    yield entry.environment
    yield _shortened(entry.description)
    file = link("file", DASHBOARD.path_of(entry.name))
    yield (
        Markdown(f"{link('dashboard', entry.dashboard_url)} ({file})")
        if entry.dashboard_url
        else file
    )
    rules = link("rules", RULES.path_of(entry.name))
    yield Markdown(f"{rules} ({link('tests', PROOF.path_of(entry.name))})")
    yield link("escalation", ESCALATION.path_of(entry.name))
    yield entry.alerts


def _objective_rows(entries: Sequence[ServiceEntry]) -> Iterator[tuple[object, ...]]:
    for entry in entries:
        for objective in entry.objectives:
            yield _runbook(entry, entry.title), objective


def _runbook(entry: ServiceEntry, label: str) -> Markdown:
    return link(label, RUNBOOK.path_of(entry.name))


def _shortened(description: str) -> str:
    """The beginning of a description, as long as a cell of the table allows; the runbook has all of
    it."""
    flat = " ".join(description.split())
    if len(flat) <= _LONGEST_DESCRIPTION:
        return flat
    return f"{flat[:_LONGEST_DESCRIPTION].rpartition(' ')[0] or flat[:_LONGEST_DESCRIPTION]} …"


def _provider(folder: str) -> str:
    """The file that tells Grafana where the dashboards are."""
    provider = {
        "name": "opsgen",
        "folder": folder,
        "type": "file",
        "options": {"path": "/var/lib/grafana/dashboards"},
    }
    return dump({"apiVersion": 1, "providers": [provider]})
