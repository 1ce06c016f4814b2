"""A service and its escalation policies go in; its fragment of the Alertmanager configuration comes
out.

A fragment is a whole configuration, so that amtool can check it on its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from opsgen.alertmanager.hours import holidays_of, time_intervals_of
from opsgen.alertmanager.routing import matcher
from opsgen.channels.receivers import CATCH_ALL, PLACEHOLDER, PLACEHOLDER_KIND, receiver
from opsgen.model.artifact import Artifact
from opsgen.model.artifact_kinds import ALERTMANAGER, ESCALATION, RULES
from opsgen.model.explanations import Explanations
from opsgen.model.oncall import SEVERITIES, Channel, Hours, Policy, Severity, Step, Team
from opsgen.model.platform import Timing
from opsgen.model.service import Service
from opsgen.quantities import Duration
from opsgen.render.subjects import OfService
from opsgen.render.yaml_writer import dump, generated_from
from opsgen.signals.steps import STEP_LABEL, has_steps

# One outage makes one notification, so neither the alert's name nor an instance's label is in here.
_GROUP_BY = ["service", "environment", "severity"]


# Every alert of opsgen has the labels in `equal`. Alertmanager takes labels that are missing on
# both sides for equal, so each rule asks for `service`. All services share these rules and those
# of _explained. Source and target differ in severity or in name.
_HAS_SERVICE = matcher("service", "", "!=")


InhibitRule = dict[str, list[str]]


_INHIBIT_RULES: list[InhibitRule] = [
    # Tickets are about causes; where a page fires, somebody is already at work on them.
    {
        "source_matchers": [matcher("severity", "page"), _HAS_SERVICE],
        "target_matchers": [matcher("severity", "ticket|info", "=~"), _HAS_SERVICE],
        "equal": ["service", "environment"],
    },
    # A ticket may stay open for days, so it silences only the milder alerts of its own cause.
    {
        "source_matchers": [matcher("severity", "ticket"), _HAS_SERVICE],
        "target_matchers": [matcher("severity", "info"), _HAS_SERVICE],
        "equal": ["service", "environment", "alertname", "signal"],
    },
]


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
        routes=[_service_route(service, policies)],
        inhibit_rules=[
            *_INHIBIT_RULES,
            *_explained(service.explanations),
            *_dependency_rules(service),
        ],
        receivers=[{"name": CATCH_ALL}, *(receiver(channels[name]) for name in sorted(channels))],
        time_intervals=[
            interval for name in sorted(hours) for interval in time_intervals_of(hours[name])
        ],
    )


def configuration(
    routes: Sequence[object],
    inhibit_rules: Sequence[object],
    receivers: Sequence[object],
    time_intervals: Sequence[object],
    root: str = CATCH_ALL,
) -> dict[str, Any]:
    """One configuration, in the order in which a person reads it: where alerts go, what silences
    them, who is told, and when."""
    config = {
        "route": {"receiver": root, "group_by": _GROUP_BY, "routes": routes},
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


def _explained(explanations: Explanations) -> Iterator[InhibitRule]:
    """Page alerts that explain other page alerts inhibit them. Only pages do: an alert that is
    turned down to a ticket must not silence a page."""
    for one in explanations.within:
        yield {
            "source_matchers": [
                _alertname(one.alerts),
                # The same alert of another signal explains nothing here: a probe's exporter that is
                # down says nothing of the service.
                matcher("signal", one.signal),
                matcher("severity", "page"),
                _HAS_SERVICE,
            ],
            "target_matchers": [
                _alertname(one.explained),
                matcher("severity", "page"),
                _HAS_SERVICE,
            ],
            "equal": ["service", "environment"],
        }


def _dependency_rules(service: Service) -> Iterator[InhibitRule]:
    """The page of a service that is down inhibits the alerts that it causes in the services that
    need it. If such a service is down itself, its own alert still fires."""
    for name, outage in product(service.depends_on, service.explanations.outages):
        signal = [matcher("signal", outage.signal)] if outage.signal else []
        yield {
            "source_matchers": [
                matcher("service", name),
                matcher("alertname", outage.alert),
                *signal,
                matcher("severity", "page"),
            ],
            "target_matchers": [
                matcher("service", service.name),
                _alertname(service.explanations.of_its_own, but=True),
            ],
            "equal": ["environment"],
        }


def _alertname(names: Sequence[str], but: bool = False) -> str:
    """A matcher for alerts of these names, or with `but` for all others."""
    if len(names) == 1:
        return matcher("alertname", names[0], "!=" if but else "=")
    return matcher("alertname", "|".join(names), "!~" if but else "=~")


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
