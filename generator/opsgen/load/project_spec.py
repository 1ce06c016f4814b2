"""The project file `opsgen.yaml`: teams, channels, escalation policies and defaults of a repository
of specs."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from opsgen.load.escalation_spec import EscalationChoice, HoursSpec, PolicySpec, Tier
from opsgen.load.forms import OneKey, OneOf, OneOrMany, Strict
from opsgen.load.kubernetes_spec import KubernetesSpec
from opsgen.load.name_fields import LabelName, Owner, Slug
from opsgen.load.quantity_fields import (
    DurationField,
    MinBadEventsField,
    NumberField,
    PositiveDurationField,
)
from opsgen.load.scalars import mistake
from opsgen.load.text_fields import HttpUrl, Text
from opsgen.model.oncall import Severity
from opsgen.model.targets import PLAIN, TARGETS


class GrafanaSpec(Strict):
    """The Grafana that shows the dashboards."""

    url: Annotated[
        HttpUrl | None,
        Field(
            description="Grafana's address, for links in alerts and runbooks; default: no links.",
            examples=["https://grafana.example.com"],
        ),
    ] = None
    folder: Annotated[
        Text, Field(description="The folder of the dashboards.", examples=["Services"])
    ] = "Services"


class RunbooksSpec(Strict):
    """Where people read the runbooks."""

    url: Annotated[
        Text | None,
        Field(
            description=(
                "The address where people read a runbook; {service} stands for the service's name."
                " Default: {service}/runbook.md."
            ),
            examples=["https://git.example.com/ops/blob/main/out/{service}/runbook.md"],
        ),
    ] = None
    complete: Annotated[
        tuple[Tier, ...],
        OneOrMany(),
        Field(
            description="opsgen check fails on open questions in runbooks of these tiers.",
            examples=[1, [1, 2]],
        ),
    ] = ()
    review_after: Annotated[
        PositiveDurationField | None,
        Field(
            description="A runbook is overdue for review this long after its last review.",
            examples=["180d"],
        ),
    ] = None


class PrometheusSpec(Strict):
    """The Prometheus that evaluates the rules."""

    version: Annotated[
        str,
        Field(
            pattern=r"^\d+\.\d+(\.\d+)?$",
            description=(
                "Prometheus' version, quoted; 2.42 or later. opsgen uses only what this version"
                " knows, and refuses newer functions."
            ),
            examples=["2.42", "3.5"],
        ),
    ] = "2.42"
    scrape_interval: Annotated[
        PositiveDurationField | None,
        Field(description="How often Prometheus scrapes; default: 30s.", examples=["30s"]),
    ] = None
    evaluation_interval: Annotated[
        PositiveDurationField | None,
        Field(
            description="How often Prometheus evaluates rules, at most 2m; default: 30s.",
            examples=["30s"],
        ),
    ] = None
    retention: Annotated[
        PositiveDurationField | None,
        Field(
            description=(
                "How long Prometheus keeps samples (--storage.tsdb.retention.time), or the store"
                " that the rules query instead; default: 15d."
            ),
            examples=["60d"],
        ),
    ] = None
    external_labels: Annotated[
        tuple[LabelName, ...],
        OneOrMany(),
        Field(
            description=(
                "The names of the external_labels of your Prometheus servers, which tell clusters"
                " apart; the label of a replica is none of them."
            ),
            examples=["cluster", ["cluster", "region"]],
        ),
    ] = ()
    pushed: Annotated[
        bool,
        Field(
            description=(
                "Whether programs push series (OTLP, Pushgateway) that lack instance, which"
                " Prometheus adds to those that it scrapes; default: false."
            ),
        ),
    ] = False


class TimingSpec(Strict):
    """When Alertmanager notifies people of alerts of one severity. The keys are Alertmanager's."""

    group_wait: Annotated[
        DurationField | None,
        Field(
            description="How long the first notification waits for more alerts of its group.",
            examples=["10s"],
        ),
    ] = None
    group_interval: Annotated[
        PositiveDurationField | None,
        Field(
            description="How long after a notification the next one may tell what has changed.",
            examples=["5m"],
        ),
    ] = None
    repeat_interval: Annotated[
        PositiveDurationField | None,
        Field(
            description=(
                "How long until a notification is repeated if nothing has changed; at most 5d."
            ),
            examples=["4h"],
        ),
    ] = None


