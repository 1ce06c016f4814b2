"""The output tree as it was: a folder, or a folder at a revision of its git repository, in; its
files by path out."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from opsgen.errors import InputError, Mistake
from opsgen.model.artifact import MANIFEST
from opsgen.output.disk import Kind, Tree
from opsgen.output.manifest import parse_manifest

Files = dict[str, bytes]
# Says of the facts in a service's manifest whether that service is gone.
Concerns = Callable[[Mapping[str, Any]], bool]

_RIGHT = "name a commit, a branch or a tag of the repository that the output is in"


def on_disk(out: Path, services: Sequence[str], is_gone: Concerns) -> Files:
    """What opsgen wrote there of the fleet, of these services, and of those that are gone."""
    tree = Tree(out)

    def read(path: str) -> bytes | None:
        return tree.read(path)[0] if tree.kind(path) is Kind.FILE else None

    folders = [name for name, kind in sorted(tree.names("").items()) if kind is Kind.FOLDER]
    return dict(_owned(read, folders, services, is_gone, str(out)))


def at_revision(out: Path, revision: str, services: Sequence[str], is_gone: Concerns) -> Files:
    """The same of the tree that was committed at a revision; empty where it had none.

    Raises InputError where there is no such revision, no repository, or no git.
    """
    if not revision or revision.startswith("-"):  # which git would take for an option
        raise InputError([Mistake("--from", 1, 1, "", f"'{revision}' is no revision", _RIGHT)])
    above = next(folder for folder in out.resolve().parents if folder.is_dir())
    name = out.resolve().relative_to(above).as_posix()
    objects: dict[str, str] = {}
    for line in _git(above, "ls-tree", "-r", "-z", revision, "--", f"{name}/").decode().split("\0"):
        about, _, path = line.partition("\t")
        if path:
            objects[path.removeprefix(f"{name}/")] = about.split(" ")[2]
    texts = dict(zip(objects, _contents(above, list(objects.values())), strict=True))
    folders = sorted({path.partition("/")[0] for path in texts if "/" in path})
    return dict(_owned(texts.get, folders, services, is_gone, f"{revision}:{name}"))


def _owned(
    read: Callable[[str], bytes | None],
    folders: Sequence[str],
    services: Sequence[str],
    is_gone: Concerns,
    root: str,
) -> Iterator[tuple[str, bytes]]:
    for folder in ("", *folders):
        prefix = f"{folder}/" if folder else ""
        present = read(f"{prefix}{MANIFEST}")
        if present is None:
            continue
        manifest = parse_manifest(present, f"{root}/{prefix}{MANIFEST}")
        if manifest.folder != folder or (
            folder and folder not in services and not is_gone(manifest.facts)
        ):
            continue
        for name in sorted(manifest.files):
            content = read(f"{prefix}{name}")
            if content is not None:
                yield f"{prefix}{name}", content


def _contents(folder: Path, objects: Sequence[str]) -> Iterator[bytes]:
    """The contents of git's objects, in their order."""
    printed = (
        _git(folder, "cat-file", "--batch", given="\n".join(objects).encode()) if objects else b""
    )
    at = 0
    for _ in objects:
        end = printed.index(b"\n", at)
        size = int(printed[at:end].split(b" ")[2])
        yield printed[end + 1 : end + 1 + size]
        at = end + size + 2  # a line feed follows the content


def _git(folder: Path, *arguments: str, given: bytes = b"") -> bytes:
    git = shutil.which("git")
    if git is None:
        raise InputError(
            [Mistake("--from", 1, 1, "", "git is not installed", "install it, or leave --from out")]
        )
    done = subprocess.run(
        [git, *arguments], cwd=folder, input=given, capture_output=True, check=False
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        wrong = f"git says: {said[0] if said else f'exit code {done.returncode}'}"
        raise InputError([Mistake("--from", 1, 1, "", wrong, _RIGHT)])
    return done.stdout
