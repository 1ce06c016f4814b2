"""A service's escalation policies in, its Alertmanager configuration out; and those of many
services, merged.

Every fragment is a whole configuration, so that it can be checked on its own; to merge fragments is
to unite them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from opsgen.alertmanager.routing import matcher
from opsgen.channels.receivers import CATCH_ALL, PLACEHOLDER, PLACEHOLDER_KIND, receiver
from opsgen.errors import InputError, Mistake
from opsgen.model.artifact import Artifact
from opsgen.model.artifact_kinds import ALERTMANAGER, ESCALATION
from opsgen.model.explanations import Explanations
from opsgen.model.oncall import SEVERITIES, Channel, Hours, Policy, Severity, Step, Team, Watchdog
from opsgen.model.platform import Timing
from opsgen.model.service import Service
from opsgen.quantities import Duration
from opsgen.render.subjects import OfFleet, OfService
from opsgen.render.yaml_writer import dump, generated_from
from opsgen.signals.steps import STEP_LABEL, has_steps

FLEET_FILE = ALERTMANAGER.path
WATCHDOG = "Watchdog"

# One outage, one notification: neither the alert's name nor anything of an instance.
_GROUP_BY = ["service", "environment", "severity"]


# The labels in `equal` are on every alert of opsgen. Without `service` no rule holds: labels that
# are missing on both sides are equal to Alertmanager. All services share these rules and those of
# _explained. Source and target differ in severity or in name.
_HAS_SERVICE = matcher("service", "", "!=")
InhibitRule = dict[str, list[str]]
_INHIBIT_RULES: list[InhibitRule] = [
    # Causes are tickets, and the page that they explain is already somebody's work.
    {
        "source_matchers": [matcher("severity", "page"), _HAS_SERVICE],
        "target_matchers": [matcher("severity", "ticket|info", "=~"), _HAS_SERVICE],
        "equal": ["service", "environment"],
    },
    # A ticket stands for days, so it silences only the milder severity of its own cause.
    {
        "source_matchers": [matcher("severity", "ticket"), _HAS_SERVICE],
        "target_matchers": [matcher("severity", "info"), _HAS_SERVICE],
        "equal": ["service", "environment", "alertname", "signal"],
    },
]

_ABOUT_THE_ROOT = (
    (
        f"An alert that no route matches ends at {CATCH_ALL}, which notifies nobody: it is seen on"
        " Alertmanager's own page"
    ),
    "alone. Every alert that opsgen writes has a route.",
)


def render_escalation(subject: OfService) -> Iterator[Artifact]:
    """Every step of the policies that hold for the service."""
    service = subject.service
    text = dump(escalation(service), _fragment_comment(service))
    yield Artifact(ESCALATION.path_of(service.name), text)


def escalation(service: Service) -> dict[str, Any]:
    """What `escalation.yaml` holds, as it would be loaded: a fragment for `united`."""
    policies = _policies(service.team)
    steps = [step for policy in policies.values() for step in policy.steps]
    channels = {channel.name: channel for step in steps for channel in step.notify}
    hours = {step.during.name: step.during for step in steps if step.during}
    return _config(
        routes=[_service_route(service, policies)],
        inhibit_rules=[
            *_INHIBIT_RULES,
            *_explained(service.explanations),
            *_dependency_rules(service),
        ],
        receivers=[{"name": CATCH_ALL}, *(receiver(channels[name]) for name in sorted(channels))],
        time_intervals=[
            interval for name in sorted(hours) for interval in _time_intervals(hours[name])
        ],
    )


def render_alertmanager(subject: OfFleet) -> Iterator[Artifact]:
    """The configuration of the whole fleet."""
    yield subject.alertmanager


def united(
    fragments: Sequence[Mapping[str, Any]],
    catch_all: Channel | None = None,
    watchdog: Watchdog | None = None,
) -> Artifact:
    """`alertmanager.yml`: the union of fragments as loaded from their files, in whatever order.

    A merged configuration may itself be a fragment. What no route matches goes to `catch_all`, or
    to nobody; the beat of the watchdog to whoever expects it. Raises InputError where two fragments
    define a route, a receiver or a time interval differently, and names the services that use it.
    """
    routes = [route for fragment in fragments for route in _routes(fragment)]
    receivers = [receiver for fragment in fragments for receiver in _named("receivers", fragment)]
    time_intervals = [
        interval for fragment in fragments for interval in _named("time_intervals", fragment)
    ]
    clashes = [
        *_clashes("route", routes),
        *_clashes("receivers", receivers),
        *_clashes("time_intervals", time_intervals),
    ]
    if clashes:
        raise InputError(clashes)
    rules = {
        _canonical(rule): rule
        for fragment in fragments
        for rule in fragment.get("inhibit_rules") or ()
    }
    root = CATCH_ALL if catch_all is None else catch_all.name
    beat = () if watchdog is None else (watchdog_receiver(watchdog),)
    own = [{"name": CATCH_ALL} if catch_all is None else receiver(catch_all), *beat]
    config = _config(
        routes=[*(() if watchdog is None else (watchdog_route(watchdog),)), *_united(routes)],
        inhibit_rules=[rules[text] for text in sorted(rules)],
        receivers=_united(
            [*(_Definition(found["name"], found) for found in own), *_told(receivers, root)]
        ),
        time_intervals=_united(time_intervals),
        root=root,
    )
    comment = (
        (
            "Generated by opsgen from the escalation.yaml of every service: change their specs, not"
            " this."
        ),
        *(
            _ABOUT_THE_ROOT
            if catch_all is None
            else (f"An alert that no route matches is told to {root}.",)
        ),
    )
    return Artifact(FLEET_FILE, dump(config, comment))


def _config(
    routes: Sequence[object],
    inhibit_rules: Sequence[object],
    receivers: Sequence[object],
    time_intervals: Sequence[object],
    root: str = CATCH_ALL,
) -> dict[str, Any]:
    """One configuration, in the order in which a person reads it: where alerts go, what silences
    them, who and when."""
    config = {
        "route": {"receiver": root, "group_by": _GROUP_BY, "routes": routes},
        "inhibit_rules": inhibit_rules,
        "receivers": receivers,
        "time_intervals": time_intervals,
    }
    return {key: value for key, value in config.items() if value}


# --- one service ---


def _policies(team: Team) -> dict[Severity, Policy]:
    return {severity: _policy(team.policies.get(severity)) for severity in SEVERITIES}


def _policy(policy: Policy | None) -> Policy:
    """Whom to tell; the placeholder where there is no policy, or one that tells nobody."""
    if policy and policy.steps and policy.steps[0].notify:
        return policy
    return Policy("", (Step(Duration(0), (PLACEHOLDER,), None),))


def _service_route(service: Service, policies: Mapping[Severity, Policy]) -> dict[str, Any]:
    return {
        "matchers": [matcher("service", service.name), matcher("environment", service.environment)],
        # For an alert of the service whose severity is none of ours: somebody's own rule.
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
    """The first channel for tickets, or another where that is only the placeholder."""
    candidates = [policies[severity].steps[0].notify[0] for severity in ("ticket", "page", "info")]
    return next(
        (channel for channel in candidates if channel.kind != PLACEHOLDER_KIND), candidates[0]
    )


def _step_routes(
    severity: Severity, policy: Policy, number: int, step: Step, timing: Timing
) -> Iterator[dict[str, Any]]:
    """Siblings, one for each channel of the step; each but the last lets the alert go on to the
    next.

    The steps after the first have alerts of their own, which say their number.
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
        **({"mute_time_intervals": [_holidays_of(hours)]} if hours.holidays else {}),
    }


