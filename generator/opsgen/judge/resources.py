"""Compares the resources of a Kubernetes cluster with the plain files, which programs check.

A resource must say the same as the plain file, in the words of its own definition.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from opsgen.alertmanager.routing import matcher
from opsgen.channels.receivers import CATCH_ALL
from opsgen.judge.documents import (
    TextsByPath,
    beside,
    files_in,
    folders_of,
    groups_of_file,
    parsed_yaml,
    undefined,
)
from opsgen.model.artifact_kinds import DASHBOARD, ESCALATION, OVERVIEW, PROBES, RULES

_KUSTOMIZATION = "kustomization.yaml"
_CAPITAL = re.compile(r"([A-Z])")


def resource_faults(path: str, texts: TextsByPath) -> Iterator[str]:
    """What the resource, or the kustomization of its folder, says otherwise than the plain file."""
    document = parsed_yaml(texts[path])
    compare = _RESOURCES.get(document.get("kind"))
    if compare is None:
        yield f"opsgen writes no resource of the kind {document.get('kind')}"
        return
    folder = posixpath.dirname(path)
    is_first = path == files_in(folder, texts)[0]
    if is_first and posixpath.join(folder, _KUSTOMIZATION) not in texts:
        yield f"there is no {_KUSTOMIZATION} beside it"
    yield from compare(path, document, texts)


def _kustomization(path: str, document: Any, texts: TextsByPath) -> Iterator[str]:
    """It must list every file of its folder, and nothing that does not exist."""
    folder = posixpath.dirname(path)
    listed = {beside(path, name) for name in document["resources"]}
    there = set(files_in(folder, texts)) - {path}
    for missing in sorted(there - listed):
        yield f"it does not list {posixpath.basename(missing)}"
    # A kustomization may list a folder too.
    for missing in sorted(listed - there - folders_of(texts)):
        yield f"it lists {posixpath.relpath(missing, folder)}, which does not exist"


def _prometheus_rule(path: str, _: Any, texts: TextsByPath) -> Iterator[str]:
    """All parts together must have the groups of the plain file. Reports at the first part."""
    folder = posixpath.dirname(path)
    parts = [
        other for other in files_in(folder, texts) if "prometheusrule" in posixpath.basename(other)
    ]
    groups = [group for part in parts for group in parsed_yaml(texts[part])["spec"]["groups"]]
    plain = _plain(folder, RULES.path)
    if path == parts[0] and groups != groups_of_file(texts[plain]):
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
    """It must poll what the job of this name in the plain file polls, in the same way."""
    plain = _plain(posixpath.dirname(path), PROBES.path)
    spec = document["spec"]
    jobs = {job["job_name"]: job for job in parsed_yaml(texts[plain])["scrape_configs"]}
    job = jobs.get(spec["jobName"])
    if job is None:
        yield f"{plain} has no job {spec['jobName']}"
        return
    static = job["static_configs"][0]
    polled = (static["targets"], static["labels"], job["scrape_interval"], job["scrape_timeout"])
    own = spec["targets"]["staticConfig"]
    if (own["static"], own["labels"], spec["interval"], spec["scrapeTimeout"]) != polled:
        yield f"it polls otherwise than {plain} does as {spec['jobName']}"
    if [spec["module"]] != job["params"]["module"]:
        yield f"it uses another module than {plain}"


def _monitor(path: str, document: Any, texts: TextsByPath) -> Iterator[str]:
    """It must select something, and give its series the job that the rules ask for."""
    spec = document["spec"]
    if not spec["selector"].get("matchLabels"):
        yield "it selects everything in the cluster"
    endpoints = spec.get("endpoints") or spec.get("podMetricsEndpoints")
    if not endpoints:
        yield "it has no endpoint"
        return
    rules = texts[_plain(posixpath.dirname(path), RULES.path)]
    for relabeling in endpoints[0].get("relabelings") or ():
        job = relabeling["replacement"].replace("$$", "$")
        if relabeling["targetLabel"] != "job" or matcher("job", job) not in rules:
            yield f"it names the job {job}, which no rule asks for"


def _alertmanager_config(path: str, document: Any, texts: TextsByPath) -> Iterator[str]:
    """Its routes, receivers and inhibitions must be those of the plain file."""
    spec = document["spec"]
    receivers = {receiver["name"] for receiver in spec["receivers"]}
    hours = {interval["name"] for interval in spec.get("muteTimeIntervals") or ()}
    route = _in_plain_words(spec["route"])
    yield from undefined(route, receivers, hours)
    plain = _plain(posixpath.dirname(path), ESCALATION.path)
    if plain in texts:  # the fleet's own resource only has the watchdog, and no plain file
        yield from _unlike_the_fragment(spec, route, plain, parsed_yaml(texts[plain]))


def _unlike_the_fragment(
    spec: Mapping[str, Any], route: Mapping[str, Any], plain: str, fragment: Mapping[str, Any]
) -> Iterator[str]:
    (wanted,) = fragment["route"]["routes"]
    if route != {"group_by": fragment["route"]["group_by"], **wanted}:
        yield f"its routes differ from those of {plain}"
    receivers = {receiver["name"] for receiver in fragment["receivers"]} - {CATCH_ALL}
    if {receiver["name"] for receiver in spec["receivers"]} != receivers:
        yield f"its receivers differ from those of {plain}"
    hours = {interval["name"] for interval in fragment.get("time_intervals") or ()}
    if {interval["name"] for interval in spec.get("muteTimeIntervals") or ()} != hours:
        yield f"its hours differ from those of {plain}"
    inhibitions = [
        [rule["source_matchers"], rule["target_matchers"], rule["equal"]]
        for rule in fragment.get("inhibit_rules") or ()
    ]
    own = [
        [_matchers(rule["sourceMatch"]), _matchers(rule["targetMatch"]), rule["equal"]]
        for rule in spec.get("inhibitRules") or ()
    ]
    if own != inhibitions:
        yield f"its inhibitions differ from those of {plain}"


def _in_plain_words(route: Mapping[str, Any]) -> dict[str, Any]:
    """A route of the resource as Alertmanager's own configuration writes it."""
    found: dict[str, Any] = {}
    for key, value in route.items():
        name = _CAPITAL.sub(r"_\1", key).lower()
        if key == "matchers":
            found[name] = _matchers(value)
        elif key == "routes":
            found[name] = [_in_plain_words(child) for child in value]
        else:
            found[name] = value
    return found


def _matchers(written: list[Mapping[str, Any]]) -> list[str]:
    return [matcher(one["name"], one["value"], one["matchType"]) for one in written]


_RESOURCES: Mapping[str, Callable[[str, Any, TextsByPath], Iterator[str]]] = {
    "Kustomization": _kustomization,
    "PrometheusRule": _prometheus_rule,
    "ConfigMap": _dashboard,
    "GrafanaDashboard": _dashboard,
    "Probe": _probe,
    "ServiceMonitor": _monitor,
    "PodMonitor": _monitor,
    "AlertmanagerConfig": _alertmanager_config,
}


def _plain(folder: str, name: str) -> str:
    """The plain file that belongs to a folder of resources."""
    return posixpath.join(posixpath.dirname(folder), name)
