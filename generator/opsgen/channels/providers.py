"""An escalation policy as it is written, divided: what Alertmanager tells, and what the providers
take themselves.

A channel with `on_call` belongs to a provider that escalates on its own (PagerDuty, Grafana IRM,
...). Alertmanager tells the provider once, through the first such channel of the policy; whom it
tells then, and after how long, is the provider's. The words for people put both together again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from opsgen.model.service import Channel, Handover, Hours, Policy, Step
from opsgen.quantities import Duration


@dataclass(frozen=True)
class Provider:
    """What an escalation of a provider can be.

    `shortest` and `longest` are what its delays may be, `whole` what they are multiples of;
    `since_start` says that they count from the start of an escalation, and not from the step
    before. `targets` is how many one step may tell, `loops` how often it may begin again.
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
        "PagerDuty's REST API, escalation policies: escalation_delay_in_minutes, 1 to 10 targets,"
        " num_loops 0 to 9",
        shortest=_MINUTE,
        whole=_MINUTE,
        targets=10,
        loops=9,
    ),
    "opsgenie": Provider(
        "Opsgenie",
        "Opsgenie's escalation API: delays in minutes from the alert on, up to 1440; repeat count 1"
        " to 20",
        shortest=_MINUTE,
        whole=_MINUTE,
        longest=Duration.of("24h"),
        since_start=True,
        loops=20,
    ),
    "grafana_irm": Provider(
        "Grafana IRM",
        "Grafana's Terraform provider, grafana_oncall_escalation: a wait of 60 to 86400 seconds;"
        " five repetitions",
        shortest=_MINUTE,
        whole=Duration.of("1s"),
        longest=Duration.of("24h"),
        loops=5,
    ),
    "incidentio": Provider(
        "incident.io",
        "incident.io's Terraform provider 6.12, incident_escalation_path: time_to_ack_seconds,"
        " repeat_times",
        shortest=_MINUTE,
        whole=_MINUTE,
        loops=5,
    ),
    "victorops": Provider(
        "Splunk On-Call",
        "Splunk On-Call's Terraform provider, victorops_escalation_policy: the timeout of a step;"
        " no repetition",
        shortest=_MINUTE,
        whole=_MINUTE,
    ),
}


@dataclass(frozen=True)
class Told:
    """Channels that are told of an alert that has fired for `after`; `by` is the provider that
    does, or empty for Alertmanager."""

    after: Duration
    channels: tuple[Channel, ...]
    during: Hours | None
    by: str


def divided(name: str, steps: tuple[Step, ...], repeat: Duration | None, again: Duration) -> Policy:
    """The policy of these steps, with those of each provider handed over to it, which begins them
    again after `again` where the policy says no other."""
    handovers = tuple(_handover(kind, steps, repeat or again) for kind in providers(steps))
    entries = {(handover.entry.name, handover.starts) for handover in handovers}
    left = (replace(step, notify=tuple(_left(step, entries))) for step in steps)
    return Policy(name, tuple(step for step in left if step.notify), repeat, handovers)


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


def providers(steps: tuple[Step, ...]) -> dict[str, None]:
    """The kinds of the channels that providers take, in the order in which they are told."""
    return dict.fromkeys(
        channel.kind for step in steps for channel in step.notify if channel.on_call
    )


def _handover(kind: str, steps: tuple[Step, ...], again: Duration) -> Handover:
    taken = [(step.after, of_provider(kind, step)) for step in steps]
    mine = [(after, channels) for after, channels in taken if channels]
    starts, first = mine[0]
    provider = PROVIDERS[kind]
    shortest = max(again, provider.shortest)
    return Handover(
        first[0],
        starts,
        tuple(Step(after - starts, channels, None) for after, channels in mine),
        min(shortest, provider.longest or shortest).rounded_up(provider.whole),
    )


def of_provider(kind: str, step: Step) -> tuple[Channel, ...]:
    """The channels of a step that this provider takes."""
    return tuple(channel for channel in step.notify if channel.on_call and channel.kind == kind)


def _left(step: Step, entries: set[tuple[str, Duration]]) -> Iterator[Channel]:
    """Who is still told by Alertmanager: whoever is no provider's, and its way into the
    provider."""
    for channel in step.notify:
        if channel.on_call is None or (channel.name, step.after) in entries:
            yield channel
