"""What was made of each spec, kept in the user's cache under all that it depends on: the spec, the
project file, the user's templates, and this opsgen.

A file for each spec: a line of JSON with all but the texts, and the texts, compressed. Texts are
read when they are asked for.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from opsgen.fleet import inputs
from opsgen.load.discovery import Specs, shown
from opsgen.model.artifact import ArtifactSet, Wanted, digest
from opsgen.output.decision import FolderContent
from opsgen.output.disk import WriteError

_FORM = 2
# Its texts are a few percent of their size already at the fastest level.
_COMPRESSION = 1
MEANWHILE = "this file changed while opsgen was building; build again"


@dataclass(frozen=True)
class Made:
    """What is made of one spec. `facts` are what the manifest keeps of it, `fragment` is its part
    of the Alertmanager configuration as JSON, `place` the file, line and column of its name."""

    name: str
    place: tuple[str, int, int]
    warnings: tuple[str, ...]
    not_yet: tuple[str, ...]
    facts: Mapping[str, Any]
    fragment: str
    artifacts: tuple[Wanted, ...]

    @property
    def content(self) -> FolderContent:
        return FolderContent(ArtifactSet(self.artifacts), self.facts)


@dataclass(frozen=True)
class Cache:
    """What was made of specs, a file each. `common` stands for all that they depend on together."""

    folder: Path
    common: str

    @classmethod
    def of(cls, specs: Specs, own_templates: Path | None) -> Cache | None:
        folder = inputs.cache()
        if folder is None:
            return None
        try:
            project = specs.project.read_bytes() if specs.project else b""
            own = inputs.templates(own_templates)
        except OSError:
            return None
        return cls(folder / "specs", inputs.digest([inputs.program(), project, own.encode()]))

    def key(self, file: Path, name: str) -> tuple[Path, str]:
        """Where it is kept, by the file's path, so that one version of each is; and all that it
        depends on."""
        place = inputs.digest([str(file.resolve()).encode()])[:32]
        parts = (self.common.encode(), name.encode(), shown(file).encode(), file.read_bytes())
        return self.folder / place, inputs.digest(parts)


@dataclass(frozen=True)
class Entry:
    """One file of the cache: a line of JSON with all but the texts, and the texts, compressed."""

    place: Path
    header: Mapping[str, Any]

    @classmethod
    def read(cls, place: Path, key: str) -> Entry | None:
        """None where it is not there, spoilt, or of other inputs."""
        try:
            with place.open("rb") as file:
                header = json.loads(file.readline())
                size = file.tell() + header["size"]
                is_whole = os.fstat(file.fileno()).st_size == size
        except (OSError, ValueError, KeyError, TypeError):
            return None
        is_ours = header.get("form") == _FORM and header.get("key") == key
        return cls(place, header) if is_whole and is_ours else None

    @classmethod
    def write(cls, place: Path, key: str, made: Sequence[Made]) -> Entry | None:
        """None where it can't be kept."""
        contents = [artifact.content for one in made for artifact in one.artifacts]
        texts = zlib.compress(json.dumps(contents).encode(), _COMPRESSION)
        header = {
            "form": _FORM,
            "key": key,
            "size": len(texts),
            "made": [_without_texts(one) for one in made],
        }
        with suppress(OSError):
            inputs.replace_file(place, json.dumps(header).encode() + b"\n" + texts)
            return cls(place, header)
        return None

    def made(self, remake: Callable[[], list[Wanted]]) -> Iterator[Made]:
        made = self.header["made"]
        digests = [own for one in made for _, _, own in one["artifacts"]]
        texts = _Texts(self.place, digests, remake)
        # The texts of all services of a spec lie in one row.
        numbers = count()
        for one in made:
            file, line, column = one["place"]
            yield Made(
                name=one["name"],
                place=(file, line, column),
                warnings=tuple(one["warnings"]),
                not_yet=tuple(one["not_yet"]),
                facts=one["facts"],
                fragment=one["fragment"],
                artifacts=tuple(
                    _Kept(path, shared, own, texts, next(numbers))
                    for path, shared, own in one["artifacts"]
                ),
            )


def _without_texts(made: Made) -> dict[str, Any]:
    return {
        "name": made.name,
        "place": made.place,
        "warnings": made.warnings,
        "not_yet": made.not_yet,
        "facts": made.facts,
        "fragment": made.fragment,
        "artifacts": [(one.path, one.shared, one.digest) for one in made.artifacts],
    }


@dataclass(frozen=True)
class _Texts:
    """The texts of one entry, read when they are asked for."""

    place: Path
    digests: Sequence[str]
    remake: Callable[[], list[Wanted]]

    def read(self) -> list[str]:
        """Raises WriteError where the spec was changed since, and what was made of it is kept no
        more."""
        with suppress(OSError, ValueError, zlib.error):
            with self.place.open("rb") as file:
                file.readline()
                texts: list[str] = json.loads(zlib.decompress(file.read()))
            if [digest(text.encode()) for text in texts] == self.digests:
                return texts
        texts = [one.content for one in self.remake()]
        if [digest(text.encode()) for text in texts] != self.digests:
            raise WriteError(str(self.place), MEANWHILE)
        return texts


@dataclass(frozen=True)
class _Kept:
    """An artifact whose text lies in the cache."""

    path: str
    shared: bool
    digest: str
    texts: _Texts
    at: int

    @property
    def content(self) -> str:
        return _LAST.of(self.texts)[self.at]

    @property
    def encoded(self) -> bytes:
        return self.content.encode()


class _LastTexts:
    """The texts of one spec are asked for one after the other: they are read once, and let go of
    with the next's."""

    def __init__(self) -> None:
        self._last: tuple[_Texts, list[str]] | None = None

    def of(self, texts: _Texts) -> list[str]:
        if self._last is None or self._last[0] is not texts:
            self._last = (texts, texts.read())
        return self._last[1]


_LAST = _LastTexts()
