"""Decisions go in; files on the disk come out, each of them old or new at every moment.

Everything is written to temporary files beside the final ones before the first of them is put in
its place, so that a full disk changes nothing. An interruption later than that leaves a mixture
which the next build completes: before any file changes, its manifest already says that the new
content is opsgen's too.
"""

# pathlib doubles the time of a system call, and there are a dozen for every service:
# ruff: noqa: PTH102, PTH103, PTH105, PTH106, PTH108, PTH116

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from opsgen.model.artifact import MANIFEST, folders_above
from opsgen.output.blocks import Side
from opsgen.output.decision import Action, DecidedFolder, Decision, FolderContent, Plan
from opsgen.output.disk import Stamp, WriteError, named, stamp, write_error
from opsgen.output.plan import decisions, everyone, planned

_PATIENCE_SECONDS = 30.0
_POLL_SECONDS = 0.02
_BUSY = "another build is writing here; try again when it has finished"
_MEANWHILE = "this changed while opsgen was writing; build again"
# File systems without locks for folders (some network mounts). There, one of two builds at once may
# fail.
_NO_LOCKS = {errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


def write(
    out: Path,
    wanted: Mapping[str, FolderContent],
    *,
    complete: bool,
    force: bool = False,
    take: Side | None = None,
    concerns: Callable[[Mapping[str, Any]], bool] = everyone,
    wait_seconds: float = _PATIENCE_SECONDS,
) -> Plan:
    """Plans and applies, alone in the output folder; returns what was done. Arguments and errors as
    of `plan`."""
    folders = decisions(out, wanted, complete=complete, force=force, take=take, concerns=concerns)
    with locked(out, wait_seconds):
        return _carry_out(out, folders)


def apply(plan: Plan) -> None:
    """Writes and removes what the plan says, and leaves its conflicts as they are.

    Raises WriteError. Until everything is written to temporary files, nothing has changed then. A
    file that is not what the plan saw is never overwritten nor removed. Call it inside `locked`, as
    `write` does, where builds may meet.
    """
    _carry_out(plan.out, [DecidedFolder(list(plan.decisions), list(plan.leftovers))])


@contextmanager
def locked(out: Path, wait_seconds: float = _PATIENCE_SECONDS) -> Iterator[None]:
    """Makes the output folder where it is missing, and keeps other builds out of it.

    The lock is on the folder itself, and so leaves no file; it ends with the process, however that
    ends. Raises WriteError when another build has it for longer than `wait_seconds`.
    """
    deadline = time.monotonic() + wait_seconds
    while (descriptor := _try_lock(str(out))) is None:
        if time.monotonic() >= deadline:
            raise WriteError(str(out), _BUSY)
        time.sleep(_POLL_SECONDS)
    try:
        yield
    finally:
        # Closing alone does not unlock where a child has inherited the descriptor.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _try_lock(out: str) -> int | None:
    """A descriptor that holds the lock, or None where somebody else does."""
    with named(out):
        with suppress(FileExistsError):
            os.makedirs(out)
        descriptor = os.open(out, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Otherwise the folder was deleted while we waited.
        if os.path.samestat(os.fstat(descriptor), os.stat(out)):
            return descriptor
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return descriptor
        if not isinstance(error, (BlockingIOError, FileNotFoundError)):
            os.close(descriptor)
            raise write_error(out, error) from error
    os.close(descriptor)
    return None


@dataclass(frozen=True, slots=True)
class _Write:
    """A content to be written: its final path, the temporary one, and what must still be there
    (None: nothing)."""

    target: str
    temporary: str
    seen: Stamp | None = None
    guarded: bool = True


class _Stage:
    """All temporary files, by when they are put in place: interim manifests, files, final
    manifests."""

    def __init__(self, out: str) -> None:
        self._out = out
        self._temporaries: list[str] = []
        self._made: list[str] = []
        self.firsts: list[_Write] = []
        self.files: list[_Write] = []
        self.lasts: list[_Write] = []

    def add(self, decision: Decision) -> None:
        """Writes the content to a temporary file, and frees its memory."""
        if decision.content is None:
            return
        target = f"{self._out}/{decision.path}"
        if not _is_manifest(decision):
            self.files.append(self._staged(target, decision.content, seen=decision.seen))
            return
        if decision.before is not None:
            self.firsts.append(self._staged(target, decision.before, ".before", guarded=False))
        if decision.before != decision.content:
            self.lasts.append(self._staged(target, decision.content, guarded=False))

    def _staged(
        self,
        target: str,
        content: bytes,
        step: str = "",
        seen: Stamp | None = None,
        guarded: bool = True,
    ) -> _Write:
        temporary = _temporary(target, step)
        with named(target):
            descriptor = _create(temporary, self._out, self._made)
            self._temporaries.append(temporary)
            try:
                rest = memoryview(content)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
            finally:
                os.close(descriptor)
        return _Write(target, temporary, seen, guarded)

    def clean(self) -> None:
        """Removes the temporary files that are not in place yet. Where that fails, the next build
        does it."""
        for temporary in self._temporaries:
            with suppress(OSError):
                os.unlink(temporary)
        for folder in reversed(self._made):
            with suppress(OSError):
                os.rmdir(folder)


def _carry_out(out: Path, folders: Iterable[DecidedFolder]) -> Plan:
    """Writes folder after folder to temporary files, then puts all of them in place. Returns what
    was done."""
    stage = _Stage(str(out))
    done: list[Decision] = []
    leftovers: list[str] = []
    try:
        for folder in folders:
            for decision in folder.decisions:
                stage.add(decision)
                done.append(_without_content(decision))
            leftovers += folder.leftovers
        _put_all_in_place(stage, done, str(out))
    except BaseException:
        stage.clean()
        raise
    plan = planned(out, done, [leftovers])
    _tidy(plan)
    return plan


def _without_content(decision: Decision) -> Decision:
    """The decision without its content, which needs no memory once it is written."""
    if decision.content is None:
        return decision
    return replace(decision, content=None, before=None)


def _put_all_in_place(stage: _Stage, done: Iterable[Decision], out: str) -> None:
    for one in (*stage.firsts, *stage.files):
        _put_in_place(one)
    removals = [decision for decision in done if decision.action is Action.REMOVE]
    for decision in sorted(removals, key=_is_manifest):
        _remove(decision, out)
    for one in stage.lasts:
        _put_in_place(one)


def _tidy(plan: Plan) -> None:
    """Removes the temporary files of interrupted builds, and folders that are empty now."""
    for leftover in plan.leftovers:
        with suppress(OSError):  # it hurts nobody, and the next build tries again
            os.unlink(f"{plan.out}/{leftover}")
    for folder in _perhaps_emptied(plan):
        with suppress(OSError):  # not empty: a person's file is there
            os.rmdir(f"{plan.out}/{folder}")


def _is_manifest(decision: Decision) -> bool:
    return decision.path.rpartition("/")[2] == MANIFEST


def _temporary(target: str, step: str = "") -> str:
    """A path in the same folder, so that one rename puts the file in place. `TEMPORARY` recognises
    it."""
    folder, _, name = target.rpartition("/")
    return f"{folder}/.{name}{step}.opsgen-{os.getpid()}.tmp"


def _create(temporary: str, out: str, made: list[str]) -> int:
    """Opens a new file, and makes the folders below `out` that it needs."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        return os.open(temporary, flags, 0o644)
    except FileNotFoundError:
        os.makedirs(out, exist_ok=True)
        for folder in reversed([*folders_above(temporary.removeprefix(f"{out}/"))]):
            with suppress(FileExistsError):
                os.mkdir(f"{out}/{folder}")
                made.append(f"{out}/{folder}")
        return os.open(temporary, flags, 0o644)


def _put_in_place(one: _Write) -> None:
    if one.guarded:
        _assert_seen(one.target, one.seen)
    with named(one.target):
        os.replace(one.temporary, one.target)


def _remove(decision: Decision, out: str) -> None:
    target = f"{out}/{decision.path}"
    if decision.seen is not None:
        _assert_seen(target, decision.seen)
    with named(target):
        os.unlink(target)


def _assert_seen(target: str, seen: Stamp | None) -> None:
    """Raises WriteError where a file has changed since the plan: a person may have saved it."""
    with named(target):
        try:
            present = stamp(target)
        except FileNotFoundError:
            present = None
    if present != seen:
        raise WriteError(target, _MEANWHILE)


def _perhaps_emptied(plan: Plan) -> list[str]:
    """Folders that lost a file, deepest first."""
    lost = (*plan.paths(Action.REMOVE), *plan.leftovers)
    return sorted({folder for path in lost for folder in folders_above(path)}, reverse=True)
