"""A service or the fleet goes in; the resources that the Prometheus operator and Grafana read in a
Kubernetes cluster come out.

The fields are those of the operator's definitions (0.93) and of the Grafana operator's (v1beta1).
The label and the folder's annotation of a ConfigMap are the defaults of the sidecar in Grafana's
chart.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from opsgen.errors import InputError, Mistake
from opsgen.model.artifact import Artifact
from opsgen.model.platform import Cluster
from opsgen.model.service import Place, Probe, Scrape, Service
from opsgen.model.targets import TARGETS
from opsgen.promql.tree import exact_value
from opsgen.render.dashboards import dashboards_in
from opsgen.render.kubernetes.alertmanagerconfig import (
    render_alertmanager_config,
    render_watchdog_config,
)
from opsgen.render.kubernetes.metadata import (
    KUSTOMIZATION,
    LARGEST,
    Resource,
    bytes_of,
    metadata,
)
from opsgen.render.overview import overview_in
from opsgen.render.rules import groups_in
from opsgen.render.subjects import OfFleet, OfService
from opsgen.render.watchdog import watchdog_groups
from opsgen.render.yaml_writer import dump, generated_from

_FOLDER = TARGETS["kubernetes"].folder
_MONITORING = "monitoring.coreos.com/v1"


def render_kubernetes(subject: OfService) -> list[Artifact]:
    """Rules, probes, scraping, dashboards, escalation, and the kustomization that lists them.

    Raises InputError where a resource can't be made small enough for the API server.
    """
    service = subject.service
    head = generated_from(service.spec_file)
    folder = f"{service.name}/{_FOLDER}"
    named = list(_resources(subject))
    _refuse_large(named, subject.place)
    artifacts = [
        Artifact(f"{folder}/{name}.yaml", dump(resource, head)) for name, resource in named
    ]
    artifacts.append(render_alertmanager_config(service))
    return [*artifacts, _kustomization(folder, artifacts, head)]


def _resources(subject: OfService) -> Iterator[tuple[str, Resource]]:
    """The service's resources, each with the stem of its file's name."""
    service = subject.service
    cluster = service.platform.cluster
    yield from _rules(cluster, service.name, subject.once(groups_in))
    for probe in service.probes:
        yield f"probe-{probe.name}", _probe(service, probe)
    yield from _monitor(service)
    for dashboard in subject.once(dashboards_in):
        yield _dashboard(cluster, service.name, service.folder, dashboard)


def render_kubernetes_fleet(subject: OfFleet) -> list[Artifact]:
    """The fleet's own resources, and a kustomization of these and of every service's."""
    organisation = subject.organisation
    cluster, watchdog = organisation.platform.cluster, organisation.watchdog
    head = generated_from("opsgen.yaml")
    named = [_dashboard(cluster, "", organisation.grafana_folder, subject.once(overview_in))]
    artifacts = []
    if watchdog is not None:
        named += _rules(cluster, "", watchdog_groups())
        artifacts.append(render_watchdog_config(watchdog, cluster))
    artifacts = [
        *(Artifact(f"{_FOLDER}/{name}.yaml", dump(one, head)) for name, one in named),
        *artifacts,
    ]
    others = [f"../{name}/{_FOLDER}" for name in subject.with_resources]
    return [*artifacts, _kustomization(_FOLDER, artifacts, head, others)]


# -- Prometheus ------------------------------------------------------------------------------------


def _rules(
    cluster: Cluster, service: str, groups: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, Resource]]:
    """The rule groups, in one resource or more. A group stays whole, since its rules read each
    other's series."""
    for number, part in enumerate(_parts(groups), start=1):
        more = () if number == 1 else (str(number),)
        yield (
            "-".join(("prometheusrule", *more)),
            {
                "apiVersion": _MONITORING,
                "kind": "PrometheusRule",
                "metadata": metadata(cluster, service, *more),
                "spec": {"groups": part},
            },
        )


