"""The library and the project's Prometheus go in; a mistake comes out for every query of a user's
own pack that needs a newer one. Shipped packs work with every Prometheus that is supported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from opsgen.errors import Mistake
from opsgen.load.library import Library, read_pack
from opsgen.load.pack_check import Fault
from opsgen.load.pack_file import GuidanceSpec, PackFile, SignalSpec
from opsgen.load.pack_guard import GuardSpec
from opsgen.model.texts import blanks, fill
from opsgen.promql.rewrite import rule_query
from opsgen.promql.versions import too_new

_Place = tuple[str | int, ...]


def newer_packs(library: Library, prometheus: str) -> Iterator[Mistake]:
    """Each at the line of its query."""
    if len(library.folders) == 1 or not any(
        _faults(pack, prometheus) for pack in library.packs.values()
    ):
        return
    own: Path = library.folders[1] / "packs"
    for path in sorted(own.glob("*.yaml")):
        read = read_pack(path)
        yield from map(read.mistake, _faults(read.pack, prometheus))


def _faults(pack: PackFile, prometheus: str) -> list[Fault]:
    found = []
    for path, query in _queries(pack):
        newer = too_new(rule_query(query), prometheus)
        if newer is None:
            continue
        if newer.since is None:
            wrong, right = f"{newer.what} needs a feature flag of Prometheus", ""
        else:
            wrong = f"{newer.what} needs Prometheus {newer.since}; the project says {prometheus}"
            right = ", or set prometheus.version in opsgen.yaml"
        found.append(Fault(path, wrong, f"write the query without it{right}"))
    return found


def _queries(pack: PackFile) -> Iterator[tuple[_Place, str]]:
    for index, record in enumerate(pack.records):
        yield ("records", index, "query"), record.query
    for index, signal in enumerate(pack.signals):
        yield from _of_signal(signal, ("signals", index))


def _of_signal(signal: SignalSpec, path: _Place) -> Iterator[tuple[_Place, str]]:
    yield (*path, "query"), signal.query
    for index, line in enumerate(signal.panel.lines):
        yield (*path, "panel", "lines", index, "query"), line.query
    for index, alert in enumerate(signal.alerts):
        here = (*path, "alerts", index)
        if alert.when is not None:
            yield (*here, "when"), alert.when
        if alert.guard is not None:
            yield from _of_guard(alert.guard, (*here, "guard"))
        yield from _of_guidance(alert, here)


def _of_guard(spec: GuardSpec, path: _Place) -> Iterator[tuple[_Place, str]]:
    yield (*path, "count"), spec.count
    for index, stand_in in enumerate(spec.stand_ins):
        here = (*path, "stand_ins", index)
        yield (*here, "count"), stand_in.count
        yield (*here, "query"), stand_in.query


def _of_guidance(spec: GuidanceSpec, path: _Place) -> Iterator[tuple[_Place, str]]:
    for index, check in enumerate(spec.diagnosis):
        if check.query is not None:
            filled = fill(check.query, dict.fromkeys(blanks(check.query), "x"))
            yield (*path, "diagnosis", index, "query"), filled
