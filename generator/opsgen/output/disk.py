"""A folder on the disk, read without ever following a symbolic link below it: paths go in, kinds
and bytes come out.

Every failure of the system is raised as a WriteError that names the file.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from opsgen.model.artifact import folders_above


class WriteError(Exception):
    """The output folder cannot be read or written. `path` begins as that folder was given."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class EntryKind(Enum):
    """What a name in a folder stands for."""

    FILE = "is a file"
    LINK = "is a symbolic link"
    FOLDER = "is a folder"
    OTHER = "is neither a file nor a folder"


class Stamp(NamedTuple):
    """Tells whether a file is still the one that was looked at, without reading it again."""

    size: int
    modified_ns: int


class Tree:
    """The folder `root`; paths are relative to it, with `/`. Each folder is listed once, at the
    first question."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._listings: dict[str, Mapping[str, EntryKind]] = {}

    def full(self, path: str) -> str:
        """The path as the system, and messages, name it."""
        return f"{self._root}/{path}" if path else self._root

    def names(self, folder: str) -> Mapping[str, EntryKind]:
        """What lies in a folder; nothing where it is missing, no folder, or beyond a link."""
        if folder not in self._listings:
            reachable = not folder or self.kind(folder) is EntryKind.FOLDER
            self._listings[folder] = self._list(folder) if reachable else {}
        return self._listings[folder]

    def kind(self, path: str) -> EntryKind | None:
        """None where there is nothing."""
        folder, _, name = path.rpartition("/")
        return self.names(folder).get(name)

    def blocked(self, path: str) -> str:
        """Why no file can lie at this path: what stands in the place of one of its folders; empty
        where it can."""
        for folder in folders_above(path):
            kind = self.kind(folder)
            if kind is not None and kind is not EntryKind.FOLDER:
                return f"{folder} {kind.value}"
        return ""

    def read(self, path: str) -> tuple[bytes, Stamp]:
        """A file's bytes, and its stamp from before they were read.

        Raises WriteError where it cannot be read, or is no file any more.
        """
        full = self.full(path)
        try:  # not `named`: this is the one call that every file of every build makes
            descriptor = os.open(full, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                status = os.fstat(descriptor)
                return _read_all(descriptor, status), _stamp(status)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise write_error(full, error) from error

    def stamp(self, path: str) -> Stamp:
        """The stamp of what lies there, also of a link."""
        full = self.full(path)
        with named(full):
            return stamp(full)

    def forget(self, folder: str) -> None:
        """Frees the listings at and below a folder, so that memory does not grow with the fleet."""
        below = f"{folder}/"
        listed = [name for name in self._listings if name == folder or name.startswith(below)]
        for name in listed:
            del self._listings[name]

    def _list(self, folder: str) -> Mapping[str, EntryKind]:
        full = self.full(folder)
        try:
            with named(full), os.scandir(full) as entries:
                return {entry.name: _kind(entry) for entry in entries}
        except WriteError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return {}
            raise


def stamp(full: str) -> Stamp:
    """The stamp of what lies there now; raises OSError."""
    return _stamp(os.lstat(full))


@contextmanager
def named(full: str) -> Iterator[None]:
    """Raises what the system refuses as a WriteError for this path."""
    try:
        yield
    except OSError as error:
        raise write_error(full, error) from error


def write_error(full: str, error: OSError) -> WriteError:
    """The system's refusal, for this path."""
    return WriteError(full, (error.strerror or str(error)).lower())


def _kind(entry: os.DirEntry[str]) -> EntryKind:
    if entry.is_symlink():
        return EntryKind.LINK
    if entry.is_file(follow_symlinks=False):
        return EntryKind.FILE
    return EntryKind.FOLDER if entry.is_dir(follow_symlinks=False) else EntryKind.OTHER


def _stamp(status: os.stat_result) -> Stamp:
    return Stamp(status.st_size, status.st_mtime_ns)


def _read_all(descriptor: int, status: os.stat_result) -> bytes:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "no longer a file")
    chunks = []
    wanted = status.st_size + 1  # one more than there is, so that one read meets the end
    while chunk := os.read(descriptor, wanted):
        chunks.append(chunk)
        if len(chunk) < wanted:
            break
    return b"".join(chunks)
