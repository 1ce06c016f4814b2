"""All packs go in; which of their alerts explain which others comes out, from `explained_by` and
`means_down`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from opsgen.load.pack_file import DerivedAlertSpec, PackFile, SignalSpec
from opsgen.model.explanations import Explanation, Explanations, Outage

DEPENDENCIES = "dependencies"  # in `explained_by`: an outage of a service that this one needs
_BUSINESS = "Business"  # whose alerts have the names of the spec's signals

# An alert's name and what explains it, once for every signal that has it.
_Named = tuple[str, tuple[str, ...]]


def explaining_signals(packs: Iterable[PackFile]) -> Iterator[str]:
    """The signals of services that have a page: what `explained_by` may name."""
    for pack in packs:
        if pack.of != "service":
            continue  # each instance has signals of its own, with other names
        yield from (signal.name for signal in pack.signals if _pages(signal))


def explanations(packs: Iterable[PackFile], texts: Mapping[str, DerivedAlertSpec]) -> Explanations:
    """What explains what, in all of the library."""
    packs = list(packs)
    named = [*_of_packs(packs), *_of_texts(texts)]
    signals = {signal.name: signal for pack in packs for signal in pack.signals}
    return Explanations(
        within=tuple(
            Explanation(name, _pages(signals[name]), explained)
            for name in sorted(set(explaining_signals(packs)))
            if (explained := _always(named, name))
        ),
        outages=tuple(_outages(packs)),
        of_its_own=tuple(sorted({alert for alert, by in named if DEPENDENCIES not in by})),
    )


def _of_packs(packs: Iterable[PackFile]) -> Iterator[_Named]:
    for pack in packs:
        for signal in pack.signals:
            yield from ((alert.name, pack.explanations_of(signal)) for alert in signal.alerts)


def _of_texts(texts: Mapping[str, DerivedAlertSpec]) -> Iterator[_Named]:
    for key, text in texts.items():
        name = key.partition("/")[0]
        if name != _BUSINESS:
            yield name, text.explained_by


def _always(named: Iterable[_Named], signal: str) -> tuple[str, ...]:
    """The alerts that the signal explains on every signal that has them: Alertmanager tells them by
    their names alone."""
    named = list(named)
    not_always = {alert for alert, by in named if signal not in by}
    return tuple(sorted({alert for alert, _ in named} - not_always))


def _pages(signal: SignalSpec) -> tuple[str, ...]:
    return tuple(alert.name for alert in signal.alerts if alert.severity == "page")


def _outages(packs: Iterable[PackFile]) -> Iterator[Outage]:
    """Those of services come first: with nothing left to scrape, nothing else is asked."""
    for pack in sorted(packs, key=lambda pack: pack.of != "service"):
        for signal in pack.signals:
            for alert in signal.alerts:
                if alert.means_down:
                    yield Outage(alert.name, signal.name if pack.of == "service" else "")
