"""A service's escalation policies in, its Alertmanager configuration out; and those of many services, merged.

Every fragment is a whole configuration, so that it can be checked on its own; to merge fragments is to unite them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsgen.errors import InputError, Mistake
from opsgen.model import SEVERITIES, Channel, Hours, Policy, Service, Severity, Step, Team
from opsgen.output.artifact import Artifact
from opsgen.quantities import Duration
from opsgen.render.channels import CATCH_ALL, PLACEHOLDER, PLACEHOLDER_KIND, receiver
from opsgen.render.yaml_text import dump, generated_from
from opsgen.routing import matcher

FLEET_FILE = "alertmanager.yml"

# One outage, one notification: neither the alert's name nor anything of an instance.
_GROUP_BY = ["service", "environment", "severity"]


@dataclass(frozen=True)
class _Timing:
    """Alertmanager rounds `repeat` up to a multiple of `interval`, and gives up sending after `interval`."""

    wait: Duration
    interval: Duration
    repeat: Duration


_TIMINGS: dict[Severity, _Timing] = {
    # Long enough for the alerts of one outage to arrive together, too short to matter; repeated within a shift.
    "page": _Timing(Duration.of("10s"), Duration.of("5m"), Duration.of("4h")),
    # Nobody gets up: a page that explains the ticket has the time to inhibit it. Repeated once a day until it is done.
    "ticket": _Timing(Duration.of("5m"), Duration.of("5m"), Duration.of("24h")),
    # To be read, not to be acted on. Below the 120h for which Alertmanager remembers what it has sent.
    "info": _Timing(Duration.of("5m"), Duration.of("30m"), Duration.of("72h")),
}

# The labels in `equal` are on every alert of opsgen. Without `service` no rule holds: labels that are missing on both
# sides are equal to Alertmanager. All services share these rules. Source and target differ in severity or in name.
_HAS_SERVICE = matcher("service", "", "!=")
_INHIBIT_RULES: list[dict[str, list[str]]] = [
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
    # With nothing left to scrape, what the scrapes said last is no second outage. Pages alone: an alert that is turned
    # down to a ticket must not silence a page.
    {
        "source_matchers": [matcher("alertname", "TargetsAbsent"), matcher("severity", "page"), _HAS_SERVICE],
        "target_matchers": [
            matcher("alertname", "TargetDown|TrafficGone|ErrorBudgetBurn|ErrorRatioHigh|LatencyP(50|95|99)High", "=~"),
            matcher("severity", "page"),
            _HAS_SERVICE,
        ],
        "equal": ["service", "environment"],
    },
]

_ABOUT_THE_ROOT = (
    f"An alert that no route matches ends at {CATCH_ALL}, which notifies nobody: it is seen on Alertmanager's own page",
    "alone. Every alert that opsgen writes has a route.",
)


def render_escalation(service: Service) -> Artifact:
    """`<service>/escalation.yaml`: the first step of each policy of the service's team."""
    return Artifact(f"{service.name}/escalation.yaml", dump(escalation(service), _fragment_comment(service)))


def escalation(service: Service) -> dict[str, Any]:
    """What `escalation.yaml` holds, as it would be loaded: a fragment for `render_fleet`."""
    steps = _first_steps(service.team)
    channels = {channel.name: channel for step in steps.values() for channel in step.notify}
    hours = {step.during.name: step.during for step in steps.values() if step.during}
    return _config(
        routes=[_service_route(service, steps)],
        inhibit_rules=_INHIBIT_RULES,
        receivers=[{"name": CATCH_ALL}, *(receiver(channels[name]) for name in sorted(channels))],
        time_intervals=[_time_interval(hours[name]) for name in sorted(hours)],
    )


