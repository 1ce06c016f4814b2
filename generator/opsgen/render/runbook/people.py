"""A service's escalation policies go in; who is told, and when, comes out: in words, as rows of a
table, and as a picture."""

from __future__ import annotations

from collections.abc import Iterator

from opsgen.channels.providers import Told, told
from opsgen.model.oncall import Hours, Policy, Severity
from opsgen.model.service import Service
from opsgen.model.signal import Alert
from opsgen.quantities import Duration


def escalation_rows(service: Service) -> Iterator[tuple[object, ...]]:
    for severity, policy in service.team.policies.items():
        for one in told(policy):
            hours = _hours(one.during) if one.during else "always"
            yield severity, _when(one), _channels(one), hours


def picture(service: Service) -> str:
    """Who is told after whom, as a Mermaid flow chart.

    The names of channels and hours have no markup in them.
    """
    lines = ["flowchart LR"]
    for severity, policy in service.team.policies.items():
        lines += _arrows(severity, policy)
    return "\n".join(lines)


def _arrows(severity: Severity, policy: Policy) -> Iterator[str]:
    before: str = severity
    passed = Duration(0)
    for number, one in enumerate(told(policy), start=1):
        names = "<br>".join(dict.fromkeys(channel.name for channel in one.channels))
        wait = _wait(one.after - passed if one.after > passed else None, is_first=number == 1)
        node = f"{severity}{number}"
        yield f'  {before} -- {wait} --> {node}["{names}{_how(one)}"]'
        before, passed = node, one.after


def _wait(longer: Duration | None, is_first: bool) -> str:
    if longer is not None:
        return f"{longer} later"
    return "at once" if is_first else "too"


def _how(one: Told) -> str:
    if one.by:
        return f"<br>(by {one.by})"
    return f"<br>(in {one.during.name} hours)" if one.during else ""


def providers(service: Service) -> list[str]:
    """The providers that escalate by themselves, such as PagerDuty, each once."""
    found = [one for policy in service.team.policies.values() for one in told(policy)]
    return list(dict.fromkeys(one.by for one in found if one.by))


def told_words(service: Service, alert: Alert) -> str:
    """`at once payments-primary and payments-slack; after 15 minutes payments-secondary`."""
    policy = service.team.policies.get(alert.severity)
    return "; ".join(_step_words(policy)) if policy else ""


def _step_words(policy: Policy) -> Iterator[str]:
    for one in told(policy):
        names = " and ".join(channel.name for channel in one.channels)
        by = f" (by {one.by})" if one.by else ""
        hours = f" (during {one.during.name})" if one.during else ""
        yield f"{_when(one)} {names}{by}{hours}"


def _when(one: Told) -> str:
    return f"after {one.after.in_words}" if one.after else "at once"


def _channels(one: Told) -> str:
    by = f"by {one.by}" if one.by else ""
    return ", ".join(f"{channel.name} ({by or channel.kind})" for channel in one.channels)


def _hours(hours: Hours) -> str:
    """`office: monday to friday, 09:00 to 18:00, Europe/Berlin`."""
    days = [" to ".join(span.split(":")) for span in hours.days]
    times = [f"{begin} to {end}" for begin, end in hours.times]
    holidays = [f"but not on {', '.join(hours.holidays)}"] if hours.holidays else []
    return f"{hours.name}: {', '.join([*days, *times, hours.timezone, *holidays])}"
