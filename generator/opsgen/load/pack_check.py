"""A pack goes in; every mistake comes out that its model can't see: unknown settings, blanks and
units, and queries that are not valid PromQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches

from opsgen.load.pack_file import (
    RECORDED,
    AlertSpec,
    GuidanceSpec,
    PackFile,
    PackFor,
    SignalSpec,
    TextsFile,
)
from opsgen.load.pack_guard import ONE_IN_THRESHOLD, CountSpec, StandInSpec
from opsgen.load.shown import shown
from opsgen.model.settings import ConventionPart, SettingKind, settings_of
from opsgen.model.texts import BLANKS, blanks, blanks_of, fill
from opsgen.model.units import UNITS
from opsgen.promql import PromqlError
from opsgen.promql.rewrite import rule_query
from opsgen.promql.tree import selectors
from opsgen.quantities import Duration

Path = tuple[str | int, ...]

# Which settings of the table a pack may read. A dependency has only those of its pack.
_ROWS_OF: Mapping[PackFor, str] = {
    "service": "service",
    "runtime": "service",
    "process": "service",
    "probe": "probe",
    "dependency": "",
}
# The unit that a signal needs for a threshold of this kind. A number fits any unit.
_UNIT_OF: Mapping[SettingKind, str] = {"percentage": "ratio", "duration": "seconds"}
# The part of the convention that a name in a query stands for, which the pack must need.
_PART_OF: Mapping[str, ConventionPart] = {
    "requests": "requests",
    "errors": "errors",
    "latency_bucket": "latency",
    "latency_count": "latency",
}
_NEARLY = 0.85  # more similar than this is a typo; `bytes/s` is less similar


@dataclass(frozen=True)
class Fault:
    """What is wrong at a path of a document, and what would be right."""

    path: Path
    wrong: str
    right: str = ""


@dataclass(frozen=True)
class _Known:
    """A setting as a pack may read it: `optional` where it may be without a value."""

    kind: SettingKind
    optional: bool
    above_zero: bool
    needs: ConventionPart | None = None


def pack_faults(pack: PackFile) -> Iterator[Fault]:
    """Everything in a pack that refers to nothing, or can't be read."""
    known = _known_settings(pack)
    yield from _record_faults(pack, known)
    for index, signal in enumerate(pack.signals):
        path: Path = ("signals", index)
        if pack.explained_by is None and signal.explained_by is None:
            yield Fault(
                path,
                "it does not say what explains its alerts",
                "write explained_by: [targets] here or for the whole pack, or [] for nothing",
            )
        if pack.of == "dependency" and not signal.name.startswith(f"{pack.pack}-"):
            right = f"begin the name with the dependency's kind: {pack.pack}-{signal.name}"
            yield Fault((*path, "name"), "another kind may have a signal of this name", right)
        yield from _signal_faults(pack, signal, path, known)


def texts_faults(texts: TextsFile) -> Iterator[Fault]:
    """The same for the words of alerts that code derives."""
    for key, spec in texts.texts.items():
        yield from _guidance_faults(spec, ("texts", key), blanks_of(key.partition("/")[0]))


def did_you_mean(name: str, known: Iterable[str], what: str) -> str:
    """`did you mean 'x'?`, or what there is."""
    names = sorted(known)
    close = get_close_matches(name, names, 1)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"the {what} are {', '.join(names)}" if names else f"there are no {what} here"


# -- settings --------------------------------------------------------------------------------------


def _known_settings(pack: PackFile) -> dict[str, _Known]:
    rows = {
        row.name: _Known(row.kind, row.optional, row.between is not None, row.needs)
        for row in settings_of(_ROWS_OF[pack.of])
    }
    own = {
        name: _Known(spec.type, spec.default is None, spec.more_than is not None)
        for name, spec in pack.settings.items()
    }
    return rows | own


@dataclass(frozen=True)
class _Scope:
    """What the parts of a signal or an alert may rely on: the settings that there are, those that
    are asked for by `requires`, the parts that the convention then has, and what the pack
    records."""

    known: Mapping[str, _Known]
    required: frozenset[str]
    parts: frozenset[ConventionPart]
    recorded: frozenset[str]

    @classmethod
    def of(cls, pack: PackFile, known: Mapping[str, _Known], *requires: str | None) -> _Scope:
        required = frozenset(name for name in requires if name is not None)
        implied = (known[name].needs for name in required if name in known)
        parts = frozenset([*pack.needs, *(part for part in implied if part)])
        return cls(known, required, parts, frozenset(record.name for record in pack.records))

    def unknown(self, name: str, path: Path) -> Iterator[Fault]:
        if name not in self.known:
            right = did_you_mean(name, self.known, "settings")
            yield Fault(path, f"there is no setting '{shown(name)}'", right)

    def faults(self, name: str, path: Path, kinds: tuple[SettingKind, ...]) -> Iterator[Fault]:
        """A setting that there is none of, that may be without a value, or is of another kind."""
        yield from self.unknown(name, path)
        setting = self.known.get(name)
        if setting is None:
            return
        unmet = setting.needs is not None and setting.needs not in self.parts
        if (setting.optional or unmet) and name not in self.required:
            yield Fault(path, f"{name} may be without a value", f"write requires: {name} beside it")
        if setting.kind not in kinds:
            wanted = " or ".join(f"a {kind}" for kind in kinds)
            yield Fault(path, f"{name} is a {setting.kind}", f"name {wanted}")


