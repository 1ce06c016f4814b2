"""All packs go in; which of their alerts explain which others comes out, from `explained_by` and
`means_down`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from opsgen.load.pack_file import DerivedAlertSpec, PackFile, SignalSpec
from opsgen.model.explanations import (
    OTHER_CAUSES,
    Explained,
    ExplainedBeside,
    Explanations,
    Pages,
    Source,
)

_BUSINESS = "Business"  # whose alerts have the names of the spec's signals


def known_causes(packs: Iterable[PackFile], of: PackFile | None = None) -> frozenset[str]:
    """What `explained_by` may name: the signals of services that have a page, causes that are no
    signals, and in a pack `of` instances also its own signals that have a page."""
    own = () if of is None or of.of == "service" else _signals_with_pages([of])
    of_services = _signals_with_pages(pack for pack in packs if pack.of == "service")
    return frozenset((*OTHER_CAUSES, *of_services, *own))


def explanations(packs: Iterable[PackFile], texts: Mapping[str, DerivedAlertSpec]) -> Explanations:
    """What explains what, in all of the library."""
    packs = list(packs)
    explained = [*_of_packs(packs), *_of_texts(texts)]
    named = {cause for one in explained for cause in one.by}
    of_services = [signal for pack in packs if pack.of == "service" for signal in pack.signals]
    return Explanations(
        causes=tuple(
            Pages(signal.name, _pages(signal))
            for signal in sorted(of_services, key=lambda signal: signal.name)
            if signal.name in named and _pages(signal)
        ),
        probes=tuple(_down(packs, "probe")),
        gone=tuple(_down(packs, "service")),
        beside=tuple(_beside(packs)),
        explained=tuple(explained),
    )


def _signals_with_pages(packs: Iterable[PackFile]) -> Iterator[str]:
    return (signal.name for pack in packs for signal in pack.signals if _pages(signal))


def _of_packs(packs: Iterable[PackFile]) -> Iterator[Explained]:
    for pack in packs:
        for signal in pack.signals:
            by = tuple(pack.explanations_of(signal))
            yield from (Explained(alert.name, by) for alert in signal.alerts)


def _of_texts(texts: Mapping[str, DerivedAlertSpec]) -> Iterator[Explained]:
    for key, text in texts.items():
        name, _, kind = key.partition("/")
        of: Source = "business" if name == _BUSINESS else "slo"
        yield Explained("" if of == "business" else name, tuple(text.explained_by), of, kind)


def _down(packs: Iterable[PackFile], of: str) -> Iterator[Pages]:
    """The alerts that say that a service, or a probe, is down."""
    for pack in packs:
        for signal in pack.signals if pack.of == of else ():
            down = tuple(alert.name for alert in signal.alerts if alert.means_down)
            if down:
                yield Pages(signal.name, down)


def _beside(packs: Iterable[PackFile]) -> Iterator[ExplainedBeside]:
    """What a signal explains of the other signals of its own instance."""
    for pack in packs:
        if pack.of != "service":
            yield from _within_instance(pack, pack.signals)


def _within_instance(pack: PackFile, signals: Sequence[SignalSpec]) -> Iterator[ExplainedBeside]:
    for signal in signals:
        for cause in signals:
            if cause.name in pack.explanations_of(signal) and _pages(cause):
                alerts = tuple(alert.name for alert in signal.alerts)
                pages, explained = Pages(cause.name, _pages(cause)), Pages(signal.name, alerts)
                yield ExplainedBeside(pack.of, pack.pack, pages, explained)


def _pages(signal: SignalSpec) -> tuple[str, ...]:
    return tuple(alert.name for alert in signal.alerts if alert.severity == "page")
