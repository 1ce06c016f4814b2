"""Collects the artifacts of a fleet by folder and writes them. Building the services one by one
gives the same files as building them together.

The fleet's own files (Alertmanager configuration, overview, index) need of each service its
escalation fragment and the facts in its manifest. For services that are not built now, both are
read from the output folder.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from opsgen.errors import InputError, Mistake
from opsgen.fleet.load import FleetModel
from opsgen.fleet.make import MadeFleet, made_of
from opsgen.fleet.reports import Report, report_lines, stale_findings
from opsgen.model.artifact import Artifact, ArtifactSet, Wanted
from opsgen.model.artifact_kinds import ESCALATION, FLEET_KUBERNETES, KUBERNETES
from opsgen.model.targets import TARGETS
from opsgen.output.blocks import Side
from opsgen.output.decision import Action, FolderContent, Plan
from opsgen.output.manifest import read_index
from opsgen.output.plan import plan
from opsgen.output.write import write

if TYPE_CHECKING:
    from opsgen.render.subjects import OfFleet

_FLEET = ""
_STALE = "The output is stale; run opsgen build"
_EDITED_BY_HAND = (
    "opsgen keeps files edited by hand: move the edit into the spec, or overwrite it with --force"
)


def write_fleet(fleet: MadeFleet, out: Path, force: bool, take: Side | None = None) -> Report:
    """Writes all artifacts."""
    wanted = contents(fleet, out)
    done = write(out, wanted, complete=True, force=force, take=take, concerns=concerns(fleet))
    lines = report_lines(done, 0)
    findings = stale_findings(fleet, done, done.conflicts)
    return Report.of(done, lines, not done.conflicts, findings)


def check_fresh(fleet: MadeFleet, out: Path) -> Report:
    """Compares the output folder with what the specs give; writes nothing."""
    wanted = contents(fleet, out)
    would = plan(out, wanted, complete=True, concerns=concerns(fleet))
    artifacts = {artifact.path: artifact for artifact in all_artifacts(wanted)}
    lines = [*report_lines(would, 1, artifacts), *_advice(would)]
    stale = [decision for decision in would.decisions if decision.action is not Action.KEEP]
    return Report.of(would, lines, not would.stale, stale_findings(fleet, would, stale))


def _advice(would: Plan) -> Iterator[str]:
    if would.stale:
        yield _STALE
        if would.conflicts:
            yield _EDITED_BY_HAND


def kubernetes_stream(fleet: MadeFleet) -> str:
    """Every Kubernetes resource of these services and of the fleet, as one stream of YAML
    documents.

    Raises InputError if the project does not have the target: an empty stream would mean that
    there is nothing to deploy.
    """
    organisation = fleet.project.organisation
    if KUBERNETES.target not in organisation.platform.targets:
        wrong = "there are no resources to print without the target kubernetes"
        right = "write targets: [files, kubernetes]"
        file = organisation.file or "opsgen.yaml"
        raise InputError([Mistake(file, 1, 1, "targets", wrong, right)])
    artifacts = all_artifacts(contents(fleet, None))
    resources = [artifact for artifact in artifacts if _is_resource(artifact.path)]
    return "".join(f"---\n{resource.content}" for resource in resources)


def _is_resource(path: str) -> bool:
    from opsgen.render.kubernetes.metadata import KUSTOMIZATION

    is_in_folder = KUBERNETES.has(path) or FLEET_KUBERNETES.has(path)
    return is_in_folder and not path.endswith(KUSTOMIZATION)


def contents(fleet: FleetModel | MadeFleet, out: Path | None) -> dict[str, FolderContent]:
    """The artifacts and facts of every folder. The fleet's own files come last; they include the
    services that are already in `out`, if it is given."""
    made = made_of(fleet) if isinstance(fleet, FleetModel) else fleet
    wanted = {one.name: one.content for one in made.services}
    wanted[_FLEET] = FolderContent(ArtifactSet(tuple(_fleet_artifacts(made, out))))
    return wanted


def all_artifacts(wanted: Mapping[str, FolderContent]) -> Iterator[Wanted]:
    """The artifacts of every folder."""
    for content in wanted.values():
        yield from content.artifacts


def alertmanager_of(fleet: FleetModel) -> Mapping[str, Any]:
    """The Alertmanager configuration of only the services of this fleet, parsed."""
    from opsgen.render.alertmanager import configuration_in
    from opsgen.render.escalation import escalation
    from opsgen.render.subjects import OfFleet

    fragments = [escalation(model.service) for model in fleet.services]
    return configuration_in(OfFleet(fleet.project.organisation, fragments=fragments))


def concerns(fleet: MadeFleet) -> Callable[[Mapping[str, Any]], bool]:
    """A test for services that are not built now: is the service gone?

    It is gone if its spec is built and now makes another service, or if its spec lay below a given
    folder and no longer exists. A spec that was left out is not gone: its output stays. A build of
    one spec, or of one folder of several, leaves the services of the other specs alone.
    """
    specs = fleet.project.specs
    given = [specs.name_in_outputs(folder) for folder in specs.folders]
    # Without a project file, outputs name a spec by its file name, which other specs may share.
    files = specs.files if specs.project else ()
    built = {specs.name_in_outputs(file) for file in files}
    kept = fleet.left_out | specs.elsewhere

    def is_gone(known: Mapping[str, Any]) -> bool:
        spec = str(known.get("spec", ""))
        if spec in kept:
            return False
        return spec in built or any(_is_below(spec, folder) for folder in given)

    return is_gone


def _is_below(spec: str, folder: str) -> bool:
    return folder == "." or spec.startswith(f"{folder}/")


def _fleet_artifacts(fleet: MadeFleet, out: Path | None) -> Iterator[Artifact]:
    from opsgen.render.artifacts import fleet_artifacts

    return fleet_artifacts(_subject_of(fleet, out))


def _subject_of(fleet: MadeFleet, out: Path | None) -> OfFleet:
    """What fleet renderers receive: the services that are built now, and those in `out`."""
    from opsgen.render.subjects import OfFleet, ServiceEntry

    built = {made.name: made.facts for made in fleet.services}
    others = [] if out is None else list(_others(fleet, built, out))
    facts = built | {other.name: other.facts for other in others}
    fragments = [json.loads(made.fragment) for made in fleet.services]
    in_cluster = {*built, *(other.name for other in others if other.has_resources)}
    return OfFleet(
        organisation=fleet.project.organisation,
        entries=[ServiceEntry.from_json(known["index"]) for known in facts.values()],
        fragments=[*fragments, *(other.fragment for other in others)],
        facts=facts,
        with_resources=sorted(in_cluster),
    )


@dataclass(frozen=True)
class _Other:
    """A service that is not built now, read from its folder in the output."""

    name: str
    facts: Mapping[str, Any]
    fragment: Mapping[str, Any]
    has_resources: bool


def _others(fleet: MadeFleet, built: Container[str], out: Path) -> Iterator[_Other]:
    """Services in the output folder that are not built now and still exist."""
    is_gone = concerns(fleet)
    resources = TARGETS["kubernetes"].folder
    for name, facts in read_index(out).items():
        path = out / ESCALATION.path_of(name)
        is_kept = name not in built and not is_gone(facts)
        if is_kept and "index" in facts and path.is_file():
            fragment = _fragment_of_another(path, name)
            yield _Other(name, facts, fragment, (out / name / resources).is_dir())


def _fragment_of_another(path: Path, service: str) -> Mapping[str, Any]:
    """Reads a fragment from the output folder, where people may have edited it.

    Raises InputError if it would break the fleet's configuration, or if it takes alerts of another
    service.
    """
    from opsgen.alertmanager.routing import matcher
    from opsgen.render.alertmanager import united

    own = matcher("service", service)
    try:
        fragment = _parsed(path.read_text(encoding="utf-8"))
        routes = fragment["route"].get("routes") or ()
        astray = [route for route in routes if own not in route["matchers"]]
        if not astray:
            united([fragment])
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, KeyError, TypeError):
        wrong = "this is no longer part of an Alertmanager configuration"
        raise _unusable(path, service, wrong) from None
    if astray:
        wrong = f"one of its routes takes alerts of services other than {service}"
        raise _unusable(path, service, wrong)
    return fragment


def _unusable(path: Path, service: str, wrong: str) -> InputError:
    right = f"build the spec of {service} again, with --force"
    return InputError([Mistake(str(path), 1, 1, "", wrong, right)])


def _parsed(text: str) -> Mapping[str, Any]:
    parsed: Mapping[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return parsed
