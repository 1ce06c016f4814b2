"""An SLO's own queries count events: what means something else in another window, counts nothing,
or counts the opposite, is told at its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.signals.scenario import counter, judge, near, runs
from tests.specs import derived, refused, warned

BAD = 'rate(a_total{code="500"}[5m])'
TOTAL = "rate(a_total[5m])"


def _spec(total: str = TOTAL, bad: str = BAD, key: str = "bad") -> str:
    return (
        "service: shop\nteam: web\nmatch: {job: shop}\nslos:\n"
        f"  - name: own\n    objective: 99%\n    {key}: >-\n      {bad}\n"
        f"    total: >-\n      {total}\n"
    )


def _told(folder: Path, spec: str) -> list[tuple[str, str]]:
    """What is wrong, and what would be right, of the query at the SLO's total."""
    told = []
    for line in refused(folder, spec):
        place, wrong = line.split(": slos[0].total: ")
        assert place == "service.yaml:9:12"
        what, _, right = wrong.rpartition("; ")
        told.append((what, right))
    return told


_FIXED = (
    "the fixed number in '{}' means something else over every window, and under rate() than under"
    " increase()"
)
_DIVIDED = "leave it out: opsgen divides only where there are events"


@pytest.mark.parametrize(
    ("total", "part", "right"),
    [
        ("clamp_min(sum(rate(a_total[5m])), 1)", "clamp_min(..., 1)", _DIVIDED),
        ("clamp_max(sum(rate(a_total[5m])), 1e6)", "clamp_max(..., 1000000)", _DIVIDED),
        ("clamp(sum(rate(a_total[5m])), 0, 9)", "clamp(..., 0, 9)", _DIVIDED),
        ("sum(rate(a_total[5m])) + 1", "+ 1", "leave it out, or write a factor: 2 * rate(...)"),
        ("1 - sum(rate(a_total[5m]))", "1 -", "leave it out, or write a factor: 2 * rate(...)"),
        ("sum(rate(a_total[5m])) or vector(1)", "or vector(1)", "write or vector(0), or leave it out"),
        ("(sum(rate(a_total[5m])) > 0) or vector(1)", "or vector(1)", "write or vector(0), or leave it out"),
        ("sum(rate(a_total[5m]) > 0.33)", "> 0.33", "compare with 0, or leave it out"),
        ("sum(increase(a_total[5m])) >= 10", ">= 10", "compare with 0, or leave it out"),
        ("rate(a_total[5m]) and rate(b_total[5m]) > 5", "> 5", "compare with 0, or leave it out"),
        ("round(increase(a_total[5m]))", "round(...)", "leave it out"),
        ("ceil(increase(a_total[5m]))", "ceil(...)", "leave it out"),
        ("exp(rate(a_total[5m]))", "exp(...)", "leave it out"),
        ("rate(a_total[5m]) % 2", "% 2", "leave it out"),
    ],
)  # fmt: skip
def test_a_fixed_number_among_events_is_a_mistake(
    tmp_path: Path, total: str, part: str, right: str
) -> None:
    assert _told(tmp_path, _spec(total)) == [(_FIXED.format(part), right)]


@pytest.mark.parametrize(
    ("total", "wrong"),
    [
        ("rate(a_total[5m]) / rate(b_total[5m])", "this is no number of events"),
        ("rate(a_total[5m]) * rate(b_total[5m])", "this is no number of events"),
        ("count(rate(a_total[5m]) > 0)", "this is no number of events"),
        ("sum(rate(a_total[5m]) > bool 0)", "this is no number of events"),
        ("0 * rate(a_total[5m])", "this is always 0"),
        ("sum(rate(a_total[5m]) == 0)", "this keeps only what is not above 0"),
        ("rate(a_total[5m]) < 0", "this keeps only what is not above 0"),
        ("rate(a_total[5m]) + increase(b_total[5m])", "rate() counts per second"),
    ],
)
def test_what_counts_no_events_is_a_mistake(tmp_path: Path, total: str, wrong: str) -> None:
    ((said, _),) = _told(tmp_path, _spec(total))

    assert said.startswith(wrong)


_MEANS_THE_SAME = [
    "2 * sum(rate(a_total[5m]))",
    "sum(rate(a_total[5m])) / 2",
    "sum(rate(a_total[5m]) > 0)",
    "sum(rate(a_total[5m])) or vector(0)",
    "sum(rate(a_total[5m])) or 0 * sum(rate(b_total[5m]))",
    "clamp_min(sum(rate(a_total[5m])), 0)",
    "abs(-sum(rate(a_total[5m])))",
    "sum(rate(a_total[5m])) and sum(rate(a_total[5m])) > 0.5 * sum(rate(a_total[5m]))",
]


