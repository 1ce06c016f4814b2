"""Digests of everything but the specs that a build depends on, and the cache folder.

The folder is in the user's cache ($XDG_CACHE_HOME, ~/.cache), never in the output.
OPSGEN_NO_CACHE=1 switches it off. It can be deleted at any time.
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
# Escalation hours that are written in UTC depend on the time zone data.
_TIME_ZONES = Path("/usr/share/zoneinfo/tzdata.zi")


def cache() -> Path | None:
    """The cache folder; None if it is switched off."""
    if os.environ.get("OPSGEN_NO_CACHE"):
        return None
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "opsgen"


@lru_cache(maxsize=1)
def program() -> bytes:
    """A digest of this opsgen: the size and time of its files, the version of Python, and the
    installed packages."""
    installed = Path(_installed())
    names = os.listdir(installed)  # noqa: PTH208
    packages = sorted(name for name in names if name.endswith(".dist-info"))
    parts = [sys.version, *packages, *_stats(_PACKAGE)]
    return digest_of_parts([*(part.encode() for part in parts), time_zones()]).encode()


def time_zones() -> bytes:
    """What changes when the time zone data does; empty if there is none."""
    with suppress(OSError):
        return str(_TIME_ZONES.stat().st_mtime_ns).encode()
    return b""


def templates(folder: Path | None) -> str:
    """A digest of the contents of the user's own templates; empty if there are none."""
    if folder is None:
        return ""
    files = [Path(line.rsplit(" ", 2)[0]) for line in _stats(folder)]
    return digest_of_parts([*(str(file).encode() for file in files), *names_and_bytes(files)])


def names_and_bytes(files: Iterable[Path]) -> Iterator[bytes]:
    """The name and the bytes of each; raises OSError."""
    for file in files:
        yield str(file).encode()
        yield file.read_bytes()


def digest_of_parts(parts: Iterable[bytes]) -> str:
    """A digest of the parts that also depends on where each part ends."""
    found = hashlib.sha256()
    for part in parts:
        found.update(f"{len(part)}:".encode())
        found.update(part)
    return found.hexdigest()


def replace_file(place: Path, content: bytes) -> None:
    """Writes a file of the cache, completely or not at all; raises OSError."""
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
