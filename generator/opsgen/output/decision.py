"""The values of a plan: what a build wants in a folder, and what becomes of each file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from opsgen.model.artifact import ArtifactSet
from opsgen.output.blocks import Edited
from opsgen.output.disk import EntryKind, Stamp

EDITED = "edited since opsgen wrote it"
EDITED_BLOCK = "a block that opsgen writes was edited"
FOREIGN = "not written by opsgen"
# Removing such a file would lose what somebody wrote, and nothing takes its place.
UNWANTED = "edited since opsgen wrote it, and no longer wanted: move or remove it yourself"
# A folder is never given up for a file: it may hold a person's files.
FORCEABLE = {EDITED, EDITED_BLOCK, FOREIGN, EntryKind.LINK.value}


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
    edits: tuple[Edited, ...] = ()


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


@dataclass(frozen=True, slots=True)
class DecidedFolder:
    """What becomes of the files of one folder."""

    decisions: list[Decision]
    leftovers: list[str]
