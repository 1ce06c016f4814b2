"""How resources get into a Kubernetes cluster, in the project file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from opsgen.load.forms import Strict
from opsgen.load.name_fields import KubernetesKey, KubernetesValue, Slug
from opsgen.load.scalars import mistake


class KubernetesSpec(Strict):
    """How the resources of the target kubernetes get into a cluster."""

    namespace: Annotated[
        Slug | None,
        Field(
            description="The namespace of the resources; default: the one they are applied in.",
            examples=["monitoring"],
        ),
    ] = None
    labels: Annotated[
        dict[KubernetesKey, KubernetesValue],
        Field(
            description="Labels of the resources: those that the operator's selectors ask for.",
            examples=[{"release": "kube-prometheus-stack"}],
        ),
    ] = Field(default_factory=dict)
    dashboards: Annotated[
        Literal["sidecar", "operator"],
        Field(
            description=(
                "How Grafana gets the dashboards. sidecar: a ConfigMap for its sidecar; operator:"
                " a GrafanaDashboard."
            )
        ),
    ] = "sidecar"
    grafana: Annotated[
        dict[KubernetesKey, KubernetesValue],
        Field(
            description="Labels of the Grafana that gets the dashboards; default: every Grafana.",
            examples=[{"dashboards": "grafana"}],
        ),
    ] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _asked_for(self) -> KubernetesSpec:
        if self.grafana and self.dashboards != "operator":
            raise mistake(
                "grafana only works with dashboards: operator",
                "write dashboards: operator, or leave grafana out",
            )
        return self
