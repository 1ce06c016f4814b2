"""What looks further back than Prometheus keeps samples is warned of, in one line for a service."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.specs import fleet

SPEC = "service: shop\nteam: web\nconvention: grpc\n"
DROP = "business: [{name: orders, query: 'sum(rate(a_total[5m]))', alerts: [{drop: 50%%, against: %s}]}]\n"
WARNING = (
    "Prometheus keeps {}, too little for {}: keep more (prometheus.retention), shorten the window, or"
    " query a long-term store"
)


def _warned(folder: Path, spec: str, project: str = "") -> list[str]:
    warnings = (text.replace(f"{folder}/", "") for text in fleet(folder, spec, project).warnings)
    return [text for text in warnings if "keeps" in text]


def _kept(retention: str) -> str:
    return f"prometheus: {{retention: {retention}}}\n"


@pytest.mark.parametrize(
    ("more", "kept", "far"),
    [
        ("slos: [{availability: 99.9%}]\n", "15d", "the budget of availability (30d)"),
        (
            "slos: [{availability: 99.9%, window: 90d}, {latency: 99% under 1s, window: 7d}]\n",
            "60d",
            "the budget of availability (90d)",
        ),
        (DROP % "3w", "15d", "OrdersDropped (21d1h5m)"),
        (
            "slos: [{availability: 99.9%, window: 7d}]\n",
            "5d",
            "TrafficGone (7d1h30m), the budget of availability (7d)",
        ),
        (
            "business: [{name: a, query: 'max_over_time(b[20d:1h])', alerts: [{above: 1}]}]\n",
            "15d",
            "AHigh (20d)",
        ),
    ],
)
def test_what_looks_further_back_is_named_with_how_far(
    tmp_path: Path, more: str, kept: str, far: str
) -> None:
    project = "" if kept == "15d" else _kept(kept)

    assert _warned(tmp_path, SPEC + more, project) == [f"service.yaml: {WARNING.format(kept, far)}"]


@pytest.mark.parametrize(
    ("more", "project"),
    [
        ("", ""),
        ("slos: [{availability: 99.9%, window: 14d}]\n", ""),
        ("slos: [{availability: 99.9%}]\n", _kept("30d")),
        (DROP % "3w", _kept("22d")),
    ],
)
def test_what_is_kept_long_enough_is_not(tmp_path: Path, more: str, project: str) -> None:
    assert _warned(tmp_path, SPEC + more, project) == []


def test_of_many_the_furthest_are_named(tmp_path: Path) -> None:
    slos = ", ".join(f"{{name: s{n}, availability: 99%, window: {20 + n}d}}" for n in range(6))

    (said,) = _warned(tmp_path, f"{SPEC}slos: [{slos}]\n")

    assert "for the budget of s5 (25d), the budget of s4 (24d)" in said
    assert "the budget of s3 (23d), 3 more: keep more" in said
