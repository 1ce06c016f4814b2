"""A service's signals go in; a warning comes out where they look further back than Prometheus keeps
samples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from opsgen.model.service import Service
from opsgen.model.signal import Alert, Signal
from opsgen.promql.rewrite import longest_lookback
from opsgen.quantities import Duration

_MOST_NAMED = 3


def beyond_retention(service: Service, signals: Iterable[Signal]) -> Iterator[str]:
    """One line for the service, or none: what looks too far back, the furthest first."""
    kept = service.platform.retention
    reaches: dict[str, Duration] = {}
    for name, reach in _reaches(service, signals):
        reaches[name] = max(reach, reaches.get(name, reach))
    far = sorted((name for name in reaches if reaches[name] > kept), key=lambda one: reaches[one])
    if not far:
        return
    named = [f"{name} ({reaches[name]})" for name in reversed(far)]
    more = [f"{len(named) - _MOST_NAMED} more"] if len(named) > _MOST_NAMED else []
    texts = ", ".join([*named[:_MOST_NAMED], *more])
    yield (
        f"Prometheus keeps {kept}, too little for {texts}:"
        " keep more (prometheus.retention), shorten the window, or query a long-term store"
    )


def _reaches(service: Service, signals: Iterable[Signal]) -> Iterator[tuple[str, Duration]]:
    """How far back each budget and each alert looks."""
    for slo in service.slos:
        yield f"the budget of {slo.name}", slo.window
    for signal in signals:
        for alert in signal.alerts:
            yield alert.name, _reach(alert)


def _reach(alert: Alert) -> Duration:
    """The longest window and offset of the alert; those of recorded windows, too."""
    windows = (rate.long_window for rate in alert.burn_rates)
    return max([longest_lookback(alert.expr), *windows])
