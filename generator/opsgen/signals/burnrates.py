"""Multi-window multi-burn-rate arithmetic: an objective and its window go in; the tiers to alert on
come out.

Source: The Site Reliability Workbook, chapter 5, "Multiwindow, Multi-Burn-Rate Alerts": 2 % of a
30-day budget in an hour and 5 % in six hours page, 10 % in a day and in three days make a ticket,
and the short window is 1/12 of the long.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from opsgen.model.oncall import Severity
from opsgen.model.service import BurnRate
from opsgen.quantities import Duration, Ratio, number_text

_HOUR = Duration.of("1h")
_WORKBOOK_WINDOW = Duration.of("30d")


@dataclass(frozen=True)
class _WorkbookTier:
    severity: Severity
    share: Decimal
    long_window: Duration

    @property
    def factor(self) -> Decimal:
        return self.share * _WORKBOOK_WINDOW.hours / self.long_window.hours


_WORKBOOK = (
    _WorkbookTier("page", Decimal("0.02"), Duration.of("1h")),
    _WorkbookTier("page", Decimal("0.05"), Duration.of("6h")),
    _WorkbookTier("ticket", Decimal("0.10"), Duration.of("1d")),
    _WorkbookTier("ticket", Decimal("0.10"), Duration.of("3d")),
)
# Long windows that are round and whose twelfth is round too.
_ROUND_WINDOWS = tuple(
    Duration.of(text)
    for text in ("1h", "2h", "3h", "6h", "12h", "1d", "2d", "3d", "6d", "12d", "24d", "36d")
)
_SHORT_PER_LONG = 12
# A rate wants four samples in its window to survive a missed scrape.
_SAMPLES_IN_SHORT_WINDOW = 4
# Where even the shortest window is far longer than the scaled one, keeping the share would mean
# paging on an ordinary burn (2 % of a 7-day budget in an hour is 3.36 times); the workbook's factor
# is kept instead.
_SCALED_TOO_SHORT = Decimal("0.75")


@dataclass(frozen=True)
class Tiers:
    """The tiers of one SLO, most urgent first, and notes for people."""

    burn_rates: tuple[BurnRate, ...]
    notes: tuple[str, ...] = ()


def tiers(
    objective: Ratio,
    window: Duration,
    scrape_interval: Duration,
    chosen: Iterable[BurnRate] | None = None,
) -> Tiers:
    """The tiers for an objective over a window: the `chosen` ones, or the workbook's, scaled to the
    window.

    A total outage must be able to reach each tier (factor x budget < 1). A tier that it can't reach
    gets the fastest reachable rate of the workbook, on the same windows; `notes` says so.
    """
    wanted = tuple(chosen) if chosen is not None else _scaled(window, scrape_interval)
    budget = 1 - objective.value
    reachable = [_reachable(tier, budget) for tier in wanted]
    kept = _without_redundant(reachable)
    notes = tuple(
        _note(tier, slower, slower in kept, objective)
        for tier, slower in zip(wanted, reachable, strict=True)
        if tier != slower
    )
    return Tiers(kept, notes)


def _reachable(tier: BurnRate, budget: Decimal) -> BurnRate:
    if tier.factor * budget < 1:
        return tier
    return replace(tier, factor=_fastest_reachable(budget))


def threshold(tier: BurnRate, objective: Ratio) -> Decimal:
    """The error ratio above which the tier fires."""
    return tier.factor * (1 - objective.value)


def with_severities(
    burn_rates: Iterable[BurnRate], severities: Mapping[Severity, Severity]
) -> tuple[BurnRate, ...]:
    """The tiers with each severity replaced by what it means at a service's tier."""
    return tuple(replace(rate, severity=severities[rate.severity]) for rate in burn_rates)


def _scaled(window: Duration, scrape_interval: Duration) -> tuple[BurnRate, ...]:
    shortest = scrape_interval * _SAMPLES_IN_SHORT_WINDOW
    usable = [one for one in _ROUND_WINDOWS if one // _SHORT_PER_LONG >= shortest]
    return tuple(_scale(tier, window, usable) for tier in _WORKBOOK)


def _scale(tier: _WorkbookTier, window: Duration, usable: list[Duration]) -> BurnRate:
    """The tier, over the usable window that is nearest to its share of `window`."""
    ideal = tier.long_window.hours * window.hours / _WORKBOOK_WINDOW.hours
    budget_hours = tier.share * window.hours
    # In a longer window, a sustainable burn would already spend the share.
    spendable = [one for one in usable if budget_hours / one.hours >= 1] or usable[:1]
    long_window = min(spendable, key=lambda one: max(one.hours / ideal, ideal / one.hours))
    factor = budget_hours / long_window.hours
    if ideal < long_window.hours * _SCALED_TOO_SHORT and long_window == usable[0]:
        factor = tier.factor
    return BurnRate(tier.severity, _rounded(factor), long_window, long_window // _SHORT_PER_LONG)


def _note(tier: BurnRate, slower: BurnRate, is_kept: bool, objective: Ratio) -> str:
    outage = number_text(_rounded(1 / (1 - objective.value)))
    instead = "is left out, because another tier covers it"
    if is_kept:
        instead = f"fires at {number_text(slower.factor)} instead"
    return (
        f"a burn rate of {number_text(tier.factor)} can never be reached"
        f" at an objective of {objective} (a total outage burns {outage} times);"
        f" the {tier.severity} over {tier.long_window} {instead}"
    )


def _fastest_reachable(budget: Decimal) -> Decimal:
    return max(tier.factor for tier in _WORKBOOK if tier.factor * budget < 1)


def _without_redundant(tiers: list[BurnRate]) -> tuple[BurnRate, ...]:
    """Leaves out a tier that never fires alone: another one of its severity has a factor and a long
    window that are not larger. Of two equal tiers, keeps the first."""
    kept = []
    for index, tier in enumerate(tiers):
        earlier, later = tiers[:index], tiers[index + 1 :]
        covered_earlier = any(_covers(other, tier) for other in earlier)
        covered_later = any(_covers(other, tier) and not _covers(tier, other) for other in later)
        if not (covered_earlier or covered_later):
            kept.append(tier)
    return tuple(kept)


def _covers(other: BurnRate, tier: BurnRate) -> bool:
    """Whether `other` fires whenever `tier` does."""
    if other.severity != tier.severity:
        return False
    return other.factor <= tier.factor and other.long_window <= tier.long_window


def _rounded(factor: Decimal) -> Decimal:
    """Rounds to four significant digits: nobody wants to read 6.083333333333333."""
    if not factor:
        return factor
    last_digit = Decimal(1).scaleb(factor.adjusted() - 3)
    return +factor.quantize(last_digit)
