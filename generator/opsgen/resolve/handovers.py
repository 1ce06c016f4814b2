"""The steps of an escalation policy go in; a policy comes out that separates the steps of
Alertmanager from those of each provider.

A channel with `on_call` belongs to a provider that escalates on its own (PagerDuty, Grafana IRM,
...). Alertmanager tells the provider once, through the first such channel of the policy. The
provider decides whom it tells after that, and when. `channels/providers.py` says what each provider
can do, and lists both parts together for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from opsgen.channels.providers import PROVIDERS, Provider, of_provider
from opsgen.model.oncall import Channel, Handover, Policy, Step
from opsgen.quantities import Duration
from opsgen.resolve.mistakes import KeyPath, Mistakes


def divided(name: str, steps: tuple[Step, ...], repeat: Duration | None, again: Duration) -> Policy:
    """Divides the steps between Alertmanager and the providers. A provider starts its steps again
    after `repeat`, or after `again` if the policy has no `repeat`."""
    handovers = tuple(_handover(kind, steps, repeat or again) for kind in _providers(steps))
    entries = {(handover.entry.name, handover.starts) for handover in handovers}
    left = (replace(step, notify=tuple(_left(step, entries))) for step in steps)
    return Policy(name, tuple(step for step in left if step.notify), repeat, handovers)


def check_handovers(path: KeyPath, steps: tuple[Step, ...], mistakes: Mistakes) -> None:
    """Notes what the steps at `path` ask of a provider that it cannot do."""
    for kind in _providers(steps):
        provider = PROVIDERS[kind]
        taken = [(index, step) for index, step in enumerate(steps) if of_provider(kind, step)]
        _, first = taken[0]
        before = first
        for index, step in taken:
            here = (*path, index)
            told = len(of_provider(kind, step))
            if provider.targets is not None and told > provider.targets:
                wrong = f"{provider.title} tells at most {provider.targets} in one step"
                mistakes.add((*here, "notify"), wrong, "split them into several steps")
            if step is not first:
                _check_later(here, provider, (first, before, step), mistakes)
            before = step


def check_entries(policies: Iterable[Policy], mistakes: Mistakes) -> None:
    """Notes a channel that starts two policies of its provider, and one without the kind of key
    that can be routed."""
    first: dict[str, str] = {}
    for policy in policies:
        for entry in (handover.entry for handover in policy.handovers):
            if entry.name in first:
                title = PROVIDERS[entry.kind].title
                wrong = f"{entry.name} already starts the policy {first[entry.name]} in {title}"
                right = "start this policy with another channel"
                mistakes.add(("escalation", policy.name), wrong, right)
            first.setdefault(entry.name, policy.name)
            if entry.kind == "pagerduty" and "routing_key_file" not in entry.options:
                wrong = (
                    "PagerDuty's event orchestration needs a routing key instead of a service key"
                )
                path = ("channels", entry.name, entry.kind)
                mistakes.add(path, wrong, "write routing_key_file")


def _providers(steps: tuple[Step, ...]) -> list[str]:
    """The kinds of the channels that providers take, in the order in which they are told."""
    kinds = (channel.kind for step in steps for channel in step.notify if channel.on_call)
    return list(dict.fromkeys(kinds))


def _handover(kind: str, steps: tuple[Step, ...], again: Duration) -> Handover:
    taken = [(step.after, of_provider(kind, step)) for step in steps]
    mine = [(after, channels) for after, channels in taken if channels]
    starts, first = mine[0]
    provider = PROVIDERS[kind]
    shortest = max(again, provider.shortest)
    return Handover(
        entry=first[0],
        starts=starts,
        steps=tuple(Step(after - starts, channels, None) for after, channels in mine),
        again=min(shortest, provider.longest or shortest).rounded_up(provider.whole),
    )


def _left(step: Step, entries: set[tuple[str, Duration]]) -> Iterator[Channel]:
    """The channels that Alertmanager still tells: those of no provider, and the channel that
    reaches the provider."""
    for channel in step.notify:
        if channel.on_call is None or (channel.name, step.after) in entries:
            yield channel


def _check_later(
    path: KeyPath, provider: Provider, steps: tuple[Step, Step, Step], mistakes: Mistakes
) -> None:
    """Checks a later step of a provider. `steps` are the provider's first step, the step before,
    and the step itself."""
    first, before, step = steps
    if provider.since_start:
        _check_delay(path, provider, step.after - first.after, "the first", mistakes)
    else:
        _check_delay(path, provider, step.after - before.after, "the step before", mistakes)
    if step.during:
        wrong = f"{provider.title} can't limit a step to hours"
        right = f"leave it out, and set the hours in the schedule in {provider.title}"
        mistakes.add((*path, "during"), wrong, right)


def _check_delay(
    path: KeyPath, provider: Provider, delay: Duration, whence: str, mistakes: Mistakes
) -> None:
    here = (*path, "after")
    if delay < provider.shortest or delay.milliseconds % provider.whole.milliseconds:
        wrong = f"{provider.title} can't wait for {delay} after {whence}"
        mistakes.add(here, wrong, f"write a delay in whole minutes, {provider.shortest} or more")
    elif provider.longest is not None and delay > provider.longest:
        wrong = (
            f"{provider.title} waits at most {provider.longest},"
            f" but this step comes {delay} after {whence}"
        )
        mistakes.add(here, wrong, "write a shorter delay")
