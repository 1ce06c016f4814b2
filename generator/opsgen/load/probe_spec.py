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

    url: Annotated[HttpUrl, Field(description="The URL to poll.")]
    name: Annotated[Slug | None, Field(description="A short name; default: made from the URL.")] = (
        None
    )
    interval: Annotated[
        PositiveDurationField | None,
        Field(description="How often the URL is polled; default: 30s.", examples=["30s"]),
    ] = None
    timeout: Annotated[
        PositiveDurationField | None,
        Field(
            description=(
                "How long a poll waits for an answer; default: 5s, or the interval if that is less."
            ),
            examples=["5s"],
        ),
    ] = None
    slow: Annotated[
        PositiveDurationField | None,
        Field(
            description=(
                "A ticket while answers take longer than this; default: 1s, or half the timeout"
                " if that is less."
            ),
            examples=["1s"],
        ),
    ] = None
    certificate: Annotated[
        PositiveDurationField | None,
        Field(
            description=("A ticket when the certificate expires within this time; default: 14d."),
            examples=["14d"],
        ),
    ] = None
    module: Annotated[
        str | None,
        Field(
            pattern=r"^[a-zA-Z0-9_-]+$",
            description=(
                "The module of the blackbox exporter; default: blackbox.module of opsgen.yaml."
            ),
            examples=["http_2xx"],
        ),
    ] = None


_FOUND_BY = ("services", "pods")


class ScrapeSpec(Strict):
    """Where the Prometheus operator finds the service's metrics in a cluster: on the Kubernetes
    services or the pods that have these labels."""

    model_config = ConfigDict(json_schema_extra=exactly_one(*_FOUND_BY))

    services: Annotated[
        dict[KubernetesKey, KubernetesValue] | None,
        Field(
            min_length=1,
            description="The labels of the Kubernetes services that have the port.",
            examples=[{"app": "checkout"}],
        ),
    ] = None
    pods: Annotated[
        dict[KubernetesKey, KubernetesValue] | None,
        Field(
            min_length=1,
            description="The labels of the pods, if no Kubernetes service has the port.",
            examples=[{"app": "x"}],
        ),
    ] = None
    port: Annotated[
        PortName,
        Field(description="The name of the port that serves the metrics.", examples=["metrics"]),
    ]
    path: Annotated[
        str,
        Field(
            pattern=r"^/[!-~]*$",
            description="The path of the metrics on this port.",
            examples=["/metrics"],
        ),
    ] = "/metrics"
    scheme: Annotated[
        Literal["http", "https"], Field(description="How Prometheus reads the metrics.")
    ] = "http"
    namespace: Annotated[
        Slug | None,
        Field(
            description=(
                "The namespace of the Kubernetes services or pods; default: the namespace in"
                " `match`, else any."
            ),
            examples=["shop"],
        ),
    ] = None

    @model_validator(mode="after")
    def _one(self) -> ScrapeSpec:
        refuse_all_but_one(self, _FOUND_BY, "scrape")
        return self
