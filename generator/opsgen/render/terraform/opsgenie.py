"""Opsgenie: policies go in; an escalation for each, and an integration that receives the alerts of
its channel, come out.

Resources as in Opsgenie's Terraform provider 0.6 (website/docs/r). Opsgenie has not been sold since
2025-06-04, and ends on 2027-04-05.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from opsgen.channels.providers import PROVIDERS
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
    "Opsgenie ends on 2027-04-05: plan where to go.",
    "Schedules, users and teams are those of the account, found by name.",
)
_KEYS = {"schedule": "name", "user": "username", "team": "name"}


def render(handed: Sequence[Handed]) -> Module:
    module = Module("opsgenie", "opsgenie/opsgenie", "~> 0.6", _ABOUT)
    known = people(module, handed, "opsgenie", _KEYS)
    for one in handed:
        entry = one.handover.entry
        escalation = module.add(
            "opsgenie_escalation",
            identifier(one.policy),
            {
                "name": one.policy,
                "description": f"The policy {one.policy} of opsgen.yaml.",
                "rules": _rules(one, known),
                "repeat": [_repeat(one)],
            },
        )
        module.add(
            "opsgenie_api_integration",
            identifier(entry.name),
            {
                "name": entry.name,
                "type": "Prometheus",
                "responders": [{"type": "escalation", "id": escalation}],
            },
        )
        key = resource_reference("opsgenie_api_integration", identifier(entry.name), "api_key")
        module.secret(str(entry.options["api_key_file"]), key)
    return module


def _rules(one: Handed, known: Mapping[str, Person]) -> list[Body]:
    """A rule has one recipient: a step that tells several people becomes as many rules with the
    same delay."""
    return [
        {
            "condition": "if-not-acked",
            "notify_type": "default",
            "delay": int(step.after.minutes),
            "recipient": [asdict(known[channel.name])],
        }
        for step in one.handover.steps
        for channel in step.notify
    ]


def _repeat(one: Handed) -> Body:
    return {
        "wait_interval": int(one.handover.again.minutes),
        "count": PROVIDERS["opsgenie"].loops,
        "reset_recipient_states": True,
        "close_alert_after_all": False,
    }
