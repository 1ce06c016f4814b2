"""The settings of a service: its spec's, and what they need."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsgen.quantities import Duration, Ratio
from tests.resolve.mistakes import LEAST, headed
from tests.specs import derived, refused, warned


def test_every_setting_that_means_nothing_without_a_convention_is_told(tmp_path: Path) -> None:
    spec = headed(
        "uptime: [https://example.com/]\n"
        "errors: {above: 5%, for: 2m}\n"
        "latency: {p50: 1s, p99: 2s, for: 5m}\n"
    )

    said = [mistake.split(": ")[1] for mistake in refused(tmp_path, spec)]

    assert said == ["errors.above", "errors.for", "latency.p50", "latency.p99", "latency.for"]


def test_percentages_and_percentiles_of_the_spec_are_its_settings(tmp_path: Path) -> None:
    spec = f"{LEAST}errors: {{above: 2%, for: 7m}}\nlatency: {{p95: 250ms, for: 3m}}\n"

    settings = derived(tmp_path, spec).service.settings

    assert settings["errors.above"] == Ratio.parse("2%")
    assert settings["errors.for"] == Duration.of("7m")
    assert settings["latency.p95"] == Duration.of("250ms")
    assert settings["latency.for"] == Duration.of("3m")


@pytest.mark.parametrize("errors", ["{for: 10m}", "{}"])
def test_what_errors_leaves_out_has_its_default(tmp_path: Path, errors: str) -> None:
    service = derived(tmp_path, f"{LEAST}errors: {errors}\n").service

    assert service.settings["errors.above"] == Ratio.parse("5%")
    assert service.origins["errors.above"].startswith("default: ")


@pytest.mark.parametrize(
    ("errors", "at"), [("{for: 10m}", "4:15: errors.for"), ("{}", "4:9: errors")]
)
def test_errors_of_any_form_need_a_convention(tmp_path: Path, errors: str, at: str) -> None:
    (said,) = refused(tmp_path, headed(f"uptime: [https://example.com/]\nerrors: {errors}\n"))

    assert said.startswith(
        f"service.yaml:{at}: errors can't be measured without a convention; name a convention"
    )


@pytest.mark.parametrize(
    ("percentile", "threshold", "between"),
    [
        ("p99", "800ms", "the buckets 500ms and 1s of grpc_server_handling_seconds"),
        ("p50", "4ms", "the buckets 0s and 5ms of grpc_server_handling_seconds"),
    ],
)
def test_a_percentile_between_two_buckets_is_warned_of_with_the_nearest(
    tmp_path: Path, percentile: str, threshold: str, between: str
) -> None:
    (said,) = warned(tmp_path, f"{LEAST}latency: {{{percentile}: {threshold}}}\n")

    assert said.startswith(f"service.yaml:4: {threshold} is between {between}")


@pytest.mark.parametrize("latency", ["{p99: 1s}", "{p99: 800ms, buckets: [100ms, 800ms, 2s]}"])
def test_a_percentile_at_a_bucket_is_exact(tmp_path: Path, latency: str) -> None:
    assert warned(tmp_path, f"{LEAST}latency: {latency}\n") == []
