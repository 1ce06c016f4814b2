"""Checks the files that no program can check, mostly by comparing them with files that one can.

The files of a target say the same as the plain files, in another form. promtool and amtool check
the plain files, so that it is enough if the others say the same. Each function takes a path and the
texts of all files, and gives what is wrong.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from opsgen.alertmanager.routing import matcher
from opsgen.channels.receivers import CATCH_ALL, PLACEHOLDER
from opsgen.judge.documents import (
    TextsByPath,
    beside,
    folders_of,
    groups_of_file,
    panels_in,
    parsed_yaml,
    undefined,
)
from opsgen.model.artifact_kinds import ALERTMANAGER, INDEX, RULES, RUNBOOK

_NOBODY = (CATCH_ALL, PLACEHOLDER.name)
# A page in the navigation of MkDocs; the file has tags that only MkDocs can load.
_PAGE = re.compile(r": (\S+\.md)$", re.MULTILINE)
_FENCED = re.compile(r"^(`{3,}|~{3,}).*?^\1`*~*$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)
_FILE_LINK = re.compile(
    r"(?<!\\)\]\((?![a-z][a-z0-9+.-]*:)([^)\s#]+)(?:#[^)\s]*)?\)", re.IGNORECASE
)


def same_groups(path: str, texts: TextsByPath) -> Iterator[str]:
    """The rule groups must be those of the plain file in the same folder."""
    plain = beside(path, RULES.path)
    if groups_of_file(texts[path]) != groups_of_file(texts[plain]):
        yield f"its rule groups differ from those of {plain}"


def dashboard_faults(path: str, texts: TextsByPath) -> Iterator[str]:
    """Every panel must have a unique id; every query an expression, and a letter that is unique in
    its panel."""
    panels = list(panels_in(json.loads(texts[path])))
    if not panels:
        yield "it has no panel"
    ids = Counter(panel.get("id") for panel in panels)
    for panel_id, times in ids.items():
        if times > 1:
            yield f"{times} panels share the id {panel_id}"
    for panel in panels:
        yield from _query_faults(panel)


def _query_faults(panel: Mapping[str, Any]) -> Iterator[str]:
    title = repr(panel.get("title"))
    targets = panel.get("targets") or ()
    letters = [target.get("refId") for target in targets]
    if len(set(letters)) < len(letters):
        yield f"two queries of the panel {title} share a letter"
    if not all(target.get("expr") for target in targets):
        yield f"a query of the panel {title} is empty"


def dead_links(path: str, texts: TextsByPath) -> Iterator[str]:
    """Every link to a file must lead to a file of this build. Links to services that are not built
    now are not checked."""
    built = folders_of(texts)
    prose = _CODE.sub("", _FENCED.sub("", texts[path]))
    for target in dict.fromkeys(_FILE_LINK.findall(prose)):
        file = beside(path, target)
        if posixpath.dirname(file) in built and file not in texts:
            yield f"a link leads to {target}, which does not exist"


def contact_point_faults(path: str, texts: TextsByPath) -> Iterator[str]:
    """Grafana's policies must be the routes of Alertmanager, and name only what exists."""
    document = parsed_yaml(texts[path])
    points = {point["name"] for point in document.get("contactPoints") or ()}
    hours = {interval["name"] for interval in document.get("muteTimes") or ()}
    (policy,) = document["policies"]
    yield from undefined(policy, points, hours)
    config = parsed_yaml(texts[ALERTMANAGER.path])
    wanted = _without_nobody(config["route"], config["route"]["receiver"])
    if _in_plain_words(policy) != wanted:
        yield f"its policies differ from the routes of {ALERTMANAGER.path}"
    receivers = {receiver["name"] for receiver in config["receivers"]} - set(_NOBODY)
    if points != receivers:
        yield f"its contact points differ from the receivers of {ALERTMANAGER.path}"


def _in_plain_words(policy: Mapping[str, Any]) -> dict[str, Any]:
    """A policy of Grafana as Alertmanager writes its route."""
    found = {key: value for key, value in policy.items() if key not in ("orgId", "routes")}
    if "object_matchers" in found:
        written = found.pop("object_matchers")
        found["matchers"] = [matcher(label, value, op) for label, op, value in written]
    if policy.get("routes"):
        found["routes"] = [_in_plain_words(child) for child in policy["routes"]]
    return found


def _without_nobody(route: Mapping[str, Any], root: str) -> dict[str, Any]:
    """A route of Alertmanager; the root is notified where it would notify nobody."""
    found = {**route, "receiver": root if route["receiver"] in _NOBODY else route["receiver"]}
    if route.get("routes"):
        found["routes"] = [_without_nobody(child, root) for child in route["routes"]]
    return found


def site_faults(path: str, texts: TextsByPath) -> Iterator[str]:
    """The site, and Backstage's entities, must list each runbook, and no page that is gone."""
    runbooks = {other for other in texts if RUNBOOK.has(other)}
    if path.endswith("mkdocs.yml"):
        wanted, listed = runbooks | {INDEX.path}, set(_PAGE.findall(texts[path]))
    else:
        entities = yaml.load_all(texts[path], Loader=yaml.CSafeLoader)
        wanted, listed = runbooks, {_page_of(entity) for entity in entities}
    built = folders_of(texts)
    for missing in sorted(wanted - listed):
        yield f"it does not list {missing}"
    for gone in sorted(listed - wanted):
        if posixpath.dirname(gone) in built:
            yield f"it lists {gone}, which does not exist"


def _page_of(entity: Mapping[str, Any]) -> str:
    """The page of an entity's documentation."""
    path: str = entity["metadata"]["annotations"]["backstage.io/techdocs-entity-path"]
    return f"{path.removeprefix('/')}.md"


def provider_faults(path: str, texts: TextsByPath) -> Iterator[str]:
    """What the Terraform providers would refuse, or references to nothing."""
    from opsgen.render.terraform.schemas import faults

    if not path.endswith(".tf.json"):
        return
    document = json.loads(texts[path])
    if not document:
        yield "it declares nothing"
    yield from faults(document)
