"""A service's convention, and the buckets of its histogram."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsgen.promql import one_line
from tests.resolve.mistakes import LEAST, headed
from tests.specs import derived, refused, warned


def test_a_named_convention_can_have_parts_of_its_own(tmp_path: Path) -> None:
    spec = headed(
        "convention: {use: grpc, errors: 'grpc_server_handled_total{grpc_code=\"Internal\"}'}\n"
    )

    convention = derived(tmp_path, spec).service.convention

    assert convention.name == "grpc"
    assert convention.requests is not None
    assert convention.errors is not None
    assert one_line(convention.requests) == "grpc_server_handled_total"
    assert one_line(convention.errors) == 'grpc_server_handled_total{grpc_code="Internal"}'
    assert convention.latency is not None


def test_a_threshold_that_is_no_bucket_boundary_names_the_nearest(tmp_path: Path) -> None:
    assert warned(tmp_path, f"{LEAST}slos: [{{latency: 99% under 300ms}}]\n") == [
        "service.yaml:4: 300ms is not a bucket boundary of grpc_server_handling_seconds; the"
        " nearest are 250ms and 500ms. Without a bucket at 300ms the SLO has no data: use one of"
        " them, or write the real boundaries under latency.buckets"
    ]


def test_a_threshold_below_the_first_bucket_names_the_first(tmp_path: Path) -> None:
    (said,) = warned(tmp_path, f"{LEAST}slos: [{{latency: 99% under 1ms}}]\n")

    assert "the nearest are 5ms. Without" in said


def test_the_specs_own_buckets_take_the_place_of_the_conventions(tmp_path: Path) -> None:
    spec = (
        f"{LEAST}slos: [{{latency: 99% under 300ms}}]\nlatency: {{buckets: [100ms, 300ms, 15s,"
        " 20s], p99: 15s}\n"
    )

    histogram = derived(tmp_path, spec).service.convention.latency

    assert warned(tmp_path, spec) == []
    assert histogram is not None
    assert [str(bound) for bound in histogram.buckets] == ["0.1", "0.3", "15", "20"]


def test_buckets_in_milliseconds_are_compared_in_milliseconds(tmp_path: Path) -> None:
    spec = headed(
        "convention: {requests: a_total, latency: {histogram: b, unit: milliseconds, buckets: [100,"
        " 250, 5000]}}\nslos: [{latency: 99% under 300ms}]\n"
    )

    (said,) = warned(tmp_path, spec)

    assert "the nearest are 250ms and 5s" in said


@pytest.mark.parametrize(
    "part", ["requests: sum(a)", "errors: sum(a)", "latency: {histogram: sum(a)}"]
)
def test_a_part_with_a_mistake_is_not_told_to_be_missing(tmp_path: Path, part: str) -> None:
    needs = "slos: [{availability: 99%}, {latency: 99% under 1s}]\nlatency: {p99: 1s}\n"
    convention = f"convention: {{use: grpc, {part}}}\n"

    (said,) = refused(tmp_path, f"service: shop\nteam: web\n{convention}{needs}errors: {{}}\n")

    assert said.split(": ")[1].startswith(f"convention.{part.partition(':')[0]}")
