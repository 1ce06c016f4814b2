"""Grafana IRM (OnCall): policies go in; an escalation chain for each, and an integration that leads
into it, come out.

Resources as in Grafana's Terraform provider 4.45 (docs/resources/oncall_*.md). Every step, and
every wait between two steps, is a resource of its own, named by its position.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from opsgen.model.oncall import Step
from opsgen.quantities import Duration
from opsgen.render.terraform.document import (
    GENERATED,
    Body,
    Handed,
    Module,
    Person,
    identifier,
    people,
    resource_reference,
)

_ABOUT = (
    GENERATED,
    "Schedules and users are those of the stack, found by name.",
)
_KEYS = {"schedule": "name", "user": "username"}


def render(handed: Sequence[Handed]) -> Module:
    module = Module("grafana", "grafana/grafana", "~> 4.0", _ABOUT)
    known = people(module, handed, "grafana_oncall", _KEYS)
    for one in handed:
        entry = one.handover.entry
        chain = module.add(
            "grafana_oncall_escalation_chain", identifier(one.policy), {"name": one.policy}
        )
        for position, step in enumerate(_steps(one, known)):
            name = identifier(one.policy, str(position))
            placed = {"escalation_chain_id": chain, "position": position, **step}
            module.add("grafana_oncall_escalation", name, placed)
        module.add(
            "grafana_oncall_integration",
            identifier(entry.name),
            {
                "name": entry.name,
                "type": "alertmanager",
                "default_route": [{"escalation_chain_id": chain}],
            },
        )
        link = resource_reference("grafana_oncall_integration", identifier(entry.name), "link")
        module.secret(str(entry.options["url_file"]), link)
    return module


def _steps(one: Handed, known: Mapping[str, Person]) -> Iterator[Body]:
    """The steps and the waits between them. People who are told of pages are told by their rules
    for important notifications."""
    important = any("page" in severities for severities in one.services.values())
    passed = Duration(0)
    for step in one.handover.steps:
        if step.after > passed:
            yield {"type": "wait", "duration": int((step.after - passed).seconds)}
        passed = step.after
        yield from _told(step, known, important)
    yield {"type": "wait", "duration": int(one.handover.again.seconds)}
    # It begins again as often as the engine allows: PROVIDERS["grafana_irm"].loops times.
    yield {"type": "repeat_escalation"}


def _told(step: Step, known: Mapping[str, Person], important: bool) -> Iterator[Body]:
    told = [known[channel.name] for channel in step.notify]
    for schedule in (person.id for person in told if person.type == "schedule"):
        kind = "notify_on_call_from_schedule"
        yield {"type": kind, kind: schedule, "important": important}
    users = [person.id for person in told if person.type == "user"]
    if users:
        yield {"type": "notify_persons", "persons_to_notify": users, "important": important}
