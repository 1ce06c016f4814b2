"""A fleet and its earlier output go in; what the specs change in meaning comes out."""

from __future__ import annotations

from pathlib import Path

from opsgen.changes.compare import Changes, compare
from opsgen.changes.trees import at_revision, on_disk
from opsgen.fleet.build import concerns, contents
from opsgen.fleet.make import MadeFleet


def changes(fleet: MadeFleet, out: Path, revision: str | None) -> Changes:
    """What the specs change in meaning, against the output on the disk or at a revision of git;
    writes nothing."""
    services = [made.name for made in fleet.services]
    is_gone = concerns(fleet)
    if revision is None:
        before = on_disk(out, services, is_gone)
    else:
        before = at_revision(out, revision, services, is_gone)
    folders = contents(fleet, out).values()
    after = {file.path: file.encoded for folder in folders for file in folder.artifacts}
    return compare(before, after)
