"""`opsgen check`: a fleet in, what is missing from its artifacts and what promtool and amtool say
of them out."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from opsgen.alertmanager.routing import concerning
from opsgen.errors import InputError
from opsgen.fleet.build import contents
from opsgen.fleet.load import FleetModel
from opsgen.judge.closure import Gap, gaps, missing_files
from opsgen.judge.programs import Verdict, judged_by_comparison, judged_by_programs
from opsgen.judge.runbook_review import Review, review_fleet
from opsgen.load.convention_samples import mistakes_in
from opsgen.model.artifact_kinds import ALERTMANAGER
from opsgen.model.findings import Case, Finding, of_lines
from opsgen.output.decision import FolderContent

_MOST_LINES = 40


@dataclass(frozen=True)
class CheckReport:
    """Every gap and every verdict, and the reviews of those runbooks that there are already; good
    when there is no gap, no program refused anything, and no runbook has a fault or lacks what the
    project asks for."""

    services: int
    alerts: int
    gaps: tuple[Gap, ...]
    verdicts: tuple[Verdict, ...]
    reviews: tuple[Review, ...] = ()
    specs: Mapping[str, tuple[str, int, int]] = field(default_factory=dict)

    @property
    def findings(self) -> Iterator[Finding]:
        """Each at the spec of its service, since that is what people change."""
        for gap in self.gaps:
            yield Finding("error", "gap", *self._place(gap.file), str(gap))
        for verdict in self.verdicts:
            if verdict.passed is False:
                said = f"{verdict.program} refuses {verdict.subject}: {verdict.output}"
                yield Finding("error", "refused", *self._place(verdict.subject), said)
        for review in self.reviews:
            if review.fails:
                yield from of_lines(review.lines, "error", "runbook")

    @property
    def cases(self) -> list[Case]:
        """Closure, each judgement of a program, and each runbook, as cases of a test."""
        gaps: dict[str, list[str]] = {}
        for gap in self.gaps:
            gaps.setdefault(gap.file.partition("/")[0], []).append(str(gap))
        cases = [
            Case("closure", service, "\n".join(gaps.pop(service, ()))) for service in self.specs
        ]
        cases += [Case("closure", name, "\n".join(texts)) for name, texts in gaps.items()]
        for verdict in self.verdicts:
            if verdict.passed is None:
                cases.append(
                    Case(
                        verdict.program, "everything", skipped=f"{verdict.program} is not installed"
                    )
                )
            else:
                failure = "" if verdict.passed else verdict.output or "refused"
                cases.append(Case(verdict.program, verdict.subject, failure))
        for review in self.reviews:
            cases.append(
                Case("runbooks", review.file, "\n".join(review.lines) if review.fails else "")
            )
        return cases

    def _place(self, path: str) -> tuple[str, int, int]:
        return self.specs.get(path.partition("/")[0], (path, 1, 1))

    @property
    def good(self) -> bool:
        refused = any(verdict.passed is False for verdict in self.verdicts)
        return (
            self.alerts > 0
            and not self.gaps
            and not refused
            and not any(one.fails for one in self.reviews)
        )

    @property
    def lines(self) -> Iterator[str]:
        for gap in self.gaps:
            yield f"  gap      {gap}"
        for verdict in self.verdicts:
            if verdict.passed is False:
                yield f"  refused  {verdict.program} on {verdict.subject}:"
                yield from (f"    {line}" for line in verdict.output.splitlines()[:_MOST_LINES])
        for review in self.reviews:
            if review.fails:
                yield from (f"  runbook  {line}" for line in review.lines)
        lacking = [review for review in self.reviews if review.lacks and not review.fails]
        if lacking:
            questions = sum(len(review.open) for review in lacking)
            yield (
                f"  runbooks {questions} open questions in {len(lacking)}; opsgen runbook status"
                " says which"
            )
        for verdict in self.verdicts:
            if verdict.passed is None:
                yield f"  skipped  {verdict.program} is not installed, so nothing was judged by it"
        judged = [verdict for verdict in self.verdicts if verdict.passed]
        closed = (
            "each with panel, runbook section, route and proof"
            if not self.gaps
            else f"{len(self.gaps)} gaps"
        )
        services = f"{self.services} service{'' if self.services == 1 else 's'}"
        programs = " and ".join(sorted({verdict.program for verdict in judged}))
        files = f"{len(judged)} file{'' if len(judged) == 1 else 's'}"
        accepted = f"; {programs} accepted {files}" if judged else ""
        yield f"{services}, {self.alerts} alerts, {closed}{accepted}."

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
            "runbooks": [review.as_json() for review in self.reviews],
            "not_installed": [
                verdict.program for verdict in self.verdicts if verdict.passed is None
            ],
        }


def check_fleet(fleet: FleetModel, today: date | None = None) -> CheckReport:
    """Renders everything into a folder of its own, that is gone afterwards, and has it judged
    there.

    Raises InputError where a user's own convention contradicts its samples.
    """
    _check_samples(fleet.own_templates)
    with tempfile.TemporaryDirectory(prefix="opsgen-") as name:
        folder = Path(name)
        wanted = contents(fleet, folder)
        texts = {one.path: one.content for content in wanted.values() for one in content.artifacts}
        for path, text in texts.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())
        found = [
            *_gaps(fleet, wanted, texts),
            *(Gap(path, wrong) for path, wrong in judged_by_comparison(texts)),
        ]
        verdicts = judged_by_programs(folder, texts)
    alerts = sum(len(model.derived.alerts) for model in fleet.services)
    reviews = review_fleet(fleet, fleet.out(None), today)
    built = tuple(review for review in reviews if Path(review.file).is_file())
    specs = {model.service.name: model.place for model in fleet.services}
    return CheckReport(len(fleet.services), alerts, tuple(found), tuple(verdicts), built, specs)


def _gaps(
    fleet: FleetModel, wanted: Mapping[str, FolderContent], texts: Mapping[str, str]
) -> Iterator[Gap]:
    """What is missing for the fleet, and for each of its services."""
    yield from missing_files("fleet", texts)
    if ALERTMANAGER.path not in texts:
        return
    alertmanager = yaml.load(texts[ALERTMANAGER.path], Loader=yaml.CSafeLoader)
    for model in fleet.services:
        name = model.service.name
        routes = concerning(alertmanager, name)
        yield from gaps(model.service, wanted[name].artifacts, routes)


def _check_samples(own_templates: Path | None) -> None:
    mistakes = [] if own_templates is None else list(mistakes_in(own_templates / "conventions"))
    if mistakes:
        raise InputError(mistakes)
