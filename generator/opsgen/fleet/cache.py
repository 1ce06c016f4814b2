"""Keeps the artifacts of each spec in the user's cache. The key covers everything that they depend
on: the spec, the project file, the user's templates, and this opsgen.

Each spec has one file: a line of JSON with everything but the texts, then the compressed texts.
The texts are read only when somebody needs them.
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
from opsgen.load.discovery import Specs, name_in_messages
from opsgen.model.artifact import ArtifactSet, Wanted, digest
from opsgen.output.decision import FolderContent
from opsgen.output.disk import WriteError

_FORM = 2
# The fastest level already shrinks the texts to a few percent of their size.
_COMPRESSION = 1
MEANWHILE = "this file changed while opsgen was building; build again"


@dataclass(frozen=True)
class Made:
    """The artifacts of one service. `facts` go into its manifest, `fragment` is its part of the
    Alertmanager configuration as JSON, `place` is the file, line and column of its name."""

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
    """The cache folder. `common` is a digest of everything that all specs depend on."""

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
        return cls(
            folder / "specs", inputs.digest_of_parts([inputs.program(), project, own.encode()])
        )

    def key(self, file: Path, name: str) -> tuple[Path, str]:
        """The file of the cache, and the key. The file's name depends only on the spec's path, so
        that the cache keeps one version of each spec."""
        place = inputs.digest_of_parts([str(file.resolve()).encode()])[:32]
        parts = (
            self.common.encode(),
            name.encode(),
            name_in_messages(file).encode(),
            file.read_bytes(),
        )
        return self.folder / place, inputs.digest_of_parts(parts)


@dataclass(frozen=True)
class Entry:
    """One file of the cache: a line of JSON with everything but the texts, then the texts."""

    place: Path
    header: Mapping[str, Any]

    @classmethod
    def read(cls, place: Path, key: str) -> Entry | None:
        """None if the file is missing or damaged, or if its inputs have changed."""
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
        """None if the file cannot be written."""
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
        # One list holds the texts of all services of the spec.
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
    """The texts of one entry, read only when somebody needs them."""

    place: Path
    digests: Sequence[str]
    remake: Callable[[], list[Wanted]]

    def read(self) -> list[str]:
        """Makes the texts again if the cache no longer has them; raises WriteError if the spec has
        changed meanwhile."""
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
    """An artifact whose text is in the cache."""

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
    """Holds the texts of one spec in memory at a time. A build reads the artifacts of a spec one
    after the other, so that each spec's texts are read once."""

    def __init__(self) -> None:
        self._last: tuple[_Texts, list[str]] | None = None

    def of(self, texts: _Texts) -> list[str]:
        if self._last is None or self._last[0] is not texts:
            self._last = (texts, texts.read())
        return self._last[1]


_LAST = _LastTexts()
