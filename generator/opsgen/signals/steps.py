"""A service and its alerts go in; the later steps of their escalation come out, as alerts that fire
once another one has fired for too long.

Alertmanager has no delayed escalation of its own. A step's alert has the labels of the alert that
it escalates and the number of the step, and is routed to the step's channels. It resolves with the
alert, and a silence or an inhibition of the alert covers it, since it has all of its labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from opsgen.model.oncall import Policy
from opsgen.model.service import Service
from opsgen.model.signal import Alert, Escalated
from opsgen.promql import Aggregate, Grouping, Matcher, Node, Selector

# What Prometheus adds to its series of alerts, and the alert does not have.
_STATE = "alertstate"
STEP_LABEL = "step"


def escalations(service: Service, alerts: Iterable[Alert]) -> tuple[Escalated, ...]:
    """One for every alert and later step of its policy, in their order."""
    return tuple(found for alert in alerts for found in _of_alert(service, alert))


def has_steps(policy: Policy | None) -> bool:
    """Whether the policy has later steps."""
    return policy is not None and len(policy.steps) > 1


def _of_alert(service: Service, alert: Alert) -> Iterator[Escalated]:
    policy = service.team.policies.get(alert.severity)
    for number, step in enumerate(policy.steps[1:] if policy else (), start=2):
        told = tuple(dict.fromkeys(channel.name for channel in step.notify))
        yield Escalated(alert, number, step.after, told, _still_firing(service, alert))


def _still_firing(service: Service, alert: Alert) -> Node:
    """The alert's series while it fires, but not those of its own escalation."""
    wanted = {
        "alertname": alert.name,
        _STATE: "firing",
        "service": service.name,
        "environment": service.environment,
        "severity": alert.severity,
        "signal": alert.signal,
        STEP_LABEL: "",
    }
    matchers = tuple(Matcher(label, "=", value) for label, value in wanted.items())
    return Aggregate("max", Selector("ALERTS", matchers), Grouping((_STATE,), without=True))
