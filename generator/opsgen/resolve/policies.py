"""The channels, hours and escalation policies of a project file go in; checked values come out."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from opsgen.channels.option_check import check_channel
from opsgen.channels.providers import PROVIDERS
from opsgen.channels.receivers import PLACEHOLDER
from opsgen.load.escalation_spec import HoursSpec, StepSpec
from opsgen.load.project_spec import ChannelSpec, ProjectSpec
from opsgen.model.oncall import Channel, Hours, OnCall, Policy, Step
from opsgen.model.targets import target_that_reads
from opsgen.quantities import Duration
from opsgen.resolve.handovers import check_entries, check_handovers, divided
from opsgen.resolve.mistakes import KeyPath, Mistakes, suggest
from opsgen.resolve.servers import check_repeat

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def default_policy() -> Policy:
    """The policy that is used where nobody has written one: its only channel tells nobody, and its
    name says so."""
    return Policy("placeholder", (Step(Duration(0), (PLACEHOLDER,), None),))


def policies_of(
    spec: ProjectSpec, channels: Mapping[str, Channel], again: Duration, mistakes: Mistakes
) -> dict[str, Policy]:
    """A project's policies by name. A provider starts its part again after `again` if the policy
    has no `repeat`."""
    hours = {name: _hours(name, one, mistakes) for name, one in spec.hours.items()}
    policies = {}
    for name, policy in spec.escalation.items():
        path = mistakes.written(("escalation", name), "steps")
        steps = _steps(path, policy.steps, channels, hours, mistakes)
        check_repeat(("escalation", name, "repeat"), policy.repeat, mistakes)
        check_handovers(path, steps, mistakes)
        policies[name] = divided(name, steps, policy.repeat, again)
    check_entries(policies.values(), mistakes)
    return policies


# -- channels --------------------------------------------------------------------------------------


def channels_of(spec: ProjectSpec, mistakes: Mistakes) -> dict[str, Channel]:
    """A project's channels by name, after checking the options of each."""
    return {name: _channel(name, one, spec, mistakes) for name, one in spec.channels.items()}


def known_channel(
    path: KeyPath, name: str | None, channels: Mapping[str, Channel], mistakes: Mistakes
) -> Channel | None:
    """The channel of this name; None when no name is given, or after a mistake was noted."""
    if name is None:
        return None
    if name not in channels:
        right = suggest(name, channels, "channels")
        mistakes.add(path, f"there is no channel {name!r}", right)
    return channels.get(name)


def _channel(name: str, spec: ChannelSpec, project: ProjectSpec, mistakes: Mistakes) -> Channel:
    version = project.alertmanager.version
    for path, wrong, right in check_channel(name, spec.kind, spec.options, version):
        mistakes.add(("channels", name, *path), wrong, right)
    options = {key: value for key, value in spec.options.items() if key != "on_call"}
    on_call = _on_call(spec)
    reader = target_that_reads("on_call")
    if on_call is not None and reader not in project.targets:
        path = ("channels", name, spec.kind, "on_call")
        wrong = f"only the target {reader} can tell {PROVIDERS[spec.kind].title} of this"
        mistakes.add(path, wrong, f"add {reader} to targets, or leave this out")
    return Channel(name, spec.kind, options, on_call)


def _on_call(spec: ChannelSpec) -> OnCall | None:
    """Whom the provider tells; None when it is not written, or is written wrongly (then a mistake
    was noted already)."""
    written = spec.options.get("on_call")
    if not isinstance(written, Mapping) or len(written) != 1 or spec.kind not in PROVIDERS:
        return None
    ((kind, who),) = written.items()
    return OnCall(kind, str(who))


# -- hours -----------------------------------------------------------------------------------------


def _hours(name: str, spec: HoursSpec, mistakes: Mistakes) -> Hours:
    path = ("hours", name)
    days = [_days((*path, "days", index), text, mistakes) for index, text in enumerate(spec.days)]
    if spec.from_ == spec.to or spec.from_ == "24:00":
        wrong = f"there is no time from {spec.from_} to {spec.to}"
        right = 'write from: "00:00" and to: "24:00" for the whole day'
        mistakes.add((*path, "to"), wrong, right)
    if not _is_timezone(spec.timezone):
        wrong = f"{spec.timezone!r} is not a known time zone"
        mistakes.add((*path, "timezone"), wrong, "write one such as Europe/Berlin")
    return Hours(
        name=name,
        days=tuple(filter(None, days)),
        times=((spec.from_, spec.to),),
        timezone=spec.timezone,
        holidays=tuple(sorted(set(spec.holidays))),
    )


def _days(path: KeyPath, text: str, mistakes: Mistakes) -> str:
    """Turns `monday to friday` into Alertmanager's `monday:friday`."""
    first, _, last = text.lower().partition(" to ")
    ends = [first.strip(), *([last.strip()] if last else [])]
    unknown = [day for day in ends if day not in _DAYS]
    if unknown:
        mistakes.add(path, f"{unknown[0]!r} is not a day", "write for example monday to friday")
    return ":".join(ends)


def _is_timezone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return True


# -- steps -----------------------------------------------------------------------------------------


def _steps(
    path: KeyPath,
    specs: tuple[StepSpec, ...],
    channels: Mapping[str, Channel],
    hours: Mapping[str, Hours],
    mistakes: Mistakes,
) -> tuple[Step, ...]:
    steps: list[Step] = []
    for index, spec in enumerate(specs):
        here = (*path, index)
        _check_delay(here, index, spec, steps, mistakes)
        steps.append(_step(here, spec, channels, hours, mistakes))
    return tuple(steps)


def _check_delay(
    path: KeyPath, index: int, spec: StepSpec, before: list[Step], mistakes: Mistakes
) -> None:
    """Checks that the first step has no delay, and that each later delay is longer than the one
    before."""
    if index == 0 and spec.after:
        mistakes.add((*path, "after"), "the first step can't have a delay", "leave it out")
    if index > 0 and not spec.after:
        mistakes.add(
            path, "every step after the first needs a delay", "write for example after: 15m"
        )
    if index > 1 and spec.after and before[-1].after >= spec.after:
        wrong = f"step {index} already comes {before[-1].after} after the alert began to fire"
        right = f"write more than {before[-1].after}, or join the two steps"
        mistakes.add((*path, "after"), wrong, right)


def _step(
    path: KeyPath,
    spec: StepSpec,
    channels: Mapping[str, Channel],
    hours: Mapping[str, Hours],
    mistakes: Mistakes,
) -> Step:
    told = [
        known_channel((*path, "notify", position), name, channels, mistakes)
        for position, name in enumerate(spec.notify)
    ]
    if spec.during is not None and spec.during not in hours:
        right = suggest(spec.during, hours, "hours")
        mistakes.add((*path, "during"), f"there are no hours {spec.during!r}", right)
    return Step(
        after=spec.after or Duration(0),
        notify=tuple(channel for channel in told if channel),
        during=hours.get(spec.during) if spec.during else None,
    )
