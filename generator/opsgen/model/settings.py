"""The table of settings that a spec gives and packs read. Whatever checks, fills in, explains or
documents a setting reads its row here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from opsgen.quantities import Duration, Ratio

# What a setting may hold; None if the spec does not ask for it.
SettingValue = Duration | Ratio | Decimal | None
SettingKind = Literal["percentage", "duration", "number"]
# A part of a convention: the counters and the histogram that an instrumentation may have.
ConventionPart = Literal["requests", "errors", "latency"]


@dataclass(frozen=True)
class Setting:
    """One row: the name by which packs read the setting, its default, and its words in the
    reference.

    `of` says what has it: each service, or each probe. `needs` is the part of the convention that
    measures it. An `optional` setting may be None, if the spec does not ask for it. A percentage
    lies `between` two numbers, and equals neither. A threshold on a `quantile` must lie within the
    histogram's buckets. A setting that is not `written` is computed from others.
    """

    name: str
    kind: SettingKind
    default: SettingValue
    source: str
    words: str
    needs: ConventionPart | None = None
    of: Literal["service", "probe"] = "service"
    optional: bool = False
    written: bool = True
    between: tuple[Decimal, Decimal] | None = None
    quantile: Decimal | None = None

    @property
    def path(self) -> tuple[str, ...]:
        """Its path in the spec: `errors.above` is under `errors`, `above`."""
        return tuple(self.name.split("."))


def _percentile(name: str, share: str) -> Setting:
    return Setting(
        f"latency.p{name}",
        "duration",
        None,
        "not asked for",
        f"a ticket is made while the {name}th percentile is above this",
        needs="latency",
        optional=True,
        quantile=Decimal(share),
    )


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "errors.above",
        "percentage",
        Ratio.parse("5%"),
        "as awesome-prometheus-alerts has it",
        "a ticket is made while the share of failed requests is above this",
        needs="errors",
        # Above 0% every single failure fires, and above 100% nothing ever does.
        between=(Decimal(0), Decimal(1)),
    ),
    Setting(
        "errors.for",
        "duration",
        Duration.of("5m"),
        "as long as the window it is measured over",
        "how long it must last",
        needs="errors",
    ),
    _percentile("50", "0.5"),
    _percentile("95", "0.95"),
    _percentile("99", "0.99"),
    Setting(
        "latency.for",
        "duration",
        Duration.of("10m"),
        "two windows of five minutes",
        "how long it must last",
        needs="latency",
    ),
    Setting(
        "probe.window",
        "duration",
        Duration.of("1m"),
        "two intervals of the probe, and at least this",
        "the window in which no probe succeeded",
        of="probe",
        written=False,
    ),
    Setting(
        "probe.for",
        "duration",
        Duration.of("1m"),
        "as long as the window, so that one failed poll after a gap is no page",
        "how long it must last",
        of="probe",
        written=False,
    ),
    Setting(
        "probe.slow",
        "duration",
        Duration.of("1s"),
        "as awesome-prometheus-alerts has it, or half the timeout if that is less",
        "an answer that takes longer is slow; less than the timeout",
        of="probe",
    ),
    Setting(
        "probe.certificate",
        "duration",
        Duration.of("14d"),
        "long enough to renew it by hand",
        "a certificate that ends within this time is a ticket; only for `https://`",
        of="probe",
        optional=True,
    ),
)


def reference(name: str) -> str:
    """A row as a sentence for the JSON Schema: what it is, and its default."""
    row = setting_row(name)
    default = "" if row.default is None else f"; default: {row.default}"
    return f"{row.words[:1].upper()}{row.words[1:]}{default}."


def setting_row(name: str) -> Setting:
    return next(row for row in SETTINGS if row.name == name)


def default_duration(name: str) -> Duration:
    """The default of a row that is a duration."""
    default = setting_row(name).default
    assert isinstance(default, Duration)  # callers name a row that is a duration
    return default


def settings_of(of: str) -> Iterator[Setting]:
    """The rows of a service or of a probe; none for anything else, which has only the settings of
    its pack."""
    return (row for row in SETTINGS if row.of == of)


def as_number(value: SettingValue) -> Decimal:
    """A setting as the number a query compares with: durations in seconds, percentages as
    ratios."""
    match value:
        case Duration():
            return value.seconds
        case Ratio():
            return value.value
        case Decimal():
            return value
        case None:
            raise TypeError("an alert that compares with a setting requires it")
