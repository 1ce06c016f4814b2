"""A generated file as a value: its path below the output folder, and its text."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

# The file that lists which files of a folder opsgen wrote; `output.manifest` reads and writes it.
MANIFEST = ".opsgen.manifest"


class Wanted(Protocol):
    """A file that the specs make. Its digest tells whether the file on the disk is up to date, so
    that the text is fetched only if it is not."""

    @property
    def path(self) -> str: ...
    @property
    def shared(self) -> bool: ...
    @property
    def digest(self) -> str: ...
    @property
    def content(self) -> str: ...
    @property
    def encoded(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Artifact:
    """`path` is relative to the output folder, with `/` between its parts. `content` ends with a
    newline. A `shared` artifact has blocks, and people write between them.

    Raises ValueError for a path that could leave the output folder, or for a text that does not end
    with a newline. Names from specs are validated before, so that either is a bug of ours.
    """

    path: str
    content: str = field(repr=False)
    shared: bool = False

    def __post_init__(self) -> None:
        fault = path_fault(self.path)
        if fault:
            raise ValueError(f"artifact {self.path!r}: the path {fault}")
        if not self.content.endswith("\n"):
            raise ValueError(f"artifact {self.path!r}: the content does not end with a newline")

    @property
    def encoded(self) -> bytes:
        """The bytes of the file: UTF-8, with the line endings of the text."""
        return self.content.encode()

    @property
    def digest(self) -> str:
        return digest(self.encoded)


@dataclass(frozen=True, slots=True)
class ArtifactSet:
    """Artifacts that fit into one folder tree, in the given order.

    Raises ValueError if two have the same path, also if they differ only in case (many laptops
    ignore it), or if the path of one is the folder of another.
    """

    artifacts: tuple[Wanted, ...]

    def __post_init__(self) -> None:
        taken = _paths_in_lower_case(self.artifacts)
        for path in taken:
            if "/" in path and not taken.isdisjoint(folders_above(path)):
                raise ValueError(f"an artifact's path is the folder of another: {path}")

    def __iter__(self) -> Iterator[Wanted]:
        return iter(self.artifacts)

    def __len__(self) -> int:
        return len(self.artifacts)


def _paths_in_lower_case(artifacts: Iterable[Wanted]) -> set[str]:
    """Raises ValueError if two have the same path."""
    by_path: dict[str, list[str]] = {}
    for artifact in artifacts:
        by_path.setdefault(artifact.path.casefold(), []).append(artifact.path)
    shared = [path for alike in by_path.values() if len(alike) > 1 for path in alike]
    if shared:
        raise ValueError(f"artifacts share a path: {', '.join(sorted(shared))}")
    return set(by_path)


def digest(content: bytes) -> str:
    """The digest as manifests write it: `sha256:` and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def path_fault(path: str) -> str:
    """Why this cannot be the path of a file below the output folder; empty if it can."""
    if not path.isprintable():
        return "holds a control character"
    if path.startswith("/"):
        return "is absolute"
    if "\\" in path:
        return "holds a backslash"
    parts = path.split("/")
    if "" in parts:
        return "has an empty part"
    if "." in parts or ".." in parts:
        return "has a part that is no name"
    return ""


def folders_above(path: str) -> Iterator[str]:
    """`a/b/c` gives `a/b`, then `a`."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
