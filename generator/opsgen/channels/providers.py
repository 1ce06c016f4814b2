"""What providers that escalate on their own can do (PagerDuty, Grafana IRM, ...), and whom a policy
tells in all.

A channel with `on_call` belongs to such a provider. Alertmanager tells the provider once. The
provider decides whom it tells after that, and when. `told` lists both parts together for people.
"""

from __future__ import annotations

from dataclasses import dataclass

from opsgen.model.oncall import Channel, Hours, Policy, Step
from opsgen.quantities import Duration


@dataclass(frozen=True)
class Provider:
    """The limits of a provider's escalation.

    A delay is between `shortest` and `longest`, and a multiple of `whole`. With `since_start`,
    delays count from the start of the escalation instead of from the step before. `targets` is how
    many one step may tell; `loops` is how often the escalation may start again.
    """

    title: str
    source: str
    shortest: Duration
    whole: Duration
    longest: Duration | None = None
    since_start: bool = False
    targets: int | None = None
    loops: int = 0


_MINUTE = Duration.of("1m")

PROVIDERS = {
    "pagerduty": Provider(
        "PagerDuty",
        "PagerDuty's REST API, escalation policies:"
        " escalation_delay_in_minutes, 1 to 10 targets, num_loops 0 to 9",
        shortest=_MINUTE,
        whole=_MINUTE,
        targets=10,
        loops=9,
    ),
    "opsgenie": Provider(
        "Opsgenie",
        "Opsgenie's escalation API:"
        " delays in minutes from the alert on, up to 1440; repeat count 1 to 20",
        shortest=_MINUTE,
        whole=_MINUTE,
        longest=Duration.of("24h"),
        since_start=True,
        loops=20,
    ),
    "grafana_irm": Provider(
        "Grafana IRM",
        "Grafana's Terraform provider, grafana_oncall_escalation:"
        " a wait of 60 to 86400 seconds; five repetitions",
        shortest=_MINUTE,
        whole=Duration.of("1s"),
        longest=Duration.of("24h"),
        loops=5,
    ),
    "incidentio": Provider(
        "incident.io",
        "incident.io's Terraform provider 6.12, incident_escalation_path:"
        " time_to_ack_seconds, repeat_times",
        shortest=_MINUTE,
        whole=_MINUTE,
        loops=5,
    ),
    "victorops": Provider(
        "Splunk On-Call",
        "Splunk On-Call's Terraform provider, victorops_escalation_policy:"
        " the timeout of a step; no repetition",
        shortest=_MINUTE,
        whole=_MINUTE,
    ),
}


@dataclass(frozen=True)
class Told:
    """Channels that are told once an alert has fired for `after`. `by` is the provider that tells
    them; empty means Alertmanager."""

    after: Duration
    channels: tuple[Channel, ...]
    during: Hours | None
    by: str


def told(policy: Policy) -> list[Told]:
    """Whom a policy tells, in the order in which they are told."""
    found = [Told(step.after, step.notify, step.during, "") for step in policy.steps]
    for handover in policy.handovers:
        by = PROVIDERS[handover.entry.kind].title
        for step in handover.steps:
            others = tuple(
                one for one in step.notify if step.after or one.name != handover.entry.name
            )
            if others:
                found.append(Told(handover.starts + step.after, others, None, by))
    return sorted(found, key=lambda one: one.after)


def of_provider(kind: str, step: Step) -> tuple[Channel, ...]:
    """The channels of a step that this provider takes."""
    return tuple(channel for channel in step.notify if channel.on_call and channel.kind == kind)
