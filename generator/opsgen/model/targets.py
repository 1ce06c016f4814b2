"""The ways to deliver what is generated, as one table: a row says what a target writes and what it
asks for.

Read where a project file is checked, where a service is, where files are rendered, and by the docs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Asked:
    """A key of the project file that a target needs, and what to say where it is left out."""

    key: str
    wrong: str
    right: str


@dataclass(frozen=True)
class Target:
    """One way to deliver.

    `folder` lies below the output folder, beside those of the services: no service may have its
    name. `keys` are those of a spec or of the project file that this target alone reads. `refuses`
    is a function, `module:name` below `opsgen.render`, that takes a service and gives what the
    target can't say of it. `facts` is one that takes a service and its signals, and gives what the
    target's files for the fleet need to know of them; the manifest keeps it.
    """

    name: str
    about: str
    folder: str = ""
    keys: tuple[str, ...] = ()
    asks: tuple[Asked, ...] = ()
    refuses: str = ""
    facts: str = ""


_TABLE = (
    Target("files", "Plain files: rules, proofs, dashboards, probes, escalation, runbooks."),
    Target(
        "kubernetes",
        "Resources of the Prometheus operator and of Grafana, with kustomizations.",
        folder="kubernetes",
        keys=("scrape",),
        refuses="kubernetes.alertmanagerconfig:beyond",
    ),
    Target(
        "terraform",
        "Escalation at PagerDuty, Opsgenie, Grafana IRM, incident.io and Splunk On-Call.",
        folder="terraform",
        keys=("on_call",),
        facts="terraform.module:terraform_facts",
    ),
    Target(
        "grafana",
        "Grafana's own alerting: contact points, policies, and where the dashboards are.",
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
        "Rule groups in namespaces, as mimirtool and Cortex' tools take them.",
        facts="rules:mimir_facts",
    ),
    Target("mkdocs", "A site of all runbooks, for MkDocs and Backstage.", folder="mkdocs"),
    Target("git", "Attributes and owners of the output, for git and its hosts."),
)
TARGETS: Mapping[str, Target] = {target.name: target for target in _TABLE}


def target_that_reads(key: str) -> str:
    """The name of the target that alone reads a key."""
    return next(target.name for target in _TABLE if key in target.keys)
