"""The models of a convention file: how one instrumentation library names its metrics, and lines of
an exposition that prove it (`convention_samples` checks them)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from opsgen.load.forms import AtLeastOne, Deferred
from opsgen.load.name_fields import LabelName, Slug
from opsgen.load.quantity_fields import NumberField
from opsgen.load.scalars import mistake
from opsgen.load.shown import shown
from opsgen.load.text_fields import Text
from opsgen.promql import PromqlError, Selector, one_line, parse


class NoPlainSelector(ValueError):
    """The text is not a metric with its matchers; says what is wrong and what would be right."""

    def __init__(self, wrong: str, right: str) -> None:
        super().__init__(f"{wrong}; {right}")
        self.wrong = wrong
        self.right = right


def plain_selector(text: str) -> Selector:
    """A metric with its matchers, and nothing around it; raises NoPlainSelector."""
    try:
        node = parse(text)
    except PromqlError as error:
        right = "try it in Prometheus' own query page"
        raise NoPlainSelector(f"this is not valid PromQL: {error}", right) from None
    if isinstance(node, Selector) and node == Selector(node.metric, node.matchers) and node.metric:
        return node
    right = 'write a metric with its matchers: http_requests_total{code=~"5.."}'
    raise NoPlainSelector("this is not a plain selector", right)


def _checked_selector(text: str | None) -> str | None:
    try:
        if text is not None:
            plain_selector(text)
    except NoPlainSelector as error:
        raise mistake(error.wrong, error.right) from None
    return text


def _base_name(text: str) -> str:
    try:
        series = plain_selector(text)
    except NoPlainSelector:
        return text  # said where the selectors are checked
    metric = series.metric or ""
    for part in ("_bucket", "_count", "_sum"):
        if metric.endswith(part):
            base = one_line(replace(series, metric=metric.removesuffix(part)))
            wrong = f"'{shown(text)}' is one of the histogram's series"
            raise mistake(wrong, f"write it without {part}: {base}")
    return text


class HistogramSpec(Deferred):
    """A latency histogram of a convention."""

    histogram: Annotated[
        Text,
        AfterValidator(_base_name),
        Field(
            description="Its series without the suffix _bucket, matchers allowed.",
            examples=["http_request_duration_seconds"],
        ),
    ]
    unit: Annotated[
        Literal["seconds", "milliseconds"], Field(description="The unit of its buckets.")
    ] = "seconds"
    buckets: Annotated[
        tuple[NumberField, ...],
        AtLeastOne("leave the key out if the boundaries are not known"),
        Field(
            description=(
                "Its bucket boundaries in that unit, without +Inf. Leave them out if they are not"
                " known: no threshold is then checked against them."
            ),
            examples=[[0.1, 0.25, 0.5, 1]],
        ),
    ] = ()


class InlineConvention(Deferred):
    """How a service's instrumentation names its metrics; every part may be left out if the service
    has none."""

    requests: Annotated[
        Text | None,
        Field(description="The counter of requests: a selector.", examples=["http_requests_total"]),
    ] = None
    errors: Annotated[
        Text | None,
        Field(
            description="The counter of failed requests: usually the same with a matcher.",
            examples=['http_requests_total{code=~"5.."}'],
        ),
    ] = None
    latency: Annotated[
        HistogramSpec | None, Field(description="The histogram of how long requests take.")
    ] = None
    route: Annotated[
        LabelName | None,
        Field(description="The label that names the route or method.", examples=["handler"]),
    ] = None


class FileHistogramSpec(HistogramSpec):
    """A latency histogram of a convention, with its buckets in rising order."""

    _check_histogram = field_validator("histogram")(_checked_selector)

    @field_validator("buckets")
    @classmethod
    def _rising(cls, buckets: tuple[Decimal, ...]) -> tuple[Decimal, ...]:
        for index, (bound, before) in enumerate(zip(buckets[1:], buckets, strict=False), start=1):
            if bound <= before:
                wrong = f"the bound {bound} is not above the one before it, {before}"
                raise mistake(wrong, "write the bounds in rising order", (index,))
        return buckets


class SamplesSpec(Deferred):
    """Lines of a real exposition that prove a convention, by what they are."""

    request: Annotated[
        tuple[Text, ...],
        Field(
            description="Requests that did not fail: lines that requests counts, and errors not.",
            examples=[['http_requests_total{code="200",handler="/ok"} 120']],
        ),
    ] = ()
    error: Annotated[
        tuple[Text, ...],
        Field(
            description="Requests that failed: lines that errors counts.",
            examples=[['http_requests_total{code="500",handler="/ok"} 12']],
        ),
    ] = ()
    neither: Annotated[
        tuple[Text, ...],
        Field(
            description="What neither counts: the histogram's lines, scrapes, health checks.",
            examples=[['http_request_duration_seconds_bucket{code="200",le="0.5"} 120']],
        ),
    ] = ()


class ConventionFile(InlineConvention):
    """A file of templates/conventions: how one instrumentation library names its metrics."""

    convention: Annotated[
        Slug, Field(description="Its name, as specs write it.", examples=["otel-http"])
    ]
    title: Annotated[Text, Field(description="Its name for people.")]
    source: Annotated[Text, Field(description="Where the names were taken from.")]
    latency: Annotated[
        FileHistogramSpec | None, Field(description="The histogram of how long requests take.")
    ] = None
    samples: Annotated[
        SamplesSpec,
        Field(
            description="Lines that a program with this instrumentation exposes, as proof.",
            examples=[{"request": ["hits_total 12"], "error": ["misses_total 1"]}],
        ),
    ]

    _check_selectors = field_validator("requests", "errors")(_checked_selector)
