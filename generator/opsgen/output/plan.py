"""What a build would do: the output folder and the artifacts wanted in it go in, a decision for
each file comes out.

Nothing is written here. The rule behind every decision: a file whose content opsgen did not write
is a person's.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from opsgen.errors import InputError, Mistake
from opsgen.model import pages
from opsgen.model.artifact import MANIFEST, ArtifactSet, Wanted, digest, folders_above, path_fault
from opsgen.output import blocks
from opsgen.output.disk import Kind, Stamp, Tree
from opsgen.output.manifest import (
    Digests,
    Manifest,
    manifest_bytes,
    manifest_path,
    parse_manifest,
)

# `.rules.yaml.opsgen-4711.tmp`: not yet in place when the build of that process id was interrupted.
TEMPORARY = re.compile(r"\..+\.opsgen-(?P<process>\d+)\.tmp")

EDITED = "edited since opsgen wrote it"
EDITED_BLOCK = "a block that opsgen writes was edited"
FOREIGN = "not written by opsgen"
# To remove it would lose what somebody wrote, for nothing that takes its place.
UNWANTED = "edited since opsgen wrote it, and no longer wanted: move or remove it yourself"
# A folder is never given up for a file: it may hold a person's files.
FORCEABLE = {EDITED, EDITED_BLOCK, FOREIGN, Kind.LINK.value}
_NONE: Digests = frozenset()


class Action(StrEnum):
    """What becomes of a file."""

    ADD = "add"
    CHANGE = "change"
    KEEP = "keep"
    REMOVE = "remove"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class FolderContent:
    """The artifacts of one service, or of the fleet, and what their manifest is to say about it.

    The artifacts' paths begin with the folder's name. The facts are any JSON; they are read back by
    `read_index`.
    """

    artifacts: ArtifactSet
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of the file at `path`, below the output folder.

    `reason` says why a conflict is one, and `edits` how the blocks of a shared page were edited.
    `content` is what to write, of an ADD or a CHANGE. `seen` is what was there when a CHANGE or a
    REMOVE was decided. `before`, of a manifest, is what it has to hold while files are written.
    """

    path: str
    action: Action
    reason: str = ""
    content: bytes | None = field(default=None, repr=False)
    seen: Stamp | None = field(default=None, repr=False)
    before: bytes | None = field(default=None, repr=False)
    edits: tuple[blocks.Edited, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Every file that opsgen wants or wanted below `out`, manifests included, in the order of their
    paths.

    `leftovers` are temporary files of interrupted builds; to remove them makes nothing stale.
    """

    out: Path
    decisions: tuple[Decision, ...]
    leftovers: tuple[str, ...] = ()

    def of(self, action: Action) -> tuple[Decision, ...]:
        """The decisions of one kind."""
        return tuple(decision for decision in self.decisions if decision.action is action)

    def paths(self, action: Action) -> tuple[str, ...]:
        """The files of one kind."""
        return tuple(decision.path for decision in self.of(action))

    @property
    def counts(self) -> dict[Action, int]:
        """How many files there are of every kind."""
        counted = Counter(decision.action for decision in self.decisions)
        return {action: counted[action] for action in Action}

    @property
    def conflicts(self) -> tuple[Decision, ...]:
        """Files that are a person's, where opsgen would write or remove its own."""
        return self.of(Action.CONFLICT)

    @property
    def stale(self) -> bool:
        """Whether the output folder is anything but what is wanted."""
        return any(decision.action is not Action.KEEP for decision in self.decisions)


def everyone(_facts: Mapping[str, Any]) -> bool:
    """A complete build that speaks for every service in the output folder."""
    return True


def plan(
    out: Path,
    wanted: Mapping[str, FolderContent],
    *,
    complete: bool,
    force: bool = False,
    take: blocks.Side | None = None,
    concerns: Callable[[Mapping[str, Any]], bool] = everyone,
) -> Plan:
    """Compares `out` with the content wanted for each folder: a service's name, or "" for the
    fleet's files.

    With `complete`, folders of services that are not wanted are pruned; without, they are left
    alone, as are those whose facts the build does not concern: their specs were not among what was
    given. With `force`, people's versions of wanted files are overwritten. `take` says whose
    version of an edited block of a shared page is the right one: theirs is opsgen's. Files that
    opsgen never wrote and does not want are not even listed. Each value of `wanted` is asked for
    once, in order, and only what has to be written of it is kept, so that it may be lazy.

    Raises InputError with every mistake in every manifest and shared page, WriteError where the
    disk cannot be read, and ValueError for artifacts outside their folder.
    """
    folders = list(
        decisions(out, wanted, complete=complete, force=force, take=take, concerns=concerns)
    )
    return planned(
        out, (one for folder in folders for one in folder.decisions), (f.leftovers for f in folders)
    )


def planned(out: Path, decided: Iterable[Decision], leftovers: Iterable[Sequence[str]]) -> Plan:
    """The decisions on all folders, in the order of their paths."""
    return Plan(
        out,
        tuple(sorted(decided, key=_by_path)),
        tuple(sorted(one for found in leftovers for one in found)),
    )


@dataclass(frozen=True, slots=True)
class DecidedFolder:
    """What becomes of the files of one folder."""

    decisions: list[Decision]
    leftovers: list[str]


def decisions(
    out: Path,
    wanted: Mapping[str, FolderContent],
    *,
    complete: bool,
    force: bool = False,
    take: blocks.Side | None = None,
    concerns: Callable[[Mapping[str, Any]], bool] = everyone,
) -> Iterator[DecidedFolder]:
    """As `plan`, folder by folder: who carries each out at once holds the contents of one alone. An
    InputError comes after the last."""
    tree, names = Tree(out), frozenset(wanted)
    mistakes: list[Mistake] = []
    for folder in (*wanted, *(_abandoned(tree, names) if complete else ())):
        content = wanted[folder] if folder in names else None
        _assert_in_place(folder, content, names)
        decided: list[Decision] = []
        try:
            decided = _decide_folder(tree, folder, content, names, _Rule(force, take, concerns))
        except InputError as error:
            mistakes += error.mistakes
        leftovers = list(_leftovers(tree, folder, content))
        if folder:
            tree.forget(folder)
        yield DecidedFolder(decided, leftovers)
    if mistakes:
        raise InputError(mistakes)


def _by_path(decision: Decision) -> str:
    return decision.path


def _abandoned(tree: Tree, wanted: Container[str]) -> Iterator[str]:
    """Folders that nothing wants and that opsgen wrote to, be it only an interrupted build's
    temporary files."""
    for name, kind in sorted(tree.names("").items()):
        if kind is not Kind.FOLDER or name in wanted:
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
        head, _, rest = artifact.path.partition("/")
        misplaced = (head != folder or not rest) if folder else head in wanted
        name = artifact.path.rpartition("/")[2]
        if misplaced or name == MANIFEST or TEMPORARY.fullmatch(name):
            raise ValueError(
                f"artifact {artifact.path!r} has no place among the files of"
                f" {folder or 'the fleet'}"
            )


@dataclass(frozen=True, slots=True)
class _Owned:
    """What a folder's manifest says: its bytes, None where there is none, and the contents that are
    ours, by path."""

    folder: str
    manifest: bytes | None
    files: Mapping[str, Digests]


@dataclass(frozen=True, slots=True)
class _Rule:
    """What the build was told: the arguments of `plan`."""

    force: bool
    take: blocks.Side | None
    concerns: Callable[[Mapping[str, Any]], bool]


def _decide_folder(
    tree: Tree, folder: str, content: FolderContent | None, names: Container[str], rule: _Rule
) -> list[Decision]:
    """What becomes of every file of one folder, its manifest last; `content` is None where nothing
    is wanted."""
    present = manifest_bytes(tree, folder)
    manifest = (
        None if present is None else parse_manifest(present, tree.full(manifest_path(folder)))
    )
    if content is None and (manifest is None or manifest.folder != folder):
        return []  # a copy of another folder, or another project's output
    if content is None and manifest is not None and not rule.concerns(manifest.facts):
        return []
    own = {
        _prefix(folder) + name: digests
        for name, digests in (manifest.files if manifest else {}).items()
    }
    if not folder:
        own = {
            path: digests for path, digests in own.items() if path.partition("/")[0] not in names
        }

    artifacts = {artifact.path: artifact for artifact in content.artifacts} if content else {}
    wanted = {path: artifact.digest for path, artifact in artifacts.items()}
    decided = [
        _decide_wanted(tree, one, wanted[path], own.get(path, _NONE), rule)
        for path, one in artifacts.items()
    ]
    for path in own.keys() - wanted.keys():
        decided += _decide_unwanted(tree, path, own[path])
    if not tree.blocked(manifest_path(folder)):
        facts = content.facts if content else {}
        decided += _decide_manifest(_Owned(folder, present, own), wanted, decided, facts)
    return decided


def _decide_wanted(
    tree: Tree, artifact: Wanted, wanted: str, own: Digests, rule: _Rule
) -> Decision:
    path = artifact.path
    kind = tree.kind(path)
    if kind is None:
        reason, seen = tree.blocked(path), None
        if not reason:
            return Decision(path, Action.ADD, content=artifact.encoded)
    elif kind is Kind.FILE:
        present, seen = tree.read(path)
        there = digest(present)
        if there == wanted:
            return Decision(path, Action.KEEP)
        if there in own:
            return Decision(path, Action.CHANGE, content=artifact.encoded, seen=seen)
        if artifact.shared and (merged := _merged(tree, artifact, present, seen, rule)):
            return merged
        reason = EDITED if own else FOREIGN
    else:
        reason, seen = kind.value, tree.stamp(path)
    if rule.force and reason in FORCEABLE:
        return Decision(path, Action.CHANGE, content=artifact.encoded, seen=seen)
    return Decision(path, Action.CONFLICT, reason)


def _merged(
    tree: Tree, artifact: Wanted, present: bytes, seen: Stamp | None, rule: _Rule
) -> Decision | None:
    """A page that people have written on, with the blocks that are wanted; None where it has no
    blocks at all."""
    file = tree.full(artifact.path)
    try:
        text = present.decode()
    except UnicodeDecodeError as error:
        wrong = f"this is no UTF-8 text (byte {error.start})"
        raise InputError([Mistake(file, 1, 1, "", wrong, "save it as UTF-8")]) from None
    if not pages.is_shared(text):
        return None
    take = rule.take or ("theirs" if rule.force else None)
    merged = blocks.merge(text, pages.parse(artifact.content, file), file, take)
    if merged.edited:
        return Decision(artifact.path, Action.CONFLICT, EDITED_BLOCK, edits=merged.edited)
    content = merged.text.encode()
    return (
        Decision(artifact.path, Action.KEEP)
        if content == present
        else Decision(artifact.path, Action.CHANGE, content=content, seen=seen)
    )


def _decide_unwanted(tree: Tree, path: str, own: Digests) -> Iterator[Decision]:
    """Yields nothing where the file is gone, or something else than a file has taken its place."""
    if tree.kind(path) is Kind.FILE:
        present, seen = tree.read(path)
        if digest(present) in own or _is_all_ours(present):
            yield Decision(path, Action.REMOVE, seen=seen)
        else:
            yield Decision(path, Action.CONFLICT, UNWANTED)


def _is_all_ours(present: bytes) -> bool:
    """Whether it is a page of unedited blocks, on which nobody has written a word."""
    try:
        page = pages.parse(present.decode(), "")
    except (UnicodeDecodeError, InputError):
        return False
    peoples = (page.head, *(part.after for part in page.parts))
    unedited = (
        bool(page.parts) and not page.mine and not any(part.block.is_edited for part in page.parts)
    )
    return unedited and not any(pages.written_by_people(text) for text in peoples)


def _decide_manifest(
    owned: _Owned, wanted: Mapping[str, str], decided: Sequence[Decision], facts: Mapping[str, Any]
) -> Iterator[Decision]:
    """What becomes of the manifest after the decisions about the files. Yields nothing where there
    is and will be none.

    A conflict keeps the entry that it had, so that it stays a conflict until a person settles it.
    """
    path, own = manifest_path(owned.folder), owned.files
    conflicts = {decision.path for decision in decided if decision.action is Action.CONFLICT}
    after = {
        name: frozenset([own_digest])
        for name, own_digest in wanted.items()
        if name not in conflicts
    }
    after |= {name: own[name] for name in conflicts if name in own}
    if not after and not wanted:
        if owned.manifest is not None:
            yield Decision(path, Action.REMOVE)
        return
    content = _encode(owned.folder, after, facts)
    if content == owned.manifest:
        yield Decision(path, Action.KEEP)
        return
    # Until every file is in place either content is ours: an interrupted build must not look like a
    # person's edit.
    before = {
        name: after.get(name, _NONE) | own.get(name, _NONE) for name in after.keys() | own.keys()
    }
    writes = any(decision.content is not None for decision in decided)
    action = Action.ADD if owned.manifest is None else Action.CHANGE
    yield Decision(
        path,
        action,
        content=content,
        before=_encode(owned.folder, before, facts) if writes else None,
    )


def _encode(folder: str, files: Mapping[str, Digests], facts: Mapping[str, Any]) -> bytes:
    prefix = _prefix(folder)
    return Manifest(
        folder, {path.removeprefix(prefix): digests for path, digests in files.items()}, facts
    ).encoded()


def _prefix(folder: str) -> str:
    return f"{folder}/" if folder else ""


def _leftovers(tree: Tree, folder: str, content: FolderContent | None) -> Iterator[str]:
    """Temporary files whose build is no longer running: of a service at any depth, of the fleet
    where its files go."""
    for place in {folder, *(_folders_below(tree, folder) if folder else _folders_of(content))}:
        for name, kind in tree.names(place).items():
            match = TEMPORARY.fullmatch(name) if name.endswith(".tmp") else None
            if match and kind is Kind.FILE and not _is_running(int(match["process"])):
                yield f"{place}/{name}" if place else name


def _folders_of(content: FolderContent | None) -> Iterator[str]:
    for artifact in content.artifacts if content else ():
        yield from folders_above(artifact.path)


def _folders_below(tree: Tree, folder: str) -> Iterator[str]:
    for name, kind in tree.names(folder).items():
        if kind is Kind.FOLDER:
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