def render_fleet(fragments: Sequence[Mapping[str, Any]]) -> Artifact:
    """`alertmanager.yml`: the union of fragments as loaded from their files, in whatever order.

    A merged configuration may itself be a fragment. Raises InputError where two fragments define a route, a receiver or
    a time interval differently, and names the services that use it.
    """
    routes = [route for fragment in fragments for route in _routes(fragment)]
    receivers = [receiver for fragment in fragments for receiver in _named("receivers", fragment)]
    time_intervals = [interval for fragment in fragments for interval in _named("time_intervals", fragment)]
    clashes = [
        *_clashes("route", routes),
        *_clashes("receivers", receivers),
        *_clashes("time_intervals", time_intervals),
    ]
    if clashes:
        raise InputError(clashes)
    rules = {_canonical(rule): rule for fragment in fragments for rule in fragment.get("inhibit_rules") or ()}
    config = _config(
        routes=_united(routes),
        inhibit_rules=[rules[text] for text in sorted(rules)],
        receivers=_united([_Definition(CATCH_ALL, {"name": CATCH_ALL}), *receivers]),
        time_intervals=_united(time_intervals),
    )
    comment = (
        "Generated by opsgen from the escalation.yaml of every service: change their specs, not this.",
        *_ABOUT_THE_ROOT,
    )
    return Artifact(FLEET_FILE, dump(config, comment))


def _config(
    routes: Sequence[object],
    inhibit_rules: Sequence[object],
    receivers: Sequence[object],
    time_intervals: Sequence[object],
) -> dict[str, Any]:
    """One configuration, in the order in which a person reads it: where alerts go, what silences them, who and when."""
    config = {
        "route": {"receiver": CATCH_ALL, "group_by": _GROUP_BY, "routes": routes},
        "inhibit_rules": inhibit_rules,
        "receivers": receivers,
        "time_intervals": time_intervals,
    }
    return {key: value for key, value in config.items() if value}


# --- one service ---


def _first_steps(team: Team) -> dict[Severity, Step]:
    return {severity: _first_step(team.policies.get(severity)) for severity in SEVERITIES}


def _first_step(policy: Policy | None) -> Step:
    """Whom to tell first; the placeholder where there is no policy, or one that tells nobody."""
    if policy and policy.steps and policy.steps[0].notify:
        return policy.steps[0]
    return Step(Duration(0), (PLACEHOLDER,), None)


def _service_route(service: Service, steps: Mapping[Severity, Step]) -> dict[str, Any]:
    return {
        "matchers": [matcher("service", service.name), matcher("environment", service.environment)],
        # For an alert of the service whose severity is none of ours: somebody's own rule.
        "receiver": _least_disturbing(steps).name,
        "routes": [route for severity, step in steps.items() for route in _severity_routes(severity, step)],
    }


def _least_disturbing(steps: Mapping[Severity, Step]) -> Channel:
    """The first channel for tickets, or another where that is only the placeholder."""
    candidates = [steps["ticket"].notify[0], steps["page"].notify[0], steps["info"].notify[0]]
    return next((channel for channel in candidates if channel.kind != PLACEHOLDER_KIND), candidates[0])


def _severity_routes(severity: Severity, step: Step) -> Iterator[dict[str, Any]]:
    """Siblings, one for each channel of the step; each but the last lets the alert go on to the next."""
    timing = _TIMINGS[severity]
    names = list(dict.fromkeys(channel.name for channel in step.notify))
    for name in names:
        yield {
            "matchers": [matcher("severity", severity)],
            "receiver": name,
            "group_wait": str(max(timing.wait, step.after)),
            "group_interval": str(timing.interval),
            "repeat_interval": str(timing.repeat),
            **({"active_time_intervals": [step.during.name]} if step.during else {}),
            **({"continue": True} if name != names[-1] else {}),
        }


def _fragment_comment(service: Service) -> Iterator[str]:
    steps = _first_steps(service.team)
    yield from generated_from(service.spec_file)
    yield f"A whole configuration, to be checked on its own; {FLEET_FILE} holds it together with all other services'."
    yield from _ABOUT_THE_ROOT
    waiting = [severity for severity, step in steps.items() if step.during]
    if waiting:
        yield f"Outside its hours an alert ({', '.join(waiting)}) waits: it is sent when they begin, if it fires then."
    silent = [severity for severity, step in steps.items() if step.notify[0].kind == PLACEHOLDER_KIND]
    if silent:
        yield f"No channel is configured for {', '.join(silent)}: {PLACEHOLDER.name} notifies nobody."
        yield "Add channels and an escalation policy to the project file."


