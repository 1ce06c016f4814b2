"""A fleet's artifacts, gathered by folder and written; one service after another gives the same
files as all at once.

The fleet's own files (Alertmanager configuration, overview, index) are made of what each service's
folder says of it: its escalation fragment and the facts in its manifest. Services that are not
built now are read back from there.
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
    """Writes everything that was made."""
    wanted = contents(fleet, out)
    done = write(out, wanted, complete=True, force=force, take=take, concerns=concerns(fleet))
    lines = report_lines(done, 0)
    findings = stale_findings(fleet, done, done.conflicts)
    return Report.of(done, lines, not done.conflicts, findings)


def check_fresh(fleet: MadeFleet, out: Path) -> Report:
    """Whether the output folder is what the specs give; writes nothing."""
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


def manifests(fleet: MadeFleet) -> str:
    """Every Kubernetes resource of these services and of the fleet, as one stream of YAML
    documents.

    Raises InputError where the project does not ask for them: nothing printed would look like
    nothing to deploy.
    """
    organisation = fleet.organisation
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
    """Every folder's artifacts and facts, the fleet's last, which is of the services in `out` too,
    if given."""
    made = made_of(fleet) if isinstance(fleet, FleetModel) else fleet
    wanted = {one.name: one.content for one in made.services}
    wanted[_FLEET] = FolderContent(ArtifactSet(tuple(_fleet_artifacts(made, out))))
    return wanted


def all_artifacts(wanted: Mapping[str, FolderContent]) -> Iterator[Wanted]:
    """The artifacts of every folder."""
    for content in wanted.values():
        yield from content.artifacts


def alertmanager_of(fleet: FleetModel) -> Mapping[str, Any]:
    """The Alertmanager configuration of the services of this fleet alone, as it would be loaded."""
    from opsgen.render.escalation import escalation
    from opsgen.render.subjects import OfFleet

    fragments = [escalation(model.service) for model in fleet.services]
    return OfFleet(fleet.organisation, fragments=fragments).alertmanager_config


def concerns(fleet: MadeFleet) -> Callable[[Mapping[str, Any]], bool]:
    """Whether a service that is not built now is gone: its spec makes another now, or lay below a
    given folder and is there no more. One that was left out is not gone: what was made of it last
    stays.

    A build of one spec, or of one folder of several, leaves the services of the others alone.
    """
    specs = fleet.specs
    given = [specs.name_in_outputs(folder) for folder in specs.folders]
    # Without a project file a spec is known by the end of its path, which others may share.
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
    """What renderers are given of all services: those that are built now, and those in `out`."""
    from opsgen.render.subjects import OfFleet, ServiceEntry

    built = {made.name: made.facts for made in fleet.services}
    others = [] if out is None else list(_others(fleet, built, out))
    facts = built | {other.name: other.facts for other in others}
    fragments = [json.loads(made.fragment) for made in fleet.services]
    in_cluster = {*built, *(other.name for other in others if other.has_resources)}
    return OfFleet(
        organisation=fleet.organisation,
        entries=[ServiceEntry.from_json(known["index"]) for known in facts.values()],
        fragments=[*fragments, *(other.fragment for other in others)],
        facts=facts,
        with_resources=sorted(in_cluster),
    )


@dataclass(frozen=True)
class _Other:
    """A service that is not built now, as its folder in the output describes it."""

    name: str
    facts: Mapping[str, Any]
    fragment: Mapping[str, Any]
    has_resources: bool


def _others(fleet: MadeFleet, built: Container[str], out: Path) -> Iterator[_Other]:
    """Every service in the output folder that is neither built now nor gone."""
    is_gone = concerns(fleet)
    resources = TARGETS["kubernetes"].folder
    for name, facts in read_index(out).items():
        path = out / ESCALATION.path_of(name)
        is_kept = name not in built and not is_gone(facts)
        if is_kept and "index" in facts and path.is_file():
            fragment = _fragment_of_another(path, name)
            yield _Other(name, facts, fragment, (out / name / resources).is_dir())


def _fragment_of_another(path: Path, service: str) -> Mapping[str, Any]:
    """A fragment from the output folder, where people may have changed it; raises InputError where
    it would break the fleet's configuration, or take alerts that are not its service's."""
    from opsgen.alertmanager.routing import matcher
    from opsgen.render.alertmanager import united

    own = matcher("service", service)
    try:
        fragment = _parsed(path.read_text(encoding="utf-8"))
        routes = fragment["route"].get("routes") or ()
        united([fragment])
        astray = [route for route in routes if own not in route["matchers"]]
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