class AlertmanagerSpec(Strict):
    """The Alertmanager that notifies people."""

    version: Annotated[
        str,
        Field(
            pattern=r"^\d+\.\d+(\.\d+)?$",
            description=(
                "Alertmanager's version, quoted; 0.25 or later. opsgen refuses kinds of channel and"
                " options that are newer."
            ),
            examples=["0.25", "0.28"],
        ),
    ] = "0.25"
    page: Annotated[TimingSpec, Field(description="When people are notified of pages.")] = (
        TimingSpec()
    )
    ticket: Annotated[TimingSpec, Field(description="When people are notified of tickets.")] = (
        TimingSpec()
    )
    info: Annotated[TimingSpec, Field(description="When people are notified of infos.")] = (
        TimingSpec()
    )


class BlackboxSpec(Strict):
    """The blackbox exporter that polls from outside."""

    address: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9._:\[\]-]+$",
            description="The host and port at which Prometheus reaches it.",
            examples=["blackbox-exporter:9115"],
        ),
    ] = "blackbox-exporter:9115"
    module: Annotated[
        str,
        Field(
            pattern=r"^[a-zA-Z0-9_-]+$",
            description="The module for the URLs that name none of their own.",
        ),
    ] = "http_2xx"


class BurnRateSpec(Strict):
    """One tier of burn-rate alerts, instead of the SRE workbook's."""

    severity: Annotated[
        Severity,
        Field(
            description=(
                "The alert's severity for services of tiers 1 and 2. It is lower for tiers 3 and 4."
            )
        ),
    ]
    factor: Annotated[
        NumberField,
        Field(
            description="How many times too fast the error budget is spent; at least 1.",
            examples=[14.4],
        ),
    ]
    long: Annotated[PositiveDurationField, Field(description="The long window.", examples=["1h"])]
    short: Annotated[
        PositiveDurationField | None,
        Field(description="The short window; default: 1/12 of the long one.", examples=["5m"]),
    ] = None


class SloDefaults(Strict):
    """What all SLOs have in common."""

    window: Annotated[
        PositiveDurationField | None,
        Field(
            description="The period of the SLOs that give none, 1d to 365d; default: 30d.",
            examples=["30d"],
        ),
    ] = None
    burn_rates: Annotated[
        tuple[BurnRateSpec, ...] | None,
        Field(description="The burn-rate tiers of every SLO, instead of the SRE workbook's."),
    ] = None
    min_bad_events: Annotated[
        MinBadEventsField | None,
        Field(
            description=(
                "The fewest bad events in a tier's long window for which it fires, so that one"
                " failure at night wakes nobody; default: 5."
            ),
            examples=[5],
        ),
    ] = None


class TeamSpec(Strict):
    """One team: how to reach it, and how its alerts escalate."""

    slack: Annotated[
        Text | None, Field(description="The team's Slack channel, quoted.", examples=["#payments"])
    ] = None
    email: Annotated[
        Text | None,
        Field(description="The team's e-mail address.", examples=["payments@example.com"]),
    ] = None
    owners: Annotated[
        tuple[Owner, ...],
        OneOrMany(),
        Field(
            description="Who reviews the team's files, written as in CODEOWNERS.",
            examples=["@example/payments"],
        ),
    ] = ()
    escalation: Annotated[
        EscalationChoice, Field(description="The escalation policy for each severity.")
    ] = EscalationChoice()