def _parts(groups: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    part: list[Mapping[str, Any]] = []
    size = 0
    # Half of what is allowed, so that a part that grows a little does not push its groups into the
    # next.
    for group in groups:
        own = bytes_of(group)
        if part and size + own > LARGEST // 2:
            yield part
            part, size = [], 0
        part.append(group)
        size += own
    yield part


def _probe(service: Service, probe: Probe) -> Resource:
    labels = {"service": service.name, "environment": service.environment}
    return {
        "apiVersion": _MONITORING,
        "kind": "Probe",
        "metadata": metadata(service.platform.cluster, service.name, probe.name),
        "spec": {
            "jobName": probe.job(service.name),
            "interval": str(probe.interval),
            "scrapeTimeout": str(probe.scrape_timeout),
            "module": probe.module,
            "prober": {"url": service.platform.blackbox_address},
            "targets": {"staticConfig": {"static": [probe.url], "labels": labels}},
        },
    }


def _monitor(service: Service) -> Iterator[tuple[str, Resource]]:
    scrape = service.scrape
    if scrape is None:
        return
    kind, endpoints = _MONITORS[scrape.of]
    spec: Resource = {
        "selector": {"matchLabels": dict(scrape.selector)},
        "namespaceSelector": (
            {"matchNames": [scrape.namespace]} if scrape.namespace else {"any": True}
        ),
        endpoints: [_endpoint(service, scrape)],
    }
    resource = {
        "apiVersion": _MONITORING,
        "kind": kind,
        "metadata": metadata(service.platform.cluster, service.name),
    }
    yield kind.lower(), {**resource, "spec": spec}


_MONITORS = {
    "services": ("ServiceMonitor", "endpoints"),
    "pods": ("PodMonitor", "podMetricsEndpoints"),
}


def _endpoint(service: Service, scrape: Scrape) -> Resource:
    found: Resource = {
        "port": scrape.port,
        "path": scrape.path,
        "interval": str(service.platform.scrape_interval),
    }
    if scrape.scheme != "http":
        found["scheme"] = scrape.scheme
    job = exact_value(service.matchers, "job")
    if job:
        # The operator calls the job after the Kubernetes service; the rules ask for this one. `$`
        # begins a reference.
        found["relabelings"] = [{"targetLabel": "job", "replacement": job.replace("$", "$$")}]
    return found


# -- Grafana ---------------------------------------------------------------------------------------


def _dashboard(
    cluster: Cluster, service: str, folder: str, artifact: Artifact
) -> tuple[str, Resource]:
    """The dashboard as one line of JSON, since its size is limited. The file beside it is the one
    for people to read."""
    stem = artifact.path.rpartition("/")[2].removesuffix(".json")
    model = json.loads(artifact.content)
    text = json.dumps(model, ensure_ascii=False, separators=(",", ":"))
    if cluster.dashboards == "operator":
        return stem, {
            "apiVersion": "grafana.integreatly.org/v1beta1",
            "kind": "GrafanaDashboard",
            "metadata": metadata(cluster, service, stem),
            "spec": {
                "instanceSelector": {"matchLabels": dict(cluster.grafana)},
                "folder": folder,
                "json": text,
            },
        }
    about = metadata(cluster, service, stem)
    about["labels"] = {**about["labels"], "grafana_dashboard": "1"}
    return stem, {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {**about, "annotations": {"grafana_folder": folder}},
        "data": {f"{model['uid']}.json": text},
    }


# -- the whole -------------------------------------------------------------------------------------


def _kustomization(
    folder: str, artifacts: Iterable[Artifact], head: Sequence[str], others: Sequence[str] = ()
) -> Artifact:
    files = sorted(artifact.path.rpartition("/")[2] for artifact in artifacts)
    document = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [*files, *others],
    }
    return Artifact(f"{folder}/{KUSTOMIZATION}", dump(document, head))


def _refuse_large(named: Iterable[tuple[str, Resource]], place: Place) -> None:
    large = [resource for _, resource in named if bytes_of(resource) > LARGEST]
    if large:
        raise InputError([_too_large(resource, place) for resource in large])


def _too_large(resource: Resource, place: Place) -> Mistake:
    wrong = (
        f"its {resource['kind']} has {bytes_of(resource) // 1024} KiB,"
        f" and Kubernetes takes {LARGEST // 1024}"
    )
    right = "shorten its texts, make two services of it, or leave kubernetes out of targets"
    return Mistake(place.file, place.line, place.column, "service", wrong, right)
