"""The ownership manifest, to and from JSON: which files of a folder opsgen wrote, with which
content.

It lies beside those files and is committed with them, so it is read like anybody's input: nothing
in it leads out of its folder. It holds no time and no version of opsgen, so that it changes only
when an artifact or a fact of the service does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from opsgen.errors import InputError, Mistake
from opsgen.model.artifact import MANIFEST, path_fault
from opsgen.output.disk import EntryKind, Tree

_SCHEMA = 1
_KEYS = {"schema": int, "folder": str, "files": dict, "service": dict}
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_REMEDY = "restore it from version control; or delete it, but then files that differ need --force"

Digests = frozenset[str]


@dataclass(frozen=True, slots=True)
class Manifest:
    """`files` maps each path below the manifest's folder to the contents that are opsgen's.

    That is one digest; between the two steps of a write it is two, the old content's and the new
    one's. `facts` is what the fleet's index needs to know of the service: JSON, chosen by the
    caller.
    """

    folder: str
    files: Mapping[str, Digests]
    facts: Mapping[str, Any]

    def encoded(self) -> bytes:
        """The file, with sorted keys and one fact a line. Raises ValueError for facts that are not
        JSON."""
        files = {
            name: min(digests) if len(digests) == 1 else sorted(digests)
            for name, digests in self.files.items()
        }
        document = {"schema": _SCHEMA, "folder": self.folder, "files": files, "service": self.facts}
        text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
        return f"{text}\n".encode()


def manifest_path(folder: str) -> str:
    """Where a folder's manifest lies in the output folder; the fleet's folder is the empty name."""
    return f"{folder}/{MANIFEST}" if folder else MANIFEST


def manifest_bytes(tree: Tree, folder: str) -> bytes | None:
    """A folder's manifest, not yet parsed, or None where it has none. Raises InputError where that
    is no file."""
    path = manifest_path(folder)
    kind = tree.kind(path)
    if kind is None:
        return None
    if kind is not EntryKind.FILE:
        wrong = f"the manifest {kind.value}"
        raise InputError([Mistake(tree.full(path), 1, 1, "", wrong, "remove it")])
    return tree.read(path)[0]


def read_index(out: Path) -> dict[str, Mapping[str, Any]]:
    """The facts of every service that the output folder holds, by folder: for an index when only
    some are built.

    Raises InputError with everything that is wrong in any of the manifests.
    """
    tree = Tree(out)
    found: dict[str, Mapping[str, Any]] = {}
    mistakes: list[Mistake] = []
    for folder in sorted(name for name, kind in tree.names("").items() if kind is EntryKind.FOLDER):
        try:
            manifest = _read_manifest(tree, folder)
        except InputError as error:
            mistakes.extend(error.mistakes)
        else:
            if manifest and manifest.facts and manifest.folder == folder:
                found[folder] = manifest.facts
        tree.forget(folder)
    if mistakes:
        raise InputError(mistakes)
    return found


def _read_manifest(tree: Tree, folder: str) -> Manifest | None:
    present = manifest_bytes(tree, folder)
    if present is None:
        return None
    return parse_manifest(present, tree.full(manifest_path(folder)))


def parse_manifest(content: bytes, file: str) -> Manifest:
    """Raises InputError, naming `file`, for everything that opsgen would not have written."""
    document = _parse_json(content, file)
    mistakes = [Mistake(file, 1, 1, path, wrong, _REMEDY) for path, wrong in _faults(document)]
    if mistakes:
        raise InputError(mistakes)
    files = {
        name: frozenset([digests] if isinstance(digests, str) else digests)
        for name, digests in document["files"].items()
    }
    return Manifest(document["folder"], files, document["service"])


def _parse_json(content: bytes, file: str) -> Any:
    try:
        return json.loads(content.decode(), parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        mistake = Mistake(file, error.lineno, error.colno, "", "this is not JSON", _REMEDY)
    except RecursionError:
        mistake = Mistake(file, 1, 1, "", "this is nested too deeply", _REMEDY)
    except ValueError as error:  # no UTF-8, a number of thousands of digits, NaN
        mistake = Mistake(file, 1, 1, "", f"this is not JSON: {error}", _REMEDY)
    raise InputError([mistake])


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _faults(document: Any) -> Iterator[tuple[str, str]]:
    """Everything wrong in a document, with its place in it."""
    if not isinstance(document, dict):
        yield "", "a manifest is a mapping"
        return
    for key in document.keys() - _KEYS.keys():
        yield key, "a manifest has no such key"
    for key, kind in _KEYS.items():
        if type(document.get(key)) is not kind:
            yield key, "this is missing or has the wrong type"
        elif key == "schema" and document[key] != _SCHEMA:
            yield key, f"this version of opsgen only reads schema {_SCHEMA}"
        elif key == "files":
            yield from _faults_of_files(document[key])


def _faults_of_files(files: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, digests in files.items():
        place = f"files[{name!r}]"
        fault = path_fault(name)
        if fault:
            yield place, f"the path {fault}"
        elif name.rpartition("/")[2] == MANIFEST:
            yield place, "a manifest does not list a manifest"
        if not _are_digests(digests):
            yield place, "this is not a SHA-256 digest"


def _are_digests(written: Any) -> bool:
    """One digest, or a list of them."""
    listed = written if isinstance(written, list) and written else [written]
    return all(isinstance(one, str) and _DIGEST.fullmatch(one) for one in listed)
