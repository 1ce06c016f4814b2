"""The real programs as judges: runs promtool and amtool, where they are installed, on artifacts in
a folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

_TIMEOUT_SECONDS = 300


@dataclass(frozen=True)
class Verdict:
    """What one program said of one file: `passed` is None where the program is not installed."""

    program: str
    subject: str
    passed: bool | None
    output: str = ""


def judge(folder: Path, services: Iterable[str]) -> list[Verdict]:
    """Every judgement of a folder of artifacts: rules and proofs of each service, and the fleet's
    Alertmanager file."""
    jobs = list(_jobs(folder, services))
    missing = {program for program, _, _ in jobs if shutil.which(program) is None}
    verdicts = [Verdict(program, "", None) for program in sorted(missing)]
    runnable = [job for job in jobs if job[0] not in missing]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        verdicts.extend(pool.map(lambda job: _run(folder, *job), runnable))
    return verdicts


def _jobs(folder: Path, services: Iterable[str]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for service in services:
        yield "promtool", f"{service}/rules.yaml", ("check", "rules", "--lint-fatal")
        yield "promtool", f"{service}/rules.test.yaml", ("test", "rules")
        yield "amtool", f"{service}/escalation.yaml", ("check-config",)
    if (folder / "rules.yaml").is_file():
        yield "promtool", "rules.yaml", ("check", "rules", "--lint-fatal")
        yield "promtool", "rules.test.yaml", ("test", "rules")
    yield "amtool", "alertmanager.yml", ("check-config",)


def _run(folder: Path, program: str, subject: str, arguments: tuple[str, ...]) -> Verdict:
    command = [program, *arguments, subject]
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
        return Verdict(program, subject, False, f"took longer than {_TIMEOUT_SECONDS} seconds")
    output = "\n".join(part.strip() for part in (done.stdout, done.stderr) if part.strip())
    return Verdict(program, subject, done.returncode == 0, output)
