"""What a convention file says: how one instrumentation library names its metrics."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from opsgen.load.forms import Deferred
from opsgen.load.name_fields import LabelName, Slug
from opsgen.load.quantity_fields import NumberField
from opsgen.load.scalars import mistake
from opsgen.load.shown import shown
from opsgen.load.text_fields import Text


def _base_name(text: str) -> str:
    name, brace, matchers = text.partition("{")
    for part in ("_bucket", "_count", "_sum"):
        if name.strip().endswith(part):
            base = name.strip().removesuffix(part)
            right = f"write it without {part}: {base}{brace}{matchers}"
            raise mistake(f"'{shown(text)}' is one of the histogram's series", right)
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
        Field(
            description="Its bucket boundaries in that unit, without +Inf.",
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


class ConventionFile(InlineConvention):
    """A file of templates/conventions: how one instrumentation library names its metrics."""

    convention: Annotated[
        Slug, Field(description="Its name, as specs write it.", examples=["otel-http"])
    ]
    title: Annotated[Text, Field(description="Its name for people.")]
    source: Annotated[Text, Field(description="Where the names were taken from.")]
