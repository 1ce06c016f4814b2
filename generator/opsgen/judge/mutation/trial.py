"""Runs promtool on mutants, on all cores; says of each whether its proof notices the fault."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from opsgen.judge.mutation.mutants import Mutant, Proof

PROMTOOL = "promtool"

_TIMEOUT_SECONDS = 300

_T = TypeVar("_T")
_R = TypeVar("_R")


def noticed(folder: Path, mutants: Sequence[Mutant]) -> Iterator[bool]:
    """Whether each mutant fails a timeline of its proof, in the mutants' order.

    Writes into the folder.
    """

    def is_noticed(place: Path, mutant: Mutant) -> bool:
        own = _prepared(place, mutant.proof, mutant.text)
        return any(_refusal(own, number) for number in mutant.timelines)

    yield from _on_all_cores(folder, is_noticed, mutants)


def refusals(folder: Path, proofs: Sequence[Proof], texts: Sequence[str]) -> Iterator[str]:
    """What promtool says against each proof with these rules; empty where it accepts them."""

    def refusal(place: Path, number: int) -> str:
        own = _prepared(place, proofs[number], texts[number])
        found = (_refusal(own, timeline) for timeline in range(len(proofs[number].timelines)))
        return next((said for said in found if said), "")

    yield from _on_all_cores(folder, refusal, range(len(proofs)))


def _on_all_cores(
    folder: Path, judge: Callable[[Path, _T], _R], subjects: Sequence[_T]
) -> Iterator[_R]:
    workers = os.cpu_count() or 1
    # Each worker has a folder of its own, where it writes one mutant over the other.
    places: SimpleQueue[Path] = SimpleQueue()
    for number in range(workers):
        places.put(folder / str(number))

    def judged(subject: _T) -> _R:
        place = places.get()
        try:
            return judge(place, subject)
        finally:
            places.put(place)

    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(judged, subjects)


def _prepared(place: Path, proof: Proof, rules: str) -> Path:
    """The folder of a proof's timelines, with these rules in it."""
    own = place / proof.rules_path
    if not own.exists():
        own.mkdir(parents=True)
        for number, timeline in enumerate(proof.timelines):
            _test(own, number).write_text(timeline, encoding="utf-8")
    (own / Path(proof.rules_path).name).write_text(rules, encoding="utf-8")
    return own


def _test(own: Path, number: int) -> Path:
    return own / f"{number}.test.yaml"


def _refusal(own: Path, number: int) -> str:
    """What promtool says against one timeline."""
    command = [PROMTOOL, "test", "rules", _test(own, number).name]
    try:
        done = subprocess.run(
            command,
            cwd=own,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it took longer than {_TIMEOUT_SECONDS} seconds"
    said = f"{done.stdout.strip()}\n{done.stderr.strip()}".strip()
    return (said or "it gives no reason") if done.returncode else ""
