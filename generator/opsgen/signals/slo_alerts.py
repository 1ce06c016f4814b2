"""The tiers of an SLO and its events go in; its burn-rate alerts come out, with their words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from opsgen.model.oncall import Severity
from opsgen.model.service import BurnRate, EventSlo, Service
from opsgen.model.signal import Alert, Guard, Threshold
from opsgen.model.units import UNITS
from opsgen.promql import Node
from opsgen.promql.rewrite import all_of, any_of, binary, call, number, ranged
from opsgen.quantities import Duration, number_text
from opsgen.signals import burnrates
from opsgen.signals.packs import Texts, alert_texts, hold_of
from opsgen.signals.slo_events import BASE_WINDOW, Events
from opsgen.signals.slo_records import BUDGET_LEFT, HOUR, RecordedSeries, is_slow

BURN_ALERT = "ErrorBudgetBurn"
# Pages damp a single noisy evaluation; tickets can wait for a quarter of an hour (kubernetes-mixin:
# 2m and 15m).
_HOLD: dict[Severity, Duration] = {
    "page": Duration.of("2m"),
    "ticket": Duration.of("15m"),
    "info": Duration.of("15m"),
}
_KEEP_FIRING: dict[Severity, Duration] = {
    "page": BASE_WINDOW,
    "ticket": Duration(0),
    "info": Duration(0),
}
_LEFT_IN_WORDS = "Of the error budget {{ . | first | value | humanizePercentage }} is left."


def outage_words(slo: EventSlo) -> str:
    """The error budget as a time of total outage, to the second, at steady traffic."""
    budget = 1 - slo.objective.value
    return Duration.from_seconds(int(slo.window.seconds * budget)).in_words


@dataclass(frozen=True)
class BurnAlerts:
    """Makes the alerts of one SLO."""

    service: Service
    slo: EventSlo
    events: Events
    recorded: RecordedSeries
    texts: Texts

    def of(self, severity: Severity, rates: Sequence[BurnRate]) -> Alert:
        """The alert of one severity. It fires if any of its tiers does."""
        slo = self.slo
        words = self._words(rates)
        text = alert_texts(self.texts, f"{BURN_ALERT}/{slo.kind}", self.service, words)
        return Alert(
            name=BURN_ALERT,
            signal=f"slo-{slo.name}",
            severity=severity,
            expr=any_of(self._burning(rate) for rate in rates),
            condition=any_of(self._burning_raw(rate, rate.long_window) for rate in rates),
            sparse=any_of(self._burning_raw(rate, HOUR) for rate in rates),
            still_bad=self._still_burning(rates),
            hold=hold_of(self.service, BURN_ALERT, _HOLD[severity]),
            keep_firing=_KEEP_FIRING[severity],
            labels=(("slo", slo.name),),
            summary=text.summary,
            description=text.description,
            guidance=text.guidance,
            panel=f"slo-{slo.name}",
            burn_rates=tuple(rates),
            thresholds=tuple(self._threshold(rate) for rate in rates),
            guards=tuple(
                Guard(slo.min_bad_events, rate.long_window, "bad events") for rate in rates
            ),
            slow=any(is_slow(rate.long_window) for rate in rates),
            was=tuple((BURN_ALERT, f"slo-{was}") for was in slo.was),
        )

    def _burning(self, rate: BurnRate) -> Node:
        """Both windows are above the threshold, and there were enough bad events."""
        limit = number(self._limit(rate))
        ratios = self.recorded.ratio(rate.long_window), self.recorded.lately(rate.short_window)
        above = [binary(">", ratio, limit) for ratio in ratios]
        return all_of([*above, self._enough_bad(rate)])

    def _enough_bad(self, rate: BurnRate) -> Node:
        """Enough bad events for a person to be called. Where the number was reached once in the
        long window it stays so, since a number that comes and goes would make one outage many."""
        bad = ranged(self.recorded.errors(rate.long_window), rate.long_window)
        return binary(">=", call("max_over_time", bad), number(self.slo.min_bad_events))

    def _still_burning(self, rates: Sequence[BurnRate]) -> Node:
        """The latest events are above the lowest threshold."""
        lately = self.recorded.lately(min(rate.short_window for rate in rates))
        return binary(">", lately, number(min(self._limit(rate) for rate in rates)))

    def _burning_raw(self, rate: BurnRate, window: Duration) -> Node:
        """The same on raw series, with the bad events of `window` counted."""
        above = binary(">", self.events.ratio(BASE_WINDOW), number(self._limit(rate)))
        bad, _ = self.events.counts(window)
        return all_of([above, binary(">=", bad, number(self.slo.min_bad_events))])

    def _limit(self, rate: BurnRate) -> Decimal:
        return burnrates.threshold(rate, self.slo.objective)

    def _threshold(self, rate: BurnRate) -> Threshold:
        return Threshold(self._limit(rate), True, UNITS["ratio"])

    def _words(self, rates: Sequence[BurnRate]) -> Mapping[str, str]:
        """The words for the blanks in the alert's texts."""
        slo = self.slo
        return {
            "value": "{{ $value | humanizePercentage }}",
            "slo": slo.name,
            "slo_title": slo.title,
            "objective": str(slo.objective),
            "window": slo.window.in_words,
            "budget": UNITS["ratio"].words(1 - slo.objective.value),
            "outage": outage_words(slo),
            "slow": str(slo.threshold or ""),
            "tiers": "; or ".join(self._tier_words(rate) for rate in rates),
            "budget_left": self._budget_left(),
        }

    def _tier_words(self, rate: BurnRate) -> str:
        limit = UNITS["ratio"].words(self._limit(rate))
        long_window = rate.long_window
        spent = rate.factor * long_window.hours / self.slo.window.hours * 100
        return (
            f"more than {limit} over both {long_window} and {rate.short_window}"
            f" ({number_text(rate.factor)} times the sustainable rate,"
            f" which spends {number_text(round(spent, 1))}% of the budget in {long_window};"
            f" needs at least {self.slo.min_bad_events} bad events in {long_window})"
        )

    def _budget_left(self) -> str:
        """A Go template action that prints how much of the budget is left, or nothing while that is
        unknown."""
        if self.slo.grouping:
            return ""
        labels = f"service='{self.service.name}',slo='{self.slo.name}'"
        query = f"{BUDGET_LEFT}{{{labels}}}"
        return f'{{{{ with query "{query}" }}}} {_LEFT_IN_WORDS}{{{{ end }}}}'
