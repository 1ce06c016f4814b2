"""A service's uptime probes go in; the scrape configuration that makes the blackbox exporter poll
them comes out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opsgen.model.artifact import Artifact
from opsgen.model.artifact_kinds import PROBES
from opsgen.model.platform import Platform
from opsgen.model.service import Probe, Service
from opsgen.render.subjects import OfService
from opsgen.render.yaml_writer import dump, generated_from


def render_probes(subject: OfService) -> Iterator[Artifact]:
    """A scrape job for each probe; nothing where the service has no probes."""
    service = subject.service
    if service.probes:
        config = {"scrape_configs": [_job(service, probe) for probe in service.probes]}
        yield Artifact(PROBES.path_of(service.name), dump(config, _comment(service)))


def _job(service: Service, probe: Probe) -> dict[str, Any]:
    return {
        "job_name": probe.job(service.name),
        "metrics_path": "/probe",
        "params": {"module": [probe.module]},
        "scrape_interval": str(probe.interval),
        "scrape_timeout": str(probe.scrape_timeout),
        "static_configs": [
            {
                "targets": [probe.url],
                "labels": {"service": service.name, "environment": service.environment},
            }
        ],
        "relabel_configs": _relabel_configs(service.platform),
    }


def _relabel_configs(platform: Platform) -> list[dict[str, Any]]:
    """The URL becomes the exporter's parameter and the label `instance`; Prometheus scrapes the
    exporter."""
    return [
        {"source_labels": ["__address__"], "target_label": "__param_target"},
        {"source_labels": ["__param_target"], "target_label": "instance"},
        # `$` begins a reference to a match.
        {
            "target_label": "__address__",
            "replacement": platform.blackbox_address.replace("$", "$$"),
        },
    ]


def _comment(service: Service) -> Iterator[str]:
    modules = ", ".join(sorted({probe.module for probe in service.probes}))
    yield from generated_from(service.spec_file)
    yield (
        "Prometheus loads it by scrape_config_files (2.43 or later);"
        " before, copy its jobs to scrape_configs."
    )
    yield f"Expects a blackbox exporter with modules: {modules}."
    yield (
        "It gives up half a second before scrape_timeout (its --timeout-offset),"
        " so that its answer still arrives."
    )
