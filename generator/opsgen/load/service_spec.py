"""The service spec: what a person writes for one service, as pydantic models that editors can check
against."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema, model_validator

from opsgen.load.escalation_spec import EscalationChoice, Tier
from opsgen.load.forms import OneOrMany, ShortForm, StandIn, Strict, exactly_one
from opsgen.load.pack_file import InlineConvention
from opsgen.load.scalars import (
    DurationField,
    EnvVarName,
    HttpUrl,
    KubernetesKey,
    KubernetesValue,
    LabelName,
    LatencyObjectiveField,
    NumberField,
    ObjectiveField,
    PercentField,
    PortName,
    PositiveDurationField,
    Slug,
    Text,
    YesNo,
    mistake,
)
from opsgen.load.shown import shown

_ALERT_NAME = r"[A-Z][A-Za-z0-9]*"


def _alert_name(text: str) -> str:
    if re.fullmatch(_ALERT_NAME, text):
        return text
    raise mistake(
        f"'{shown(text)}' is no alert's name", "an alert's name is in CamelCase: TargetDown"
    )


Severity = Literal["page", "ticket", "info"]
AlertName = Annotated[
    str,
    AfterValidator(_alert_name),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^{_ALERT_NAME}$",
            "description": "The name of an alert, in CamelCase.",
            "examples": ["TargetDown", "LatencyP99High"],
        }
    ),
]
_LASTING = Field(
    alias="for", description="How long it must last before the alert fires.", examples=["5m"]
)


def _exactly_one(model: Strict, names: tuple[str, ...], what: str) -> None:
    given = [name for name in names if getattr(model, name) is not None]
    if len(given) == 1:
        return
    listed = ", ".join(name.removesuffix("_") for name in names)
    if given:
        raise mistake(
            f"{what} has {' and '.join(name.removesuffix('_') for name in given)}",
            f"write one of {listed}",
        )
    raise mistake(f"{what} says nothing", f"write one of {listed}")


class MatchSpec(Strict):
    """One label matcher: a text that the label equals, or one of these."""

    model_config = ConfigDict(json_schema_extra=exactly_one("equals", "regex", "not", "not_regex"))

    equals: Annotated[
        Text | None, Field(description="The text that the value is.", examples=["checkout"])
    ] = None
    regex: Annotated[
        Text | None,
        Field(
            description="A regular expression that the whole value matches.",
            examples=["checkout-.*"],
        ),
    ] = None
    not_: Annotated[
        Text | None, Field(alias="not", description="A text that the value is not.")
    ] = None
    not_regex: Annotated[
        Text | None, Field(description="A regular expression that the whole value does not match.")
    ] = None

    @model_validator(mode="after")
    def _one(self) -> MatchSpec:
        _exactly_one(self, ("equals", "regex", "not_", "not_regex"), "a matcher")
        return self


Match = dict[LabelName, Annotated[MatchSpec, ShortForm("equals")]]


class ConventionSpec(InlineConvention):
    """A named convention, an inline one, or a named one with parts replaced."""

    use: Annotated[
        Slug | None,
        Field(
            description="A convention by name; the parts beside it replace the convention's own.",
            examples=["prometheus-http", "otel-http", "fastapi-instrumentator", "grpc"],
        ),
    ] = None


_WAS = Field(
    description=(
        "Its names before this one: what people wrote about its alerts in the runbook follows it."
    ),
    examples=["orders"],
)


class SloSpec(Strict):
    """One objective: of availability, of latency, or in the long form of any good or bad events
    over any total."""

    model_config = ConfigDict(
        json_schema_extra={
            **exactly_one("availability", "latency", "objective"),
            "dependentRequired": {
                "objective": ["name", "total"],
                "bad": ["objective"],
                "good": ["objective"],
                "total": ["objective"],
            },
            "if": {"required": ["objective"]},
            "then": exactly_one("bad", "good"),
        }
    )

    availability: Annotated[
        ObjectiveField | None,
        Field(description="The share of requests that must not fail.", examples=["99.9%"]),
    ] = None
    latency: Annotated[
        LatencyObjectiveField | None,
        Field(
            description="The share of requests that must be fast enough.",
            examples=["99% under 250ms"],
        ),
    ] = None
    name: Annotated[
        Slug | None,
        Field(
            description="Its name; availability and latency have one.", examples=["fresh-prices"]
        ),
    ] = None
    was: Annotated[tuple[Slug, ...], OneOrMany(), _WAS] = ()
    objective: Annotated[
        ObjectiveField | None,
        Field(description="In the long form: the share of good events.", examples=["99.5%"]),
    ] = None
    window: Annotated[
        PositiveDurationField | None,
        Field(
            description="Its period, 1d to 365d; default: slo.window of opsgen.yaml, 30d.",
            examples=["30d", "28d"],
        ),
    ] = None
    bad: Annotated[
        Text | None,
        Field(
            description="Bad events: PromQL with rate() or increase().",
            examples=["rate(orders_failed_total[5m])"],
        ),
    ] = None
    good: Annotated[Text | None, Field(description="Good events, in place of bad ones.")] = None
    total: Annotated[
        Text | None,
        Field(
            description="All events: PromQL with rate() or increase().",
            examples=["rate(orders_total[5m])"],
        ),
    ] = None
    grouping: Annotated[
        tuple[LabelName, ...],
        Field(description="Labels by which it is measured and alerted on separately."),
    ] = ()
    title: Annotated[Text | None, Field(description="Its name for people.")] = None
    description: Annotated[Text | None, Field(description="What it promises, in a sentence.")] = (
        None
    )

    @model_validator(mode="after")
    def _one_form(self) -> SloSpec:
        _exactly_one(self, ("availability", "latency", "objective"), "an SLO")
        if self.objective is None:
            extra = [key for key in ("bad", "good", "total") if getattr(self, key) is not None]
            if extra:
                raise mistake(
                    f"{extra[0]} belongs to the long form",
                    "write objective instead of availability or latency",
                )
            return self
        _exactly_one(self, ("bad", "good"), "an SLO with an objective of its own")
        if self.total is None:
            raise mistake(
                "an SLO with an objective of its own has no total",
                "write total: the rate of all events",
            )
        if self.name is None:
            raise mistake(
                "an SLO with an objective of its own has no name", "write name: a short slug"
            )
        return self


class LatencySpec(Strict):
    """Thresholds on the percentiles themselves: a ticket while a percentile is above its own."""

    p50: Annotated[
        PositiveDurationField | None, Field(description="Of the median.", examples=["80ms"])
    ] = None
    p95: Annotated[
        PositiveDurationField | None, Field(description="Of p95.", examples=["250ms"])
    ] = None
    p99: Annotated[
        PositiveDurationField | None, Field(description="Of p99.", examples=["800ms"])
    ] = None
    for_: Annotated[
        DurationField | None,
        Field(alias="for", description="How long it must last; default: 10m.", examples=["10m"]),
    ] = None
    buckets: Annotated[
        tuple[PositiveDurationField, ...],
        Field(
            description="The histogram's bucket boundaries, where they are not the convention's.",
            examples=[["100ms", "250ms", "1s"]],
        ),
    ] = ()


class ErrorsSpec(Strict):
    """When the share of failed requests is too high."""

    above: Annotated[
        PercentField, Field(description="The share above which it is too high.", examples=["2%"])
    ]
    for_: Annotated[
        DurationField | None,
        Field(alias="for", description="How long it must last; default: 5m.", examples=["5m"]),
    ] = None


class ProbeSpec(Strict):
    """A URL that the blackbox exporter polls from outside."""

    url: Annotated[HttpUrl, Field(description="What is polled.")]
    name: Annotated[
        Slug | None, Field(description="A short name; the default is made from the URL.")
    ] = None
    interval: Annotated[
        PositiveDurationField | None,
        Field(description="How often it is polled; default: 30s.", examples=["30s"]),
    ] = None
    timeout: Annotated[
        PositiveDurationField | None,
        Field(
            description="When a poll is given up; default: 5s, or the interval if that is less.",
            examples=["5s"],
        ),
    ] = None
    slow: Annotated[
        PositiveDurationField | None,
        Field(
            description=(
                "From when on an answer is slow; default: 1s, or half the timeout if that is less."
            ),
            examples=["1s"],
        ),
    ] = None
    certificate: Annotated[
        PositiveDurationField | None,
        Field(
            description="How long before its end a certificate is a ticket; default: 14d.",
            examples=["14d"],
        ),
    ] = None
    module: Annotated[
        str | None,
        Field(
            pattern=r"^[a-zA-Z0-9_-]+$",
            description="The blackbox exporter's module; default: blackbox.module of opsgen.yaml.",
            examples=["http_2xx"],
        ),
    ] = None


_FOUND_BY = ("services", "pods")


class ScrapeSpec(Strict):
    """Where the Prometheus operator finds its metrics in a cluster: the services or the pods with
    certain labels."""

    model_config = ConfigDict(json_schema_extra=exactly_one(*_FOUND_BY))

    services: Annotated[
        dict[KubernetesKey, KubernetesValue] | None,
        Field(
            min_length=1,
            description="Labels of its Kubernetes services.",
            examples=[{"app": "checkout"}],
        ),
    ] = None
    pods: Annotated[
        dict[KubernetesKey, KubernetesValue] | None,
        Field(
            min_length=1,
            description="Labels of its pods, where no service has the port.",
            examples=[{"app": "x"}],
        ),
    ] = None
    port: Annotated[
        PortName,
        Field(description="The name of the port that has the metrics.", examples=["metrics"]),
    ]
    path: Annotated[
        str,
        Field(
            pattern=r"^/[!-~]*$", description="Where on that port they are.", examples=["/metrics"]
        ),
    ] = "/metrics"
    scheme: Annotated[Literal["http", "https"], Field(description="How they are read.")] = "http"
    namespace: Annotated[
        Slug | None,
        Field(
            description="The namespace of these; default: that of match, or any.", examples=["shop"]
        ),
    ] = None

    @model_validator(mode="after")
    def _one(self) -> ScrapeSpec:
        _exactly_one(self, _FOUND_BY, "scrape")
        return self


class DiskSpec(Strict):
    """When a disk is too full, or will be soon."""

    above: Annotated[
        PercentField | None, Field(description="The share in use above which it is too full.")
    ] = None
    full_within: Annotated[
        PositiveDurationField | None,
        Field(description="A disk that will be full within this time.", examples=["4d"]),
    ] = None


class ResourcesSpec(Strict):
    """When the service runs short of what it runs on."""

    cpu: Annotated[
        PercentField | None, Field(description="The share in use above which it is too much.")
    ] = None
    memory: Annotated[
        PercentField | None, Field(description="The share in use above which it is too much.")
    ] = None
    disk: Annotated[DiskSpec | None, Field(description="When a disk is too full.")] = None


_CONDITIONS = ("below", "above", "drop", "absent")


class BusinessAlertSpec(Strict):
    """One condition on a business signal: below, above, drop or absent."""

    model_config = ConfigDict(
        json_schema_extra={
            **exactly_one(*_CONDITIONS),
            "dependentRequired": {"against": ["drop"]},
            "dependentSchemas": {"absent": {"not": {"required": ["for"]}}},
        }
    )

    below: Annotated[
        NumberField | None, Field(description="It fires while the signal is below this.")
    ] = None
    above: Annotated[
        NumberField | None, Field(description="It fires while the signal is above this.")
    ] = None
    drop: Annotated[
        PercentField | None,
        Field(description="How much less than before is too little.", examples=["50%"]),
    ] = None
    absent: Annotated[
        PositiveDurationField | None,
        Field(description="For how long there may be no measurement at all.", examples=["10m"]),
    ] = None
    against: Annotated[
        PositiveDurationField | None,
        Field(
            description="With drop: how long ago it is compared with; default: 1w.", examples=["1w"]
        ),
    ] = None
    for_: Annotated[
        DurationField | None,
        Field(alias="for", description="How long it must last; default: 15m.", examples=["15m"]),
    ] = None
    severity: Annotated[
        Severity | None,
        Field(description="page wakes somebody; default: ticket.", examples=["page"]),
    ] = None

    @model_validator(mode="after")
    def _one(self) -> BusinessAlertSpec:
        _exactly_one(self, _CONDITIONS, "an alert")
        if self.against is not None and self.drop is None:
            raise mistake("against goes with drop", "leave it out, or write drop")
        if self.for_ is not None and self.absent is not None:
            raise mistake("absent says already for how long", "leave out for")
        if self.drop is not None and not 0 < self.drop.value < 1:
            raise mistake(
                f"a drop of {self.drop} can't be told", "write a percentage between 0% and 100%"
            )
        return self


class BusinessSpec(Strict):
    """A number that the business cares about."""

    name: Annotated[
        Slug,
        Field(
            description="Its name, from which its alerts have theirs.",
            examples=["orders-completed"],
        ),
    ]
    title: Annotated[Text | None, Field(description="Its name for people.")] = None
    description: Annotated[Text | None, Field(description="What it says, in a sentence.")] = None
    query: Annotated[
        Text,
        Field(
            description="PromQL; the service's matchers are added to it.",
            examples=["sum(rate(orders_completed_total[5m]))"],
        ),
    ]
    was: Annotated[tuple[Slug, ...], OneOrMany(), _WAS] = ()
    unit: Annotated[
        Text,
        Field(
            description="What it is counted in.", examples=["orders/s", "ratio", "seconds", "bytes"]
        ),
    ] = "count"
    match: Annotated[
        Match | None, Field(description="Matchers of its series, in place of the service's.")
    ] = None
    alerts: Annotated[
        tuple[BusinessAlertSpec, ...], Field(description="When somebody is told.")
    ] = ()


DEPENDENCY_KINDS = (
    "postgresql",
    "mysql",
    "redis",
    "memcached",
    "mongodb",
    "elasticsearch",
    "kafka",
    "rabbitmq",
    "service",
    "external",
)


class DependencySpec(Strict):
    """Something that the service needs: one kind with its name."""

    model_config = ConfigDict(json_schema_extra=exactly_one(*DEPENDENCY_KINDS))

    postgresql: Annotated[Slug | None, Field(description="A PostgreSQL database by its name.")] = (
        None
    )
    mysql: Annotated[Slug | None, Field(description="A MySQL database by its name.")] = None
    redis: Annotated[Slug | None, Field(description="A Redis by its name.")] = None
    memcached: Annotated[Slug | None, Field(description="A memcached by its name.")] = None
    mongodb: Annotated[Slug | None, Field(description="A MongoDB database by its name.")] = None
    elasticsearch: Annotated[
        Slug | None, Field(description="An Elasticsearch cluster by its name.")
    ] = None
    kafka: Annotated[Slug | None, Field(description="A Kafka cluster by its name.")] = None
    rabbitmq: Annotated[Slug | None, Field(description="A RabbitMQ by its name.")] = None
    service: Annotated[Slug | None, Field(description="Another service of this fleet.")] = None
    external: Annotated[Slug | None, Field(description="Something outside of this fleet.")] = None
    match: Annotated[Match, Field(description="Label matchers of its series.")] = Field(
        default_factory=dict
    )
    objective: Annotated[
        ObjectiveField | None, Field(description="The availability that it promises.")
    ] = None

    @model_validator(mode="after")
    def _one(self) -> DependencySpec:
        _exactly_one(self, DEPENDENCY_KINDS, "a dependency")
        return self

    @property
    def kind(self) -> str:
        return next(kind for kind in DEPENDENCY_KINDS if getattr(self, kind) is not None)

    @property
    def name(self) -> str:
        name: str = getattr(self, self.kind)
        return name


class AlertTuning(Strict):
    """What is changed on an alert by its name; `off` drops it."""

    off: Annotated[YesNo, Field(description="Whether it is dropped.")] = False
    for_: Annotated[DurationField | None, _LASTING] = None
    keep_firing_for: Annotated[
        DurationField | None,
        Field(
            description="How long it goes on after its condition ended; 0s for not at all.",
            examples=["5m"],
        ),
    ] = None
    severity: Annotated[Severity | None, Field(description="The severity that it gets.")] = None


# YAML 1.1 reads `off` as false, YAML 1.2 (editors) as a text.
Tunings = dict[AlertName, Annotated[AlertTuning, StandIn((False, "off"), (("off", True),))]]


class RunbookSpec(Strict):
    """Commands and links for the runbook."""

    deploy: Annotated[Text | None, Field(description="The command that deploys.")] = None
    rollback: Annotated[
        Text | None, Field(description="The command that goes back to the version before.")
    ] = None
    restart: Annotated[Text | None, Field(description="The command that restarts.")] = None
    scale: Annotated[Text | None, Field(description="The command that adds capacity.")] = None
    logs: Annotated[
        Text | None, Field(description="A link to the logs, or a command that shows them.")
    ] = None


class EnvironmentVariableSpec(Strict):
    """One environment variable that the service reads."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"secret": {"const": True}}, "required": ["secret"]},
            "then": {"not": {"required": ["default"]}},
        }
    )

    name: Annotated[EnvVarName, Field(description="Its name.", examples=["DATABASE_URL"])]
    type: Annotated[
        Text, Field(description="What it holds.", examples=["string", "url", "duration"])
    ] = "string"
    description: Annotated[Text | None, Field(description="What it is for, in a sentence.")] = None
    required: Annotated[
        YesNo, Field(description="Whether the service does not start without it.")
    ] = False
    secret: Annotated[YesNo, Field(description="Whether nobody may see its value.")] = False
    default: Annotated[
        Text | None, Field(description="Its value where none is set; no secret has one.")
    ] = None

    @model_validator(mode="after")
    def _no_secret_value(self) -> EnvironmentVariableSpec:
        if self.secret and self.default is not None:
            raise mistake(
                "a secret has a default value in the spec",
                "leave out default: a secret belongs elsewhere",
            )
        return self


