"""Remembers what the programs have accepted, so that they judge nothing twice.

The key covers everything that a program reads: itself, its arguments, the file, the files that the
file names, and the time zones. Refusals are not remembered. Each service has one file in the user's
cache; a damaged one is as good as none.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from opsgen.fleet import inputs
from opsgen.judge.documents import TextsByPath, beside
from opsgen.model.artifact_kinds import Program

_FORM = 1
# A service has some five files; these are enough for several versions of each program.
_MOST_KEYS = 64
_VERSION_TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Accepted:
    """What was accepted of one project. `folder` is None if nothing is remembered."""

    folder: Path | None
    project: str

    @classmethod
    def of(cls, out: Path) -> Accepted:
        """Of the project that builds into this folder."""
        cache = inputs.cache()
        return cls(cache / "accepted" if cache else None, str(out.resolve()))

    def known(self, service: str) -> frozenset[str]:
        """The keys that are remembered for the files of a service; of the fleet's, of none."""
        return frozenset(self._read(service))

    def remember(self, service: str, keys: Iterable[str]) -> None:
        """Keeps these keys, and the latest of those before."""
        place = self._place(service)
        if place is None:
            return
        kept = [*dict.fromkeys([*keys, *self._read(service)])][:_MOST_KEYS]
        with suppress(OSError):
            inputs.replace_file(place, json.dumps({"form": _FORM, "keys": kept}).encode())

    def _read(self, service: str) -> list[str]:
        place = self._place(service)
        if place is None:
            return []
        try:
            held = json.loads(place.read_bytes())
            keys = held["keys"] if held["form"] == _FORM else []
            return [key for key in keys if isinstance(key, str)]
        except (OSError, ValueError, KeyError, TypeError):
            return []

    def _place(self, service: str) -> Path | None:
        if self.folder is None:
            return None
        return self.folder / inputs.digest_of_parts([self.project.encode(), service.encode()])[:32]


def key_of(identity: str, program: Program, subject: str, texts: TextsByPath) -> str:
    """A digest of everything that the program of this identity reads to judge a file; empty if that
    is unknown."""
    paths = [subject, *(beside(subject, name) for name in program.reads)]
    if not identity or any(path not in texts for path in paths):
        return ""
    words = [identity, *program.arguments, *(texts[path] for path in paths)]
    return inputs.digest_of_parts([*(word.encode() for word in words), inputs.time_zones()])


def identity_of(name: str) -> str:
    """The file of an installed program, and what it says of its version, since a script may start
    another program; empty if it does not say."""
    path = shutil.which(name) or ""
    try:
        file = Path(path).resolve(strict=True)
        found = file.stat()
        said = subprocess.run(
            [path, "--version"],
            capture_output=True,
            text=True,
            timeout=_VERSION_TIMEOUT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return json.dumps([str(file), found.st_size, found.st_mtime_ns, said.stdout, said.stderr])
