"""The service spec: what a person writes for one service, as pydantic models that editors can check
against."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from opsgen.load.business_spec import BusinessSpec
from opsgen.load.dependency_spec import DependencySpec
from opsgen.load.escalation_spec import EscalationChoice, Tier
from opsgen.load.forms import ShortForm, StandIn, Strict
from opsgen.load.match_spec import ConventionSpec, Match
from opsgen.load.name_fields import Slug
from opsgen.load.objective_spec import SloSpec
from opsgen.load.pack_setting import SettingName, Written
from opsgen.load.probe_spec import ProbeSpec, ScrapeSpec
from opsgen.load.runbook_spec import EnvironmentVariableSpec, RunbookSpec
from opsgen.load.text_fields import Text
from opsgen.load.threshold_spec import ErrorsSpec, LatencySpec, ResourcesSpec
from opsgen.load.tuning_spec import Tunings
from opsgen.model.runtimes import RUNTIMES

_TEAM = Field(
    description="The team that is responsible for the service: a team of opsgen.yaml.",
    examples=["payments"],
)
_TIER = Field(
    description=(
        "How important the service is: alerts of tiers 1 and 2 wake people, tier 3 makes tickets,"
        " tier 4 only informs."
    )
)
_MATCH = Field(
    description=(
        "Label matchers that select the service's series; default: the scrape job with the"
        " service's name."
    ),
    examples=[{"namespace": "shop", "job": "checkout"}],
)
_SLOS = Field(
    description="What the service promises: its SLOs.", examples=[[{"availability": "99.9%"}]]
)
_LATENCY = Field(description="Thresholds on latency percentiles: a ticket while one is exceeded.")
_ERRORS = Field(
    description="A ticket while the share of failed requests is too high; default: above 5% for 5m."
)
_UPTIME = Field(description="URLs that the blackbox exporter polls from outside.")
_SCRAPE = Field(
    description=(
        "Where the Prometheus operator finds the service's metrics; for the target kubernetes."
    )
)
_RESOURCES = Field(description="When the service runs short of CPU, memory or disk.")
_BUSINESS = Field(description="Numbers that the business cares about.")
_DEPENDENCIES = Field(description="What the service needs: databases, queues, other services.")
_ALERTS = Field(
    description="Changes to alerts, by the alert's name; `off` drops the alert.",
    examples=[{"TrafficGone": "off"}],
)
_ESCALATION = Field(
    description="Policies by severity, instead of the team's.",
    examples=[{"page": "critical", "ticket": "working-hours"}],
)
_SETTINGS = Field(
    description="Settings of packs: by the pack's name, then by the setting's.",
    examples=[{"targets": {"down": "20%"}}],
)
_RUNBOOK = Field(description="Commands and links for the runbook.")


PackSettings = dict[Slug, dict[SettingName, Written]]


class EnvironmentSpec(Strict):
    """What is different in one environment. A key that is left out is as in the spec itself."""

    team: Annotated[Slug | None, _TEAM] = None
    tier: Annotated[Tier | None, _TIER] = None
    match: Annotated[Match | None, _MATCH] = None
    slos: Annotated[tuple[SloSpec, ...] | None, _SLOS] = None
    latency: Annotated[LatencySpec | None, _LATENCY] = None
    errors: Annotated[ErrorsSpec | None, _ERRORS] = None
    uptime: Annotated[tuple[Annotated[ProbeSpec, ShortForm("url")], ...] | None, _UPTIME] = None
    scrape: Annotated[ScrapeSpec | None, _SCRAPE] = None
    resources: Annotated[ResourcesSpec | None, _RESOURCES] = None
    business: Annotated[tuple[BusinessSpec, ...] | None, _BUSINESS] = None
    dependencies: Annotated[tuple[DependencySpec, ...] | None, _DEPENDENCIES] = None
    settings: Annotated[PackSettings | None, _SETTINGS] = None
    alerts: Annotated[Tunings | None, _ALERTS] = None
    escalation: Annotated[EscalationChoice | None, _ESCALATION] = None
    runbook: Annotated[RunbookSpec | None, _RUNBOOK] = None


class ServiceSpec(Strict):
    """One service: what it is, what it promises, and which team is responsible."""

    service: Annotated[
        Slug,
        Field(
            description=(
                "The service's name: opsgen writes a folder of this name, and every alert has it as"
                " the label `service`."
            ),
            examples=["checkout"],
        ),
    ]
    title: Annotated[
        Text | None, Field(description="The service's name for people.", examples=["Checkout"])
    ] = None
    description: Annotated[
        Text | None, Field(description="What the service does, in a sentence.")
    ] = None
    team: Annotated[Slug | None, _TEAM] = None
    tier: Annotated[Tier, _TIER] = 2
    runtime: Annotated[
        Slug,
        Field(
            description="What the service runs on: one of these, or a runtime pack by its name.",
            json_schema_extra={"anyOf": [{"enum": list(RUNTIMES)}, {"type": "string"}]},
        ),
    ] = "process"
    process: Annotated[
        Slug | None,
        Field(description="What kind of process it is: a pack for processes by its name."),
    ] = None
    convention: Annotated[
        ConventionSpec | None,
        ShortForm("use"),
        Field(
            description=(
                "How the service's metrics are named: the name of a convention, or the metric"
                " names themselves."
            )
        ),
    ] = None
    match: Annotated[Match, _MATCH] = Field(default_factory=dict)
    slos: Annotated[tuple[SloSpec, ...], _SLOS] = ()
    latency: Annotated[LatencySpec | None, _LATENCY] = None
    errors: Annotated[ErrorsSpec | None, _ERRORS] = None
    uptime: Annotated[tuple[Annotated[ProbeSpec, ShortForm("url")], ...], _UPTIME] = ()
    scrape: Annotated[ScrapeSpec | None, _SCRAPE] = None
    resources: Annotated[ResourcesSpec | None, _RESOURCES] = None
    business: Annotated[tuple[BusinessSpec, ...], _BUSINESS] = ()
    dependencies: Annotated[tuple[DependencySpec, ...], _DEPENDENCIES] = ()
    settings: Annotated[PackSettings, _SETTINGS] = Field(default_factory=dict)
    alerts: Annotated[Tunings, _ALERTS] = Field(default_factory=dict)
    escalation: Annotated[EscalationChoice | None, _ESCALATION] = None
    runbook: Annotated[RunbookSpec | None, _RUNBOOK] = None
    environment_variables: Annotated[
        tuple[EnvironmentVariableSpec, ...],
        Field(description="The environment variables that the service reads, for the runbook."),
    ] = ()
    environments: Annotated[
        dict[Slug, Annotated[EnvironmentSpec, StandIn((None,))]],
        Field(
            description=(
                "The service's environments, each with what is different there. opsgen generates"
                " a service for each."
            ),
            examples=[{"production": {}, "staging": {"tier": 3}}],
        ),
    ] = Field(default_factory=dict)
