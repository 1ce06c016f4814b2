"""A folder goes in; the temporary files that interrupted builds left in it come out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from opsgen.model.artifact import folders_above
from opsgen.output.decision import FolderContent
from opsgen.output.disk import EntryKind, Tree

# `.rules.yaml.opsgen-4711.tmp`: not yet in place when the build of that process id was interrupted.
TEMPORARY = re.compile(r"\..+\.opsgen-(?P<process>\d+)\.tmp")


def leftovers(tree: Tree, folder: str, content: FolderContent | None) -> Iterator[str]:
    """Temporary files whose build is no longer running.

    A service's are looked for at any depth, the fleet's only where its files go.
    """
    below = _folders_below(tree, folder) if folder else _folders_of(content)
    for place in {folder, *below}:
        for name, kind in tree.names(place).items():
            if kind is EntryKind.FILE and _is_leftover(name):
                yield f"{place}/{name}" if place else name


def _is_leftover(name: str) -> bool:
    match = TEMPORARY.fullmatch(name) if name.endswith(".tmp") else None
    return match is not None and not _is_running(int(match["process"]))


def _folders_of(content: FolderContent | None) -> Iterator[str]:
    for artifact in content.artifacts if content else ():
        yield from folders_above(artifact.path)


def _folders_below(tree: Tree, folder: str) -> Iterator[str]:
    for name, kind in tree.names(folder).items():
        if kind is EntryKind.FOLDER:
            yield f"{folder}/{name}"
            yield from _folders_below(tree, f"{folder}/{name}")


def _is_running(process: int) -> bool:
    """Whether another process has this id. Ours counts as gone: this build has written nothing
    yet."""
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # somebody else's, and alive
    return True