# -- records ---------------------------------------------------------------------------------------


def _record_faults(pack: PackFile, known: Mapping[str, _Known]) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, record in enumerate(pack.records):
        path: Path = ("records", index)
        scope = _Scope.of(pack, known, record.requires)
        if record.requires is not None:
            yield from scope.unknown(record.requires, (*path, "requires"))
        yield from _query_faults(record.query, (*path, "query"), scope)
        if pack.of in ("probe", "dependency"):
            wrong = f"a service may have several of a {pack.of}, and would record them as one"
            yield Fault(path, wrong, "write the query where it is read")
        if record.name in seen:
            wrong = f"the pack already records {record.name}"
            yield Fault((*path, "name"), wrong, "give this one another name")
        seen.add(record.name)


# -- signals ---------------------------------------------------------------------------------------


def _signal_faults(
    pack: PackFile, signal: SignalSpec, path: Path, known: Mapping[str, _Known]
) -> Iterator[Fault]:
    scope = _Scope.of(pack, known, signal.requires)
    if signal.requires is not None:
        yield from scope.unknown(signal.requires, (*path, "requires"))
    if signal.range is not None:
        yield from scope.faults(signal.range, (*path, "range"), ("duration",))
    yield from _unit_faults(signal.unit, (*path, "unit"))
    yield from _query_faults(signal.query, (*path, "query"), scope)
    yield from _panel_faults(pack, signal, path, scope)
    for index, alert in enumerate(signal.alerts):
        yield from _alert_faults(pack, signal, alert, (*path, "alerts", index), known)


def _panel_faults(pack: PackFile, signal: SignalSpec, path: Path, scope: _Scope) -> Iterator[Fault]:
    allowed = blanks_of("signal", pack.of)
    panel = (*path, "panel")
    texts: list[tuple[Path, str | None]] = [
        ((*path, "title"), signal.title),
        ((*path, "description"), signal.description),
        ((*panel, "title"), signal.panel.title),
        ((*panel, "legend"), signal.panel.legend),
    ]
    for index, line in enumerate(signal.panel.lines):
        texts.append(((*panel, "lines", index, "legend"), line.legend))
        yield from _query_faults(line.query, (*panel, "lines", index, "query"), scope)
    for where, text in texts:
        yield from _blank_faults(text or "", where, allowed)


def _unit_faults(unit: str, path: Path) -> Iterator[Fault]:
    """A unit of no row is somebody's own words, unless it is nearly one of the table's."""
    close = get_close_matches(unit, UNITS, 1, _NEARLY)
    if unit not in UNITS and close:
        wrong = f"'{shown(unit)}' is similar to a unit that opsgen knows"
        yield Fault(path, wrong, f"did you mean '{close[0]}'?")


def _query_faults(query: str, path: Path, scope: _Scope) -> Iterator[Fault]:
    try:
        tree = rule_query(query)
    except PromqlError as error:
        yield Fault(
            path, f"this is not valid PromQL: {error}", "try it in Prometheus' own query page"
        )
        return
    for metric in dict.fromkeys(selector.metric for selector in selectors(tree)):
        part = _PART_OF.get(metric or "")
        if part is not None and part not in scope.parts:
            wrong = f"{metric} comes from the convention, and a service may have none"
            yield Fault(path, wrong, f"write needs: [{part}] for the whole pack")
        if metric and metric.startswith(RECORDED) and metric not in scope.recorded:
            right = did_you_mean(metric, scope.recorded, "records")
            yield Fault(path, f"the pack does not record {shown(metric)}", right)


# -- alerts ----------------------------------------------------------------------------------------


def _alert_faults(
    pack: PackFile, signal: SignalSpec, alert: AlertSpec, path: Path, known: Mapping[str, _Known]
) -> Iterator[Fault]:
    scope = _Scope.of(pack, known, signal.requires, alert.requires)
    if alert.requires is not None:
        yield from scope.unknown(alert.requires, (*path, "requires"))
    yield from _threshold_faults(signal, alert, path, scope)
    yield from _hold_faults(alert.hold, (*path, "for"), scope)
    if alert.when is not None:
        yield from _query_faults(alert.when, (*path, "when"), scope)
    yield from _guard_faults(alert, path, scope)
    places = ["signal", pack.of, "alert"]
    places += ["threshold"] if alert.when is None else []
    places += ["guard"] if alert.guard is not None else []
    yield from _guidance_faults(alert, path, blanks_of(*places), scope)


