"""Packs go in; every name that would mean two things comes out as a fault: two signals of one name,
two alerts that can't be told apart, and names that mean something else already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from opsgen.load.pack_check import Fault
from opsgen.load.pack_file import PackFile, PackFor, SignalSpec

# A service has one runtime and one process, so it never uses two packs for one of them.
_ONE_OF_A_SERVICE: tuple[PackFor, ...] = ("runtime", "process")
_OF_SLOS = "slo-"  # begins the names of the signals that come from objectives


@dataclass(frozen=True)
class Clash:
    """A fault in one of several packs: a name that another one has already."""

    pack: str
    fault: Fault


def name_faults(pack: PackFile, written: tuple[int, ...]) -> Iterator[Fault]:
    """Names that clash within one pack. `written` says for every signal which one of the file it
    comes from."""
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


def clashes(packs: Iterable[PackFile]) -> Iterator[Clash]:
    """Signals of one name in two packs that one service can use. The later pack has the fault."""
    seen: dict[str, list[PackFile]] = {}
    for pack in packs:
        for index, signal in enumerate(pack.signals):
            others = [one for one in seen.get(signal.name, ()) if _may_meet(one, pack)]
            if others:
                wrong = f"the pack '{others[0].pack}' already has a signal named {signal.name}"
                path = ("signals", index, "name")
                yield Clash(pack.pack, Fault(path, wrong, "give this one another name"))
        for name in {signal.name for signal in pack.signals}:
            seen.setdefault(name, []).append(pack)


def _may_meet(one: PackFile, other: PackFile) -> bool:
    """Whether one service can use both."""
    return one.of != other.of or one.of not in _ONE_OF_A_SERVICE
