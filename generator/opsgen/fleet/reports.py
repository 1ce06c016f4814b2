"""Turns the plan of a build into lines for people and findings for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from opsgen.fleet.make import MadeFleet
from opsgen.model.artifact import MANIFEST, Wanted
from opsgen.model.findings import Finding
from opsgen.output.decision import EDITED, FORCEABLE, Action, Decision, Plan
from opsgen.output.excerpt import excerpt, first_lines

_VERBS = {
    Action.ADD: ("added", "missing"),
    Action.CHANGE: ("changed", "changed"),
    Action.REMOVE: ("removed", "extra"),
}
_MOST_NAMED = 20


@dataclass(frozen=True)
class Report:
    """What a build did or would do, in lines for people. `good` says that nothing needs attention;
    `wanted` are the files below `out` after the build."""

    lines: tuple[str, ...]
    good: bool
    out: Path
    wanted: tuple[str, ...]
    findings: tuple[Finding, ...] = ()

    @classmethod
    def of(
        cls, plan: Plan, lines: Iterable[str], good: bool, findings: Iterable[Finding]
    ) -> Report:
        wanted = (
            decision.path for decision in plan.decisions if decision.action is not Action.REMOVE
        )
        return cls(tuple(lines), good, plan.out, tuple(wanted), tuple(findings))

    @property
    def nothing_to_do(self) -> str:
        """The line that the same build prints when it is run again."""
        return f"{self.out}: nothing to do, {len(self.wanted)} unchanged."


def stale_findings(
    fleet: MadeFleet, done: Plan, decisions: Iterable[Decision]
) -> Iterator[Finding]:
    """One finding for each spec with stale files, since people change the spec; and one for each
    file that was edited by hand."""
    listed = list(decisions)
    for decision in listed:
        if decision.action is Action.CONFLICT:
            file = f"{done.out}/{decision.path}"
            yield Finding("error", "stale", file, 1, 1, decision.reason)
    for place, files in _stale_by_place(fleet, done.out, listed).items():
        named = _first_named(files)
        wrong = f"{done.out} is stale: {named}; run opsgen build"
        yield Finding("error", "stale", *place, wrong)


def _stale_by_place(
    fleet: MadeFleet, out: Path, decisions: Iterable[Decision]
) -> dict[tuple[str, int, int], list[str]]:
    """Stale files by the place of their spec. Files of the fleet belong to the project file."""
    places = {made.name: made.place for made in fleet.services}
    stale: dict[tuple[str, int, int], list[str]] = {}
    for decision in decisions:
        if decision.action is Action.CONFLICT or decision.path.endswith(MANIFEST):
            continue
        folder, _, _ = decision.path.partition("/")
        of_fleet = fleet.project.organisation.file or f"{out}/{decision.path}"
        place = places.get(folder, (of_fleet, 1, 1))
        named = f"{decision.path} ({_VERBS[decision.action][1]})"
        stale.setdefault(place, []).append(named)
    return stale


def _first_named(files: Sequence[str]) -> str:
    named = ", ".join(files[:_MOST_NAMED])
    more = len(files) - _MOST_NAMED
    return f"{named} and {more} more" if more > 0 else named


def _edit_lines(conflict: Decision) -> Iterator[str]:
    """The edits inside of a runbook's blocks, and what people can do with them."""
    for edit in conflict.edits:
        yield f"    line {edit.line}, block {edit.id}:"
        yield from (f"      {line}" for line in first_lines(edit.diff.splitlines(), _MOST_NAMED))
    if conflict.edits:
        yield "    Move your text below the end of the block: opsgen never changes it there. Or"
        yield "    keep it and take over the block (--take-mine). Or discard it (--take-theirs)."


def _difference(file: Path, wanted: bytes) -> Iterator[str]:
    return (f"      {line}" for line in excerpt(file.read_bytes(), wanted))


def report_lines(
    done: Plan, tense: int, wanted: Mapping[str, Wanted] = MappingProxyType({})
) -> Iterator[str]:
    """What happened to every file (`tense` 0), or would happen (1). With `wanted`, also shows how
    files differ from it."""
    for action, verbs in _VERBS.items():
        yield from _action_lines(done, action, verbs[tense], wanted)
    for conflict in done.conflicts:
        yield from _conflict_lines(done, conflict, wanted)
    yield _summary(done, tense)


def _summary(done: Plan, tense: int) -> str:
    counts = done.counts
    counted = [
        f"{counts[action]} {verbs[tense]}" for action, verbs in _VERBS.items() if counts[action]
    ]
    changed = ", ".join(counted) or "nothing to do"
    return f"{done.out}: {changed}, {counts[Action.KEEP]} unchanged."


def _action_lines(
    done: Plan, action: Action, verb: str, wanted: Mapping[str, Wanted]
) -> Iterator[str]:
    decisions = done.of(action)
    for decision in decisions[:_MOST_NAMED]:
        yield f"  {verb:<16} {decision.path}"
        if action is Action.CHANGE and decision.path in wanted:
            yield from _difference(done.out / decision.path, decision.content or b"")
    more = len(decisions) - _MOST_NAMED
    if more > 0:
        yield f"  {verb:<16} and {more} more"


def _conflict_lines(done: Plan, conflict: Decision, wanted: Mapping[str, Wanted]) -> Iterator[str]:
    can_be_forced = conflict.reason in FORCEABLE and not conflict.edits
    forced = "; --force overwrites it" if can_be_forced else ""
    yield f"  left alone       {conflict.path}: {conflict.reason}{forced}"
    yield from _edit_lines(conflict)
    if conflict.reason == EDITED and conflict.path in wanted:
        yield from _difference(done.out / conflict.path, wanted[conflict.path].encoded)
