"""A build with nothing to do is over at once: what the last one read and wrote in, whether all of
it is still so out.

What is kept says nothing of what to write. It says that with these inputs, read by this opsgen, the
output was as it is on the disk now, byte for byte; where anything is otherwise, the whole build
runs.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opsgen.errors import InputError
from opsgen.fleet import inputs
from opsgen.load.discovery import Shard, Specs, find_specs
from opsgen.model.artifact import MANIFEST
from opsgen.model.artifact_kinds import ESCALATION

_FORM = 1


@dataclass(frozen=True)
class Shortcut:
    """One way of calling `build`: `key` is made of the call, of the program, and of all files that
    it would read."""

    place: Path
    key: str

    @classmethod
    def of(cls, paths: Sequence[Path], out: Path | None, shard: Shard | None) -> Shortcut | None:
        """None where there is nothing to be read, or no cache is wanted."""
        cache = inputs.cache()
        if cache is None:
            return None
        try:
            specs = find_specs(paths)
            call = json.dumps([str(Path.cwd()), *map(str, paths), str(out), str(shard)]).encode()
            files = inputs.contents(_read_by_build(specs))
            key = inputs.digest([call, inputs.program(), *files])
        except (InputError, OSError):
            return None
        name = inputs.digest([call])[:32]
        return cls(cache / "builds" / name, key)

    def lines(self) -> list[str] | None:
        """What the whole build would say, if it had nothing to do; None where it may have."""
        try:
            kept = json.loads(self.place.read_bytes())
            if self._same_inputs(kept) and _same_output(kept):
                return list(map(str, kept["lines"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return None

    def _same_inputs(self, kept: Mapping[str, Any]) -> bool:
        if kept["form"] != _FORM or kept["key"] != self.key:
            return False
        return _digest_of_templates(kept["templates"]) == str(kept["own"])

    def keep(
        self, out: Path, written: Iterable[str], templates: Path | None, lines: Sequence[str]
    ) -> None:
        """After a build that left everything as it should be: `written` are the files below `out`
        that it wants. Where that can't be kept the next build takes as long as this one."""
        with suppress(OSError):
            folders = _folders(out)
            # What `written` does not name is read by a build too: other services' folders.
            files = dict.fromkeys([*written, *_read_from_others(out, folders)])
            own = str(templates.resolve()) if templates else ""
            kept: dict[str, Any] = {
                "form": _FORM,
                "key": self.key,
                "out": str(out.resolve()),
                "templates": own,
                "own": _digest_of_templates(own),
                "folders": folders,
                "files": {path: _sha(out / path) for path in files},
                "lines": list(lines),
            }
            inputs.replace_file(self.place, json.dumps(kept).encode())


def _read_by_build(specs: Specs) -> tuple[Path, ...]:
    return (specs.project, *specs.files) if specs.project else specs.files


def _same_output(kept: Mapping[str, Any]) -> bool:
    out = Path(kept["out"])
    if _folders(out) != kept["folders"]:
        return False
    return all(_sha(out / path) == sha for path, sha in kept["files"].items())


def _read_from_others(out: Path, folders: Iterable[str]) -> Iterator[str]:
    for folder in folders:
        for name in (MANIFEST, ESCALATION.path):
            path = f"{folder}/{name}"
            if (out / path).is_file():
                yield path


def _digest_of_templates(templates: str) -> str:
    return inputs.templates(Path(templates) if templates else None)


def _folders(out: Path) -> list[str]:
    """The folders of services, by their manifests: one more or less is something to do."""
    with os.scandir(out) as entries:
        names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    return sorted(name for name in names if os.path.lexists(f"{out}/{name}/{MANIFEST}"))


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