_TEAM = Field(
    description="The team that answers for it: one of opsgen.yaml.", examples=["payments"]
)
_TIER = Field(description="1 and 2 wake people, 3 makes tickets, 4 only informs.")
_MATCH = Field(
    description="Label matchers of its series; default: the scrape job of its name.",
    examples=[{"namespace": "shop", "job": "checkout"}],
)
_SLOS = Field(description="What it promises.", examples=[[{"availability": "99.9%"}]])
_LATENCY = Field(description="Thresholds on the latency percentiles themselves.")
_ERRORS = Field(
    description="When the share of failed requests is too high; default: above 5% for 5m."
)
_UPTIME = Field(description="URLs that the blackbox exporter polls from outside.")
_SCRAPE = Field(
    description="Where the Prometheus operator finds its metrics; for the target kubernetes."
)
_RESOURCES = Field(description="When it runs short of what it runs on.")
_BUSINESS = Field(description="Numbers that the business cares about.")
_DEPENDENCIES = Field(description="What it needs.")
_ALERTS = Field(
    description="Alerts by name, changed or dropped.", examples=[{"TrafficGone": "off"}]
)
_ESCALATION = Field(
    description="Other policies than the team's, by severity.",
    examples=[{"page": "critical", "ticket": "working-hours"}],
)
_RUNBOOK = Field(description="Commands and links for the runbook.")


