"""The table of targets: the ways to deliver artifacts. A row says what a target writes and what it
requires.

The checks of project files and services, the renderers and the docs read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# The target whose files are always written.
PLAIN = "files"


@dataclass(frozen=True)
class Asked:
    """A key of the project file that a target needs, and the mistake if it is missing."""

    key: str
    wrong: str
    right: str


@dataclass(frozen=True)
class Target:
    """One way to deliver.

    `about` is what it adds; `docs` is where the docs say more. `folder` is in the output folder,
    next to those of the services, so that no service may have its name. `keys` of a spec or project
    file are read only by this target. `refuses` is a function `module:name` below `opsgen.render`:
    it takes a service and gives what the target cannot express of it. `facts` is another: it takes
    a service and its signals, and gives what the target's fleet files need to know about them; the
    manifest stores it.
    """

    name: str
    about: str
    docs: str = ""
    folder: str = ""
    keys: tuple[str, ...] = ()
    asks: tuple[Asked, ...] = ()
    refuses: str = ""
    facts: str = ""


_TABLE = (
    Target(PLAIN, "nothing: opsgen always writes the plain files"),
    Target(
        "kubernetes",
        "resources for a cluster, with kustomizations",
        docs="#kubernetes",
        folder="kubernetes",
        keys=("scrape",),
        refuses="kubernetes.alertmanagerconfig:beyond",
    ),
    Target(
        "terraform",
        "the providers' own escalation",
        docs="#providers",
        folder="terraform",
        keys=("on_call",),
        facts="terraform.module:terraform_facts",
    ),
    Target(
        "grafana",
        "contact points and policies for Grafana's Alertmanager, and how it finds the dashboards",
        docs="#in-grafana",
        folder="grafana",
        asks=(
            Asked(
                "catch_all",
                "Grafana's policies need a default receiver",
                "write catch_all: with a channel",
            ),
        ),
    ),
    Target(
        "mimir",
        "the rules in namespaces, `mimir.yaml`, for the rulers of Mimir and Cortex",
        facts="rules:mimir_facts",
    ),
    Target("mkdocs", "a site of the runbooks", docs="runbooks.md", folder="mkdocs"),
    Target("git", "`.gitattributes` and `CODEOWNERS`", docs="pipelines.md#git"),
)
TARGETS: Mapping[str, Target] = {target.name: target for target in _TABLE}


def target_that_reads(key: str) -> str:
    """The name of the only target that reads a key."""
    return next(target.name for target in _TABLE if key in target.keys)
