"""Output folders for tests: content from plain dictionaries, and everything that lies in a folder
as one value."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from opsgen.model.artifact import Artifact, ArtifactSet
from opsgen.output.decision import FolderContent

Files = Mapping[str, str]


def content(folder: str, files: Files, facts: Mapping[str, Any] | None = None) -> FolderContent:
    """The files of one folder, by their names in it."""
    prefix = f"{folder}/" if folder else ""
    artifacts = tuple(Artifact(f"{prefix}{name}", text) for name, text in files.items())
    return FolderContent(ArtifactSet(artifacts), {"name": folder} if facts is None else facts)


def wanted(**services: Files) -> dict[str, FolderContent]:
    """The files of several services."""
    return {name: content(name, files) for name, files in services.items()}


def snapshot(out: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path, with its bytes."""
    return {
        file.relative_to(out).as_posix(): file.read_bytes()
        for file in sorted(out.rglob("*"))
        if file.is_file()
    }


def times(out: Path) -> dict[str, int]:
    """When every file and folder was last touched."""
    return {str(path): path.lstat().st_mtime_ns for path in (out, *out.rglob("*"))}


def spoil(out: Path, path: str, text: str) -> Path:
    """What a person does: saves a file."""
    file = out / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


@dataclass
class Failures:
    """What `failing` let through, and how often it did not."""

    passed: list[str] = field(default_factory=list)
    failed: int = 0


@contextmanager
def failing(functions: Sequence[str], at: int, *, once: bool) -> Iterator[Failures]:
    """Lets functions of `os` run out of disk at their call number `at`, counted over all; `once`,
    or from then on."""
    failures = Failures()

    def instead(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def function(*args: object, **kwargs: object) -> object:
            number = len(failures.passed) + failures.failed
            if number == at or (number > at and not once):
                failures.failed += 1
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            failures.passed.append(name)
            return real(*args, **kwargs)

        return function

    with ExitStack() as stack:
        for name in functions:
            stack.enter_context(patch.object(os, name, instead(name, getattr(os, name))))
        yield failures
