"""Whole processes: a command in, its time and its peak of memory out, as the operating system
counts them."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

# Linux counts the peak of memory in KiB, macOS in bytes.
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Cost:
    """Of one process: time by the clock and on the processor, in seconds, and its largest resident
    memory, in bytes."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int


def nothing() -> None:
    """What is done before a run that needs no preparation."""


def median_cost(
    command: Sequence[str], runs: int, cwd: Path, before: Callable[[], None] = nothing
) -> Cost:
    """The median run by the clock; `before` is called ahead of each and not measured.

    Raises subprocess.CalledProcessError when a run fails.
    """
    costs = []
    for _ in range(runs):
        before()
        costs.append(_cost(command, cwd))
    middle = statistics.median_low([cost.seconds for cost in costs])
    return next(cost for cost in costs if cost.seconds == middle)


def _cost(command: Sequence[str], cwd: Path) -> Cost:
    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(
        status
    )  # it was waited for here, so Popen must not
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command))
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _PEAK_UNIT)