def _guard_faults(alert: AlertSpec, path: Path, scope: _Scope) -> Iterator[Fault]:
    guard = (*path, "guard")
    if alert.guard is not None and alert.guard.stand_ins and alert.when is not None:
        wrong = "a stand-in takes the place of the signal's query, and `when` has another"
        yield Fault((*guard, "stand_ins"), wrong, "write above or below")
    for where, count in _counts(alert, guard):
        yield from _query_faults(count.count, (*where, "count"), scope)
        if count.at_least == ONE_IN_THRESHOLD and alert.when is not None:
            wrong = "an alert with `when` has no threshold"
            yield Fault((*where, "at_least"), wrong, "write a number")
        if isinstance(count, StandInSpec):
            yield from _query_faults(count.query, (*where, "query"), scope)


def _counts(alert: AlertSpec, path: Path) -> Iterator[tuple[Path, CountSpec]]:
    """The alert's guard and its stand-ins, with their paths."""
    if alert.guard is not None:
        yield path, alert.guard
        for index, stand_in in enumerate(alert.guard.stand_ins):
            yield (*path, "stand_ins", index), stand_in


def _threshold_faults(
    signal: SignalSpec, alert: AlertSpec, path: Path, scope: _Scope
) -> Iterator[Fault]:
    key, written = ("above", alert.above) if alert.above is not None else ("below", alert.below)
    if written is None:
        return
    where = (*path, key)
    number = _decimal(written)
    setting = scope.known.get(written)
    if number is None:
        yield from scope.faults(written, where, ("percentage", "duration", "number"))
        unit = _UNIT_OF.get(setting.kind) if setting else None
        if setting is not None and unit not in (None, signal.unit):
            measured = f"the signal is measured in {shown(signal.unit)}"
            wrong = f"{written} is a {setting.kind}, and {measured}"
            yield Fault(where, wrong, f"write unit: {unit} for the signal, or name another setting")
    elif not number.is_finite():
        yield Fault(
            where, f"'{shown(written)}' is not a number", "write a plain decimal number: 0.5"
        )
    for count_path, count in _counts(alert, (*path, "guard")):
        if count.at_least != ONE_IN_THRESHOLD:
            continue
        guard = (*count_path, "at_least")
        if number is not None and not number > 0:
            wrong = "no number of events is enough for a threshold that is not above 0"
            yield Fault(guard, wrong, "write a number")
        elif setting is not None and not setting.above_zero:
            wrong = f"no number of events is enough where {written} is 0"
            yield Fault(guard, wrong, "write a number, or more_than: 0 for the setting")


def _decimal(written: str) -> Decimal | None:
    try:
        return Decimal(written)
    except InvalidOperation:
        return None


def _hold_faults(written: str, path: Path, scope: _Scope) -> Iterator[Fault]:
    if not written[:1].isdigit():
        yield from scope.faults(written, path, ("duration",))
        return
    try:
        Duration.parse(written)
    except ValueError as error:
        wrong, _, right = str(error).rpartition("; ")
        yield Fault(path, wrong, right)


def _guidance_faults(
    spec: GuidanceSpec, path: Path, allowed: frozenset[str], scope: _Scope | None = None
) -> Iterator[Fault]:
    texts: list[tuple[Path, str]] = [
        ((*path, key), getattr(spec, key))
        for key in ("summary", "description", "meaning", "impact")
    ]
    texts += [((*path, "causes", index), text) for index, text in enumerate(spec.causes)]
    texts += [((*path, "mitigation", index), text) for index, text in enumerate(spec.mitigation)]
    for index, check in enumerate(spec.diagnosis):
        where: Path = (*path, "diagnosis", index)
        texts += [((*where, "text"), check.text), ((*where, "command"), check.command or "")]
        if check.query is not None:
            wrong_blanks = list(_blank_faults(check.query, (*where, "query"), allowed))
            yield from wrong_blanks
            if scope is not None and not wrong_blanks:
                query = fill(check.query, dict.fromkeys(allowed, "x"))
                yield from _query_faults(query, (*where, "query"), scope)
    for where, text in texts:
        yield from _blank_faults(text, where, allowed)


def _blank_faults(text: str, path: Path, allowed: frozenset[str]) -> Iterator[Fault]:
    for name in sorted(blanks(text) - allowed):
        if any(name in names for names in BLANKS.values()):
            right = f"the blanks that it fills are {', '.join(sorted(allowed))}"
            yield Fault(path, f"opsgen does not fill {{{name}}} here", right)
        else:
            right = did_you_mean(name, allowed, "blanks")
            yield Fault(path, f"there is no blank {{{name}}}", right)
