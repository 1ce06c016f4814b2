"""One folder of the output and the content wanted in it go in; a decision for each file comes out.

Nothing is written here. One rule is behind every decision: a file whose content opsgen did not
write belongs to a person.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsgen.errors import InputError, Mistake
from opsgen.model import pages
from opsgen.model.artifact import Wanted, digest
from opsgen.output import blocks
from opsgen.output.decision import (
    EDITED,
    EDITED_BLOCK,
    FORCEABLE,
    FOREIGN,
    UNWANTED,
    Action,
    Decision,
    FolderContent,
)
from opsgen.output.disk import EntryKind, Stamp, Tree
from opsgen.output.manifest import (
    Digests,
    Manifest,
    manifest_bytes,
    manifest_path,
    parse_manifest,
)

_NONE: Digests = frozenset()


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What the build was told: the arguments of `plan`."""

    force: bool
    take: blocks.Side | None
    concerns: Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class _Owned:
    """What a folder's manifest says: its bytes, None where there is none, and the contents that are
    opsgen's, by path."""

    folder: str
    manifest: bytes | None
    files: Mapping[str, Digests]


def decide_folder(
    tree: Tree,
    folder: str,
    content: FolderContent | None,
    names: Container[str],
    options: BuildOptions,
) -> list[Decision]:
    """The decisions on every file of one folder, its manifest last. `content` is None where nothing
    is wanted; `names` are the folders that are wanted."""
    present = manifest_bytes(tree, folder)
    manifest = None
    if present is not None:
        manifest = parse_manifest(present, tree.full(manifest_path(folder)))
    if content is None and not _is_abandoned(manifest, folder, options):
        return []
    owned = _Owned(folder, present, _own_files(manifest, folder, names))
    artifacts = content.artifacts if content else ()
    wanted = {artifact.path: artifact.digest for artifact in artifacts}
    decided = []
    for artifact in artifacts:
        path = artifact.path
        own = owned.files.get(path, _NONE)
        decided.append(_decide_wanted(tree, artifact, wanted[path], own, options))
    for path in owned.files.keys() - wanted.keys():
        decided += _decide_unwanted(tree, path, owned.files[path])
    if not tree.blocked(manifest_path(folder)):
        facts = content.facts if content else {}
        decided += _decide_manifest(owned, wanted, decided, facts)
    return decided


def _is_abandoned(manifest: Manifest | None, folder: str, options: BuildOptions) -> bool:
    """Whether opsgen made the folder, for a service that this build knows to be gone. A manifest of
    another name is a copy of another folder, or another project's output."""
    if manifest is None or manifest.folder != folder:
        return False
    return options.concerns(manifest.facts)


def _own_files(manifest: Manifest | None, folder: str, names: Container[str]) -> dict[str, Digests]:
    """The contents that are opsgen's, by path below the output folder."""
    files = manifest.files if manifest else {}
    own = {_prefix(folder) + name: digests for name, digests in files.items()}
    if folder:
        return own
    # The fleet's folder holds those of the services, which have manifests of their own.
    return {path: digests for path, digests in own.items() if path.partition("/")[0] not in names}


def _decide_wanted(
    tree: Tree, artifact: Wanted, wanted: str, own: Digests, options: BuildOptions
) -> Decision:
    path = artifact.path
    kind = tree.kind(path)
    if kind is EntryKind.FILE:
        return _decide_present(tree, artifact, wanted, own, options)
    if kind is not None:
        return _forced(artifact, kind.value, tree.stamp(path), options)
    reason = tree.blocked(path)
    if reason:
        return _forced(artifact, reason, None, options)
    return Decision(path, Action.ADD, content=artifact.encoded)


def _decide_present(
    tree: Tree, artifact: Wanted, wanted: str, own: Digests, options: BuildOptions
) -> Decision:
    """The decision on a file that is there."""
    path = artifact.path
    present, seen = tree.read(path)
    there = digest(present)
    if there == wanted:
        return Decision(path, Action.KEEP)
    if there in own:
        return Decision(path, Action.CHANGE, content=artifact.encoded, seen=seen)
    merged = _merged(tree, artifact, present, seen, options) if artifact.shared else None
    reason = EDITED if own else FOREIGN
    if merged is None:
        return _forced(artifact, reason, seen, options)
    return merged