class WatchdogSpec(Strict):
    """An outside service that expects a message at regular times, and raises the alarm when none
    arrives: then alerting itself is broken."""

    notify: Annotated[
        Slug,
        Field(description="The channel of the outside service.", examples=["dead-mans-switch"]),
    ]
    every: Annotated[
        PositiveDurationField | None,
        Field(description="How often a message is sent; default: 1m.", examples=["1m"]),
    ] = None


class ChannelSpec(Strict):
    """Where a notification goes: one kind with its options."""

    kind: str
    options: dict[str, Any]

    @model_validator(mode="before")
    @classmethod
    def _one_kind(cls, value: Any) -> Any:
        if not isinstance(value, dict) or len(value) != 1:
            raise mistake(
                "a channel needs exactly one kind, with its options",
                "write for example slack: {channel: '#payments'}",
            )
        ((kind, options),) = value.items()
        if options is None:
            options = {}
        if not isinstance(options, dict):
            raise mistake(
                f"the options of {kind} are not a mapping", f"write {kind}: {{option: value}}"
            )
        return {"kind": kind, "options": options}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        # Here, because the renderer that knows the kinds is not needed to read a project file.
        from opsgen.load.channel_schema import channel_schema

        return channel_schema()


class ProjectSpec(Strict):
    """What all specs of a repository share. Every part has a default that works."""

    out: Annotated[
        Text,
        Field(description="The folder that opsgen writes to, relative to this file's folder."),
    ] = "out"
    targets: Annotated[
        tuple[Annotated[str, OneOf(tuple(TARGETS))], ...],
        Field(
            min_length=1,
            description="The ways in which opsgen delivers what it generates.",
            examples=[[PLAIN]],
        ),
    ] = (PLAIN,)
    templates: Annotated[
        Text | None,
        Field(
            description=(
                "The folder of your own packs, conventions and templates, relative to this file's"
                " folder."
            )
        ),
    ] = None
    grafana: Annotated[GrafanaSpec, Field(description="The Grafana that shows the dashboards.")] = (
        GrafanaSpec()
    )
    runbooks: Annotated[RunbooksSpec, Field(description="Where people read the runbooks.")] = (
        RunbooksSpec()
    )
    prometheus: Annotated[
        PrometheusSpec, Field(description="The Prometheus that evaluates the rules.")
    ] = PrometheusSpec()
    alertmanager: Annotated[
        AlertmanagerSpec, Field(description="The Alertmanager that notifies people.")
    ] = AlertmanagerSpec()
    blackbox: Annotated[
        BlackboxSpec, Field(description="The blackbox exporter that polls from outside.")
    ] = BlackboxSpec()
    kubernetes: Annotated[
        KubernetesSpec, Field(description="How resources get into a cluster.")
    ] = KubernetesSpec()
    slo: Annotated[SloDefaults, Field(description="What all SLOs have in common.")] = SloDefaults()
    teams: dict[Slug, TeamSpec] = Field(default_factory=dict, description="The teams, by name.")
    channels: dict[Slug, ChannelSpec] = Field(
        default_factory=dict,
        description=(
            "Where notifications go, by name. Secrets are given as paths of files, never as values."
        ),
    )
    escalation: dict[Slug, Annotated[PolicySpec, OneKey("steps")]] = Field(
        default_factory=dict, description="The escalation policies, by name, each with its steps."
    )
    catch_all: Annotated[
        Slug | None,
        Field(
            description=(
                "The channel for alerts that no route matches, also those that opsgen did not"
                " generate; default: nobody is notified."
            )
        ),
    ] = None
    watchdog: Annotated[
        WatchdogSpec | None,
        Field(
            description=(
                "An alert that always fires. When its messages stop, an outside service knows that"
                " alerting itself is broken."
            )
        ),
    ] = None
    hours: dict[Slug, HoursSpec] = Field(
        default_factory=dict, description="When people work, by name."
    )
