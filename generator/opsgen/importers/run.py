"""`opsgen import`: files of other tools go in; service specs, checked by opsgen's own reader, and
notes come out."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opsgen.errors import InputError, Mistake
from opsgen.importers.backstage import from_backstage, is_backstage
from opsgen.importers.openslo import from_openslo, is_openslo
from opsgen.importers.pyrra import from_pyrra, is_pyrra
from opsgen.importers.sloth import from_sloth, is_sloth
from opsgen.importers.source import Imported, Source, sources
from opsgen.load.discovery import name_in_messages
from opsgen.model.service import Service
from opsgen.promql import parse
from opsgen.render.yaml_writer import dump
from opsgen.resolve.counted_events import doubt_of

_ENDINGS = (".yaml", ".yml")
_KEYS = ("title", "description", "team", "match", "slos", "dependencies", "alerts")
_READERS: tuple[tuple[Callable[[Source], bool], Callable[[Source], Imported | None]], ...] = (
    (is_sloth, from_sloth),
    (is_pyrra, from_pyrra),
    (is_openslo, from_openslo),
    (is_backstage, from_backstage),
)


@dataclass(frozen=True)
class Result:
    """The specs as text by the service's name, notes on what is not imported, and what was
    refused."""

    specs: dict[str, str]
    notes: tuple[str, ...]
    refused: tuple[Mistake, ...]


def import_files(paths: Sequence[Path]) -> Result:
    """The specs made from everything at or below the paths; raises InputError where there is
    nothing to import."""
    parts: dict[str, list[Imported]] = {}
    refused: list[Mistake] = []
    known = 0
    for source, reader in _known_sources(paths, refused):
        known += 1
        try:
            found = reader(source)
        except InputError as error:
            refused += error.mistakes
        else:
            if found is not None:
                parts.setdefault(found.service, []).append(found)
    if not known and not refused:
        raise _nothing(paths)
    specs, notes = _specs(parts)
    return Result(specs, notes, tuple(refused))


def _specs(parts: Mapping[str, list[Imported]]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The specs as text by the service's name, and the notes on all of them."""
    notes = [note for many in parts.values() for one in many for note in one.notes]
    specs = {}
    for service, many in sorted(parts.items()):
        spec, more = _merged(service, many)
        notes += more
        specs[service] = dump(spec)
    return specs, tuple(notes)


def _known_sources(
    paths: Sequence[Path], refused: list[Mistake]
) -> Iterator[tuple[Source, Callable[[Source], Imported | None]]]:
    """The documents of tools that opsgen knows, each with the function that reads it. Adds to
    `refused` what is wrong with documents that can't be read."""
    for file in _files(paths):
        for source in sources(file, name_in_messages(file)):
            if isinstance(source, InputError):
                refused += source.mistakes
                continue
            reader = next((reader for applies, reader in _READERS if applies(source)), None)
            if reader is not None:
                yield source, reader


def _nothing(paths: Sequence[Path]) -> InputError:
    names = " and ".join(str(path) for path in paths)
    wrong = "there is no file of sloth, pyrra, OpenSLO or Backstage here"
    right = "name their files, or the folder that they are in"
    return InputError([Mistake(names, 1, 1, "", wrong, right)])


def lacking(spec: str, name: str) -> list[str]:
    """What opsgen itself has against an imported spec; people have to correct it."""
    from opsgen.fleet.load import load_fleet

    with tempfile.TemporaryDirectory(prefix="opsgen-") as folder:
        file = Path(folder).resolve() / f"{name}.yaml"
        file.write_text(spec, encoding="utf-8")
        try:
            (model,) = load_fleet([file]).services
            found = list(_doubts(model.service))
        except InputError as error:
            found = [str(mistake) for mistake in error.mistakes]
        return [text.replace(str(file), file.name) for text in found]


def _doubts(service: Service) -> Iterator[str]:
    """SLOs that most likely count the opposite of what they mean."""
    for slo in service.slos:
        for key, text in (("bad", slo.bad), ("good", slo.good)):
            doubt = doubt_of(key, parse(text)) if text is not None else None
            if doubt is not None:
                yield f"{slo.place}: SLO {slo.name}: {doubt}"


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            found = (one for one in path.rglob("*") if one.suffix in _ENDINGS and one.is_file())
            yield from sorted(found)
        else:
            yield path


def _merged(service: str, parts: Sequence[Imported]) -> tuple[dict[str, Any], list[str]]:
    """One spec from all parts of a service. Where two parts differ, it takes the value of the
    first, with a note."""
    spec: dict[str, Any] = {}
    notes = []
    for part in parts:
        for key, value in part.spec.items():
            if key in ("slos", "dependencies"):
                spec[key] = [*spec.get(key, []), *value]
            elif key == "match":
                spec[key] = _shared_match(parts, value)
            elif spec.setdefault(key, value) != value:
                notes.append(f"{service}: {key} has two values; opsgen takes {spec[key]}")
    _name_apart(spec.get("slos", []))
    return {"service": service} | {key: spec[key] for key in _KEYS if key in spec}, notes


def _shared_match(parts: Sequence[Imported], match: Mapping[str, str]) -> dict[str, str]:
    """The matchers that all parts have, in the order of one of them."""
    others = [part.spec["match"].items() for part in parts if "match" in part.spec]
    return {
        label: text
        for label, text in match.items()
        if all((label, text) in other for other in others)
    }


def _name_apart(slos: list[dict[str, Any]]) -> None:
    taken: set[str] = set()
    for slo in slos:
        name, number = slo["name"], 2
        while slo["name"] in taken:
            slo["name"] = f"{name[:60]}-{number}"
            number += 1
        taken.add(slo["name"])
