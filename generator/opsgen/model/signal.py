"""Signal: one measured quantity of a service, and all that is drawn from it: rules, panels, runbook
and proofs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from opsgen.errors import Mistake
from opsgen.model.oncall import Severity
from opsgen.model.service import BurnRate, Service
from opsgen.promql import Node
from opsgen.quantities import Duration, number_text

Group = Literal[
    "slo",
    "uptime",
    "traffic",
    "errors",
    "latency",
    "saturation",
    "business",
    "dependencies",
    "deployment",
]
# The order in which a person on call looks at them.
GROUPS: dict[Group, str] = {
    "slo": "Service level objectives",
    "uptime": "Uptime",
    "traffic": "Traffic",
    "errors": "Errors",
    "latency": "Latency",
    "saturation": "Saturation",
    "business": "Business",
    "dependencies": "Dependencies",
    "deployment": "Deployment",
}


@dataclass(frozen=True)
class Unit:
    """How a quantity is shown: Grafana's unit id, the Go template function for `$value`, the words
    after a number."""

    name: str
    grafana: str
    humanize: str
    scale: Decimal = Decimal(1)
    suffix: str = ""

    def words(self, value: Decimal) -> str:
        """A threshold in a sentence: `2%`, `300ms`, `0.5 orders/s`."""
        if self.name == "seconds":
            return str(Duration.from_seconds(value)) if value >= 0 else f"{number_text(value)}s"
        return f"{number_text(value * self.scale)}{self.suffix}"


@dataclass(frozen=True)
class Threshold:
    """The number an alert compares with, in the signal's own unit; the one source of every place
    that shows it."""

    value: Decimal
    above: bool
    unit: Unit

    @property
    def words(self) -> str:
        return self.unit.words(self.value)


@dataclass(frozen=True)
class Guard:
    """The fewest events, over `window`, for which an alert may fire, so that one failed request
    alone does not. `counted` says which: `events`, or `bad events`."""

    events: int
    window: Duration
    counted: str = "events"

    @property
    def words(self) -> str:
        return f"{self.events} {self.counted} in {self.window.in_words}"


@dataclass(frozen=True)
class Check:
    """One step of a diagnosis: what to look at, and a query or a command ready to paste."""

    text: str
    query: Node | None = None
    command: str | None = None


@dataclass(frozen=True)
class Guidance:
    """What a runbook says about an alert, in plain text (escaped for Markdown by the renderer)."""

    meaning: str
    impact: str
    diagnosis: tuple[Check, ...]
    causes: tuple[str, ...]
    mitigation: tuple[str, ...]


@dataclass(frozen=True)
class Alert:
    """A comparison on a signal.

    `expr` is the rule's expression. `condition` is the same condition in terms of raw series alone,
    from which the proof is worked out; they differ where `expr` reads recorded series. `sparse` is
    the condition as it holds where rules are evaluated so rarely that a sum of recorded counts has
    only one of them; None where it has no such sum. `still_bad` is the condition as it is now, over
    short windows alone: a later step of the escalation asks for it, since a slow window goes on
    after the end; None where `expr` is that condition. `labels` are those beside the static ones of
    every alert. `summary` is plain text; `description` is a Go template whose user text has been
    escaped. `panel` is the key of the panel that shows it. `was` are its names and its signal's
    before these, as pairs. An alert on an SLO has its `burn_rates`, one for each threshold and
    guard. `slow` ones are evaluated less often.
    """

    name: str
    signal: str
    severity: Severity
    expr: Node
    condition: Node
    hold: Duration
    keep_firing: Duration
    labels: tuple[tuple[str, str], ...]
    summary: str
    description: str
    guidance: Guidance
    thresholds: tuple[Threshold, ...] = ()
    panel: str = ""
    burn_rates: tuple[BurnRate, ...] = ()
    guards: tuple[Guard, ...] = ()
    slow: bool = False
    sparse: Node | None = None
    still_bad: Node | None = None
    was: tuple[tuple[str, str], ...] = ()

    @property
    def fewest(self) -> str:
        """The guards in words: `5 bad events in 1 hour, or 5 bad events in 6 hours`; empty where
        there is none."""
        return ", or ".join(guard.words for guard in self.guards)

    @property
    def key(self) -> str:
        """Unique in a service: `ErrorBudgetBurn/slo-availability/page`."""
        return f"{self.name}/{self.signal}/{self.severity}"


def alert_labels(service: Service, alert: Alert) -> dict[str, str]:
    """The labels that a rule adds to its alert, the same set for every alert of every service."""
    return {
        "service": service.name,
        "team": service.team.name,
        "tier": str(service.tier),
        "environment": service.environment,
        "severity": alert.severity,
        "signal": alert.signal,
        **dict(alert.labels),
    }


@dataclass(frozen=True)
class Escalated:
    """An alert that has been firing and bad for `after`, and still is, so that the channels `told`
    of step number `step` (2, 3, ...) are told.

    `expr` has the alert's series as long as that holds, with its labels. It has no `for`.
    """

    alert: Alert
    step: int
    after: Duration
    told: tuple[str, ...]
    expr: Node


@dataclass(frozen=True)
class Record:
    """A recording rule. `slow` ones are evaluated less often."""

    name: str
    expr: Node
    labels: tuple[tuple[str, str], ...]
    slow: bool = False


@dataclass(frozen=True)
class Line:
    """One query on a panel, with the legend of its series (Grafana's `{{label}}` notation) and what
    it is drawn as.

    `query` measures rates over [5m]; a panel replaces that by Grafana's `$__rate_interval` where
    `live` is set.
    """

    query: Node
    legend: str
    live: bool = True


@dataclass(frozen=True)
class Panel:
    """How a signal is drawn. Signals that name the same `key` share a panel; the first one's title
    stands."""

    key: str
    title: str
    description: str
    kind: Literal["timeseries", "stat", "state"] = "timeseries"
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Signal:
    """One measured quantity of a service. `query` is what a person pastes into Prometheus."""

    name: str
    group: Group
    title: str
    description: str
    unit: Unit
    query: Node
    panel: Panel
    alerts: tuple[Alert, ...] = ()
    records: tuple[Record, ...] = ()


@dataclass(frozen=True)
class Derived:
    """What the derive stage gives: the signals in reading order, what it has to say about them, and
    what is wrong with the alerts that the spec asks for."""

    signals: tuple[Signal, ...]
    warnings: tuple[str, ...] = ()
    mistakes: tuple[Mistake, ...] = ()

    @property
    def alerts(self) -> tuple[Alert, ...]:
        return tuple(alert for signal in self.signals for alert in signal.alerts)
