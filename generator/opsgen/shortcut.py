"""A build with nothing to do is over at once: what the last one read and wrote in, whether all of it is still so out.

What is kept says nothing of what to write. It says that with these inputs, read by this opsgen, the output was as it is
on the disk now, byte for byte; where anything is otherwise, the whole build runs. It lies in the user's cache folder
($XDG_CACHE_HOME, ~/.cache), never in the output; OPSGEN_NO_CACHE=1 does without it.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opsgen.discovery import find_specs
from opsgen.errors import InputError
from opsgen.output.manifest import MANIFEST

_FORM = 1
_PACKAGE = Path(__file__).parent
# Time zones decide hours that are written in UTC.
_TIME_ZONES = Path("/usr/share/zoneinfo/tzdata.zi")


@dataclass(frozen=True)
class Shortcut:
    """One way of calling `build`: `key` is made of the call, of the program, and of all files that it would read."""

    place: Path
    key: str

    @classmethod
    def of(cls, paths: Sequence[Path], out: Path | None) -> Shortcut | None:
        """None where there is nothing to be read, or no cache is wanted."""
        if os.environ.get("OPSGEN_NO_CACHE"):
            return None
        try:
            specs = find_specs(paths)
            call = [str(Path.cwd()), *map(str, paths), str(out)]
            project = [specs.project] if specs.project else []
            key = _digest([json.dumps(call).encode(), _program(), *_contents([*project, *specs.files])])
        except (InputError, OSError):
            return None
        return cls(_cache() / f"{_digest([json.dumps(call).encode()])[:32]}.json", key)

    def lines(self) -> list[str] | None:
        """What the whole build would say, if it had nothing to do; None where it may have."""
        try:
            kept = json.loads(self.place.read_bytes())
            if kept["form"] != _FORM or kept["key"] != self.key or _own(kept["templates"]) != kept["own"]:
                return None
            out = Path(kept["out"])
            if _folders(out) != kept["folders"] or any(_sha(out / path) != sha for path, sha in kept["files"].items()):
                return None
            return list(map(str, kept["lines"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def keep(self, out: Path, written: Iterable[str], templates: Path | None, lines: Sequence[str]) -> None:
        """After a build that left everything as it should be: `written` are the files below `out` that it wants. Where
        that can't be kept the next build takes as long as this one."""
        with suppress(OSError):
            others = (f"{folder}/{name}" for folder in _folders(out) for name in (MANIFEST, "escalation.yaml"))
            files = dict.fromkeys([*written, *(path for path in others if (out / path).is_file())])
            kept: dict[str, Any] = {
                "form": _FORM,
                "key": self.key,
                "out": str(out.resolve()),
                "templates": str(templates.resolve()) if templates else "",
                "own": _own(str(templates.resolve()) if templates else ""),
                "folders": _folders(out),
                "files": {path: _sha(out / path) for path in files},
                "lines": list(lines),
            }
            self.place.parent.mkdir(parents=True, exist_ok=True)
            temporary = self.place.with_name(f"{self.place.name}.{os.getpid()}")
            temporary.write_text(json.dumps(kept))
            temporary.replace(self.place)


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "opsgen"


def _program() -> bytes:
    """This opsgen: its files by size and time, the Python that runs it, and what is installed beside it."""
    installed = Path(_installed())
    parts = [sys.version, *sorted(name for name in os.listdir(installed) if name.endswith(".dist-info"))]  # noqa: PTH208
    parts += _stats(_PACKAGE)
    with suppress(OSError):
        parts.append(str(_TIME_ZONES.stat().st_mtime_ns))
    return "\n".join(parts).encode()


def _installed() -> str:
    import click

    return str(Path(click.__file__).parent.parent)


def _stats(folder: Path) -> Iterator[str]:
    for current, folders, names in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            found = os.stat(f"{current}/{name}")  # noqa: PTH116
            yield f"{current}/{name} {found.st_size} {found.st_mtime_ns}"


def _own(templates: str) -> str:
    """The user's own templates, by their contents."""
    if not templates:
        return ""
    files = [Path(line.rsplit(" ", 2)[0]) for line in _stats(Path(templates))]
    return _digest([*(str(file).encode() for file in files), *_contents(files)])


def _contents(files: Iterable[Path]) -> Iterator[bytes]:
    for file in files:
        yield str(file).encode()
        yield file.read_bytes()


def _folders(out: Path) -> list[str]:
    """The folders of services, by their manifests: one more or less is something to do."""
    with os.scandir(out) as entries:
        names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    return sorted(name for name in names if os.path.lexists(f"{out}/{name}/{MANIFEST}"))


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _digest(parts: Iterable[bytes]) -> str:
    """Of the parts and where they end."""
    found = hashlib.sha256()
    for part in parts:
        found.update(f"{len(part)}:".encode())
        found.update(part)
    return found.hexdigest()
