"""Where a service is measured: URLs polled from outside, and its targets in a cluster."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from opsgen.load.forms import Strict, exactly_one, refuse_all_but_one
from opsgen.load.name_fields import (
    KubernetesKey,
    KubernetesValue,
    PortName,
    Slug,
)
from opsgen.load.quantity_fields import (
    PositiveDurationField,
)
from opsgen.load.text_fields import HttpUrl


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
        refuse_all_but_one(self, _FOUND_BY, "scrape")
        return self
