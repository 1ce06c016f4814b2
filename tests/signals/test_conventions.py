"""Claims about the shipped conventions: they say what real programs expose."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from opsgen.load.library import load_library
from opsgen.model.service import Convention
from opsgen.promql import Selector, parse
from opsgen.proofs.matchers import accept_all
from opsgen.signals.slo_events import le_matcher, le_values
from tests.specs import derived

CONVENTIONS = sorted(load_library().conventions)
_SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?P<labels>.*)\})? \S+")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:\\.|[^"\\])*)"')

Exposed = list[tuple[str, dict[str, str]]]


def _exposed(file: Path) -> Exposed:
    """The series of an exposition in Prometheus' text format: names and labels."""
    lines = (line for line in file.read_text().splitlines() if line and not line.startswith("#"))
    found = [match for line in lines if (match := _SAMPLE.fullmatch(line))]
    return [(match["name"], dict(_LABEL.findall(match["labels"] or ""))) for match in found]


def _selected(selector: Selector, exposed: Exposed) -> list[dict[str, str]]:
    return [
        labels
        for name, labels in exposed
        if name == selector.metric and accept_all(selector.matchers, tuple(labels.items()))
    ]


def _convention(folder: Path, name: str) -> Convention:
    return derived(folder, f"service: shop\nconvention: {name}\n").service.convention


def test_every_promised_convention_is_shipped() -> None:
    assert CONVENTIONS == ["fastapi-instrumentator", "grpc", "otel-http", "prometheus-http"]


@pytest.mark.parametrize("name", CONVENTIONS)
def test_a_convention_has_every_part_and_each_parses(tmp_path: Path, name: str) -> None:
    file, convention = load_library().conventions[name], _convention(tmp_path, name)

    assert convention.title
    assert file.source
    assert convention.requests is not None
    assert convention.errors is not None
    assert convention.latency is not None
    assert convention.route_label is not None
    buckets = convention.latency.buckets
    assert buckets == tuple(sorted(set(buckets)))
    assert (
        convention.latency.part("bucket").metric
        == f"{file.latency.histogram if file.latency else ''}_bucket"
    )


@pytest.mark.parametrize("name", CONVENTIONS)
def test_errors_are_a_special_case_of_requests(tmp_path: Path, name: str) -> None:
    convention = _convention(tmp_path, name)

    assert convention.requests is not None
    assert convention.errors is not None
    assert convention.errors.metric == convention.requests.metric
    assert set(convention.requests.matchers) < set(convention.errors.matchers)


def test_fastapi_instrumentators_failures_are_exactly_its_5xx_series(
    tmp_path: Path, sample_data: Path
) -> None:
    exposed = _exposed(sample_data / "metrics" / "fastapi-instrumentator.txt")
    convention = _convention(tmp_path, "fastapi-instrumentator")
    assert convention.requests is not None
    assert convention.errors is not None

    answered, failed = (
        _selected(selector, exposed) for selector in (convention.requests, convention.errors)
    )

    assert {labels["status"] for labels in answered} == {"2xx", "4xx", "5xx"}
    assert [labels["status"] for labels in failed] == ["5xx"]
    assert all(convention.route_label in labels for labels in answered)


def test_grpcs_failures_are_those_of_the_server_alone(tmp_path: Path, sample_data: Path) -> None:
    exposed = _exposed(sample_data / "metrics" / "grpc-py.txt")
    convention = _convention(tmp_path, "grpc")
    assert convention.requests is not None
    assert convention.errors is not None

    answered, failed = (
        _selected(selector, exposed) for selector in (convention.requests, convention.errors)
    )

    assert {labels["grpc_code"] for labels in answered} == {"OK", "UNAVAILABLE"}
    assert [labels["grpc_code"] for labels in failed] == ["UNAVAILABLE"]
    assert all(convention.route_label in labels for labels in answered)


@pytest.mark.parametrize(
    "code", ["OK", "NotFound", "INVALID_ARGUMENT", "Canceled", "PERMISSION_DENIED", "Aborted"]
)
def test_a_clients_own_mistake_is_no_failure_of_a_grpc_server(tmp_path: Path, code: str) -> None:
    errors = _convention(tmp_path, "grpc").errors

    assert errors is not None
    assert not accept_all(errors.matchers, (("grpc_code", code),))


