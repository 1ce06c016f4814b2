"""The platform that the artifacts are for: Prometheus, Alertmanager, their versions and timings,
and the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from opsgen.model.oncall import Severity
from opsgen.model.targets import PLAIN
from opsgen.quantities import Duration

# Prometheus' own default of --storage.tsdb.retention.time.
RETENTION = Duration.of("15d")


@dataclass(frozen=True)
class Timing:
    """When Alertmanager notifies of a group of alerts: `wait` after its first alert, every
    `interval` if it changed, and after `repeat` if it did not.

    Alertmanager rounds `repeat` up to whole intervals, and stops retrying a notification after one
    interval.
    """

    wait: Duration
    interval: Duration
    repeat: Duration


@dataclass(frozen=True)
class Cluster:
    """How resources get into a Kubernetes cluster: their namespace (empty: chosen when they are
    applied), and the labels by which operators select them.

    `dashboards` says who brings dashboards to Grafana: a `sidecar`, or an `operator`, which selects
    instances of Grafana by the labels in `grafana`.
    """

    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    dashboards: Literal["sidecar", "operator"] = "sidecar"
    grafana: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Platform:
    """Versions, which decide what may be written, and how often the servers scrape, evaluate and
    notify.

    `external_labels` are those that tell the Prometheus servers apart. Rules do not see them on the
    series of their own server; Alertmanager, Thanos and federation do. Series that are `pushed`
    may lack `instance` and `job`, which Prometheus adds where it scrapes.
    `retention` is how long samples are kept.
    """

    prometheus: str
    alertmanager: str
    scrape_interval: Duration
    evaluation_interval: Duration
    blackbox_address: str
    timings: Mapping[Severity, Timing]
    external_labels: tuple[str, ...] = ()
    pushed: bool = False
    retention: Duration = RETENTION
    targets: tuple[str, ...] = (PLAIN,)
    cluster: Cluster = Cluster()
