"""What a pack file and a convention file say: the signals of one kind of thing, and the names of one instrumentation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from opsgen.spec.scalars import (
    DurationField,
    LabelName,
    NumberField,
    Slug,
    Text,
    mistake,
)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


SeverityName = Literal["page", "ticket", "info"]


def _number_as_text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


# A number, or the dotted path of a setting that holds one.
NumberOrSetting = Annotated[str, BeforeValidator(_number_as_text)]


class HistogramSpec(_Strict):
    """A latency histogram of a convention."""

    histogram: Annotated[Text, Field(description="Its series without the suffix _bucket, matchers allowed.")]
    unit: Annotated[Literal["seconds", "milliseconds"], Field(description="The unit of its buckets.")] = "seconds"
    buckets: Annotated[
        tuple[NumberField, ...], Field(description="Its bucket boundaries in that unit, without +Inf.")
    ] = ()


class InlineConvention(_Strict):
    """How a service's instrumentation names its metrics; every part may be left out if the service has none."""

    requests: Annotated[Text | None, Field(description="The counter of requests: a selector.")] = None
    errors: Annotated[
        Text | None, Field(description="The counter of failed requests: usually the same with a matcher.")
    ] = None
    latency: HistogramSpec | None = None
    route: Annotated[LabelName | None, Field(description="The label that names the route or method.")] = None


class ConventionFile(InlineConvention):
    """A file of templates/conventions."""

    convention: Slug
    title: Text
    source: Annotated[Text, Field(description="Where the names were taken from.")]


class GuardSpec(_Strict):
    """The fewest events for which an alert may fire."""

    count: Annotated[Text, Field(description="A query that counts events over its window.")]
    at_least: Annotated[
        int | Literal["one-in-threshold"],
        Field(description="A number, or as many as it takes for one bad event not to exceed the threshold."),
    ]


class CheckSpec(_Strict):
    """One step of a diagnosis."""

    text: Text
    query: Text | None = None
    command: Text | None = None


class GuidanceSpec(_Strict):
    """The words of an alert; each may have {blanks}."""

    summary: Text
    description: Text
    meaning: Text
    impact: Text
    diagnosis: tuple[CheckSpec, ...] = Field(min_length=1)
    causes: tuple[Text, ...] = Field(min_length=1)
    mitigation: tuple[Text, ...] = Field(min_length=1)


class AlertSpec(GuidanceSpec):
    """An alert of a pack: a comparison with a number or a setting, or with `when` a whole condition."""

    name: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]{1,39}$")]
    above: NumberOrSetting | None = None
    below: NumberOrSetting | None = None
    when: Text | None = None
    guard: GuardSpec | None = None
    hold: Annotated[str, Field(alias="for")] = "0s"
    keep_firing: Annotated[DurationField | None, Field(alias="keep_firing_for")] = None
    severity: SeverityName = "ticket"
    requires: Annotated[str | None, Field(description="A setting without which the alert is not written.")] = None

    @model_validator(mode="after")
    def _one_condition(self) -> AlertSpec:
        if sum(part is not None for part in (self.above, self.below, self.when)) != 1:
            raise mistake("an alert has one condition", "write one of above, below and when")
        return self


class LineSpec(_Strict):
    query: Text
    legend: Text


class PanelSpec(_Strict):
    """How the signal is drawn, where its own title and query are not enough."""

    key: Slug | None = None
    title: Text | None = None
    kind: Literal["timeseries", "stat", "state"] = "timeseries"
    legend: str = ""
    lines: tuple[LineSpec, ...] = ()
    live: Annotated[bool, Field(description="Whether its windows follow the dashboard's zoom.")] = True


class SignalSpec(_Strict):
    name: Slug
    group: Literal[
        "slo", "uptime", "traffic", "errors", "latency", "saturation", "business", "dependencies", "deployment"
    ]
    title: Text
    description: Text
    unit: str
    query: Text
    range: Annotated[str | None, Field(description="A setting that replaces the query's windows.")] = None
    requires: Annotated[str | None, Field(description="A setting without which there is no such signal.")] = None
    panel: PanelSpec = PanelSpec()
    alerts: tuple[AlertSpec, ...] = ()


class PackFile(_Strict):
    """A file of templates/packs."""

    pack: Slug
    title: Text
    source: Annotated[Text, Field(description="Where the numbers were taken from.")]
    needs: Annotated[tuple[str, ...], Field(description="The parts of the convention that it reads.")] = ()
    signals: tuple[SignalSpec, ...] = Field(min_length=1)


class TextsFile(_Strict):
    """A file of templates/packs that has only the words of alerts that code derives, by `Name/kind`."""

    texts: dict[str, GuidanceSpec]
