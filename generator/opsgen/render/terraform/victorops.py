"""Splunk On-Call (VictorOps): policies go in; an escalation policy for each, and the routing key of
its channel, come out.

Resources as in Splunk On-Call's Terraform provider (website/docs/r;
resource_victorops_escalation_policy.go). The provider looks nothing up by name: `schedule` is the
slug of a rotation, and the team that owns a policy is a variable.
"""

from __future__ import annotations

from collections.abc import Sequence

from opsgen.model.oncall import OnCall, Step
from opsgen.quantities import Duration
from opsgen.render.terraform.document import GENERATED, Body, Handed, Module, identifier, literal

_ABOUT = (
    GENERATED,
    "Rotations are named by their slug, rtg-...; a change of a policy makes it anew.",
)


def render(handed: Sequence[Handed]) -> Module:
    module = Module("victorops", "splunk/victorops", "~> 0.1", _ABOUT)
    for one in handed:
        variable = identifier("victorops", "team", one.policy)
        module.variables[variable] = {
            "type": "string",
            "description": f"The slug of the team that owns the policy {one.policy}, team-...",
        }
        policy = module.add(
            "victorops_escalation_policy",
            identifier(one.policy),
            {"name": one.policy, "team_id": f"${{var.{variable}}}", "step": _steps(one)},
        )
        entry = one.handover.entry
        module.add(
            "victorops_routing_key",
            identifier(entry.name),
            {"name": literal(str(entry.options["routing_key"])), "targets": [policy]},
        )
    return module


def _steps(one: Handed) -> list[Body]:
    """The steps, each with its seconds since the step before."""
    found, before = [], Duration(0)
    for step in one.handover.steps:
        found.append({"timeout": int((step.after - before).seconds), "entries": _entries(step)})
        before = step.after
    return found


def _entries(step: Step) -> list[Body]:
    return [_entry(channel.on_call) for channel in step.notify if channel.on_call]


def _entry(who: OnCall) -> Body:
    if who.kind == "user":
        return {"type": "user", "username": literal(who.name)}
    return {"type": "rotationGroup", "slug": literal(who.name)}