# --- hours ---

# In Alertmanager's order: a week begins on Sunday, and no range may cross its end.
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MIDNIGHT, _DAYS_END = "00:00", "24:00"


def _time_interval(hours: Hours) -> dict[str, Any]:
    """A span over midnight becomes two, up to 24:00 and from 00:00 on the next day: 22:00-06:00 is refused."""
    days = frozenset(day for entry in hours.days or _DAYS for day in _days_of(entry))
    next_days = frozenset((day + 1) % len(_DAYS) for day in days)
    on_the_day = [(start, end if start < end else _DAYS_END) for start, end in hours.times]
    on_the_next = [(_MIDNIGHT, end) for start, end in hours.times if start >= end and end != _MIDNIGHT]
    intervals = [_interval(days, on_the_day, hours.timezone)]
    if on_the_next:
        intervals.append(_interval(next_days, on_the_next, hours.timezone))
    return {"name": hours.name, "time_intervals": intervals}


def _interval(days: frozenset[int], times: Sequence[tuple[str, str]], timezone: str) -> dict[str, Any]:
    interval: dict[str, Any] = {
        "weekdays": _weekdays(days) if len(days) < len(_DAYS) else [],
        "times": [{"start_time": start, "end_time": end} for start, end in times],
        "location": timezone,
    }
    return {key: value for key, value in interval.items() if value}


def _days_of(entry: str) -> Iterator[int]:
    """`monday:friday` to numbers from 0 for Sunday; also over the end of the week (`saturday:sunday`)."""
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
    """What a fragment defines under a key that must mean the same in all; `users` are the routes that name it."""

    key: str
    value: Mapping[str, Any]
    users: tuple[str, ...] = ()


def _routes(fragment: Mapping[str, Any]) -> list[_Definition]:
    routes = fragment["route"].get("routes") or ()
    return [_Definition(_title(route), route, (_title(route),)) for route in routes]


def _named(part: str, fragment: Mapping[str, Any]) -> Iterator[_Definition]:
    """The receivers or the time intervals of a fragment."""
    for value in fragment.get(part) or ():
        users = (route.key for route in _routes(fragment) if value["name"] in _mentioned(route.value))
        yield _Definition(value["name"], value, tuple(users))


def _title(route: Mapping[str, Any]) -> str:
    """`service="checkout", environment="production"`: what tells a service's route from all others."""
    return ", ".join(route["matchers"])


def _mentioned(route: Mapping[str, Any]) -> Iterator[str]:
    """The names of receivers and time intervals in a route and below it."""
    yield route["receiver"]
    yield from route.get("active_time_intervals") or ()
    for child in route.get("routes") or ():
        yield from _mentioned(child)


def _united(definitions: Iterable[_Definition]) -> list[Mapping[str, Any]]:
    by_key = {definition.key: definition.value for definition in definitions}
    return [by_key[key] for key in sorted(by_key)]


def _clashes(part: str, definitions: Iterable[_Definition]) -> Iterator[Mistake]:
    """A mistake for every key that has several meanings."""
    meanings: dict[str, dict[str, set[str]]] = {}
    for definition in definitions:
        meaning = meanings.setdefault(definition.key, {}).setdefault(_canonical(definition.value), set())
        meaning.update(definition.users)
    for key, users_of_meanings in meanings.items():
        if len(users_of_meanings) > 1:
            users = sorted(min(users, default="(unused)") for users in users_of_meanings.values())
            wrong = f"{key!r} is defined in {len(users)} different ways, used by {' and by '.join(users)}"
            yield Mistake(FLEET_FILE, 1, 1, part, wrong, "define it once, or give one of them another name")


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True)
