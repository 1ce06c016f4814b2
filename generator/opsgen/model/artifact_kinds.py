"""The table of artifact kinds. A row says where the file is, what renders it, what checks it, what
an alert must have in it, and whether `opsgen diff` reads it.

To add a kind, write its renderer and its row here. The build, `check`, `diff`, the docs and the
tests read this table; none of them has its own list.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from opsgen.model.targets import PLAIN

Scope = Literal["service", "fleet"]


@dataclass(frozen=True)
class Program:
    """A real program that checks each file of the kind, if it is installed, by its exit code.

    `reads` are the other files that it reads, from the folder of the file.
    """

    name: str
    arguments: tuple[str, ...]
    reads: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """A check of our own, a function `module:name` below `opsgen.judge`.

    It takes the path of a file and the texts of all files, and gives what is wrong, in words.
    """

    function: str


@dataclass(frozen=True)
class Unjudged:
    """Nothing checks the kind in `opsgen check`, for this reason."""

    reason: str


Judge = Program | Comparison | Unjudged


@dataclass(frozen=True)
class ArtifactKind:
    """One kind of file.

    `path` is below the service's folder, and `path_of` gives it below the output folder; for a kind
    of the fleet it is below the output folder. `*` stands for any name. `renderer` is a function
    `module:name` below `opsgen.render`, imported when it is first called: it takes one subject
    (`OfService`, `OfFleet`) and gives any number of artifacts. `always` says that every service, or
    every fleet, has the file. `closure` is what an alert must have in it. `in_diff` says that
    `opsgen diff` shows what changes in it.
    """

    name: str
    path: str
    of: Scope
    renderer: str
    judge: Judge
    target: str = PLAIN
    always: bool = False
    closure: Literal["", "rule", "panel", "section", "proof", "route"] = ""
    in_diff: bool = False

    def has(self, path: str) -> bool:
        """Whether a path below the output folder is of this kind."""
        if self.of == "fleet":
            return fnmatchcase(path, self.path)
        folder, _, rest = path.partition("/")
        return bool(folder) and fnmatchcase(rest, self.path)

    def is_wanted(self, targets: Collection[str]) -> bool:
        """Whether a project with these targets has it."""
        return self.target == PLAIN or self.target in targets

    def path_of(self, service: str) -> str:
        """The path below the output folder, for a kind with one file."""
        return f"{service}/{self.path}"


_CHECK_RULES = Program("promtool", ("check", "rules", "--lint-fatal"))
_TEST_RULES = Program("promtool", ("test", "rules"), reads=("rules.yaml",))
_CHECK_CONFIG = Program("promtool", ("check", "config", "--syntax-only"))
_CHECK_ALERTMANAGER = Program("amtool", ("check-config",))
_SAME_GROUPS = Comparison("delivered:same_groups")
_DASHBOARD = Comparison("delivered:dashboard_faults")
_LINKS = Comparison("delivered:dead_links")

RULES = ArtifactKind(
    name="rules",
    path="rules.yaml",
    of="service",
    renderer="rules:render_rules",
    judge=_CHECK_RULES,
    always=True,
    closure="rule",
    in_diff=True,
)
PROOF = ArtifactKind(
    name="proof",
    path="rules.test.yaml",
    of="service",
    renderer="proofs:render_proofs",
    judge=_TEST_RULES,
    always=True,
    closure="proof",
)
DASHBOARD = ArtifactKind(
    name="dashboard",
    path="dashboard.json",
    of="service",
    renderer="dashboards:render_dashboards",
    judge=_DASHBOARD,
    always=True,
    closure="panel",
    in_diff=True,
)
ESCALATION = ArtifactKind(
    name="escalation",
    path="escalation.yaml",
    of="service",
    renderer="escalation:render_escalation",
    judge=_CHECK_ALERTMANAGER,
    always=True,
)
RUNBOOK = ArtifactKind(
    name="runbook",
    path="runbook.md",
    of="service",
    renderer="runbook.page:render_runbook",
    judge=_LINKS,
    always=True,
    closure="section",
    in_diff=True,
)
PROBES = ArtifactKind(
    name="probes",
    path="probes.yaml",
    of="service",
    renderer="probes:render_probes",
    judge=_CHECK_CONFIG,
    in_diff=True,
)
KUBERNETES = ArtifactKind(
    name="kubernetes",
    path="kubernetes/*",
    of="service",
    renderer="kubernetes.resources:render_kubernetes",
    judge=Comparison("resources:resource_faults"),
    target="kubernetes",
    always=True,
)
MIMIR = ArtifactKind(
    name="mimir",
    path="mimir.yaml",
    of="service",
    renderer="rules:render_mimir",
    judge=_SAME_GROUPS,
    target="mimir",
    always=True,
)
ALERTMANAGER = ArtifactKind(
    name="alertmanager",
    path="alertmanager.yml",
    of="fleet",
    renderer="alertmanager:render_alertmanager",
    judge=_CHECK_ALERTMANAGER,
    always=True,
    closure="route",
    in_diff=True,
)
GRAFANA_ALERTING = ArtifactKind(
    name="grafana-alerting",
    path="grafana/alerting.yaml",
    of="fleet",
    renderer="grafana_alerting:render_grafana_alerting",
    judge=Comparison("delivered:contact_point_faults"),
    target="grafana",
    always=True,
)
GRAFANA_PROVIDER = ArtifactKind(
    name="grafana-provider",
    path="grafana/dashboards.yaml",
    of="fleet",
    renderer="grafana_provider:render_provider",
    judge=Unjudged("Grafana alone reads it: a folder and a path, the same for every fleet"),
    target="grafana",
    always=True,
)
FLEET_RULES = ArtifactKind(
    name="fleet-rules",
    path="rules.yaml",
    of="fleet",
    renderer="watchdog:render_watchdog",
    judge=_CHECK_RULES,
    in_diff=True,
)
FLEET_PROOF = ArtifactKind(
    name="fleet-proof",
    path="rules.test.yaml",
    of="fleet",
    renderer="watchdog:render_watchdog_proof",
    judge=_TEST_RULES,
)
FLEET_MIMIR = ArtifactKind(
    name="fleet-mimir",
    path="mimir.yaml",
    of="fleet",
    renderer="watchdog:render_watchdog_mimir",
    judge=_SAME_GROUPS,
    target="mimir",
)
OVERVIEW = ArtifactKind(
    name="overview",
    path="overview.json",
    of="fleet",
    renderer="overview:render_overview",
    judge=_DASHBOARD,
    always=True,
)
FLEET_KUBERNETES = ArtifactKind(
    name="fleet-kubernetes",
    path="kubernetes/*",
    of="fleet",
    renderer="kubernetes.resources:render_kubernetes_fleet",
    judge=Comparison("resources:resource_faults"),
    target="kubernetes",
    always=True,
)
INDEX = ArtifactKind(
    name="index",
    path="README.md",
    of="fleet",
    renderer="index:render_index",
    judge=_LINKS,
    always=True,
)
MKDOCS = ArtifactKind(
    name="mkdocs",
    path="mkdocs/*",
    of="fleet",
    renderer="mkdocs:render_mkdocs",
    judge=Comparison("delivered:site_faults"),
    target="mkdocs",
    always=True,
)
GIT_ATTRIBUTES = ArtifactKind(
    name="git-attributes",
    path=".gitattributes",
    of="fleet",
    renderer="git:render_attributes",
    judge=Unjudged("git takes every file of attributes; the lines are the same for every fleet"),
    target="git",
    always=True,
)
CODE_OWNERS = ArtifactKind(
    name="code-owners",
    path="CODEOWNERS",
    of="fleet",
    renderer="git:render_owners",
    judge=Unjudged("only the host knows its people; it shows an owner that it does not know"),
    target="git",
)
TERRAFORM = ArtifactKind(
    name="terraform",
    path="terraform/*",
    of="fleet",
    renderer="terraform.module:render_terraform",
    judge=Comparison("delivered:provider_faults"),
    target="terraform",
    always=True,
)

# The build renders and writes in this order.
_TABLE = (
    RULES,
    PROOF,
    DASHBOARD,
    ESCALATION,
    RUNBOOK,
    PROBES,
    KUBERNETES,
    MIMIR,
    ALERTMANAGER,
    GRAFANA_ALERTING,
    GRAFANA_PROVIDER,
    FLEET_RULES,
    FLEET_PROOF,
    FLEET_MIMIR,
    OVERVIEW,
    FLEET_KUBERNETES,
    INDEX,
    MKDOCS,
    GIT_ATTRIBUTES,
    CODE_OWNERS,
    TERRAFORM,
)
ARTIFACT_KINDS: Mapping[str, ArtifactKind] = {kind.name: kind for kind in _TABLE}


def artifact_kind_of(path: str) -> ArtifactKind | None:
    """The kind of a path below the output folder; None if no row has the path."""
    return next((kind for kind in _TABLE if kind.has(path)), None)


def file_names() -> dict[str, str]:
    """The path of each kind by its name, for templates that name files."""
    return {kind.name.replace("-", "_"): kind.path for kind in _TABLE}
