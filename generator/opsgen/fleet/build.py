"""A fleet's artifacts, gathered by folder and written; one service after another gives the same
files as all at once.

The fleet's own files (Alertmanager configuration, overview, index) are made of what each service's
folder says of it: its escalation fragment and the facts in its manifest. Services that are not
built now are read back from there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from opsgen.fleet.load import FleetModel
from opsgen.fleet.make import FRAGMENT, MadeFleet, made_of
from opsgen.model.artifact import MANIFEST, Artifact, ArtifactSet, Wanted
from opsgen.model.findings import Finding
from opsgen.output.blocks import Side
from opsgen.output.excerpt import excerpt, first_lines
from opsgen.output.manifest import read_index
from opsgen.output.plan import EDITED, FORCEABLE, Action, Decision, FolderContent, Plan, plan
from opsgen.output.write import write

_FLEET = ""
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


def write_fleet(fleet: MadeFleet, out: Path, force: bool, take: Side | None = None) -> Report:
    """Writes everything that was made."""
    wanted = contents(fleet, out)
    done = write(out, wanted, complete=True, force=force, take=take, concerns=concerns(fleet))
    return Report.of(
        done, _lines(done, 0), not done.conflicts, _findings(fleet, done, done.conflicts)
    )


def check_fresh(fleet: MadeFleet, out: Path) -> Report:
    """Whether the output folder is what the specs give; writes nothing."""
    wanted = contents(fleet, out)
    would = plan(out, wanted, complete=True, concerns=concerns(fleet))
    texts = {
        artifact.path: artifact for content in wanted.values() for artifact in content.artifacts
    }
    lines = list(_lines(would, 1, texts))
    if would.stale:
        lines.append("The output is stale; build it again: opsgen build")
        if would.conflicts:
            lines.append(
                "What was edited by hand stays so: take it into the spec, or overwrite it with"
                " --force"
            )
    stale = [decision for decision in would.decisions if decision.action is not Action.KEEP]
    return Report.of(would, lines, not would.stale, _findings(fleet, would, stale))


def manifests(fleet: MadeFleet) -> str:
    """Every Kubernetes resource of these services and of the fleet, as one stream of YAML
    documents.

    Raises InputError where the project does not ask for them: nothing printed would look like
    nothing to deploy.
    """
    from opsgen.errors import InputError, Mistake
    from opsgen.render.kubernetes.metadata import FOLDER, KUSTOMIZATION

    organisation = fleet.organisation
    if FOLDER not in organisation.platform.targets:
        wrong = "there are no resources to print without the target kubernetes"
        file = organisation.file or "opsgen.yaml"
        raise InputError(
            [Mistake(file, 1, 1, "targets", wrong, "write targets: [files, kubernetes]")]
        )
    texts = [one for content in contents(fleet, None).values() for one in content.artifacts]
    found = [
        one.content
        for one in texts
        if f"{FOLDER}/" in one.path and not one.path.endswith(KUSTOMIZATION)
    ]
    return "".join(f"---\n{text}" for text in found)


def contents(fleet: FleetModel | MadeFleet, out: Path | None) -> dict[str, FolderContent]:
    """Every folder's artifacts and facts, the fleet's last, which is of the services in `out` too,
    if given."""
    made = made_of(fleet) if isinstance(fleet, FleetModel) else fleet
    wanted = {one.name: one.content for one in made.services}
    wanted[_FLEET] = FolderContent(ArtifactSet(tuple(_fleet_artifacts(made, out))))
    return wanted


def alertmanager_of(fleet: FleetModel) -> Mapping[str, Any]:
    """The Alertmanager configuration of the services of this fleet alone, as it would be loaded."""
    from opsgen.render.alertmanager import escalation, render_fleet

    organisation = fleet.organisation
    fragments = [escalation(model.service) for model in fleet.services]
    return _parsed(render_fleet(fragments, organisation.catch_all, organisation.watchdog).content)


def concerns(fleet: MadeFleet) -> Callable[[Mapping[str, Any]], bool]:
    """Whether a service that is not built now is gone: its spec makes another now, or lay below a
    given folder and is there no more. One that was left out is not gone: what was made of it last
    stays.

    A build of one spec, or of one folder of several, leaves the services of the others alone.
    """
    given = [fleet.specs.name_in_outputs(folder) for folder in fleet.specs.folders]
    # Without a project file a spec is known by the end of its path, which others may share.
    built = (
        {fleet.specs.name_in_outputs(file) for file in fleet.specs.files}
        if fleet.specs.project
        else set()
    )

    def is_gone(known: Mapping[str, Any]) -> bool:
        spec = str(known.get("spec", ""))
        kept = spec in fleet.left_out or spec in fleet.specs.elsewhere
        return not kept and (spec in built or any(_is_below(spec, folder) for folder in given))

    return is_gone


def _findings(fleet: MadeFleet, done: Plan, decisions: Iterable[Decision]) -> Iterator[Finding]:
    """What is stale, once for each spec, since that is what people change; what was edited by hand,
    at the file."""
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


def _is_below(spec: str, folder: str) -> bool:
    return folder == "." or spec.startswith(f"{folder}/")


def _fleet_artifacts(fleet: MadeFleet, out: Path | None) -> Iterator[Artifact]:
    from opsgen.render.alertmanager import render_fleet
    from opsgen.render.index import IndexEntry, render_index
    from opsgen.render.overview import ServiceFacts, render_overview
    from opsgen.render.watchdog import render_watchdog, watchdog_groups

    built = {made.name: made.facts for made in fleet.services}
    others = {} if out is None else dict(_others(fleet, built, out))
    known = built | {name: facts for name, (facts, _) in others.items()}
    entries = [IndexEntry.from_json(facts["index"]) for facts in known.values()]
    fragments = [json.loads(made.fragment) for made in fleet.services] + [
        one for _, one in others.values()
    ]
    watchdog = fleet.organisation.watchdog
    alertmanager = render_fleet(fragments, fleet.organisation.catch_all, watchdog)
    yield alertmanager
    if "grafana" in fleet.organisation.platform.targets:
        from opsgen.render.grafana_alerting import render_grafana_alerting
        from opsgen.render.grafana_provider import render_provider

        yield render_grafana_alerting(_parsed(alertmanager.content))
        yield render_provider(fleet.organisation.grafana_folder)
    yield from render_watchdog("mimir" in fleet.organisation.platform.targets) if watchdog else ()
    overview = render_overview(
        [
            ServiceFacts(e.name, e.title, e.team, e.tier)
            for e in sorted(entries, key=lambda e: e.name)
        ]
    )
    yield overview
    if "kubernetes" in fleet.organisation.platform.targets:
        from opsgen.render.kubernetes.metadata import FOLDER
        from opsgen.render.kubernetes.resources import render_kubernetes_fleet

        names = sorted(entry.name for entry in entries)
        beat = None if watchdog is None else (watchdog, watchdog_groups())
        cluster, folder = fleet.organisation.platform.cluster, fleet.organisation.grafana_folder
        with_resources = [
            name for name in names if name in built or (out and (out / name / FOLDER).is_dir())
        ]
        yield from render_kubernetes_fleet(cluster, folder, with_resources, overview, beat)
    terraform = "terraform" in fleet.organisation.platform.targets
    yield render_index(entries, watchdog=watchdog is not None, terraform=terraform)
    if "mkdocs" in fleet.organisation.platform.targets:
        from opsgen.render.mkdocs import render_mkdocs

        yield from render_mkdocs(entries)
    if "git" in fleet.organisation.platform.targets:
        from opsgen.render.git import render_git

        specs = {name: str(facts.get("spec", "")) for name, facts in known.items()}
        owners = {name: team.owners for name, team in fleet.organisation.teams.items()}
        yield from render_git(entries, specs, owners, Path(fleet.organisation.out).name)
    if terraform:
        from opsgen.render.terraform.module import render_terraform

        handed = {name: facts.get("handed_over", {}) for name, facts in known.items()}
        yield from render_terraform(fleet.organisation.policies, handed)


def _others(
    fleet: MadeFleet, built: Container[str], out: Path
) -> Iterator[tuple[str, tuple[Mapping[str, Any], Mapping[str, Any]]]]:
    """Facts and fragment of every service in the output folder that is neither built now nor
    gone."""
    is_gone = concerns(fleet)
    for name, known in read_index(out).items():
        path = out / name / FRAGMENT
        if name not in built and not is_gone(known) and "index" in known and path.is_file():
            yield name, (known, _fragment_of_another(path, name))


def _fragment_of_another(path: Path, service: str) -> Mapping[str, Any]:
    """A fragment from the output folder, where people may have changed it; raises InputError where
    it would break the fleet's configuration, or take alerts that are not its service's."""
    from opsgen.alertmanager.routing import matcher
    from opsgen.errors import InputError, Mistake
    from opsgen.render.alertmanager import render_fleet

    def refused(wrong: str) -> InputError:
        return InputError(
            [
                Mistake(
                    str(path), 1, 1, "", wrong, f"build the spec of {service} again, with --force"
                )
            ]
        )

    try:
        fragment = _parsed(path.read_text(encoding="utf-8"))
        routes = fragment["route"].get("routes") or ()
        render_fleet([fragment])
        astray = [route for route in routes if matcher("service", service) not in route["matchers"]]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, KeyError, TypeError):
        raise refused("this is no part of an Alertmanager configuration any more") from None
    if astray:
        raise refused(f"a route of it takes alerts of other services than {service}")
    return fragment


def _parsed(text: str) -> Mapping[str, Any]:
    parsed: Mapping[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return parsed


def _lines(
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