@pytest.mark.parametrize("total", _MEANS_THE_SAME)
def test_what_grows_with_the_events_means_the_same_in_every_window(
    promtool: Path, tmp_path: Path, total: str
) -> None:
    # The same is done to both, so that the ratio is known: 1 in 4 fails.
    bad = total.replace("a_total[", 'a_total{code="500"}[')
    model = derived(tmp_path, _spec(total, bad))
    series = [
        counter('a_total{job="shop",code="200"}', runs(120, 9)),
        counter('a_total{job="shop",code="500"}', runs(120, 3)),
    ]

    judge(
        promtool,
        tmp_path,
        model,
        series,
        [near(f"slo:error_ratio:rate{window}", 120, 0.25) for window in ("5m", "1h", "1d")],
    )


_SAME_AS_TOTAL = "this is the same as total: "


@pytest.mark.parametrize("key", ["bad", "good"])
@pytest.mark.parametrize(
    ("some", "total"),
    [
        (TOTAL, TOTAL),
        ("sum(increase(a_total[5m]))", "rate(a_total[10m])"),
        ('sum(rate(a_total{job="shop"}[5m])) or vector(0)', "sum(rate(a_total[5m]))"),
        ('rate(a_total{x="1",y="2"}[5m])', 'rate(a_total{y="2",x="1"}[5m])'),
        ('rate(lat_bucket{le="+Inf"}[5m])', "rate(lat_count[5m])"),
    ],
)
def test_a_part_that_is_all_is_a_mistake(tmp_path: Path, key: str, some: str, total: str) -> None:
    (said,) = refused(tmp_path, _spec(total, some, key))

    assert said.startswith(f"service.yaml:7:{7 + len(key)}: slos[0].{key}: {_SAME_AS_TOTAL}")


@pytest.mark.parametrize(
    ("some", "total"),
    [(BAD, TOTAL), (TOTAL, f"{TOTAL} + rate(b_total[5m])"), ("rate(a_total[5m] offset 1m)", TOTAL)],
)
def test_a_part_that_is_not_all_is_none(tmp_path: Path, some: str, total: str) -> None:
    assert warned(tmp_path, _spec(total, some)) == []


FAST = 'rate(lat_bucket{le="0.25"}[5m])'
COUNT = "rate(lat_count[5m])"


@pytest.mark.parametrize(
    ("bad", "total"),
    [
        (FAST, COUNT),
        (f"sum({FAST})", f"sum({COUNT})"),
        (f"sum({FAST}) or vector(0)", f"sum({COUNT})"),
        (FAST, 'rate(lat_bucket{le="+Inf"}[5m])'),
        ('rate(lat_bucket{le=~"0.25|0.250"}[5m])', COUNT),
        ('increase(lat_bucket{route="/",le="0.25"}[5m])', "increase(lat_count[5m])"),
    ],
)
def test_a_bucket_of_fast_requests_under_bad_is_warned_of(
    tmp_path: Path, bad: str, total: str
) -> None:
    (said,) = warned(tmp_path, _spec(total, bad))

    assert said.startswith("service.yaml:7: bad counts the bucket lat_bucket up to 0.25")
    assert said.endswith("write good instead of bad, or subtract it from lat_count")


def test_what_is_above_a_bucket_under_good_is_warned_of(tmp_path: Path) -> None:
    (said,) = warned(tmp_path, _spec(COUNT, f"sum({COUNT}) - sum({FAST})", "good"))

    assert said.startswith("service.yaml:7: good counts what is above the bucket lat_bucket")


@pytest.mark.parametrize(
    ("key", "some"),
    [
        ("bad", f"sum({COUNT}) - sum({FAST})"),
        ("bad", f'sum(rate(lat_bucket{{le="+Inf"}}[5m])) - sum({FAST})'),
        ("good", f"sum({FAST})"),
        ("good", f"sum({FAST}) - sum({FAST.replace('0.25', '0.1')})"),
        ("bad", "rate(lat_slow_total[5m])"),
    ],
)
def test_a_latency_the_right_way_round_is_not(tmp_path: Path, key: str, some: str) -> None:
    assert warned(tmp_path, _spec(f"sum({COUNT})", some, key)) == []
