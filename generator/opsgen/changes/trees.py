"""An output folder goes in, as it lies on the disk or as it was at a revision of git; its files by
path come out."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from opsgen.errors import InputError, Mistake
from opsgen.model.artifact import MANIFEST
from opsgen.output.disk import EntryKind, Tree
from opsgen.output.manifest import parse_manifest

Files = dict[str, bytes]
# Says of the facts in a service's manifest whether that service is gone.
Concerns = Callable[[Mapping[str, Any]], bool]

_RIGHT = "name a commit, a branch or a tag of the repository that the output is in"


def on_disk(out: Path, services: Sequence[str], is_gone: Concerns) -> Files:
    """The files that opsgen wrote for the fleet, for these services, and for those that are
    gone."""
    tree = Tree(out)

    def read(path: str) -> bytes | None:
        return tree.read(path)[0] if tree.kind(path) is EntryKind.FILE else None

    names = sorted(tree.names("").items())
    folders = [name for name, kind in names if kind is EntryKind.FOLDER]
    return dict(_owned(read, folders, services, is_gone, str(out)))


def at_revision(out: Path, revision: str, services: Sequence[str], is_gone: Concerns) -> Files:
    """The same files in the tree that was committed at a revision; empty where it had none. Raises
    InputError where there is no such revision, no repository, or no git."""
    if not revision or revision.startswith("-"):  # which git would take for an option
        raise _refused(f"'{revision}' is not a revision", _RIGHT)
    folder = out.resolve()
    above = next(parent for parent in folder.parents if parent.is_dir())
    name = folder.relative_to(above).as_posix()
    objects = _objects(above, revision, f"{name}/")
    texts = dict(zip(objects, _contents(above, list(objects.values())), strict=True))
    folders = sorted({path.partition("/")[0] for path in texts if "/" in path})
    return dict(_owned(texts.get, folders, services, is_gone, f"{revision}:{name}"))


def _objects(repository: Path, revision: str, prefix: str) -> dict[str, str]:
    """The ids of git's objects below a folder, by their paths below it."""
    listed = _git(repository, "ls-tree", "-r", "-z", revision, "--", prefix).decode()
    objects: dict[str, str] = {}
    for line in listed.split("\0"):
        about, _, path = line.partition("\t")  # "100644 blob 8f94139", then the path
        if path:
            objects[path.removeprefix(prefix)] = about.split(" ")[2]
    return objects


def _owned(
    read: Callable[[str], bytes | None],
    folders: Sequence[str],
    services: Sequence[str],
    is_gone: Concerns,
    root: str,
) -> Iterator[tuple[str, bytes]]:
    """The files that the manifests list, of the fleet and of those folders that concern us."""
    for folder in ("", *folders):
        prefix = f"{folder}/" if folder else ""
        present = read(f"{prefix}{MANIFEST}")
        if present is None:
            continue
        manifest = parse_manifest(present, f"{root}/{prefix}{MANIFEST}")
        is_ours = not folder or folder in services or is_gone(manifest.facts)
        if manifest.folder != folder or not is_ours:
            continue
        for name in sorted(manifest.files):
            content = read(f"{prefix}{name}")
            if content is not None:
                yield f"{prefix}{name}", content


def _contents(folder: Path, objects: Sequence[str]) -> Iterator[bytes]:
    """The contents of git's objects, in their order."""
    if not objects:
        return
    printed = _git(folder, "cat-file", "--batch", given="\n".join(objects).encode())
    at = 0
    for _ in objects:
        end = printed.index(b"\n", at)
        size = int(printed[at:end].split(b" ")[2])
        yield printed[end + 1 : end + 1 + size]
        at = end + size + 2  # a line feed follows the content


def _git(folder: Path, *arguments: str, given: bytes = b"") -> bytes:
    git = shutil.which("git")
    if git is None:
        raise _refused("git is not installed", "install git, or leave out --from")
    command = [git, *arguments]
    done = subprocess.run(command, cwd=folder, input=given, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        wrong = f"git says: {said[0] if said else f'exit code {done.returncode}'}"
        raise _refused(wrong, _RIGHT)
    return done.stdout


def _refused(wrong: str, right: str) -> InputError:
    return InputError([Mistake("--from", 1, 1, "", wrong, right)])