def _forced(artifact: Wanted, reason: str, seen: Stamp | None, options: BuildOptions) -> Decision:
    """A conflict, or with --force a change."""
    if options.force and reason in FORCEABLE:
        return Decision(artifact.path, Action.CHANGE, content=artifact.encoded, seen=seen)
    return Decision(artifact.path, Action.CONFLICT, reason)


def _merged(
    tree: Tree, artifact: Wanted, present: bytes, seen: Stamp | None, options: BuildOptions
) -> Decision | None:
    """A page that people have written on, with the blocks that are wanted; None where it has no
    blocks at all."""
    file = tree.full(artifact.path)
    text = _decoded(present, file)
    if not pages.is_shared(text):
        return None
    take = options.take or ("theirs" if options.force else None)
    merged = blocks.merge(text, pages.parse_page(artifact.content, file), file, take)
    if merged.edited:
        return Decision(artifact.path, Action.CONFLICT, EDITED_BLOCK, edits=merged.edited)
    content = merged.text.encode()
    if content == present:
        return Decision(artifact.path, Action.KEEP)
    return Decision(artifact.path, Action.CHANGE, content=content, seen=seen)


def _decoded(present: bytes, file: str) -> str:
    try:
        return present.decode()
    except UnicodeDecodeError as error:
        wrong = f"this is not UTF-8 text (byte {error.start})"
        raise InputError([Mistake(file, 1, 1, "", wrong, "save it as UTF-8")]) from None


def _decide_unwanted(tree: Tree, path: str, own: Digests) -> Iterator[Decision]:
    """Yields nothing where the file is gone, or something else than a file has taken its place."""
    if tree.kind(path) is EntryKind.FILE:
        present, seen = tree.read(path)
        if digest(present) in own or _is_all_ours(present):
            yield Decision(path, Action.REMOVE, seen=seen)
        else:
            yield Decision(path, Action.CONFLICT, UNWANTED)


def _is_all_ours(present: bytes) -> bool:
    """Whether it is a page of unedited blocks, on which nobody has written a word."""
    try:
        page = pages.parse_page(present.decode(), "")
    except (UnicodeDecodeError, InputError):
        return False
    if not page.parts or page.mine or any(part.block.is_edited for part in page.parts):
        return False
    peoples = (page.head, *(part.after for part in page.parts))
    return not any(pages.written_by_people(text) for text in peoples)


def _decide_manifest(
    owned: _Owned, wanted: Mapping[str, str], decided: Sequence[Decision], facts: Mapping[str, Any]
) -> Iterator[Decision]:
    """What becomes of the manifest after the decisions about the files. Yields nothing where there
    is and will be none."""
    path = manifest_path(owned.folder)
    after = _listed_after(owned, wanted, decided)
    if not after and not wanted:
        if owned.manifest is not None:
            yield Decision(path, Action.REMOVE)
        return
    content = _encode(owned.folder, after, facts)
    if content == owned.manifest:
        yield Decision(path, Action.KEEP)
        return
    before = None
    if any(decision.content is not None for decision in decided):
        before = _encode(owned.folder, _listed_meanwhile(owned, after), facts)
    action = Action.ADD if owned.manifest is None else Action.CHANGE
    yield Decision(path, action, content=content, before=before)


def _listed_after(
    owned: _Owned, wanted: Mapping[str, str], decided: Sequence[Decision]
) -> dict[str, Digests]:
    """What the manifest lists once the files are in place.

    A conflict keeps the entry that it had, so that it stays a conflict until a person settles it.
    """
    conflicts = {decision.path for decision in decided if decision.action is Action.CONFLICT}
    after = {name: frozenset([one]) for name, one in wanted.items() if name not in conflicts}
    kept = {name: owned.files[name] for name in conflicts if name in owned.files}
    return after | kept


def _listed_meanwhile(owned: _Owned, after: Mapping[str, Digests]) -> dict[str, Digests]:
    """What the manifest lists while files are written.

    Until every file is in place both contents are opsgen's: an interrupted build must not look like
    a person's edit.
    """
    names = after.keys() | owned.files.keys()
    return {name: after.get(name, _NONE) | owned.files.get(name, _NONE) for name in names}


def _encode(folder: str, files: Mapping[str, Digests], facts: Mapping[str, Any]) -> bytes:
    prefix = _prefix(folder)
    listed = {path.removeprefix(prefix): digests for path, digests in files.items()}
    return Manifest(folder, listed, facts).encoded()


def _prefix(folder: str) -> str:
    return f"{folder}/" if folder else ""
