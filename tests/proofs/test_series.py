"""The series that a set of queries needs, and what each selector picks of them."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsgen.promql import parse
from opsgen.proofs import Series, State, Unsupported
from opsgen.proofs.matchers import samples
from opsgen.proofs.series import HistogramSource, Load, PlainSource, SeriesSource, series_sources


def _sources(*queries: str, **bounds: list[Decimal]) -> tuple[SeriesSource, ...]:
    return series_sources([parse(query) for query in queries], bounds)


def _labels(*queries: str) -> list[dict[str, str]]:
    """Those beside `job` and `instance`, source by source."""
    made = [
        source.series.labels for source in _sources(*queries) if isinstance(source, PlainSource)
    ]
    return [
        {name: value for name, value in labels if name not in ("job", "instance")}
        for labels in made
    ]


def _histogram(*queries: str, **bounds: list[Decimal]) -> HistogramSource:
    (source,) = _sources(*queries, **bounds)
    assert isinstance(source, HistogramSource)
    return source


def test_errors_and_all_requests_are_two_sources() -> None:
    made = _labels('rate(x{code=~"5.."}[5m])', "rate(x[5m])")

    assert made == [{"code": "500"}, {"code": "200"}]


def test_a_negative_matcher_and_none_are_two_sources() -> None:
    assert _labels('rate(x{grpc_code!="OK"}[5m])', "rate(x[5m])") == [
        {"grpc_code": "Internal"},
        {"grpc_code": "OK"},
    ]


def test_a_source_avoids_every_selector_but_those_that_always_select_it() -> None:
    made = _labels('x{code=~"5.."}', 'x{code=~"[45].."}', 'x{code!~"2..|5.."}', "x")

    assert made == [{"code": "500"}, {"code": "404"}, {"code": "302"}, {"code": "200"}]


def test_the_same_selector_over_another_window_is_the_same_source() -> None:
    assert len(_sources('rate(x{a="b"}[5m])', 'increase(x{a="b"}[1h] offset 1w)')) == 1


def test_matchers_in_another_order_are_the_same_selector() -> None:
    assert len(_sources('x{a="b",c="d"}', 'x{c="d",a="b"}')) == 1


def test_job_and_instance_are_there_as_on_every_scraped_series() -> None:
    plain, named = _sources("x", 'y{instance="db:9187"}')

    assert isinstance(plain, PlainSource)
    assert isinstance(named, PlainSource)
    assert plain.series == Series("x", (("instance", "proof:9090"), ("job", "proof")))
    assert named.series == Series("y", (("instance", "db:9187"), ("job", "proof")))


def test_labels_that_join_metrics_are_equal_on_both() -> None:
    made = _labels('a{namespace="shop"} / on (namespace, pod) b')

    assert made == [{"namespace": "shop"}, {"namespace": "shop"}]


def test_what_is_under_a_rate_anywhere_is_a_counter() -> None:
    made = _sources(
        "rate(x[5m]) > 1",
        "x > 1",
        "queue > 1",
        "deriv(backlog[1h]) > 0",
        "deriv(disk[1h]) < 0 and disk < 5",
    )

    kinds = {s.series.metric: (s.counter, s.falls) for s in made if isinstance(s, PlainSource)}
    assert kinds == {
        "x": (True, False),
        "queue": (False, False),
        "backlog": (True, True),
        "disk": (False, False),
    }


def test_a_histogram_is_one_source_with_its_buckets_count_and_sum() -> None:
    source = _histogram(
        "rate(h_bucket[5m])", "rate(h_count[5m])", "rate(h_sum[5m])", h=[Decimal("0.1"), Decimal(1)]
    )

    state = State(source.levels(Load(Decimal(10), 1)))

    found = {
        (series.metric, dict(series.labels).get("le")): level.value
        for series, level in state.items()
    }
    assert found == {
        ("h_bucket", "0.1"): 0,
        ("h_bucket", "1"): 10,
        ("h_bucket", "+Inf"): 10,
        ("h_count", None): 10,
        ("h_sum", None): 10,
    }


def test_a_count_without_buckets_is_an_ordinary_counter() -> None:
    (source,) = _sources("rate(h_count[5m])")

    assert isinstance(source, PlainSource)


@pytest.mark.parametrize(
    ("matcher", "text"),
    [
        ('le="0.3"', "0.3"),
        ('le="2"', "2"),
        ('le="2.0"', "2.0"),
        ('le=~"2|2\\\\.0"', "2"),
        ('le="1e+21"', "1e+21"),
    ],
)
def test_a_bound_that_a_matcher_names_is_a_bucket_as_it_is_written(matcher: str, text: str) -> None:
    source = _histogram(f"rate(h_bucket{{{matcher}}}[5m])", h=[Decimal("0.1"), Decimal(5)])

    assert text in [written for _, written in source.bounds]
    assert [bound for bound, _ in source.bounds] == sorted(bound for bound, _ in source.bounds)


def test_unknown_bounds_reach_beyond_what_they_are_compared_with() -> None:
    source = _histogram("histogram_quantile(0.9, rate(h_milliseconds_bucket[5m])) > 800")

    assert source.bounds[-1][0] > 800


@pytest.mark.parametrize(
    "selector",
    ['x{a="b",a="c"}', 'x{a=~"[0-9]+",a!~"[0-9]*"}', 'x{a=~".*",a!~".*"}', '{__name__=~"x.*"}'],
)
def test_a_selector_that_selects_nothing_is_refused(selector: str) -> None:
    with pytest.raises(Unsupported):
        _sources(selector)


@pytest.mark.parametrize(
    "pattern",
    [
        "5..",
        "GET|POST",
        "(?i)get",
        "/api/v[0-9]+/(orders|carts)(/.*)?",
        "[^/]+",
        "[[:alpha:]_]{3}",
        "[]x]y",
        r"\d+\.\d+",
        r"a\-b.+?",
        "(?P<env>prod|stage)-.{2,5}",
        "^prod$",
        "",
    ],
)
def test_samples_of_a_pattern_match_it(pattern: str) -> None:
    found = samples(pattern)

    assert found
    assert all(re.fullmatch(pattern.replace("[[:alpha:]_]", "[a-zA-Z_]"), text) for text in found)


@given(st.text(alphabet="ab01.*+?|()[]{}^$\\-,:", max_size=20))
def test_no_pattern_crashes_the_sampler(pattern: str) -> None:
    try:
        found = samples(pattern)
    except Unsupported:
        return
    assert isinstance(found, tuple)
