"""A fleet's artifacts, gathered by folder and written; one service after another gives the same
files as all at once.

The fleet's own files (Alertmanager configuration, overview, index) are made of what each service's
folder says of it: its escalation fragment and the facts in its manifest. Services that are not
built now are read back from there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from opsgen.fleet.load import FleetModel
from opsgen.fleet.make import MadeFleet, made_of
from opsgen.fleet.reports import Report, report_lines, stale_findings
from opsgen.model.artifact import Artifact, ArtifactSet
from opsgen.model.artifact_kinds import ESCALATION, FLEET_KUBERNETES, KUBERNETES
from opsgen.model.targets import TARGETS
from opsgen.output.blocks import Side
from opsgen.output.decision import Action, FolderContent
from opsgen.output.manifest import read_index
from opsgen.output.plan import plan
from opsgen.output.write import write

if TYPE_CHECKING:
    from opsgen.render.subjects import OfFleet

_FLEET = ""


def write_fleet(fleet: MadeFleet, out: Path, force: bool, take: Side | None = None) -> Report:
    """Writes everything that was made."""
    wanted = contents(fleet, out)
    done = write(out, wanted, complete=True, force=force, take=take, concerns=concerns(fleet))
    return Report.of(
        done, report_lines(done, 0), not done.conflicts, stale_findings(fleet, done, done.conflicts)
    )


def check_fresh(fleet: MadeFleet, out: Path) -> Report:
    """Whether the output folder is what the specs give; writes nothing."""
    wanted = contents(fleet, out)
    would = plan(out, wanted, complete=True, concerns=concerns(fleet))
    texts = {
        artifact.path: artifact for content in wanted.values() for artifact in content.artifacts
    }
    lines = list(report_lines(would, 1, texts))
    if would.stale:
        lines.append("The output is stale; build it again: opsgen build")
        if would.conflicts:
            lines.append(
                "What was edited by hand stays so: take it into the spec, or overwrite it with"
                " --force"
            )
    stale = [decision for decision in would.decisions if decision.action is not Action.KEEP]
    return Report.of(would, lines, not would.stale, stale_findings(fleet, would, stale))


def manifests(fleet: MadeFleet) -> str:
    """Every Kubernetes resource of these services and of the fleet, as one stream of YAML
    documents.

    Raises InputError where the project does not ask for them: nothing printed would look like
    nothing to deploy.
    """
    from opsgen.errors import InputError, Mistake
    from opsgen.render.kubernetes.metadata import KUSTOMIZATION

    organisation = fleet.organisation
    if KUBERNETES.target not in organisation.platform.targets:
        wrong = "there are no resources to print without the target kubernetes"
        file = organisation.file or "opsgen.yaml"
        raise InputError(
            [Mistake(file, 1, 1, "targets", wrong, "write targets: [files, kubernetes]")]
        )
    texts = [one for content in contents(fleet, None).values() for one in content.artifacts]
    found = [
        one.content
        for one in texts
        if _is_resource(one.path) and not one.path.endswith(KUSTOMIZATION)
    ]
    return "".join(f"---\n{text}" for text in found)


def _is_resource(path: str) -> bool:
    return KUBERNETES.has(path) or FLEET_KUBERNETES.has(path)


def contents(fleet: FleetModel | MadeFleet, out: Path | None) -> dict[str, FolderContent]:
    """Every folder's artifacts and facts, the fleet's last, which is of the services in `out` too,
    if given."""
    made = made_of(fleet) if isinstance(fleet, FleetModel) else fleet
    wanted = {one.name: one.content for one in made.services}
    wanted[_FLEET] = FolderContent(ArtifactSet(tuple(_fleet_artifacts(made, out))))
    return wanted


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


def _is_below(spec: str, folder: str) -> bool:
    return folder == "." or spec.startswith(f"{folder}/")


def _fleet_artifacts(fleet: MadeFleet, out: Path | None) -> Iterator[Artifact]:
    from opsgen.render.artifacts import fleet_artifacts

    return fleet_artifacts(_subject_of(fleet, out))


def _subject_of(fleet: MadeFleet, out: Path | None) -> OfFleet:
    """What renderers are given of all services: those that are built now, and those in `out`."""
    from opsgen.render.subjects import OfFleet, ServiceEntry

    built = {made.name: made.facts for made in fleet.services}
    others = {} if out is None else dict(_others(fleet, built, out))
    known = built | {name: facts for name, (facts, _) in others.items()}
    folder = TARGETS["kubernetes"].folder
    return OfFleet(
        organisation=fleet.organisation,
        entries=[ServiceEntry.from_json(facts["index"]) for facts in known.values()],
        fragments=[
            *(json.loads(made.fragment) for made in fleet.services),
            *(fragment for _, fragment in others.values()),
        ],
        facts=known,
        with_resources=[
            name
            for name in sorted(known)
            if name in built or (out is not None and (out / name / folder).is_dir())
        ],
    )


def _others(
    fleet: MadeFleet, built: Container[str], out: Path
) -> Iterator[tuple[str, tuple[Mapping[str, Any], Mapping[str, Any]]]]:
    """Facts and fragment of every service in the output folder that is neither built now nor
    gone."""
    is_gone = concerns(fleet)
    for name, known in read_index(out).items():
        path = out / ESCALATION.path_of(name)
        if name not in built and not is_gone(known) and "index" in known and path.is_file():
            yield name, (known, _fragment_of_another(path, name))


def _fragment_of_another(path: Path, service: str) -> Mapping[str, Any]:
    """A fragment from the output folder, where people may have changed it; raises InputError where
    it would break the fleet's configuration, or take alerts that are not its service's."""
    from opsgen.alertmanager.routing import matcher
    from opsgen.errors import InputError, Mistake
    from opsgen.render.alertmanager import united

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
        united([fragment])
        astray = [route for route in routes if matcher("service", service) not in route["matchers"]]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, KeyError, TypeError):
        raise refused("this is no part of an Alertmanager configuration any more") from None
    if astray:
        raise refused(f"a route of it takes alerts of other services than {service}")
    return fragment


def _parsed(text: str) -> Mapping[str, Any]:
    parsed: Mapping[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return parsed
