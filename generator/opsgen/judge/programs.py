"""Runs the judges that the table of artifact kinds names on the texts of a build: real programs, if
they are installed; and our own comparisons."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from opsgen.judge.accepted import Accepted, identity_of, key_of
from opsgen.judge.documents import NOT_OF_THE_FORM, TextsByPath, beside
from opsgen.model.artifact_kinds import Comparison, Program, artifact_kind_of

_TIMEOUT_SECONDS = 300


@dataclass(frozen=True)
class Verdict:
    """What one program said about one file. `passed` is None if the program is not installed.
    `remembered` says that the same program accepted the same file before."""

    program: str
    subject: str
    passed: bool | None
    output: str = ""
    remembered: bool = False


Progress = Callable[[Iterable[Verdict], int], Iterable[Verdict]]


@dataclass(frozen=True)
class _Job:
    """One file that one program judges. `key` is empty where it cannot be remembered."""

    program: Program
    subject: str
    key: str

    @property
    def service(self) -> str:
        """The folder of the service that the file belongs to; empty for a file of the fleet."""
        return self.subject.rpartition("/")[0].partition("/")[0]


def judged_by_programs(
    texts: TextsByPath, accepted: Accepted, progress: Progress = lambda verdicts, _: verdicts
) -> list[Verdict]:
    """Runs the programs on these files, and remembers what they accept; gives the verdicts in the
    files' order."""
    named = [(program, path) for path in texts for program in _programs(path)]
    names = sorted({program.name for program, _ in named})
    missing = [name for name in names if shutil.which(name) is None]
    identities = {name: identity_of(name) for name in names if name not in missing}
    jobs = [
        _Job(program, path, key_of(identities[program.name], program, path, texts))
        for program, path in named
        if program.name not in missing
    ]
    known = {service: accepted.known(service) for service in {job.service for job in jobs}}
    left = [job for job in jobs if not job.key or job.key not in known[job.service]]
    judged = dict(zip(left, _judged(left, texts, progress), strict=True))
    verdicts = [judged.get(job) or _remembered(job) for job in jobs]
    _remember(accepted, known, jobs, verdicts)
    return [*(Verdict(name, "", None) for name in missing), *verdicts]


def _programs(path: str) -> Iterator[Program]:
    kind = artifact_kind_of(path)
    if kind is not None and isinstance(kind.judge, Program):
        yield kind.judge


def _remembered(job: _Job) -> Verdict:
    return Verdict(job.program.name, job.subject, True, remembered=True)


def _judged(jobs: Sequence[_Job], texts: TextsByPath, progress: Progress) -> list[Verdict]:
    with (
        tempfile.TemporaryDirectory(prefix="opsgen-") as name,
        ThreadPoolExecutor(os.cpu_count() or 1) as pool,
    ):
        folder = Path(name)
        _write(folder, jobs, texts)
        return list(progress(pool.map(lambda job: _run(folder, job), jobs), len(jobs)))


def _write(folder: Path, jobs: Iterable[_Job], texts: TextsByPath) -> None:
    """Writes what the programs read."""
    for job in jobs:
        for path in (job.subject, *(beside(job.subject, name) for name in job.program.reads)):
            file = folder / path
            if path in texts and not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(texts[path].encode())


def _remember(
    accepted: Accepted,
    known: Mapping[str, frozenset[str]],
    jobs: Iterable[_Job],
    verdicts: Iterable[Verdict],
) -> None:
    """Keeps the keys of what was accepted now, where that is news."""
    keys: dict[str, list[str]] = defaultdict(list)
    for job, verdict in zip(jobs, verdicts, strict=True):
        if verdict.passed and job.key:
            keys[job.service].append(job.key)
    for service, found in keys.items():
        if not known[service].issuperset(found):
            accepted.remember(service, found)


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


def _run(folder: Path, job: _Job) -> Verdict:
    program, subject = job.program, job.subject
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
