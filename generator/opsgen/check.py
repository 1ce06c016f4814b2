"""`opsgen check`: a fleet in, what is missing from its artifacts and what promtool and amtool say of them out."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from opsgen.build import contents
from opsgen.closure import Gap, concerning, gaps, terraform_gaps
from opsgen.fleet import FleetModel
from opsgen.judges import Verdict, judge

_MOST_LINES = 40


@dataclass(frozen=True)
class CheckReport:
    """Every gap and every verdict; good when there is no gap and no program refused anything."""

    services: int
    alerts: int
    gaps: tuple[Gap, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def good(self) -> bool:
        return self.alerts > 0 and not self.gaps and not any(verdict.passed is False for verdict in self.verdicts)

    @property
    def lines(self) -> Iterator[str]:
        for gap in self.gaps:
            yield f"  gap      {gap}"
        for verdict in self.verdicts:
            if verdict.passed is False:
                yield f"  refused  {verdict.program} on {verdict.subject}:"
                yield from (f"    {line}" for line in verdict.output.splitlines()[:_MOST_LINES])
        for verdict in self.verdicts:
            if verdict.passed is None:
                yield f"  skipped  {verdict.program} is not installed, so nothing was judged by it"
        judged = [verdict for verdict in self.verdicts if verdict.passed]
        closed = "each with panel, runbook section, route and proof" if not self.gaps else f"{len(self.gaps)} gaps"
        services = f"{self.services} service{'' if self.services == 1 else 's'}"
        yield f"{services}, {self.alerts} alerts, {closed}; {len(judged)} files accepted by the programs."

    def as_json(self) -> dict[str, Any]:
        return {
            "passed": self.good,
            "services": self.services,
            "alerts": self.alerts,
            "gaps": [{"file": gap.file, "wrong": gap.wrong} for gap in self.gaps],
            "failed": [
                {"program": v.program, "file": v.subject, "output": v.output}
                for v in self.verdicts
                if v.passed is False
            ],
            "not_installed": [verdict.program for verdict in self.verdicts if verdict.passed is None],
        }


def check_fleet(fleet: FleetModel) -> CheckReport:
    """Renders everything into a folder of its own, that is gone afterwards, and has it judged there."""
    with tempfile.TemporaryDirectory(prefix="opsgen-") as name:
        folder = Path(name)
        wanted = contents(fleet, folder)
        for content in wanted.values():
            for artifact in content.artifacts:
                path = folder / artifact.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(artifact.encoded)
        alertmanager = yaml.load((folder / "alertmanager.yml").read_bytes(), Loader=yaml.CSafeLoader)
        found = [
            gap
            for model in fleet.services
            for gap in gaps(
                model.service,
                wanted[model.service.name].artifacts,
                concerning(alertmanager, model.service.name),
            )
        ]
        found += terraform_gaps(artifact for content in wanted.values() for artifact in content.artifacts)
        verdicts = judge(folder, [model.service.name for model in fleet.services])
    alerts = sum(len(model.derived.alerts) for model in fleet.services)
    return CheckReport(len(fleet.services), alerts, tuple(found), tuple(verdicts))
