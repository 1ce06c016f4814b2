"""The SLOs of a service: their periods, and what dependencies allow."""

from __future__ import annotations

from pathlib import Path

from opsgen.quantities import Duration
from tests.resolve.mistakes import LEAST
from tests.specs import derived, warned


def test_a_projects_period_is_that_of_slos_that_name_none(tmp_path: Path) -> None:
    spec = f"{LEAST}slos: [{{availability: 99%}}, {{latency: 99% under 1s, window: 7d}}]\n"

    slos = derived(tmp_path, spec, "slo: {window: 28d}\n").service.slos

    assert [slo.window for slo in slos] == [Duration.of("28d"), Duration.of("7d")]


def test_an_objective_above_what_dependencies_promise_is_warned_of_with_the_number(
    tmp_path: Path,
) -> None:
    spec = (
        LEAST
        + "slos: [{availability: 99.9%}]\ndependencies: [{postgresql: orders, objective: 99.95%},"
        " {external: bank, objective: 99.9%}, {redis: cache}]\n"
    )

    assert warned(tmp_path, spec) == [
        "service.yaml:4: an availability of 99.9% is above what its dependencies promise"
        " together (99.85%)"
    ]
    assert warned(tmp_path, spec.replace("availability: 99.9%", "availability: 99.5%")) == []
