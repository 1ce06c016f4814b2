"""incident.io: policies go in; an escalation path for each, and a route from an alert source to it,
come out.

Resources as in incident.io's Terraform provider 6.12 (docs/resources); version 7 has others by the
same names. People create the alert source in the dashboard, which knows what Alertmanager sends;
its id is a variable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from opsgen.channels.providers import PROVIDERS
from opsgen.model.oncall import Channel
from opsgen.render.terraform.document import (
    GENERATED,
    Body,
    Handed,
    Module,
    Person,
    identifier,
    literal,
    people,
)

_ABOUT = (
    GENERATED,
    (
        "Schedules and users are those of the account, found by name."
        " Version 7 of the provider has other resources by the"
    ),
    "same names.",
)
_KEYS = {"schedule": "name", "user": "email"}
_FIRST = "start"
# As in the provider's own examples: alerts that arrive within five minutes of each other are one
# escalation.
_GROUPING = {
    "default": {
        "enabled": True,
        "grouping_keys": list[str](),
        "window_seconds": 300,
        "window_type": "rolling",
    }
}


def render(handed: Sequence[Handed]) -> Module:
    module = Module("incident", "incident-io/incident", "~> 6.12", _ABOUT)
    known = people(module, handed, "incident", _KEYS)
    for one in handed:
        path = module.add(
            "incident_escalation_path",
            identifier(one.policy),
            {"name": one.policy, "path": list(_nodes(one, known))},
        )
        _route(module, one, path)
    return module


def _nodes(one: Handed, known: Mapping[str, Person]) -> Iterator[Body]:
    steps = one.handover.steps
    begins_again = steps[-1].after + one.handover.again
    following = [*(step.after for step in steps[1:]), begins_again]
    has_pages = any("page" in severities for severities in one.services.values())
    urgency = "high" if has_pages else "low"
    for number, (step, after) in enumerate(zip(steps, following, strict=True)):
        people_told = [known[channel.name] for channel in step.notify]
        level = {
            "targets": [{**asdict(person), "urgency": urgency} for person in people_told],
            "time_to_ack_seconds": int((after - step.after).seconds),
        }
        first = {} if number else {"id": _FIRST}
        yield {**first, "type": "level", "level": level}
    repeat = {"repeat_times": PROVIDERS["incidentio"].loops, "to_node": _FIRST}
    yield {"type": "repeat", "repeat": repeat}


def _route(module: Module, one: Handed, path: str) -> None:
    entry = one.handover.entry
    variable = identifier("incident", "alert_source", entry.name)
    module.variables[variable] = {
        "type": "string",
        "description": (
            f"The id of the alert source whose token is in {literal(_token_file(entry))}."
        ),
    }
    module.add(
        "incident_alert_route",
        identifier(entry.name),
        {
            "name": entry.name,
            "enabled": True,
            "is_private": False,
            "alert_sources": [{"alert_source_id": f"${{var.{variable}}}", "condition_groups": []}],
            "condition_groups": [],
            "expressions": [],
            "grouping_config": _GROUPING,
            "escalation_config": {
                "auto_cancel_escalations": True,
                "escalation_targets": [{"escalation_paths": {"array_value": [{"literal": path}]}}],
            },
            # Whether an alert is an incident is for people to say.
            "incident_config": {
                "enabled": False,
                "auto_decline_enabled": False,
                "condition_groups": [],
            },
        },
    )


def _token_file(channel: Channel) -> str:
    return str(channel.options["alert_source_token_file"])
