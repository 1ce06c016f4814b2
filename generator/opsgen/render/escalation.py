"""A service and its escalation policies go in; its fragment of the Alertmanager configuration comes
out.

A fragment is a whole configuration, so that amtool can check it on its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from opsgen.alertmanager.hours import holidays_of, time_intervals_of
from opsgen.alertmanager.routing import matcher
from opsgen.channels.receivers import CATCH_ALL, PLACEHOLDER, PLACEHOLDER_KIND, receiver
from opsgen.model.artifact import Artifact
from opsgen.model.artifact_kinds import ALERTMANAGER, ESCALATION, RULES
from opsgen.model.oncall import SEVERITIES, Channel, Hours, Policy, Severity, Step, Team
from opsgen.model.platform import Timing
from opsgen.model.service import Service
from opsgen.quantities import Duration
from opsgen.render.inhibitions import identity, inhibit_rules
from opsgen.render.subjects import OfService
from opsgen.render.yaml_writer import dump, generated_from
from opsgen.signals.steps import STEP_LABEL, has_steps

ABOUT_THE_ROOT = (
    (
        f"An alert that no route matches ends at {CATCH_ALL}, which notifies nobody:"
        " it is seen on Alertmanager's own page"
    ),
    "alone. Every alert that opsgen writes has a route.",
)


def render_escalation(subject: OfService) -> Iterator[Artifact]:
    """The service's fragment: a route for every step of its policies."""
    service = subject.service
    text = dump(escalation(service), _fragment_comment(service))
    yield Artifact(ESCALATION.path_of(service.name), text)


def escalation(service: Service) -> dict[str, Any]:
    """The content of `escalation.yaml` as data: a fragment for `united`."""
    policies = _policies(service.team)
    steps = [step for policy in policies.values() for step in policy.steps]
    channels = {channel.name: channel for step in steps for channel in step.notify}
    hours = {step.during.name: step.during for step in steps if step.during}
    return configuration(
        grouped=group_by(service.platform.external_labels),
        routes=[_service_route(service, policies)],
        inhibit_rules=list(inhibit_rules(service, policies)),
        receivers=[{"name": CATCH_ALL}, *(receiver(channels[name]) for name in sorted(channels))],
        time_intervals=[
            interval for name in sorted(hours) for interval in time_intervals_of(hours[name])
        ],
    )


def group_by(external_labels: Iterable[str] = ()) -> list[str]:
    """The alerts of which labels are told together. One outage makes one notification, so neither
    the alert's name nor an instance's label is in here."""
    return [*identity(external_labels), "severity"]


def configuration(
    grouped: Sequence[str],
    routes: Sequence[object],
    inhibit_rules: Sequence[object],
    receivers: Sequence[object],
    time_intervals: Sequence[object],
    root: str = CATCH_ALL,
) -> dict[str, Any]:
    """One configuration, in the order in which a person reads it: where alerts go, what silences
    them, who is told, and when."""
    config = {
        "route": {"receiver": root, "group_by": grouped, "routes": routes},
        "inhibit_rules": inhibit_rules,
        "receivers": receivers,
        "time_intervals": time_intervals,
    }
    return {key: value for key, value in config.items() if value}


def _policies(team: Team) -> dict[Severity, Policy]:
    return {severity: _policy(team.policies.get(severity)) for severity in SEVERITIES}


def _policy(policy: Policy | None) -> Policy:
    """The policy; the placeholder's where there is none, or where it notifies nobody."""
    if policy and policy.steps and policy.steps[0].notify:
        return policy
    return Policy("", (Step(Duration(0), (PLACEHOLDER,), None),))


def _service_route(service: Service, policies: Mapping[Severity, Policy]) -> dict[str, Any]:
    return {
        "matchers": [matcher("service", service.name), matcher("environment", service.environment)],
        # For alerts of the service with another severity, from rules that are not ours.
        "receiver": _least_disturbing(policies).name,
        "routes": [
            route
            for severity, policy in policies.items()
            for number, step in enumerate(policy.steps, start=1)
            for route in _step_routes(
                severity, policy, number, step, service.platform.timings[severity]
            )
        ],
    }


def _least_disturbing(policies: Mapping[Severity, Policy]) -> Channel:
    """The first channel for tickets; another severity's where tickets have only the placeholder."""
    candidates = [policies[severity].steps[0].notify[0] for severity in ("ticket", "page", "info")]
    return next(
        (channel for channel in candidates if channel.kind != PLACEHOLDER_KIND), candidates[0]
    )


def _step_routes(
    severity: Severity, policy: Policy, number: int, step: Step, timing: Timing
) -> Iterator[dict[str, Any]]:
    """A route for each channel of the step. All but the last have `continue`, so that the next one
    matches, too.

    A step after the first has alerts of its own; their label `step` says its number.
    """
    matchers = [matcher("severity", severity)]
    if has_steps(policy):
        matchers.append(matcher(STEP_LABEL, str(number) if number > 1 else ""))
    names = list(dict.fromkeys(channel.name for channel in step.notify))
    for name in names:
        yield {
            "matchers": matchers,
            "receiver": name,
            "group_wait": str(timing.wait),
            "group_interval": str(timing.interval),
            "repeat_interval": str(max(policy.repeat or timing.repeat, timing.interval)),
            **(_when(step.during) if step.during else {}),
            **({"continue": True} if name != names[-1] else {}),
        }


def _when(hours: Hours) -> dict[str, list[str]]:
    return {
        "active_time_intervals": [hours.name],
        **({"mute_time_intervals": [holidays_of(hours)]} if hours.holidays else {}),
    }


def _fragment_comment(service: Service) -> Iterator[str]:
    policies = _policies(service.team)
    yield from generated_from(service.spec_file)
    yield (
        "A whole configuration, to be checked on its own;"
        f" {ALERTMANAGER.path} holds it together with all other services'."
    )
    yield from ABOUT_THE_ROOT
    waiting = [
        severity
        for severity, policy in policies.items()
        if any(step.during for step in policy.steps)
    ]
    if waiting:
        yield (
            f"Outside its hours an alert ({', '.join(waiting)}) waits:"
            " it is sent when they begin, if it fires then."
        )
        yield "Nobody is told of an end outside the hours."
    if any(has_steps(policy) for policy in policies.values()):
        yield (
            f"The later steps are alerts of their own in {RULES.path}, with the number of the step."
            " To acknowledge an"
        )
        yield "alert is to silence it: that covers its later steps."
    silent = [
        severity
        for severity, policy in policies.items()
        if policy.steps[0].notify[0].kind == PLACEHOLDER_KIND
    ]
    if silent:
        yield (
            f"No channel is configured for {', '.join(silent)}: {PLACEHOLDER.name} notifies nobody."
        )
        yield "Add channels and an escalation policy to the project file."