class EnvironmentSpec(Strict):
    """What is different in one environment; whatever it leaves out is as in the spec itself."""

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
    alerts: Annotated[Tunings | None, _ALERTS] = None
    escalation: Annotated[EscalationChoice | None, _ESCALATION] = None
    runbook: Annotated[RunbookSpec | None, _RUNBOOK] = None


class ServiceSpec(Strict):
    """One service: what it is, what it promises, and who answers for it."""

    service: Annotated[
        Slug,
        Field(
            description="Its name: the folder that is written, and the label.",
            examples=["checkout"],
        ),
    ]
    title: Annotated[
        Text | None, Field(description="Its name for people.", examples=["Checkout"])
    ] = None
    description: Annotated[Text | None, Field(description="What it does, in a sentence.")] = None
    team: Annotated[Slug | None, _TEAM] = None
    tier: Annotated[Tier, _TIER] = 2
    runtime: Annotated[
        Literal["kubernetes", "host", "process"], Field(description="What it runs on.")
    ] = "process"
    convention: Annotated[
        ConventionSpec | None,
        ShortForm("use"),
        Field(
            description="How its metrics are named: a convention's name, or the names themselves."
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
    alerts: Annotated[Tunings, _ALERTS] = Field(default_factory=dict)
    escalation: Annotated[EscalationChoice | None, _ESCALATION] = None
    runbook: Annotated[RunbookSpec | None, _RUNBOOK] = None
    environment_variables: Annotated[
        tuple[EnvironmentVariableSpec, ...],
        Field(description="The environment variables that it reads."),
    ] = ()
    environments: Annotated[
        dict[Slug, Annotated[EnvironmentSpec, StandIn((None,))]],
        Field(
            description=(
                "Its environments, each with what is different there; production is generated."
            ),
            examples=[{"production": {}, "staging": {"tier": 3}}],
        ),
    ] = Field(default_factory=dict)
