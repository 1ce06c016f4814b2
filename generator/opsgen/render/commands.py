"""Shell commands for a runbook, from what the spec says for certain; a plausible wrong command is worse than none."""

from __future__ import annotations

import shlex

from opsgen.model import Service


def namespace(service: Service) -> str:
    """The Kubernetes namespace, where the spec's matchers name exactly one."""
    named = [m.value for m in service.matchers if m.label == "namespace" and m.op == "="]
    return named[0] if named and service.runtime == "kubernetes" else ""


def first_looks(service: Service) -> list[str]:
    """Commands that only look, and of which every word is known."""
    scope = namespace(service)
    if not scope:
        return []
    quoted = shlex.quote(scope)
    return [
        f"kubectl -n {quoted} get pods -o wide",
        f"kubectl -n {quoted} get events --sort-by=.lastTimestamp",
        f"kubectl -n {quoted} get deployments,statefulsets,daemonsets",
    ]


def silence(service: Service) -> str:
    """Silences every alert of the service for an hour."""
    matchers = [f"service={service.name}", f"environment={service.environment}"]
    return f"amtool silence add {' '.join(shlex.quote(m) for m in matchers)} --duration=1h --comment='planned work'"
