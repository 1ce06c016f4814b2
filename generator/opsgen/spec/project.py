"""The project file `opsgen.yaml`: teams, channels, escalation policies and defaults of a repository of specs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from opsgen.spec.scalars import (
    DurationField,
    HttpUrl,
    NumberField,
    PositiveDurationField,
    Slug,
    Text,
    TimeOfDay,
    mistake,
)
from opsgen.spec.service import Severity, Strict


class GrafanaSpec(Strict):
    url: HttpUrl | None = None
    folder: Text = "Services"


class RunbooksSpec(Strict):
    url: Annotated[
        Text | None,
        Field(
            description="Where runbooks are read; {service} stands for the service.",
            examples=["https://git.example.com/ops/blob/main/out/{service}/runbook.md"],
        ),
    ] = None


class PrometheusSpec(Strict):
    """The Prometheus that evaluates the rules."""

    version: Annotated[
        str, Field(pattern=r"^\d+\.\d+(\.\d+)?$", description="2.42 or later.", examples=["2.42", "3.5"])
    ] = "2.42"
    scrape_interval: PositiveDurationField | None = None
    evaluation_interval: PositiveDurationField | None = None


class AlertmanagerSpec(Strict):
    version: Annotated[
        str, Field(pattern=r"^\d+\.\d+(\.\d+)?$", description="0.25 or later.", examples=["0.25", "0.28"])
    ] = "0.25"


class BlackboxSpec(Strict):
    address: Annotated[str, Field(pattern=r"^[A-Za-z0-9._:\[\]-]+$", examples=["blackbox-exporter:9115"])] = (
        "blackbox-exporter:9115"
    )
    module: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]+$")] = "http_2xx"


class BurnRateSpec(Strict):
    """One tier of burn-rate alerting, in place of the workbook's."""

    severity: Severity
    factor: Annotated[NumberField, Field(description="How many times too fast the budget burns; at least 1.")]
    long: PositiveDurationField
    short: Annotated[PositiveDurationField | None, Field(description="1/12 of the long window by default.")] = None


class SloDefaults(Strict):
    window: Annotated[PositiveDurationField | None, Field(description="The period of SLOs that name none; 30d.")] = None
    burn_rates: Annotated[
        tuple[BurnRateSpec, ...] | None, Field(description="The tiers of every SLO, in place of the workbook's.")
    ] = None


class EscalationBySeverity(Strict):
    page: Slug | None = None
    ticket: Slug | None = None
    info: Slug | None = None


class TeamSpec(Strict):
    slack: Text | None = None
    email: Text | None = None
    escalation: Annotated[EscalationBySeverity, Field(description="A policy for every severity.")] = (
        EscalationBySeverity()
    )


class StepSpec(Strict):
    """One step of a policy: whom to tell, after how long, and when."""

    notify: Annotated[tuple[Slug, ...], Field(min_length=1, description="Channels.")]
    after: Annotated[DurationField | None, Field(description="How long after the first step.")] = None
    during: Annotated[Slug | None, Field(description="Hours in which it may notify.")] = None


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


class HoursSpec(Strict):
    """When people work: days, a time of day, and a time zone."""

    days: Annotated[tuple[Text, ...], BeforeValidator(_as_list), Field(min_length=1, examples=["monday to friday"])]
    from_: Annotated[TimeOfDay, Field(alias="from")]
    to: TimeOfDay
    timezone: Annotated[Text, Field(examples=["Europe/Berlin"])] = "UTC"


class ChannelSpec(Strict):
    """Where a notification goes: one kind with its options."""

    kind: str
    options: dict[str, Any]

    @model_validator(mode="before")
    @classmethod
    def _one_kind(cls, value: Any) -> Any:
        if not isinstance(value, dict) or len(value) != 1:
            raise mistake("a channel is one kind with its options", "write for example slack: {channel: '#payments'}")
        ((kind, options),) = value.items()
        if options is None:
            options = {}
        if not isinstance(options, dict):
            raise mistake(f"the options of {kind} are no mapping", f"write {kind}: {{option: value}}")
        return {"kind": kind, "options": options}


class ProjectSpec(Strict):
    """What all specs of a repository share."""

    out: Annotated[Text, Field(description="The folder that is written, from this file's own.")] = "out"
    targets: Annotated[
        tuple[Literal["files", "kubernetes", "terraform"], ...],
        Field(min_length=1, description="Ways to deliver what is generated."),
    ] = ("files",)
    templates: Annotated[Text | None, Field(description="A folder of your own packs and templates.")] = None
    grafana: GrafanaSpec = GrafanaSpec()
    runbooks: RunbooksSpec = RunbooksSpec()
    prometheus: PrometheusSpec = PrometheusSpec()
    alertmanager: AlertmanagerSpec = AlertmanagerSpec()
    blackbox: BlackboxSpec = BlackboxSpec()
    slo: SloDefaults = SloDefaults()
    teams: dict[Slug, TeamSpec] = {}
    channels: dict[Slug, ChannelSpec] = {}
    escalation: dict[Slug, Annotated[tuple[StepSpec, ...], Field(min_length=1)]] = {}
    hours: dict[Slug, HoursSpec] = {}