@pytest.mark.parametrize(
    ("name", "label", "failed", "fine"),
    [
        ("otel-http", "http_response_status_code", ["500", "503", "599"], ["200", "404", "", "50"]),
        ("prometheus-http", "code", ["500", "502"], ["200", "429", "1500"]),
        ("fastapi-instrumentator", "status", ["5xx", "500"], ["2xx", "4xx", "404"]),
    ],
)
def test_http_fails_by_the_codes_of_the_server(
    tmp_path: Path, name: str, label: str, failed: list[str], fine: list[str]
) -> None:
    errors = _convention(tmp_path, name).errors

    assert errors is not None
    assert [
        code for code in [*failed, *fine] if accept_all(errors.matchers, ((label, code),))
    ] == failed


@pytest.mark.parametrize(
    ("name", "file", "is_complete"),
    [
        ("fastapi-instrumentator", "fastapi-instrumentator.txt", True),
        ("grpc", "grpc-py.txt", False),
    ],
)
def test_bucket_boundaries_are_those_that_are_exposed(
    tmp_path: Path, sample_data: Path, name: str, file: str, is_complete: bool
) -> None:
    exposed = _exposed(sample_data / "metrics" / file)
    histogram = _convention(tmp_path, name).latency
    assert histogram is not None

    texts = {labels["le"] for labels in _selected(histogram.part("bucket"), exposed)} - {"+Inf"}

    found = {Decimal(text) for text in texts}
    assert found
    # Clients of other languages share the convention and have fewer buckets.
    assert found == set(histogram.buckets) if is_complete else found >= set(histogram.buckets)
    assert _selected(histogram.part("count"), exposed)


@pytest.mark.parametrize(
    ("name", "file"),
    [("fastapi-instrumentator", "fastapi-instrumentator.txt"), ("grpc", "grpc-py.txt")],
)
def test_every_boundary_finds_exactly_its_own_bucket(
    tmp_path: Path, sample_data: Path, name: str, file: str
) -> None:
    exposed = _exposed(sample_data / "metrics" / file)
    histogram = _convention(tmp_path, name).latency
    assert histogram is not None
    bucket = histogram.part("bucket")

    for bound in histogram.buckets:
        texts = {
            labels["le"]
            for labels in _selected(
                Selector(bucket.metric, (*bucket.matchers, le_matcher(bound))), exposed
            )
        }

        assert {Decimal(text) for text in texts} == {bound}


def _as_go_writes(bound: Decimal) -> str:
    """strconv.FormatFloat(x, 'g', -1, 64), as client libraries write a boundary: an exponent below
    1e-4 and from 1e6 or from more digits than that (but at most 21)."""
    digits = "".join(map(str, bound.normalize().as_tuple().digits))
    exponent = bound.adjusted()
    if -4 <= exponent < max(6, min(len(digits), 21)):
        return format(bound.normalize(), "f")
    fraction = f".{digits[1:]}" if digits[1:] else ""
    return f"{digits[0]}{fraction}e{exponent:+03d}"


def _as_prometheus_3_writes(bound: Decimal) -> str:
    text = _as_go_writes(bound)
    return text if "." in text or "e" in text else f"{text}.0"


bounds = st.builds(
    lambda digits, power: Decimal(digits).scaleb(power).normalize(),
    st.integers(1, 99_999),
    st.integers(-8, 6),
)


@given(bounds)
@example(Decimal(1))
@example(Decimal("0.3"))
@example(Decimal("1e6"))
@example(Decimal("2500000"))
@example(Decimal("0.00001"))
@example(Decimal("1000"))
def test_a_boundary_is_found_as_every_prometheus_writes_it(bound: Decimal) -> None:
    matcher = le_matcher(bound)

    for text in (_as_go_writes(bound), _as_prometheus_3_writes(bound)):
        assert accept_all((matcher,), (("le", text),)), (matcher, text)


@given(bounds, bounds)
def test_a_boundary_does_not_find_another(bound: Decimal, other: Decimal) -> None:
    if bound == other:
        return
    for text in (_as_go_writes(other), _as_prometheus_3_writes(other), "+Inf"):
        assert not accept_all((le_matcher(bound),), (("le", text),))


def test_a_boundary_that_has_one_spelling_is_matched_plainly() -> None:
    assert le_values(Decimal("0.3")) == ("0.3",)
    assert str(le_matcher(Decimal("0.3")).op) == "="


@pytest.mark.parametrize("name", CONVENTIONS)
def test_the_names_are_plain_selectors_that_a_person_can_paste(name: str) -> None:
    file = load_library().conventions[name]

    for text in (file.requests, file.errors, file.latency.histogram if file.latency else None):
        assert isinstance(parse(text or ""), Selector)