def _explained(explanations: Explanations) -> Iterator[InhibitRule]:
    """While a page says why, the pages that it explains are no second outage. Pages alone: an alert
    that is turned down to a ticket must not silence a page."""
    for one in explanations.within:
        yield {
            "source_matchers": [
                _alertname(one.alerts),
                # Not of another signal: a probe's dead exporter explains nothing of the service.
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
    """While a service that this one needs is down, what its users notice of that is no outage of
    its own. That it is down itself is told all the same."""
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
    """Alerts of one of these names, or of any other."""
    if len(names) == 1:
        return matcher("alertname", names[0], "!=" if but else "=")
    return matcher("alertname", "|".join(names), "!~" if but else "=~")


def _fragment_comment(service: Service) -> Iterator[str]:
    policies = _policies(service.team)
    yield from generated_from(service.spec_file)
    yield (
        f"A whole configuration, to be checked on its own; {FLEET_FILE} holds it together with all"
        " other services'."
    )
    yield from _ABOUT_THE_ROOT
    waiting = [
        severity
        for severity, policy in policies.items()
        if any(step.during for step in policy.steps)
    ]
    if waiting:
        yield (
            f"Outside its hours an alert ({', '.join(waiting)}) waits: it is sent when they begin,"
            " if it fires then."
        )
    if any(has_steps(policy) for policy in policies.values()):
        yield (
            "The later steps are alerts of their own in rules.yaml, with the number of the step. To"
            " acknowledge an"
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


# --- the watchdog ---


def watchdog_route(watchdog: Watchdog) -> dict[str, Any]:
    """Whatever has not been told since half a beat is told again at every beat."""
    return {
        "matchers": [matcher("alertname", WATCHDOG)],
        "receiver": watchdog_receiver(watchdog)["name"],
        "group_wait": "0s",
        "group_interval": str(watchdog.every),
        "repeat_interval": str(watchdog.every // 2),
    }


def watchdog_receiver(watchdog: Watchdog) -> dict[str, Any]:
    """The channel, but that the beat has ended is not told: whoever expects it notices. No slug has
    a space."""
    told = receiver(watchdog.notify)
    name = f"{told.pop('name')} watchdog"
    return {
        "name": name,
        **{key: [{**one, "send_resolved": False} for one in many] for key, many in told.items()},
    }


# --- hours ---

# In Alertmanager's order: a week begins on Sunday, and no range may cross its end.
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MIDNIGHT, _DAYS_END = "00:00", "24:00"


def _time_intervals(hours: Hours) -> Iterator[dict[str, Any]]:
    """The hours, and their holidays where they have any, as Alertmanager's time intervals.

    A span over midnight becomes two, up to 24:00 and from 00:00 on the next day: 22:00-06:00 is
    refused.
    """
    days = frozenset(day for entry in hours.days or _DAYS for day in _days_of(entry))
    next_days = frozenset((day + 1) % len(_DAYS) for day in days)
    on_the_day = [(start, end if start < end else _DAYS_END) for start, end in hours.times]
    on_the_next = [
        (_MIDNIGHT, end) for start, end in hours.times if start >= end and end != _MIDNIGHT
    ]
    intervals = [_interval(days, on_the_day, hours.timezone)]
    if on_the_next:
        intervals.append(_interval(next_days, on_the_next, hours.timezone))
    yield {"name": hours.name, "time_intervals": intervals}
    if hours.holidays:
        dates = [_date(holiday, hours.timezone) for holiday in hours.holidays]
        yield {"name": _holidays_of(hours), "time_intervals": dates}


def _holidays_of(hours: Hours) -> str:
    """A name that no hours of the project file have: those are written without spaces."""
    return f"{hours.name} holidays"


def _date(holiday: str, timezone: str) -> dict[str, Any]:
    year, month, day = holiday.split("-")
    return {
        "days_of_month": [str(int(day))],
        "months": [str(int(month))],
        "years": [year],
        "location": timezone,
    }


def _interval(
    days: frozenset[int], times: Sequence[tuple[str, str]], timezone: str
) -> dict[str, Any]:
    interval: dict[str, Any] = {
        "weekdays": _weekdays(days) if len(days) < len(_DAYS) else [],
        "times": [{"start_time": start, "end_time": end} for start, end in times],
        "location": timezone,
    }
    return {key: value for key, value in interval.items() if value}


def _days_of(entry: str) -> Iterator[int]:
    """`monday:friday` to numbers from 0 for Sunday; also over the end of the week
    (`saturday:sunday`)."""
    first, _, last = entry.partition(":")
    start, end = _DAYS.index(first), _DAYS.index(last or first)
    return ((start + offset) % len(_DAYS) for offset in range((end - start) % len(_DAYS) + 1))


def _weekdays(days: frozenset[int]) -> list[str]:
    """Runs of days as Alertmanager writes them."""
    starts = [day for day in sorted(days) if day - 1 not in days]
    ends = [day for day in sorted(days) if day + 1 not in days]
    return [
        _DAYS[start] if start == end else f"{_DAYS[start]}:{_DAYS[end]}"
        for start, end in zip(starts, ends, strict=True)
    ]


# --- many services ---


@dataclass(frozen=True)
class _Definition:
    """What a fragment defines under a key that must mean the same in all; `users` are the routes
    that name it."""

    key: str
    value: Mapping[str, Any]
    users: tuple[str, ...] = ()


def _routes(fragment: Mapping[str, Any]) -> list[_Definition]:
    routes = fragment["route"].get("routes") or ()
    return [_Definition(_title(route), route, (_title(route),)) for route in routes]


def _named(part: str, fragment: Mapping[str, Any]) -> Iterator[_Definition]:
    """The receivers or the time intervals of a fragment."""
    for value in fragment.get(part) or ():
        users = (
            route.key for route in _routes(fragment) if value["name"] in _mentioned(route.value)
        )
        yield _Definition(value["name"], value, tuple(users))


def _told(receivers: Iterable[_Definition], root: str) -> Iterator[_Definition]:
    """Without the placeholder of fragments, where the fleet has somebody to tell."""
    return (found for found in receivers if root == CATCH_ALL or found.key != CATCH_ALL)


def _title(route: Mapping[str, Any]) -> str:
    """`service="checkout", environment="production"`: what tells a service's route from all
    others."""
    return ", ".join(route["matchers"])


def _mentioned(route: Mapping[str, Any]) -> Iterator[str]:
    """The names of receivers and time intervals in a route and below it."""
    yield route["receiver"]
    yield from route.get("active_time_intervals") or ()
    yield from route.get("mute_time_intervals") or ()
    for child in route.get("routes") or ():
        yield from _mentioned(child)


def _united(definitions: Iterable[_Definition]) -> list[Mapping[str, Any]]:
    by_key = {definition.key: definition.value for definition in definitions}
    return [by_key[key] for key in sorted(by_key)]


def _clashes(part: str, definitions: Iterable[_Definition]) -> Iterator[Mistake]:
    """A mistake for every key that has several meanings."""
    meanings: dict[str, dict[str, set[str]]] = {}
    for definition in definitions:
        meaning = meanings.setdefault(definition.key, {}).setdefault(
            _canonical(definition.value), set()
        )
        meaning.update(definition.users)
    for key, users_of_meanings in meanings.items():
        if len(users_of_meanings) > 1:
            users = sorted(min(users, default="(unused)") for users in users_of_meanings.values())
            wrong = (
                f"{key!r} is defined in {len(users)} different ways, used by"
                f" {' and by '.join(users)}"
            )
            yield Mistake(
                FLEET_FILE, 1, 1, part, wrong, "define it once, or give one of them another name"
            )


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True)
