"""A plan of what a build does or would do in; lines for people, and findings for programs, out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
    """What a build did or would do, in lines for people, and whether all is as it should be;
    `wanted` are the files that are there then, below `out`."""

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
        """What the same build says when it is run again."""
        return f"{self.out}: nothing to do, {len(self.wanted)} as they were."


def stale_findings(
    fleet: MadeFleet, done: Plan, decisions: Iterable[Decision]
) -> Iterator[Finding]:
    """What is stale, once for each spec, since people change that; an edit by hand, at its file."""
    places = {made.name: made.place for made in fleet.services}
    stale: dict[tuple[str, int, int], list[str]] = {}
    for decision in decisions:
        file = f"{done.out}/{decision.path}"
        if decision.action is Action.CONFLICT:
            yield Finding("error", "stale", file, 1, 1, decision.reason)
        elif not decision.path.endswith(MANIFEST):
            place = places.get(
                decision.path.partition("/")[0], (fleet.organisation.file or file, 1, 1)
            )
            stale.setdefault(place, []).append(f"{decision.path} ({_VERBS[decision.action][1]})")
    for place, files in stale.items():
        named = ", ".join(files[:_MOST_NAMED])
        more = f" and {len(files) - _MOST_NAMED} more" if len(files) > _MOST_NAMED else ""
        yield Finding(
            "error",
            "stale",
            *place,
            f"stale below {done.out}: {named}{more}; build it again: opsgen build",
        )


def _edit_lines(conflict: Decision) -> Iterator[str]:
    """What was edited in the blocks of a runbook, and the ways out."""
    for edit in conflict.edits:
        yield f"    line {edit.line}, block {edit.id}:"
        yield from (f"      {line}" for line in first_lines(edit.diff.splitlines(), _MOST_NAMED))
    if conflict.edits:
        yield (
            "    Move what you wrote below the end of the block, where it stays; or keep it as it"
            " is, and have the"
        )
        yield "    block for yourself from then on (--take-mine); or give it up (--take-theirs)."


def _difference(file: Path, wanted: bytes) -> Iterator[str]:
    return (f"      {line}" for line in excerpt(file.read_bytes(), wanted))


def report_lines(
    done: Plan, tense: int, wanted: Mapping[str, Wanted] = MappingProxyType({})
) -> Iterator[str]:
    """What became of every file, or would; with what is `wanted` of each also how it differs from
    that."""
    for action, verbs in _VERBS.items():
        decisions = done.of(action)
        for decision in decisions[:_MOST_NAMED]:
            yield f"  {verbs[tense]:<16} {decision.path}"
            if action is Action.CHANGE and decision.path in wanted:
                yield from _difference(done.out / decision.path, decision.content or b"")
        if len(decisions) > _MOST_NAMED:
            yield f"  {verbs[tense]:<16} and {len(decisions) - _MOST_NAMED} more"
    for conflict in done.conflicts:
        forced = (
            "; --force overwrites it" if conflict.reason in FORCEABLE and not conflict.edits else ""
        )
        yield f"  left alone       {conflict.path}: {conflict.reason}{forced}"
        yield from _edit_lines(conflict)
        if conflict.reason == EDITED and conflict.path in wanted:
            yield from _difference(done.out / conflict.path, wanted[conflict.path].encoded)
    counts = done.counts
    changed = ", ".join(
        f"{counts[action]} {verbs[tense]}" for action, verbs in _VERBS.items() if counts[action]
    )
    yield f"{done.out}: {changed or 'nothing to do'}, {counts[Action.KEEP]} as they were."
