"""The output folder and the artifacts wanted in it go in; the plan of a build comes out.

Nothing is written here. One rule is behind every decision: a file whose content opsgen did not
write belongs to a person.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from opsgen.errors import InputError, Mistake
from opsgen.model.artifact import MANIFEST, path_fault
from opsgen.output.blocks import Side
from opsgen.output.decide import BuildOptions, decide_folder
from opsgen.output.decision import DecidedFolder, Decision, FolderContent, Plan
from opsgen.output.disk import EntryKind, Tree
from opsgen.output.leftovers import TEMPORARY, leftovers


def everyone(_facts: Mapping[str, Any]) -> bool:
    """A complete build that speaks for every service in the output folder."""
    return True


def plan(
    out: Path,
    wanted: Mapping[str, FolderContent],
    *,
    complete: bool,
    force: bool = False,
    take: Side | None = None,
    concerns: Callable[[Mapping[str, Any]], bool] = everyone,
) -> Plan:
    """Compares `out` with the content wanted for each folder: a service's name, or "" for the
    fleet's files.

    With `complete`, folders of services that are not wanted are pruned, but for those whose facts
    the build does not concern, since their specs were not given to it; without, all are left alone.
    With `force`, people's versions of wanted files are overwritten. `take` says whose version of an
    edited block of a shared page wins: `mine` is people's, `theirs` is opsgen's. Files that opsgen
    never wrote and does not want are not even listed. Each value of `wanted` is asked for once, in
    order, and only what has to be written of it is kept, so that it may be lazy.

    Raises InputError with every mistake in every manifest and shared page, WriteError where the
    disk cannot be read, and ValueError for artifacts outside their folder.
    """
    folders = list(
        decisions(out, wanted, complete=complete, force=force, take=take, concerns=concerns)
    )
    decided = [decision for folder in folders for decision in folder.decisions]
    return planned(out, decided, [folder.leftovers for folder in folders])


def planned(out: Path, decided: Iterable[Decision], found: Iterable[Sequence[str]]) -> Plan:
    """The decisions on all folders, and the leftovers found in each, in the order of their
    paths."""
    in_order = sorted(decided, key=_by_path)
    return Plan(out, tuple(in_order), tuple(sorted(one for some in found for one in some)))


def decisions(
    out: Path,
    wanted: Mapping[str, FolderContent],
    *,
    complete: bool,
    force: bool = False,
    take: Side | None = None,
    concerns: Callable[[Mapping[str, Any]], bool] = everyone,
) -> Iterator[DecidedFolder]:
    """As `plan`, folder by folder, so that only the contents of one folder need to be in memory.

    An InputError comes after the last folder.
    """
    tree, names = Tree(out), frozenset(wanted)
    options = BuildOptions(force, take, concerns)
    abandoned = _abandoned(tree, names) if complete else ()
    mistakes: list[Mistake] = []
    for folder in (*wanted, *abandoned):
        content = wanted[folder] if folder in names else None
        _assert_in_place(folder, content, names)
        decided: list[Decision] = []
        try:
            decided = decide_folder(tree, folder, content, names, options)
        except InputError as error:
            mistakes += error.mistakes
        left = list(leftovers(tree, folder, content))
        if folder:
            tree.forget(folder)
        yield DecidedFolder(decided, left)
    if mistakes:
        raise InputError(mistakes)


def _by_path(decision: Decision) -> str:
    return decision.path


def _abandoned(tree: Tree, wanted: Container[str]) -> Iterator[str]:
    """Folders that nothing wants and that opsgen wrote to, even if only temporary files of an
    interrupted build are there."""
    for name, kind in sorted(tree.names("").items()):
        if kind is not EntryKind.FOLDER or name in wanted:
            continue
        names = tree.names(name)
        if MANIFEST in names or any(TEMPORARY.fullmatch(one) for one in names):
            yield name
        else:
            tree.forget(name)


def _assert_in_place(folder: str, content: FolderContent | None, wanted: Container[str]) -> None:
    if folder and ("/" in folder or path_fault(folder)):
        raise ValueError(f"{folder!r} is no name of a folder")
    for artifact in content.artifacts if content else ():
        if not _is_in_place(artifact.path, folder, wanted):
            place = f"the files of {folder or 'the fleet'}"
            # Who adds a kind of artifact forgets the service's folder at first.
            right = (
                f"; write {folder}/{artifact.path}" if folder and "/" not in artifact.path else ""
            )
            raise ValueError(f"artifact {artifact.path!r} has no place among {place}{right}")


def _is_in_place(path: str, folder: str, wanted: Container[str]) -> bool:
    head, _, rest = path.partition("/")
    name = path.rpartition("/")[2]
    if name == MANIFEST or TEMPORARY.fullmatch(name):
        return False
    return (head == folder and rest != "") if folder else head not in wanted
