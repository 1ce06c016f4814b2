"""The service spec: what a person writes for one service, as pydantic models that editors can check against."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from opsgen.spec.pack import InlineConvention
from opsgen.spec.scalars import (
    DurationField,
    EnvVarName,
    HttpUrl,
    LabelName,
    LatencyObjectiveField,
    NumberField,
    ObjectiveField,
    PercentField,
    PositiveDurationField,
    Slug,
    Text,
    mistake,
)

Severity = Literal["page", "ticket", "info"]
AlertName = Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]*$")]


class Strict(BaseModel):
    """Unknown keys are mistakes; values are not changed after they were read."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)


def _exactly_one(model: BaseModel, names: tuple[str, ...], what: str) -> None:
    given = [name for name in names if getattr(model, name) is not None]
    if len(given) == 1:
        return
    listed = ", ".join(name.removesuffix("_") for name in names)
    if given:
        raise mistake(f"{what} has {' and '.join(given)}", f"write one of {listed}")
    raise mistake(f"{what} says nothing", f"write one of {listed}")


def _text_as(key: str) -> BeforeValidator:
    """Lets a text stand for a mapping with that one key."""

    def widen(value: Any) -> Any:
        return {key: value} if isinstance(value, str) else value

    return BeforeValidator(widen)


def _off(value: Any) -> Any:
    """`off`, which YAML reads as false, drops an alert."""
    return {"off": True} if value is False or value == "off" else value


class MatchSpec(Strict):
    """One label matcher: a text it equals, or one of these."""

    equals: Text | None = None
    regex: Annotated[Text | None, Field(description="A regular expression that the whole value matches.")] = None
    not_: Annotated[Text | None, Field(alias="not", description="A text that the value is not.")] = None
    not_regex: Annotated[
        Text | None, Field(description="A regular expression that the whole value does not match.")
    ] = None

    @model_validator(mode="after")
    def _one(self) -> MatchSpec:
        _exactly_one(self, ("equals", "regex", "not_", "not_regex"), "a matcher")
        return self


Match = dict[LabelName, Annotated[MatchSpec, _text_as("equals")]]


class ConventionSpec(InlineConvention):
    """A named convention, an inline one, or a named one with parts replaced."""

    use: Annotated[Slug | None, Field(description="A convention by name: prometheus-http, otel-http, grpc, ...")] = None


class SloSpec(Strict):
    """One objective: of availability, of latency, or in the long form of any good or bad events over any total."""

    availability: Annotated[
        ObjectiveField | None, Field(description="The share of requests that must not fail.", examples=["99.9%"])
    ] = None
    latency: Annotated[
        LatencyObjectiveField | None,
        Field(description="The share of requests that must be fast enough.", examples=["99% under 300ms"]),
    ] = None
    name: Annotated[Slug | None, Field(description="Its name; availability and latency have one.")] = None
    objective: ObjectiveField | None = None
    window: Annotated[
        PositiveDurationField | None, Field(description="Its period, 1d to 365d.", examples=["30d", "28d"])
    ] = None
    bad: Annotated[Text | None, Field(description="Bad events: PromQL with rate() or increase().")] = None
    good: Annotated[Text | None, Field(description="Good events: PromQL with rate() or increase().")] = None
    total: Annotated[Text | None, Field(description="All events: PromQL with rate() or increase().")] = None
    grouping: Annotated[
        tuple[LabelName, ...], Field(description="Labels by which it is measured and alerted on separately.")
    ] = ()
    title: Text | None = None
    description: Text | None = None

    @model_validator(mode="after")
    def _one_form(self) -> SloSpec:
        _exactly_one(self, ("availability", "latency", "objective"), "an SLO")
        if self.objective is None:
            extra = [key for key in ("bad", "good", "total") if getattr(self, key) is not None]
            if extra:
                raise mistake(
                    f"{extra[0]} belongs to the long form", "write objective instead of availability or latency"
                )
            return self
        _exactly_one(self, ("bad", "good"), "an SLO with an objective of its own")
        if self.total is None:
            raise mistake("an SLO with an objective of its own has no total", "write total: the rate of all events")
        if self.name is None:
            raise mistake("an SLO with an objective of its own has no name", "write name: a short slug")
        return self


class LatencySpec(Strict):
    """Thresholds on the percentiles themselves."""

    p50: PositiveDurationField | None = None
    p95: PositiveDurationField | None = None
    p99: PositiveDurationField | None = None
    for_: Annotated[DurationField | None, Field(alias="for", description="How long it must last.")] = None
    buckets: Annotated[
        tuple[PositiveDurationField, ...],
        Field(description="The histogram's bucket boundaries, where they are not the convention's."),
    ] = ()


class ErrorsSpec(Strict):
    """When the share of failed requests is too high."""

    above: PercentField
    for_: Annotated[DurationField | None, Field(alias="for", description="How long it must last.")] = None


class ProbeSpec(Strict):
    """A URL that the blackbox exporter polls from outside."""

    url: HttpUrl
    name: Annotated[Slug | None, Field(description="A short name; the default is made from the URL.")] = None
    interval: PositiveDurationField | None = None
    timeout: PositiveDurationField | None = None
    slow: Annotated[PositiveDurationField | None, Field(description="From when on an answer is slow.")] = None
    certificate: Annotated[
        PositiveDurationField | None, Field(description="How long before its end a certificate is a ticket.")
    ] = None
    module: Annotated[str | None, Field(pattern=r"^[a-zA-Z0-9_-]+$", description="The blackbox exporter's module.")] = (
        None
    )


class DiskSpec(Strict):
    above: PercentField | None = None
    full_within: PositiveDurationField | None = None


