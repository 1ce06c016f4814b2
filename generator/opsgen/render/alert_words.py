"""An alert and its signal go in; the alert's condition comes out in words, as the runbook has
it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from opsgen.model.signal import Alert, Signal, Threshold


def fires_when(signal: Signal, alert: Alert) -> str:
    """The condition in words: `Error ratio is above 2%, with at least 50 events in 5 minutes`."""
    least = f", with at least {alert.fewest}" if alert.guards else ""
    if alert.burn_rates:
        return f"{signal.title} is above {', or above '.join(_tiers(alert))}{least}"
    if alert.thresholds:
        limits = (f"{side(limit)} {limit.words}" for limit in alert.thresholds)
        return f"{signal.title} is {' or '.join(limits)}{least}"
    return f"{alert.summary.removesuffix('.')}{least}"


def _tiers(alert: Alert) -> Iterable[str]:
    for rate, limit in zip(alert.burn_rates, alert.thresholds, strict=True):
        yield f"{limit.words} over both {rate.long_window} and {rate.short_window}"


def after(alert: Alert) -> str:
    """How long the condition holds before the alert fires."""
    return alert.hold.in_words if alert.hold else "at once"


def side(limit: Threshold) -> str:
    return "above" if limit.above else "below"


def within(signal: Signal, limits: Sequence[Threshold]) -> str:
    """The limits between which the signal is healthy, by the strictest thresholds; empty without a
    threshold."""
    above = [limit for limit in limits if limit.above]
    below = [limit for limit in limits if not limit.above]
    bounds = [f"at most {min(above, key=_value).words}"] if above else []
    bounds += [f"at least {max(below, key=_value).words}"] if below else []
    return f"{signal.title} is {' and '.join(bounds)}" if bounds else ""


def _value(limit: Threshold) -> Decimal:
    return limit.value
