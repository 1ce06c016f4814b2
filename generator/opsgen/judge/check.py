"""`opsgen check`: finds what is missing from the artifacts of a fleet, and runs promtool and amtool
on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from opsgen.alertmanager.routing import concerning
from opsgen.errors import InputError
from opsgen.fleet.build import all_artifacts, contents
from opsgen.fleet.load import FleetModel
from opsgen.judge.accepted import Accepted
from opsgen.judge.closure import Gap, gaps, missing_files
from opsgen.judge.programs import Progress, Verdict, judged_by_comparison, judged_by_programs
from opsgen.judge.runbook_review import Review, review_fleet
from opsgen.load.convention_samples import mistakes_in
from opsgen.model.artifact_kinds import ALERTMANAGER
from opsgen.model.findings import CaseResult, Finding, of_lines
from opsgen.output.decision import FolderContent

_MOST_LINES = 40


@dataclass(frozen=True)
class CheckReport:
    """Every gap, every verdict, and the reviews of the runbooks that exist already.

    It is good if there is no gap, no program refused a file, and no runbook has a fault or lacks
    what the project asks for.
    """

    services: int
    alerts: int
    gaps: tuple[Gap, ...]
    verdicts: tuple[Verdict, ...]
    reviews: tuple[Review, ...] = ()
    specs: Mapping[str, tuple[str, int, int]] = field(default_factory=dict)

    @property
    def refused(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.passed is False]

    @property
    def not_installed(self) -> list[str]:
        """The programs that are not installed, and so judged nothing."""
        return [verdict.program for verdict in self.verdicts if verdict.passed is None]

    @property
    def failing_reviews(self) -> list[Review]:
        return [review for review in self.reviews if review.fails]

    @property
    def good(self) -> bool:
        wrong = self.gaps or self.refused or self.failing_reviews
        return self.alerts > 0 and not wrong

    @property
    def findings(self) -> Iterator[Finding]:
        """Reports each finding at the spec of its service, since people change the spec."""
        for gap in self.gaps:
            yield Finding("error", "gap", *self._place(gap.file), str(gap))
        for verdict in self.refused:
            said = f"{verdict.program} refuses {verdict.subject}: {verdict.output}"
            yield Finding("error", "refused", *self._place(verdict.subject), said)
        for review in self.failing_reviews:
            yield from of_lines(review.lines, "error", "runbook")

    def _place(self, path: str) -> tuple[str, int, int]:
        return self.specs.get(_subject_of(path), (path, 1, 1))

    @property
    def cases(self) -> list[CaseResult]:
        """A test case for the closure of each service, for each verdict, and for each runbook."""
        return [*self._closure_cases(), *map(_verdict_case, self.verdicts), *self._runbook_cases()]

    def _closure_cases(self) -> Iterator[CaseResult]:
        gaps: dict[str, list[str]] = {name: [] for name in self.specs}
        for gap in self.gaps:
            gaps.setdefault(_subject_of(gap.file), []).append(str(gap))
        for name, texts in gaps.items():
            yield CaseResult("closure", name, "\n".join(texts))

    def _runbook_cases(self) -> Iterator[CaseResult]:
        for review in self.reviews:
            failure = "\n".join(review.lines) if review.fails else ""
            yield CaseResult("runbooks", review.file, failure)

    @property
    def lines(self) -> Iterator[str]:
        for gap in self.gaps:
            yield f"  gap      {gap}"
        for verdict in self.refused:
            yield f"  refused  {verdict.program} on {verdict.subject}:"
            yield from (f"    {line}" for line in verdict.output.splitlines()[:_MOST_LINES])
        for review in self.failing_reviews:
            yield from (f"  runbook  {line}" for line in review.lines)
        yield from self._open_questions()
        for program in self.not_installed:
            yield f"  skipped  {program} is not installed, so it judged nothing"
        yield self._summary()

    def _open_questions(self) -> Iterator[str]:
        lacking = [review for review in self.reviews if review.lacks and not review.fails]
        if lacking:
            questions = sum(len(review.open) for review in lacking)
            counted = (
                f"{_counted(questions, 'open question')} in {_counted(len(lacking), 'runbook')}"
            )
            yield f"  runbooks {counted}; opsgen runbook status lists them"

    def _summary(self) -> str:
        services = _counted(self.services, "service")
        alerts = _counted(self.alerts, "alert")
        closed = "each with panel, runbook section, route and proof"
        if self.gaps:
            closed = _counted(len(self.gaps), "gap")
        judged = [verdict for verdict in self.verdicts if verdict.passed]
        programs = " and ".join(sorted({verdict.program for verdict in judged}))
        known = sum(verdict.remembered for verdict in judged)
        before = f", {known} of them before" if known else ""
        accepted = (
            f"; {programs} accepted {_counted(len(judged), 'file')}{before}" if judged else ""
        )
        return f"{services}, {alerts}, {closed}{accepted}."

    def as_json(self) -> dict[str, Any]:
        return {
            "passed": self.good,
            "services": self.services,
            "alerts": self.alerts,
            "gaps": [{"file": gap.file, "wrong": gap.wrong} for gap in self.gaps],
            "failed": [
                {"program": verdict.program, "file": verdict.subject, "output": verdict.output}
                for verdict in self.refused
            ],
            "runbooks": [review.as_json() for review in self.reviews],
            "not_installed": self.not_installed,
        }


def _verdict_case(verdict: Verdict) -> CaseResult:
    if verdict.passed is None:
        why = f"{verdict.program} is not installed"
        return CaseResult(verdict.program, "everything", skipped=why)
    failure = "" if verdict.passed else verdict.output or "refused"
    return CaseResult(verdict.program, verdict.subject, failure)


def _subject_of(path: str) -> str:
    """The service that a path belongs to; for a file of the fleet, the first part of its path."""
    return path.partition("/")[0]


def _counted(number: int, name: str) -> str:
    return f"{number} {name}{'' if number == 1 else 's'}"


def check_fleet(
    fleet: FleetModel,
    today: date | None = None,
    progress: Progress = lambda verdicts, _: verdicts,
) -> CheckReport:
    """Renders everything and checks it; writes nothing into the output folder.

    Raises InputError if a user's own convention contradicts its samples.
    """
    _check_samples(fleet.project.own_templates)
    wanted = contents(fleet, None)
    texts = {artifact.path: artifact.content for artifact in all_artifacts(wanted)}
    out = fleet.project.out(None)
    verdicts = judged_by_programs(texts, Accepted.of(out), progress)
    reviews = review_fleet(fleet, out, today)
    return CheckReport(
        services=len(fleet.services),
        alerts=sum(len(model.derived.alerts) for model in fleet.services),
        gaps=tuple(_gaps(fleet, wanted, texts)),
        verdicts=tuple(verdicts),
        reviews=tuple(review for review in reviews if Path(review.file).is_file()),
        specs={model.service.name: model.place for model in fleet.services},
    )


def _gaps(
    fleet: FleetModel, wanted: Mapping[str, FolderContent], texts: Mapping[str, str]
) -> Iterator[Gap]:
    """What is missing for the fleet and for each service, and what our own comparisons find."""
    yield from missing_files("fleet", texts, fleet.project.organisation.platform.targets)
    if ALERTMANAGER.path in texts:
        yield from _gaps_of_services(fleet, wanted, texts[ALERTMANAGER.path])
    for path, wrong in judged_by_comparison(texts):
        yield Gap(path, wrong)


def _gaps_of_services(
    fleet: FleetModel, wanted: Mapping[str, FolderContent], configuration: str
) -> Iterator[Gap]:
    alertmanager = yaml.load(configuration, Loader=yaml.CSafeLoader)
    for model in fleet.services:
        name = model.service.name
        yield from gaps(model.service, wanted[name].artifacts, concerning(alertmanager, name))


def _check_samples(own_templates: Path | None) -> None:
    mistakes = [] if own_templates is None else list(mistakes_in(own_templates / "conventions"))
    if mistakes:
        raise InputError(mistakes)
