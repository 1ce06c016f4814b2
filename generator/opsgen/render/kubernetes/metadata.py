"""What all resources of Kubernetes share: their names, their labels, and how large they may be."""

from __future__ import annotations

import json
from typing import Any

from opsgen.model.platform import Cluster

KUSTOMIZATION = "kustomization.yaml"
# `kubectl apply` keeps the whole resource in an annotation, and all annotations together have 256
# KiB (the API server's TotalAnnotationSizeLimitB); the rest is for what others write there. etcd
# takes 1.5 MiB, a ConfigMap 1 MiB.
LARGEST = 240 * 1024

Resource = dict[str, Any]


def metadata(cluster: Cluster, service: str = "", *parts: str) -> Resource:
    """The name and the labels of a resource of a service, or of the fleet. Dots join the parts: no
    slug has a dot, so no two resources share a name."""
    placed = {"namespace": cluster.namespace} if cluster.namespace else {}
    name = ".".join([f"opsgen-{service}" if service else "opsgen", *parts])
    return {
        "name": name,
        **placed,
        "labels": {"app.kubernetes.io/managed-by": "opsgen", **cluster.labels},
    }


def bytes_of(value: object) -> int:
    """The size in bytes of compact JSON, as `kubectl apply` keeps it."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
