"""What a build depends on beside its specs, as digests; and the folder in which is kept what was
made of them.

The folder is the user's cache ($XDG_CACHE_HOME, ~/.cache), never the output; OPSGEN_NO_CACHE=1 does
without it. Nothing of it is needed: it can be deleted at any time.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

_PACKAGE = Path(__file__).parent.parent
# Time zones decide hours that are written in UTC.
_TIME_ZONES = Path("/usr/share/zoneinfo/tzdata.zi")


def cache() -> Path | None:
    """The folder; None where none is wanted."""
    if os.environ.get("OPSGEN_NO_CACHE"):
        return None
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "opsgen"


@lru_cache(maxsize=1)
def program() -> bytes:
    """This opsgen: its files by size and time, the Python that runs it, and what is installed
    beside it."""
    installed = Path(_installed())
    names = os.listdir(installed)  # noqa: PTH208
    packages = sorted(name for name in names if name.endswith(".dist-info"))
    parts = [sys.version, *packages, *_stats(_PACKAGE)]
    with suppress(OSError):
        parts.append(str(_TIME_ZONES.stat().st_mtime_ns))
    return digest([part.encode() for part in parts]).encode()


def templates(folder: Path | None) -> str:
    """The user's own templates, by their contents; empty where there are none."""
    if folder is None:
        return ""
    files = [Path(line.rsplit(" ", 2)[0]) for line in _stats(folder)]
    return digest([*(str(file).encode() for file in files), *contents(files)])


def contents(files: Iterable[Path]) -> Iterator[bytes]:
    """The name and the bytes of each; raises OSError."""
    for file in files:
        yield str(file).encode()
        yield file.read_bytes()


def digest(parts: Iterable[bytes]) -> str:
    """Of the parts and where they end."""
    found = hashlib.sha256()
    for part in parts:
        found.update(f"{len(part)}:".encode())
        found.update(part)
    return found.hexdigest()


def replace_file(place: Path, content: bytes) -> None:
    """Writes a file of the cache, whole or not at all; raises OSError."""
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.with_name(f"{place.name}.{os.getpid()}")
    temporary.write_bytes(content)
    temporary.replace(place)


def _installed() -> str:
    import click

    return str(Path(click.__file__).parent.parent)


def _stats(folder: Path) -> Iterator[str]:
    for current, folders, names in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            found = os.stat(f"{current}/{name}")  # noqa: PTH116
            yield f"{current}/{name} {found.st_size} {found.st_mtime_ns}"
