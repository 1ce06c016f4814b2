"""Claims about conventions: their samples prove them, and they say what real programs expose."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from opsgen.errors import InputError
from opsgen.judge.check import check_fleet
from opsgen.load.convention_samples import contradictions
from opsgen.load.library import TEMPLATES, load_library
from opsgen.model.service import Convention
from opsgen.promql import Selector
from opsgen.proofs.matchers import accept_all
from opsgen.signals.slo_events import le_matcher, le_values
from tests.specs import derived, file_texts, fleet, refused

SHIPPED = load_library().conventions
CONVENTIONS = sorted(SHIPPED)
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


# -- samples ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CONVENTIONS)
def test_the_samples_of_a_convention_prove_it(name: str) -> None:
    assert contradictions(SHIPPED[name]) == []


@pytest.mark.parametrize("name", CONVENTIONS)
def test_a_convention_is_named_as_its_file_is(name: str) -> None:
    assert (TEMPLATES / "conventions" / f"{name}.yaml").is_file()


def _promtool_tests(name: str) -> Iterator[dict[str, Any]]:
    """What each selector must find among all samples of a convention: the lines themselves."""
    convention = SHIPPED[name]
    samples = convention.samples
    series = [line.rpartition(" ")[0] for line in [*samples.request, *samples.error]]
    failed = [line.rpartition(" ")[0] for line in samples.error]
    others = [line.rpartition(" ")[0] for line in samples.neither]
    buckets = [one for one in others if convention.latency and "_bucket" in one]
    expected = {convention.requests: series, convention.errors: failed}
    if convention.latency:
        base, brace, matchers = convention.latency.histogram.partition("{")
        expected[f"{base}_bucket{brace}{matchers}"] = buckets
    yield {
        "interval": "1m",
        "input_series": [{"series": one, "values": "1"} for one in [*series, *others]],
        "promql_expr_test": [
            {
                "expr": selector,
                "eval_time": "0m",
                "exp_samples": [{"labels": one, "value": 1} for one in found],
            }
            for selector, found in expected.items()
            if selector is not None
        ],
    }


def test_prometheus_finds_the_same_samples(tmp_path: Path, promtool: Path) -> None:
    tests = [test for name in CONVENTIONS for test in _promtool_tests(name)]
    file = tmp_path / "samples.test.yaml"
    file.write_text(json.dumps({"tests": tests}))

    ran = subprocess.run(
        [promtool, "test", "rules", file], capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr


_OWN = """\
convention: ours
title: Ours
source: us
requests: ours_total{path!="/metrics"}
errors: ours_total{path!="/metrics",failed="yes"}
latency: {histogram: ours_seconds, buckets: [0.1, 1]}
route: path
samples:
  request:
    - ours_total{path="/a",failed="no"} 12
  error:
    - ours_total{path="/a",failed="yes"} 1
  neither:
    - ours_total{path="/metrics",failed="no"} 3
    - ours_seconds_bucket{le="0.1"} 11
    - ours_seconds_bucket{le="1.0"} 12
    - ours_seconds_bucket{le="+Inf"} 13
    - ours_seconds_count 13
"""
_PROJECT = "templates: own\n"
_SPEC = "service: shop\nteam: web\nconvention: ours\nslos: [{availability: 99%}]\nlatency: {p99: 500ms}\n"


def _write_own(folder: Path, text: str) -> None:
    """A convention of the user's own, as the only file of their templates."""
    (folder / "own" / "conventions").mkdir(parents=True)
    (folder / "own" / "conventions" / "ours.yaml").write_text(text)


def test_a_convention_costs_one_file(tmp_path: Path) -> None:
    _write_own(tmp_path, _OWN)

    rules = file_texts(tmp_path, _SPEC, _PROJECT)["shop/rules.yaml"]

    assert 'failed="yes"' in rules
    assert "ours_seconds_bucket" in rules
    assert check_fleet(fleet(tmp_path, _SPEC, _PROJECT)).gaps == ()


WRONG_SAMPLES = {
    "a request that is not counted": (
        'path="/a",failed="no"} 12',
        'path="/metrics",failed="no"} 12',
        (
            "10:7: samples.request[0]: requests does not count this line, which is marked request; "
            "correct the mark, or requests"
        ),
    ),
    "a request that failed": (
        'path="/a",failed="no"} 12',
        'path="/a",failed="yes"} 12',
        (
            "10:7: samples.request[0]: errors counts this line, which is marked request; "
            "correct the mark, or errors"
        ),
    ),
    "an error that did not fail": (
        'path="/a",failed="yes"} 1',
        'path="/a",failed="no"} 1',
        (
            "12:7: samples.error[0]: errors does not count this line, which is marked error; "
            "correct the mark, or errors"
        ),
    ),
    "a scrape that is counted": (
        '"/metrics",failed="no"} 3',
        '"/b",failed="no"} 3',
        (
            "14:7: samples.neither[0]: requests counts this line, which is marked neither; "
            "correct the mark, or requests"
        ),
    ),
    "no line that failed": (
        '  error:\n    - ours_total{path="/a",failed="yes"} 1\n',
        "",
        "9:3: samples: no line is marked error; add a line that errors counts",
    ),
    "a bucket that the convention does not know": (
        'le="1.0"',
        'le="2.0"',
        (
            '16:7: samples.neither[2]: the bound le="2.0" is not among latency.buckets; '
            "add it there, or correct the line"
        ),
    ),
    "a histogram of another name": (
        "histogram: ours_seconds,",
        "histogram: other_seconds,",
        (
            "9:3: samples: no line is of other_seconds_bucket, which the histogram needs; add"
            " one, or correct latency.histogram"
        ),
    ),
    "a route of another label": (
        "route: path",
        "route: handler",
        (
            "7:8: route: no request among the samples has the label handler; "
            "the labels of requests are failed, path"
        ),
    ),
    "a line that is none": (
        "ours_seconds_count 13",
        "ours_seconds_count",
        (
            "18:7: samples.neither[4]: 'ours_seconds_count' is not a line of an exposition;"
            ' write it as the program exposes it: http_requests_total{code="200"} 120'
        ),
    ),
}


