"""Runs the judges that the table of artifact kinds names: real programs, if they are installed, on
files in a folder; and our own comparisons on the texts."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from opsgen.judge.documents import NOT_OF_THE_FORM
from opsgen.model.artifact_kinds import Comparison, Program, artifact_kind_of

_TIMEOUT_SECONDS = 300


@dataclass(frozen=True)
class Verdict:
    """What one program said about one file. `passed` is None if the program is not installed."""

    program: str
    subject: str
    passed: bool | None
    output: str = ""


def judged_by_programs(folder: Path, paths: Iterable[str]) -> list[Verdict]:
    """Runs the programs on these files below the folder; gives the verdicts in the files' order."""
    jobs = [job for path in paths for job in _jobs(path)]
    names = sorted({program.name for program, _ in jobs})
    missing = [name for name in names if shutil.which(name) is None]
    runnable = [(program, path) for program, path in jobs if program.name not in missing]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        verdicts = list(pool.map(lambda job: _run(folder, *job), runnable))
    return [*(Verdict(name, "", None) for name in missing), *verdicts]


def _jobs(path: str) -> Iterator[tuple[Program, str]]:
    kind = artifact_kind_of(path)
    if kind is not None and isinstance(kind.judge, Program):
        yield kind.judge, path


def judged_by_comparison(texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Runs our own comparisons; gives the path of each faulty file, and what is wrong with it."""
    for path in texts:
        kind = artifact_kind_of(path)
        if kind is not None and isinstance(kind.judge, Comparison):
            yield from ((path, wrong) for wrong in _compared(kind.judge, path, texts))


def _compared(judge: Comparison, path: str, texts: Mapping[str, str]) -> list[str]:
    try:
        return list(comparison(judge)(path, texts))
    except NOT_OF_THE_FORM as error:
        return [f"it, or the plain file, is not as opsgen writes it: {error!r}"]


def comparison(judge: Comparison) -> Callable[[str, Mapping[str, str]], Iterator[str]]:
    """The function that a row of the table names as `module:function` below opsgen.judge."""
    module, _, function = judge.function.partition(":")
    found: Callable[[str, Mapping[str, str]], Iterator[str]] = getattr(
        import_module(f"opsgen.judge.{module}"), function
    )
    return found


def _run(folder: Path, program: Program, subject: str) -> Verdict:
    command = [program.name, *program.arguments, subject]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        wrong = f"took longer than {_TIMEOUT_SECONDS} seconds"
        return Verdict(program.name, subject, False, wrong)
    output = f"{done.stdout.strip()}\n{done.stderr.strip()}".strip()
    return Verdict(program.name, subject, done.returncode == 0, output)
