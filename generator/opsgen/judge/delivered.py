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
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from opsgen.channels.receivers import CATCH_ALL
from opsgen.model.artifact_kinds import DASHBOARD, ESCALATION, OVERVIEW, PROBES, RULES

TextsByPath = Mapping[str, str]

_FENCED = re.compile(r"^(`{3,}|~{3,}).*?^\1`*~*$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)
_FILE_LINK = re.compile(
    r"(?<!\\)\]\((?![a-z][a-z0-9+.-]*:)([^)\s#]+)(?:#[^)\s]*)?\)", re.IGNORECASE
)


def same_groups(path: str, texts: TextsByPath) -> Iterator[str]:
    """The rule groups must be those of the plain file in the same folder."""
    beside = posixpath.join(posixpath.dirname(path), RULES.path)
    if _groups(_yaml(texts[path])) != _groups(_yaml(texts[beside])):
        yield f"its rule groups differ from those of {beside}"


def dashboard_faults(path: str, texts: TextsByPath) -> Iterator[str]:
    """Every panel must have a unique id; every query an expression, and a letter that is unique in
    its panel."""
    panels = list(_panels(json.loads(texts[path])))
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
    built = _folders(texts)
    prose = _CODE.sub("", _FENCED.sub("", texts[path]))
    for target in dict.fromkeys(_FILE_LINK.findall(prose)):
        file = _beside(path, target)
        if posixpath.dirname(file) in built and file not in texts:
            yield f"a link leads to {target}, which does not exist"


def resource_faults(path: str, texts: TextsByPath) -> Iterator[str]:
    """A Kubernetes resource must say the same as the plain file."""
    document = _yaml(texts[path])
    compare = _RESOURCES.get(document.get("kind"))
    if compare is not None:
        yield from compare(path, document, texts)


def contact_point_faults(path: str, texts: TextsByPath) -> Iterator[str]:
    """Every notification policy of Grafana must name contact points and hours that exist."""
    document = _yaml(texts[path])
    points = {point["name"] for point in document.get("contactPoints") or ()}
    hours = {interval["name"] for interval in document.get("muteTimes") or ()}
    for policy in document.get("policies") or ():
        keys = ("mute_time_intervals", "active_time_intervals")
        yield from _undefined(policy, points, hours, keys)


def provider_faults(path: str, texts: TextsByPath) -> Iterator[str]:
    """What the Terraform providers would refuse, or references to nothing."""
    from opsgen.render.terraform.schemas import faults

    if path.endswith(".tf.json"):
        yield from faults(json.loads(texts[path]))


# -- Kubernetes resources --------------------------------------------------------------------------


def _kustomization(path: str, document: Any, texts: TextsByPath) -> Iterator[str]:
    """It must list every file of its folder, and nothing that does not exist."""
    folder = posixpath.dirname(path)
    listed = {_beside(path, name) for name in document["resources"]}
    there = set(_files_in(folder, texts)) - {path}
    for missing in sorted(there - listed):
        yield f"it does not list {posixpath.basename(missing)}"
    # A kustomization may list a folder too.
    for missing in sorted(listed - there - _folders(texts)):
        yield f"it lists {posixpath.relpath(missing, folder)}, which does not exist"


def _prometheus_rule(path: str, _: Any, texts: TextsByPath) -> Iterator[str]:
    """All parts together must have the groups of the plain file. Reports at the first part."""
    folder = posixpath.dirname(path)
    parts = [
        other for other in _files_in(folder, texts) if "prometheusrule" in posixpath.basename(other)
    ]
    groups = [group for part in parts for group in _yaml(texts[part])["spec"]["groups"]]
    plain = _plain(folder, RULES.path)
    if path == parts[0] and groups != _groups(_yaml(texts[plain])):
        yield f"its rule groups differ from those of {plain}"


def _dashboard(path: str, document: Any, texts: TextsByPath) -> Iterator[str]:
    """It must contain the same dashboard as the plain file."""
    (model,) = document["data"].values() if "data" in document else [document["spec"]["json"]]
    folder = posixpath.dirname(path)
    name = DASHBOARD.path if posixpath.dirname(folder) else OVERVIEW.path
    plain = _plain(folder, name)
    if json.loads(model) != json.loads(texts[plain]):
        yield f"its dashboard differs from {plain}"


def _probe(path: str, document: Any, texts: TextsByPath) -> Iterator[str]:
    """It must poll the same targets as the job of this name in the plain file."""
    plain = _plain(posixpath.dirname(path), PROBES.path)
    scraped = _yaml(texts[plain])["scrape_configs"]
    jobs = {job["job_name"]: job["static_configs"][0]["targets"] for job in scraped}
    spec = document["spec"]
    if jobs.get(spec["jobName"]) != spec["targets"]["staticConfig"]["static"]:
        yield f"it does not poll what {plain} polls as {spec['jobName']}"


def _alertmanager_config(path: str, document: Any, texts: TextsByPath) -> Iterator[str]:
    """Its routes must name receivers and hours that exist, and its receivers must be those of the
    plain file."""
    spec = document["spec"]
    receivers = {receiver["name"] for receiver in spec["receivers"]}
    hours = {interval["name"] for interval in spec.get("muteTimeIntervals") or ()}
    keys = ("muteTimeIntervals", "activeTimeIntervals")
    yield from _undefined(spec["route"], receivers, hours, keys)
    plain = _plain(posixpath.dirname(path), ESCALATION.path)
    if plain in texts:  # the fleet's own resource only has the watchdog, and no plain file
        wanted = {receiver["name"] for receiver in _yaml(texts[plain])["receivers"]}
        if receivers != wanted - {CATCH_ALL}:
            yield f"its receivers differ from those of {plain}"


_RESOURCES: Mapping[str, Callable[[str, Any, TextsByPath], Iterator[str]]] = {
    "Kustomization": _kustomization,
    "PrometheusRule": _prometheus_rule,
    "ConfigMap": _dashboard,
    "GrafanaDashboard": _dashboard,
    "Probe": _probe,
    "AlertmanagerConfig": _alertmanager_config,
}


# -- parts of documents ----------------------------------------------------------------------------


def _undefined(
    route: Mapping[str, Any], receivers: set[str], hours: set[str], keys: tuple[str, ...]
) -> Iterator[str]:
    """Receivers and hours that a route, or one below it, names but nothing defines."""
    if route.get("receiver") not in {None, *receivers}:
        yield f"a route notifies {route['receiver']}, which does not exist"
    for key in keys:
        for name in route.get(key) or ():
            if name not in hours:
                yield f"a route names the hours {name}, which do not exist"
    for child in route.get("routes") or ():
        yield from _undefined(child, receivers, hours, keys)


def _plain(folder: str, name: str) -> str:
    """The plain file that belongs to a folder of resources."""
    return posixpath.join(posixpath.dirname(folder), name)


def _beside(path: str, name: str) -> str:
    """The file that `name` leads to from the folder of `path`."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), name))


def _files_in(folder: str, texts: TextsByPath) -> list[str]:
    return [path for path in texts if posixpath.dirname(path) == folder]


def _folders(texts: TextsByPath) -> set[str]:
    return {posixpath.dirname(path) for path in texts}


def _groups(document: Any) -> list[Any]:
    groups: list[Any] = document["groups"]
    return groups


def _panels(part: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The panels of a dashboard, including those in rows."""
    for panel in part.get("panels") or ():
        yield panel
        yield from _panels(panel)


def _yaml(text: str) -> Any:
    return yaml.load(text, Loader=yaml.CSafeLoader)