@pytest.mark.parametrize(("right", "wrong", "said"), WRONG_SAMPLES.values(), ids=WRONG_SAMPLES)
def test_a_wrong_sample_is_told_at_its_line(
    tmp_path: Path, right: str, wrong: str, said: str
) -> None:
    assert right in _OWN
    _write_own(tmp_path, _OWN.replace(right, wrong, 1))

    assert f"own/conventions/ours.yaml:{said}" in refused(tmp_path, _SPEC, _PROJECT)


def test_what_can_not_be_compared_with_samples_is_built_and_told_by_check(tmp_path: Path) -> None:
    """Prometheus takes this pattern; what opsgen can't prove is written."""
    _write_own(tmp_path, _OWN.replace('failed="yes"}\nlatency', 'failed=~"\\\\pL+"}\nlatency'))

    built = fleet(tmp_path, _SPEC, _PROJECT)

    with pytest.raises(InputError) as caught:
        check_fleet(built)
    (said,) = map(str, caught.value.mistakes)
    assert "the samples can't be compared with the selectors" in said


def test_failures_may_have_a_counter_of_their_own(tmp_path: Path) -> None:
    samples = "samples: {request: [done_total 12], error: [failed_total 3]}\n"
    _write_own(
        tmp_path,
        "convention: ours\ntitle: Ours\nsource: us\nrequests: done_total\nerrors: failed_total\n"
        + samples,
    )

    spec = _SPEC.replace("latency: {p99: 500ms}\n", "")

    assert check_fleet(fleet(tmp_path, spec, _PROJECT)).gaps == ()


# -- mistakes in a convention's file ---------------------------------------------------------------

WRONG_FILES = {
    "no samples": (
        _OWN[_OWN.index("samples:") :],
        "",
        "1:1: samples is missing; add it, for example samples: "
        "{'request': ['hits_total 12'], 'error': ['misses_total 1']}",
    ),
    "a selector that is no PromQL": (
        'requests: ours_total{path!="/metrics"}',
        "requests: ours_total{",
        "4:11: requests: this is not valid PromQL: unexpected end of input inside braces; try it"
        " in Prometheus' own query page",
    ),
    "errors that are a rate": (
        'errors: ours_total{path!="/metrics",failed="yes"}',
        "errors: rate(ours_total[5m])",
        "5:9: errors: this is not a plain selector; "
        'write a metric with its matchers: http_requests_total{code=~"5.."}',
    ),
    "a regular expression that Prometheus does not take": (
        'failed="yes"}\nlatency',
        'failed=~"(?!no)"}\nlatency',
        "5:9: errors: this is not valid PromQL: illegal regex for (?!no); try it in Prometheus'"
        " own query page",
    ),
    "a histogram by one of its series": (
        "histogram: ours_seconds",
        "histogram: ours_seconds_bucket",
        "6:22: latency.histogram: 'ours_seconds_bucket' is one of the histogram's series; "
        "write it without _bucket: ours_seconds",
    ),
    "a histogram that is no selector": (
        "histogram: ours_seconds",
        "histogram: sum(ours_seconds)",
        "6:22: latency.histogram: this is not a plain selector; "
        'write a metric with its matchers: http_requests_total{code=~"5.."}',
    ),
    "buckets out of order": (
        "[0.1, 1]",
        "[1, 0.1]",
        "6:49: latency.buckets[1]: the bound 0.1 is not above the one before it, 1; "
        "write the bounds in rising order",
    ),
    "no buckets": (
        "[0.1, 1]",
        "[]",
        "6:45: latency.buckets: the list is empty; write at least one entry, or leave the key out"
        " if the boundaries are not known",
    ),
}


@pytest.mark.parametrize(("right", "wrong", "said"), WRONG_FILES.values(), ids=WRONG_FILES)
def test_a_mistake_in_a_convention_is_told_at_its_line_and_once(
    tmp_path: Path, right: str, wrong: str, said: str
) -> None:
    assert right in _OWN
    _write_own(tmp_path, _OWN.replace(right, wrong, 1))
    two_services = f"{_SPEC}environments: {{production: {{}}, staging: {{}}}}\n"

    told = refused(tmp_path, two_services, _PROJECT)

    assert told == [f"own/conventions/ours.yaml:{said}"]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (
            "convention: {latency: {histogram: h, buckets: []}}\nlatency: {p99: 9h}\n",
            "3:47: convention.latency.buckets: the list is empty; write at least one entry, or"
            " leave the key out if the boundaries are not known",
        ),
        (
            "convention: grpc\nlatency: {p99: 1s, buckets: []}\n",
            "4:29: latency.buckets: the list is empty; write at least one entry, or leave the key"
            " out for the convention's",
        ),
    ],
)
def test_an_empty_list_of_buckets_does_not_switch_checks_off(
    tmp_path: Path, spec: str, said: str
) -> None:
    assert refused(tmp_path, f"service: shop\nteam: web\n{spec}") == [f"service.yaml:{said}"]


def test_a_histogram_whose_buckets_are_not_known_has_any_threshold(tmp_path: Path) -> None:
    spec = "service: shop\nconvention: {latency: {histogram: h}}\nlatency: {p99: 9h}\n"

    alerts = derived(tmp_path, spec).derived.alerts

    assert "LatencyP99High" in [alert.name for alert in alerts]


# -- what real programs expose ---------------------------------------------------------------------


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
