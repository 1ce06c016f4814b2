"""The resolved service and its parts, which every later stage reads instead of the spec.

All values are frozen and complete: every default is filled in, and `origins` says where each value
comes from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from opsgen.model.explanations import Explanations
from opsgen.model.oncall import Severity, Team
from opsgen.model.platform import Platform
from opsgen.model.settings import ConventionPart, SettingValue
from opsgen.promql import Matcher, Selector
from opsgen.quantities import Duration, Ratio

SloKind = Literal["availability", "latency", "events"]


@dataclass(frozen=True)
class Place:
    """A place in one of the user's files; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Histogram:
    """A latency histogram: its selector without the suffix `_bucket`, its unit, and its bucket
    bounds in that unit."""

    base: Selector
    unit_seconds: Decimal
    buckets: tuple[Decimal, ...]

    def part(self, suffix: Literal["bucket", "count", "sum"]) -> Selector:
        return Selector(f"{self.base.metric}_{suffix}", self.base.matchers)

    def bound(self, threshold: Duration) -> Decimal:
        """A duration in the histogram's own unit."""
        return threshold.seconds / self.unit_seconds


@dataclass(frozen=True)
class Convention:
    """How the service's instrumentation names its metrics. A part that it does not have is None.

    `route_label` is the label with the route or method of a request, if there is one.
    """

    name: str
    title: str
    requests: Selector | None = None
    errors: Selector | None = None
    latency: Histogram | None = None
    route_label: str | None = None

    def has(self, parts: Iterable[ConventionPart]) -> bool:
        return all(getattr(self, part) is not None for part in parts)


@dataclass(frozen=True)
class EventSlo:
    """A resolved SLO over events: what is bad, what is all, and how much may be bad.

    `threshold` is the latency above which a request is bad. The spec's own PromQL (`bad`, `good`,
    `total`) is set for the kind `events`. `place` is where the spec defines the SLO. Without
    `min_bad_events` in a tier's long window the tier does not fire.
    """

    name: str
    kind: SloKind
    objective: Ratio
    window: Duration
    place: Place
    min_bad_events: int
    grouping: tuple[str, ...] = ()
    threshold: Duration | None = None
    bad: str | None = None
    good: str | None = None
    total: str | None = None
    title: str = ""
    description: str = ""
    was: tuple[str, ...] = ()


@dataclass(frozen=True)
class Probe:
    """One URL that the blackbox exporter polls from outside. `certificate` is None for plain
    http."""

    name: str
    url: str
    interval: Duration
    timeout: Duration
    slow: Duration
    certificate: Duration | None
    module: str
    place: Place

    @property
    def scrape_timeout(self) -> Duration:
        """The timeout, but at most the interval: Prometheus refuses a longer one."""
        return min(self.timeout, self.interval)

    def job(self, service: str) -> str:
        return f"probe-{service}-{self.name}"


@dataclass(frozen=True)
class BusinessAlert:
    """One condition on a business signal; exactly one of the first four is set."""

    place: Place
    below: Decimal | None = None
    above: Decimal | None = None
    drop: Ratio | None = None
    absent: Duration | None = None
    against: Duration | None = None
    hold: Duration | None = None
    severity: Severity | None = None


@dataclass(frozen=True)
class BusinessSignal:
    name: str
    title: str
    description: str
    query: str
    unit: str
    alerts: tuple[BusinessAlert, ...]
    place: Place
    matchers: tuple[Matcher, ...] | None = None
    was: tuple[str, ...] = ()


@dataclass(frozen=True)
class AlertOverride:
    """What the spec changes in the alerts of one name: it drops them, or sets other values."""

    off: bool
    hold: Duration | None
    keep_firing: Duration | None
    severity: Severity | None
    place: Place


@dataclass(frozen=True)
class EnvironmentVariable:
    name: str
    type: str
    description: str
    required: bool
    secret: bool
    default: str | None


@dataclass(frozen=True)
class BurnRate:
    """One tier of multi-window multi-burn-rate alerting.

    Fires while the error ratio over both windows is above `factor` times the error budget. `factor`
    is a multiple of the rate that spends the whole budget in exactly the SLO's window.
    """

    severity: Severity
    factor: Decimal
    long_window: Duration
    short_window: Duration


@dataclass(frozen=True)
class Scrape:
    """Where the Prometheus operator finds the service's metrics: Kubernetes `services` or `pods`
    with these labels, in one namespace (empty: in any), at the port of this name."""

    of: Literal["services", "pods"]
    selector: Mapping[str, str]
    namespace: str
    port: str
    path: str
    scheme: Literal["http", "https"]


@dataclass(frozen=True)
class Dependency:
    """Something that the service needs: its kind, its name, and the settings of the kind's pack."""

    kind: str
    name: str
    matchers: tuple[Matcher, ...]
    settings: Mapping[str, SettingValue]
    place: Place


@dataclass(frozen=True)
class Service:
    """One complete service in one environment.

    `settings` holds every value of the table of settings by its dotted path. `pack_settings` holds
    the settings that packs declare, by the pack's name; a dependency holds those of its own pack.
    `explanations` are the same for all services.

    `name` is the name in outputs. In the first environment it is the spec's own (`spec_name`). In
    any other it ends with the environment, so that all can be loaded side by side.
    """

    name: str
    title: str
    description: str
    team: Team
    tier: int
    environment: str
    runtime: str
    spec_file: str
    convention: Convention
    matchers: tuple[Matcher, ...]
    slos: tuple[EventSlo, ...]
    probes: tuple[Probe, ...]
    business: tuple[BusinessSignal, ...]
    settings: Mapping[str, SettingValue]
    origins: Mapping[str, str]
    overrides: Mapping[str, AlertOverride]
    burn_rates: tuple[BurnRate, ...] | None
    platform: Platform
    runbook_commands: Mapping[str, str]
    runbook_url: str
    dashboard_url: str
    folder: str
    environment_variables: tuple[EnvironmentVariable, ...] = ()
    spec_name: str = ""
    scrape: Scrape | None = None
    process: str = ""
    dependencies: tuple[Dependency, ...] = ()
    depends_on: tuple[str, ...] = ()  # other services of the fleet
    pack_settings: Mapping[str, Mapping[str, SettingValue]] = field(default_factory=dict)
    explanations: Explanations = field(default_factory=Explanations)
    not_yet: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
