"""The external programs that tests run: a name goes in, the path of the installed program or the
reason of its absence comes out."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / ".tools" / "bin"


@dataclass(frozen=True)
class Program:
    """One version of a program: Debian's on PATH, or the current one that `make tools` builds."""

    command: str
    built: bool = False
    release: str = ""  # what its version starts with; empty for any

    @property
    def path(self) -> Path | None:
        """Where it is installed, or None where it, or this release of it, is not."""
        found = shutil.which(self.command, path=str(BUILT) if self.built else None)
        if found is None or (self.release and not _version(found).startswith(self.release)):
            return None
        return Path(found)

    def __str__(self) -> str:
        release = f" {self.release}x" if self.release else ""
        return f"{self.command}{release} ({'.tools/bin' if self.built else 'on PATH'})"


# As the fixtures name them. Prometheus 2 and 3 differ in language and storage; both are promised to
# work.
PROGRAMS = {
    "promtool-2": Program("promtool", release="2."),
    "promtool-3": Program("promtool", built=True, release="3."),
    "amtool-packaged": Program("amtool"),
    "amtool-current": Program("amtool", built=True),
    "prometheus-2": Program("prometheus", release="2."),
    "prometheus-3": Program("prometheus", built=True, release="3."),
    "alertmanager": Program("prometheus-alertmanager"),
    "blackbox-exporter": Program("prometheus-blackbox-exporter"),
    "node-exporter": Program("prometheus-node-exporter"),
}

PROMTOOLS = ("promtool-2", "promtool-3")
AMTOOLS = ("amtool-packaged", "amtool-current")


def require_program(name: str) -> Path:
    """The path of one of PROGRAMS. Without it the test skips, or fails where
    OPSGEN_REQUIRE_PROGRAMS is set."""
    path = PROGRAMS[name].path
    if path is not None:
        return path
    reason = f"{PROGRAMS[name]} is not installed; make tools installs it"
    if os.environ.get("OPSGEN_REQUIRE_PROGRAMS"):
        pytest.fail(reason)
    pytest.skip(reason)


@cache
def _version(path: str) -> str:
    """`promtool, version 2.42.0+ds (branch: ...)` gives `2.42.0+ds`. Old releases print it to
    stderr."""
    printed = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
    return (printed.stdout + printed.stderr).partition(", version ")[2].split(" ")[0]
