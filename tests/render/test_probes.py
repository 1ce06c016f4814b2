"""The scrape configuration of a service's probes, judged by promtool."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from opsgen.model.service import Probe
from opsgen.render.probes import render_probes
from tests.programs import require_program
from tests.render.escalations import probe, service
from tests.rendering import rendered, subject


def _jobs(*probes: Probe) -> list[dict[str, Any]]:
    artifact = rendered(render_probes, service(probes=probes))
    jobs: list[dict[str, Any]] = yaml.safe_load(artifact.content)["scrape_configs"]
    return jobs


def test_a_service_without_probes_has_no_file() -> None:
    assert list(render_probes(subject(service()))) == []


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example.com/healthz",
        "http://[::1]:8080/?a=$1&b='{{x}}'#y",
        "https://shop.example.com/%7B%22é: - |",
    ],
)
def test_promtool_accepts_the_jobs_included_in_a_configuration(
    promtool: Path, tmp_path: Path, url: str
) -> None:
    artifact = rendered(render_probes, service(probes=(probe(url), probe(url, name="ready"))))
    file = tmp_path / "prometheus.yml"
    file.write_text(f"global: {{scrape_interval: 15s}}\n{artifact.content}", encoding="utf-8")

    checked = subprocess.run(
        [promtool, "check", "config", file], capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_promtool_accepts_the_file_named_in_scrape_config_files(tmp_path: Path) -> None:
    promtool = require_program("promtool-3")  # scrape_config_files came with 2.43
    artifact = rendered(render_probes, service(probes=(probe(),)))
    (tmp_path / "probes.yaml").write_text(artifact.content, encoding="utf-8")
    (tmp_path / "prometheus.yml").write_text(
        "scrape_config_files: [probes.yaml]\n", encoding="utf-8"
    )

    checked = subprocess.run(
        [promtool, "check", "config", tmp_path / "prometheus.yml"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_each_probe_is_a_job_of_the_name_that_its_alerts_look_for() -> None:
    probes = (probe(), probe("https://shop.example.com/ready", name="ready"))

    assert [job["job_name"] for job in _jobs(*probes)] == [each.job("checkout") for each in probes]


def test_the_series_of_a_probe_carry_its_service_and_environment() -> None:
    (job,) = _jobs(probe())

    assert job["static_configs"] == [
        {
            "targets": ["https://shop.example.com/healthz"],
            "labels": {"service": "checkout", "environment": "production"},
        }
    ]


def test_the_exporter_is_scraped_and_the_url_becomes_its_parameter_and_the_instance() -> None:
    (job,) = _jobs(probe())

    assert job["metrics_path"] == "/probe"
    assert job["params"] == {"module": ["http_2xx"]}
    assert job["relabel_configs"] == [
        {"source_labels": ["__address__"], "target_label": "__param_target"},
        {"source_labels": ["__param_target"], "target_label": "instance"},
        {"target_label": "__address__", "replacement": "blackbox-exporter:9115"},
    ]


@pytest.mark.parametrize(
    ("timeout", "written"), [("5s", "5s"), ("1500ms", "1s500ms"), ("45s", "30s")]
)
def test_a_probe_never_takes_longer_than_its_interval(timeout: str, written: str) -> None:
    (job,) = _jobs(probe(timeout=timeout))

    assert job["scrape_timeout"] == written
    assert job["scrape_interval"] == "30s"
