"""`python -m benchmarks`: prints what opsgen costs, beside the goals; times are multiples of
`python -c pass` too."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.processes import Cost, median_cost, nothing
from benchmarks.specs import write_specs
from benchmarks.stages import stage_seconds

_PYTHON = sys.executable
_OPSGEN = str(Path(_PYTHON).with_name("opsgen"))
_ONE_SERVICE = """\
service: checkout
team: payments
convention: otel-http
match: {namespace: shop, job: checkout}
slos:
  - availability: 99.9%
  - latency: 99% under 250ms
"""
_MIB = 1024 * 1024


@dataclass(frozen=True)
class Measurement:
    """One row: a command, how often it runs, and the goals that it has, as multiples of a bare
    Python or in milliseconds of a service."""

    name: str
    command: tuple[str, ...]
    cwd: Path
    runs: int
    before: Callable[[], None] = nothing
    services: int = 0
    most_multiples: float | None = None
    most_ms_a_service: float | None = None


def measurements(folder: Path, services: int, runs: int) -> list[Measurement]:
    """What is measured, in its order: an unchanged build comes after the cold one that it
    repeats."""
    one = folder / "one"
    one.mkdir()
    (one / "service.yaml").write_text(_ONE_SERVICE, encoding="utf-8")
    fleet = write_specs(folder / "specs", services).parent
    build_one = (_OPSGEN, "build", "service.yaml")
    build_all = (_OPSGEN, "build", "specs", "--out", "out")
    few = max(1, runs // 3)
    return [
        Measurement("opsgen --help", (_OPSGEN, "--help"), folder, runs, most_multiples=6),
        Measurement("opsgen --version", (_OPSGEN, "--version"), folder, runs, most_multiples=6),
        Measurement(
            "one service, cold", build_one, one, runs, _removing(one / "out"), most_multiples=25
        ),
        Measurement("one service, unchanged", build_one, one, runs, most_multiples=5),
        Measurement(
            f"{services:,} services, cold",
            build_all,
            fleet,
            few,
            _removing(fleet / "out"),
            services,
            None,
            4.0,
        ),
        Measurement(f"{services:,} services, unchanged", build_all, fleet, few, nothing, services),
    ]


def _removing(out: Path) -> Callable[[], None]:
    return partial(shutil.rmtree, out, ignore_errors=True)


def row(measured: Measurement, cost: Cost, bare: Cost) -> str:
    """A line of the table."""
    multiples = cost.seconds / bare.seconds
    each = f"{cost.seconds * 1000 / measured.services:.2f}" if measured.services else ""
    figures = (
        f"{measured.name:<28}{cost.seconds * 1000:>10.0f}{multiples:>9.1f}"
        f"{cost.cpu_seconds * 1000:>10.0f}"
        f"{each:>12}{cost.peak_bytes / _MIB:>10.0f}"
    )
    return f"{figures}  {_goal(measured, multiples, cost)}".rstrip()


def _goal(measured: Measurement, multiples: float, cost: Cost) -> str:
    if measured.most_multiples is not None:
        return (
            f"at most {measured.most_multiples:g}x:"
            f" {_verdict(multiples <= measured.most_multiples)}"
        )
    if measured.most_ms_a_service is not None:
        reached = cost.seconds * 1000 / measured.services <= measured.most_ms_a_service
        return f"at most {measured.most_ms_a_service:g} ms a service: {_verdict(reached)}"
    return ""


def _verdict(reached: bool) -> str:
    return "reached" if reached else "missed"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints; the figures are for people, and no goal that is missed is a failure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--services", type=int, default=1000, help="how many specs a fleet has (default: 1000)"
    )
    parser.add_argument(
        "--runs", type=int, default=7, help="runs of each command; a third for fleets (default: 7)"
    )
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="opsgen-bench-") as name:
        folder = Path(name)
        bare = median_cost((_PYTHON, "-c", "pass"), max(chosen.runs, 5), folder)
        print(f"python -c pass: {bare.seconds * 1000:.1f} ms (1x); medians of {chosen.runs} runs\n")
        print(f"{'':<28}{'ms':>10}{'x':>9}{'cpu ms':>10}{'ms/service':>12}{'peak MiB':>10}  goal")
        for measured in measurements(folder, chosen.services, chosen.runs):
            cost = median_cost(measured.command, measured.runs, measured.cwd, measured.before)
            print(row(measured, cost, bare), flush=True)
        _print_stages(folder, chosen.services)


def _print_stages(folder: Path, services: int) -> None:
    print(f"\nStages of {services:,} services, in one process:")
    print(f"{'':<42}{'ms':>10}{'ms/service':>12}")
    for stage, seconds in stage_seconds(folder / "specs", folder / "staged").items():
        print(f"{stage:<42}{seconds * 1000:>10.0f}{seconds * 1000 / services:>12.3f}")


if __name__ == "__main__":
    main()
