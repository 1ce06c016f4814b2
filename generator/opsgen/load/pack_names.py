"""Packs go in; every name that would mean two things comes out as a fault: two signals of one name,
two alerts that can't be told apart, and names that mean something else already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from opsgen.load.dependency_kinds import DEPENDENCY_KEYS, FLEET, KINDS_NOT_YET
from opsgen.load.pack_check import Fault
from opsgen.load.pack_file import PackFile, PackFor, SignalSpec

# A service has one runtime and one process, so it never uses two packs for one of them.
_ONE_OF_A_SERVICE: tuple[PackFor, ...] = ("runtime", "process")
_OF_SLOS = "slo-"  # begins the names of the signals that come from objectives
_KEY = "is already a key of every dependency"
_KIND = "is already a kind of dependency"
# What can't be the name of a pack for dependencies, and why.
_TAKEN: Mapping[str, str] = {
    **dict.fromkeys(DEPENDENCY_KEYS, _KEY),
    FLEET: _KIND,
    "slo": f"can't be a kind: the signals of SLOs have names that begin with {_OF_SLOS}",
}


@dataclass(frozen=True)
class Clash:
    """A fault in one of several packs: a name that another one has already."""

    pack: str
    fault: Fault


def name_faults(pack: PackFile, written: tuple[int, ...]) -> Iterator[Fault]:
    """Names that clash within one pack. `written` says for every signal which one of the file it
    comes from."""
    if pack.of == "dependency":
        yield from _taken_keys(pack)
    first: dict[str, int] = {}
    for index, signal in enumerate(pack.signals):
        path = ("signals", index, "name")
        if signal.name.startswith(_OF_SLOS):
            wrong = f"the signals of SLOs have names that begin with {_OF_SLOS}"
            yield Fault(path, wrong, "give this one another name")
        if signal.name in first:
            yield Fault(path, *_twice(signal, written[first[signal.name]] == written[index]))
        first.setdefault(signal.name, index)
        yield from _alert_names(signal, index)


def _taken_keys(pack: PackFile) -> Iterator[Fault]:
    """The name of a dependency's pack and those of its settings are keys of an entry of
    `dependencies`: here each one that has another meaning there."""
    if pack.pack in _TAKEN:
        yield Fault(("pack",), f"{pack.pack} {_TAKEN[pack.pack]}", "give the pack another name")
    taken = {**_TAKEN, **dict.fromkeys(KINDS_NOT_YET, _KIND), pack.pack: _KEY}
    for name in pack.settings:
        if name in taken:
            right = "give the setting another name"
            yield Fault(("settings", name), f"{name} {taken[name]}", right)


def _twice(signal: SignalSpec, of_one_each: bool) -> tuple[str, str]:
    if of_one_each:
        return f"each makes several signals named {signal.name}", "write {item} in the name"
    return f"the pack already has a signal named {signal.name}", "give this one another name"


def _alert_names(signal: SignalSpec, index: int) -> Iterator[Fault]:
    """Alerts are told apart by name, signal and severity."""
    seen = set()
    for number, alert in enumerate(signal.alerts):
        if (alert.name, alert.severity) in seen:
            wrong = f"the signal already has an alert {alert.name} of severity {alert.severity}"
            right = "give this one another name or severity"
            yield Fault(("signals", index, "alerts", number, "name"), wrong, right)
        seen.add((alert.name, alert.severity))


def signal_clashes(packs: Iterable[PackFile]) -> Iterator[Clash]:
    """Names that two packs have and one service can meet. The later pack has the fault."""
    before: list[PackFile] = []
    for pack in packs:
        faults = [*_signals_of_others(pack, before), *_keys_of_others(pack, before)]
        yield from (Clash(pack.pack, fault) for fault in faults)
        before.append(pack)


def _signals_of_others(pack: PackFile, before: Iterable[PackFile]) -> Iterator[Fault]:
    others = [one for one in before if _may_meet(one, pack)]
    owner = {signal.name: one.pack for one in reversed(others) for signal in one.signals}
    for index, signal in enumerate(pack.signals):
        if signal.name in owner:
            wrong = f"the pack '{owner[signal.name]}' already has a signal named {signal.name}"
            yield Fault(("signals", index, "name"), wrong, "give this one another name")


def _may_meet(one: PackFile, other: PackFile) -> bool:
    """Whether one service can use both."""
    return one.of != other.of or one.of not in _ONE_OF_A_SERVICE


def _keys_of_others(pack: PackFile, before: Iterable[PackFile]) -> Iterator[Fault]:
    """The same key of a dependency can't be a kind and another kind's setting."""
    if pack.of != "dependency":
        return
    for other in (one for one in before if one.of == "dependency"):
        if other.pack in pack.settings:
            right = "give the setting another name"
            yield Fault(("settings", other.pack), f"{other.pack} {_KIND}", right)
        if pack.pack in other.settings:
            wrong = f"{pack.pack} is already a setting of the pack '{other.pack}'"
            yield Fault(("pack",), wrong, "give the pack another name")
