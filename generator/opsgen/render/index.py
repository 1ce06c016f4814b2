"""The index: what each service's manifest says of it in, `out/README.md` out, the page that a person lands on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from opsgen.library import TEMPLATES
from opsgen.model import Service
from opsgen.output.artifact import Artifact
from opsgen.render.templates import environment
from opsgen.signals.model import Derived


@dataclass(frozen=True)
class IndexEntry:
    """One service in the index, as plain JSON can hold it."""

    name: str
    title: str
    description: str
    team: str
    tier: int
    alerts: int
    objectives: tuple[str, ...]
    probes: bool

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"objectives": list(self.objectives)}

    @classmethod
    def from_json(cls, known: Mapping[str, Any]) -> IndexEntry:
        return cls(**{**known, "objectives": tuple(known["objectives"])})


def index_entry(service: Service, derived: Derived) -> IndexEntry:
    """What the index says of a service."""
    return IndexEntry(
        name=service.name,
        title=service.title,
        description=service.description,
        team=service.team.name,
        tier=service.tier,
        alerts=len(derived.alerts),
        objectives=tuple(f"{slo.title}: {slo.objective} over {slo.window.in_words}" for slo in service.slos),
        probes=bool(service.probes),
    )


def render_index(entries: Iterable[IndexEntry]) -> Artifact:
    """The page; the order of the entries does not matter."""
    ordered = sorted(entries, key=lambda entry: (entry.tier, entry.team, entry.name))
    page = environment((TEMPLATES,)).get_template("index.md.j2").render(entries=ordered)
    return Artifact("README.md", page.rstrip("\n") + "\n")
