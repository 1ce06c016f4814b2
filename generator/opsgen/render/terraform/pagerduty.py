"""PagerDuty: policies go in; an escalation policy for each, a service for each of ours, and one
event orchestration for each key come out.

Alertmanager sends to the event orchestration, which routes by the event's component, the service.
Resources as in PagerDuty's Terraform provider 3.32 (website/docs/r).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opsgen.channels.providers import PROVIDERS
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
    "Schedules and users are those of the account, found by name.",
)
# Alertmanager says when it is over; PagerDuty must not end an incident that goes on, as it would
# after four hours.
_NEVER = "null"


def render(handed: Sequence[Handed]) -> Module:
    module = Module("pagerduty", "PagerDuty/pagerduty", "~> 3.32", _ABOUT)
    known = people(module, handed, "pagerduty", {"schedule": "name", "user": "email"})
    for one in handed:
        rules = [
            {
                "escalation_delay_in_minutes": int((after - step.after).minutes),
                "target": [_target(known[channel.name]) for channel in step.notify],
            }
            for step, after in _with_next(one)
        ]
        policy = module.add(
            "pagerduty_escalation_policy",
            identifier(one.policy),
            {
                "name": one.policy,
                "description": f"The policy {one.policy} of opsgen.yaml.",
                "num_loops": PROVIDERS["pagerduty"].loops,
                "rule": rules,
            },
        )
        _route(module, one, policy)
    return module


def _with_next(one: Handed) -> list[tuple[Step, Duration]]:
    """Every step, and when the next one begins: PagerDuty's delay follows its step."""
    steps = one.handover.steps
    begins_again = steps[-1].after + one.handover.again
    following = [*(step.after for step in steps[1:]), begins_again]
    return list(zip(steps, following, strict=True))


def _target(person: Person) -> Body:
    return {"type": f"{person.type}_reference", "id": person.id}


def _route(module: Module, one: Handed, policy: str) -> None:
    entry = one.handover.entry
    name = identifier(entry.name)
    services = {
        service: _service(module, one, policy, service, "page" in severities)
        for service, severities in one.services.items()
    }
    # Other alerts that arrive with this key are told, too.
    others = _service(module, one, policy, "", pages=True)
    orchestration = module.add(
        "pagerduty_event_orchestration",
        name,
        {
            "name": entry.name,
            "description": f"What Alertmanager sends through the channel {entry.name}.",
        },
    )
    module.add(
        "pagerduty_event_orchestration_integration",
        name,
        {"event_orchestration": orchestration, "label": "Alertmanager"},
    )
    module.add(
        "pagerduty_event_orchestration_router",
        name,
        {
            "event_orchestration": orchestration,
            "set": [{"id": "start", "rule": _routing_rules(services)}],
            "catch_all": [{"actions": [{"route_to": others}]}],
        },
    )
    key = resource_reference(
        "pagerduty_event_orchestration_integration", name, "parameters[0].routing_key"
    )
    module.secret(str(entry.options["routing_key_file"]), key)


def _routing_rules(services: Mapping[str, str]) -> list[Body]:
    """One rule for each service; the values are the expressions of PagerDuty's ids."""
    return [
        {
            "label": name,
            "condition": [{"expression": f"event.component matches '{name}'"}],
            "actions": [{"route_to": service}],
        }
        for name, service in services.items()
    ]


def _service(module: Module, one: Handed, policy: str, name: str, pages: bool) -> str:
    """The service at PagerDuty. A page has high urgency and escalates; tickets and infos have low
    urgency.

    An event of low urgency never reaches a later step. So without pages, but with later steps, all
    events have high urgency.
    """
    urgency = "severity_based" if pages or len(one.handover.steps) == 1 else "high"
    return module.add(
        "pagerduty_service",
        identifier(name, one.policy) if name else identifier("_others", one.policy),
        {
            "name": f"{name} ({one.policy})" if name else f"others ({one.policy})",
            "description": f"{name or 'Other alerts'}, by the policy {one.policy} of opsgen.yaml.",
            "escalation_policy": policy,
            "auto_resolve_timeout": _NEVER,
            "incident_urgency_rule": [{"type": "constant", "urgency": urgency}],
        },
    )
