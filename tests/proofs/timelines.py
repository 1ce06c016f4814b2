"""Steady states, one after another, as promtool's input series, so that a real Prometheus can judge
what we say."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from opsgen.proofs import Series, SeriesLevel, State
from opsgen.quantities import number_text

INTERVAL_SECONDS = 60


def counters(metric: str, per_second: object, **labels: str) -> tuple[Series, SeriesLevel]:
    return Series(metric, tuple(sorted(labels.items()))), SeriesLevel(
        Decimal(str(per_second)), counter=True
    )


def gauge(metric: str, value: object, **labels: str) -> tuple[Series, SeriesLevel]:
    return Series(metric, tuple(sorted(labels.items()))), SeriesLevel(
        Decimal(str(value)), counter=False
    )


def labels_text(labels: Iterable[tuple[str, str]]) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels) + "}"


def input_series(phases: Sequence[tuple[State, int]]) -> list[dict[str, str]]:
    """The states, each with the number of minutes that it lasts."""
    series = sorted(
        {found for state, _ in phases for found in state},
        key=lambda found: (found.metric, found.labels),
    )
    return [
        {
            "series": f"{found.metric}{labels_text(found.labels)}",
            "values": " ".join(_values(found, phases)),
        }
        for found in series
    ]


def _values(series: Series, phases: Sequence[tuple[State, int]]) -> Iterable[str]:
    value = Decimal(0)
    for state, minutes in phases:
        level = state.get(series)
        if level is None:
            yield f"_x{minutes}"
        elif level.counter:
            step = level.value * INTERVAL_SECONDS
            yield (
                f"{number_text(value)}{'-' if step < 0 else '+'}{number_text(abs(step))}x{minutes - 1}"
            )
            value += step * minutes
        else:
            yield f"{number_text(level.value)}+0x{minutes - 1}"


def judge(
    promtool: Path,
    folder: Path,
    phases: Sequence[tuple[State, int]],
    assertions: Sequence[Mapping[str, Any]],
) -> None:
    """Fails with promtool's own words where it sees any of the assertions otherwise."""
    test = {
        "interval": f"{INTERVAL_SECONDS}s",
        "input_series": input_series(phases),
        "promql_expr_test": list(assertions),
    }
    file = folder / "states.test.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [], "tests": [test]}))
    judged = subprocess.run(
        [promtool, "test", "rules", file], capture_output=True, text=True, check=False
    )
    assert judged.returncode == 0, judged.stdout + judged.stderr