class ResourcesSpec(Strict):
    """When the service runs short of what it runs on."""

    cpu: PercentField | None = None
    memory: PercentField | None = None
    disk: DiskSpec | None = None


class BusinessAlertSpec(Strict):
    """One condition on a business signal."""

    below: NumberField | None = None
    above: NumberField | None = None
    drop: Annotated[PercentField | None, Field(description="How much less than before is too little.")] = None
    absent: Annotated[
        PositiveDurationField | None, Field(description="For how long there may be no measurement at all.")
    ] = None
    against: Annotated[
        PositiveDurationField | None, Field(description="With drop: compared with how long ago; 1w.")
    ] = None
    for_: Annotated[DurationField | None, Field(alias="for")] = None
    severity: Severity | None = None

    @model_validator(mode="after")
    def _one(self) -> BusinessAlertSpec:
        _exactly_one(self, ("below", "above", "drop", "absent"), "an alert")
        if self.against is not None and self.drop is None:
            raise mistake("against goes with drop", "leave it out, or write drop")
        if self.for_ is not None and self.absent is not None:
            raise mistake("absent says already for how long", "leave out for")
        if self.drop is not None and not 0 < self.drop.value < 1:
            raise mistake(f"a drop of {self.drop} can't be told", "write a percentage between 0% and 100%")
        return self


class BusinessSpec(Strict):
    """A number that the business cares about."""

    name: Slug
    title: Text | None = None
    description: Text | None = None
    query: Text
    unit: Annotated[Text, Field(examples=["orders/s"])] = "count"
    match: Annotated[Match | None, Field(description="Matchers of its series, where they are not the service's.")] = (
        None
    )
    alerts: tuple[BusinessAlertSpec, ...] = ()


class DependencySpec(Strict):
    """Something that the service needs: one kind with its name."""

    postgresql: Slug | None = None
    mysql: Slug | None = None
    redis: Slug | None = None
    memcached: Slug | None = None
    mongodb: Slug | None = None
    elasticsearch: Slug | None = None
    kafka: Slug | None = None
    rabbitmq: Slug | None = None
    service: Annotated[Slug | None, Field(description="Another service of this fleet.")] = None
    external: Annotated[Slug | None, Field(description="Something outside of this fleet.")] = None
    match: Match = {}
    objective: Annotated[ObjectiveField | None, Field(description="The availability that it promises.")] = None

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


DEPENDENCY_KINDS = tuple(name for name in DependencySpec.model_fields if name not in ("match", "objective"))


class AlertTuning(Strict):
    """What is changed on an alert by its name; `off` drops it."""

    off: bool = False
    for_: Annotated[DurationField | None, Field(alias="for")] = None
    severity: Severity | None = None


Tunings = dict[AlertName, Annotated[AlertTuning, BeforeValidator(_off)]]


class RunbookSpec(Strict):
    """Commands and links for the runbook."""

    deploy: Text | None = None
    rollback: Text | None = None
    restart: Text | None = None
    scale: Text | None = None
    logs: Annotated[Text | None, Field(description="A link to the logs, or a command that shows them.")] = None


class EnvironmentVariableSpec(Strict):
    name: EnvVarName
    type: Text = "string"
    description: Text | None = None
    required: bool = False
    secret: bool = False
    default: Text | None = None

    @model_validator(mode="after")
    def _no_secret_value(self) -> EnvironmentVariableSpec:
        if self.secret and self.default is not None:
            raise mistake("a secret has a default value in the spec", "leave out default: a secret belongs elsewhere")
        return self


class EnvironmentSpec(Strict):
    """What is different in one environment; whatever it leaves out is as in the spec itself."""

    team: Slug | None = None
    tier: Annotated[int | None, Field(ge=1, le=4)] = None
    match: Match | None = None
    slos: tuple[SloSpec, ...] | None = None
    latency: LatencySpec | None = None
    errors: ErrorsSpec | None = None
    uptime: tuple[Annotated[ProbeSpec, _text_as("url")], ...] | None = None
    resources: ResourcesSpec | None = None
    business: tuple[BusinessSpec, ...] | None = None
    dependencies: tuple[DependencySpec, ...] | None = None
    alerts: Tunings | None = None
    runbook: RunbookSpec | None = None


class ServiceSpec(Strict):
    """One service: what it is, what it promises, and who answers for it."""

    service: Annotated[Slug, Field(description="Its name: the folder and the label.", examples=["checkout"])]
    title: Annotated[Text | None, Field(description="Its name for people.")] = None
    description: Annotated[Text | None, Field(description="What it does, in a sentence.")] = None
    team: Annotated[Slug | None, Field(description="A team of opsgen.yaml.")] = None
    tier: Annotated[int, Field(ge=1, le=4, description="1 (wakes people) to 4 (a ticket next week).")] = 2
    runtime: Annotated[Literal["kubernetes", "host", "process"], Field(description="What it runs on.")] = "process"
    convention: Annotated[ConventionSpec | None, _text_as("use"), Field(description="How its metrics are named.")] = (
        None
    )
    match: Annotated[Match, Field(description="Label matchers of its series.")] = {}
    slos: tuple[SloSpec, ...] = ()
    latency: LatencySpec | None = None
    errors: ErrorsSpec | None = None
    uptime: tuple[Annotated[ProbeSpec, _text_as("url")], ...] = ()
    resources: ResourcesSpec | None = None
    business: tuple[BusinessSpec, ...] = ()
    dependencies: tuple[DependencySpec, ...] = ()
    alerts: Annotated[Tunings, Field(description="Alerts by name, changed or dropped.")] = {}
    runbook: RunbookSpec | None = None
    environment_variables: tuple[EnvironmentVariableSpec, ...] = ()
    environments: dict[Slug, Annotated[EnvironmentSpec, BeforeValidator(lambda value: value or {})]] = {}
