"""Skips a build when neither its inputs nor its output changed.

After a good build, the cache keeps digests of everything that the build read and of the output. If
all digests are still the same, there is nothing to do. If one differs, the whole build runs. The
cache never says what to write.
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
    """The record of one call of `build`. `key` is a digest of the arguments, the program, and all
    files that the build reads."""

    place: Path
    key: str

    @classmethod
    def of(cls, paths: Sequence[Path], out: Path | None, shard: Shard | None) -> Shortcut | None:
        """None if the inputs cannot be read, or the cache is switched off."""
        cache = inputs.cache()
        if cache is None:
            return None
        try:
            specs = find_specs(paths)
            call = json.dumps([str(Path.cwd()), *map(str, paths), str(out), str(shard)]).encode()
            files = inputs.names_and_bytes(_read_by_build(specs))
            key = inputs.digest_of_parts([call, inputs.program(), *files])
        except (InputError, OSError):
            return None
        name = inputs.digest_of_parts([call])[:32]
        return cls(cache / "builds" / name, key)

    def lines(self) -> list[str] | None:
        """What the build would print; None unless it certainly has nothing to do."""
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
        """Records a good build. `written` are the files below `out` that the specs make. If the
        cache cannot be written, the next build is not skipped."""
        with suppress(OSError):
            folders = _folders(out)
            # A build also reads the folders of services that it does not build.
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
    """The folders of services, found by their manifests. A new or missing one needs a build."""
    with os.scandir(out) as entries:
        names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    return sorted(name for name in names if os.path.lexists(f"{out}/{name}/{MANIFEST}"))


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
