"""What runs the artifacts: Prometheus and Alertmanager, their versions and timings, the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from opsgen.model.oncall import Severity
from opsgen.quantities import Duration


@dataclass(frozen=True)
class Timing:
    """When Alertmanager notifies of a group of alerts: `wait` after its first, then of what changed
    every `interval`, and of what is unchanged after `repeat`. It rounds that up to whole intervals,
    and gives up sending after one.
    """

    wait: Duration
    interval: Duration
    repeat: Duration


@dataclass(frozen=True)
class Cluster:
    """How resources get into a Kubernetes cluster: their namespace (empty: whoever applies them
    says), the labels by which operators select them, and how Grafana learns of dashboards: by its
    `sidecar`, or an `operator` that selects the instances of Grafana by the labels in `grafana`."""

    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    dashboards: Literal["sidecar", "operator"] = "sidecar"
    grafana: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Platform:
    """What runs the artifacts: versions that gate fields and functions, how often it scrapes,
    evaluates, notifies."""

    prometheus: str
    alertmanager: str
    scrape_interval: Duration
    evaluation_interval: Duration
    blackbox_address: str
    timings: Mapping[Severity, Timing]
    targets: tuple[str, ...] = ("files",)
    cluster: Cluster = Cluster()
