"""A Terraform document goes in; its faults come out, by what the providers' schemas ask of the
resources that opsgen writes.

The table holds a part of each schema: the required arguments of each resource, and the types,
choices and limits of those that are written. It allows no other arguments. Sources, by the version
of the provider: PagerDuty 3.32 website/docs, Opsgenie 0.6 website/docs, Grafana 4.45 docs/resources
and docs/data-sources, incident.io 6.12 docs, Splunk On-Call 0.1 victorops/resource_*.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# What is declared somewhere, and an attribute of it: `${var.team}`, `${pagerduty_service.a.id}`,
# `${data.pagerduty_user.b.id}`.
_EXPRESSION = re.compile(
    r"\$\{(var\.[\w-]+|(?:data\.)?[a-z_]+\.[\w-]+)(?:\.[\w.\[\]]+)?\}", re.ASCII
)
_NAME = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)


@dataclass(frozen=True)
class Arg:
    """One argument: text, a number or a flag; `many` is a list of such."""

    type: type = str
    required: bool = True
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    pattern: str = ""
    many: bool = False


@dataclass(frozen=True)
class ArgBlock:
    """A block or an object of arguments. `least` and `most` say how often a block may occur. An
    object has `least` None: it is written without a list."""

    args: Mapping[str, Arg | ArgBlock]
    required: bool = True
    least: int | None = 1
    most: int | None = None


_ID = Arg()
_NAMED = ArgBlock({"name": Arg()})
_OFF = ArgBlock({}, least=0, most=0)

# A PagerDuty name has none of \ / & < > and no space at its end.
_PAGERDUTY_NAME = Arg(pattern=r"[^\\/&<>]*[^\\/&<> ]")

RESOURCES: Mapping[str, ArgBlock] = {
    "pagerduty_escalation_policy": ArgBlock(
        {
            "name": _PAGERDUTY_NAME,
            "description": Arg(required=False),
            "num_loops": Arg(int, required=False, least=0, most=9),
            "rule": ArgBlock(
                {
                    "escalation_delay_in_minutes": Arg(int, least=1),
                    "target": ArgBlock(
                        {"type": Arg(choices=("user_reference", "schedule_reference")), "id": _ID},
                        least=1,
                        most=10,
                    ),
                }
            ),
        }
    ),
    "pagerduty_service": ArgBlock(
        {
            "name": _PAGERDUTY_NAME,
            "description": Arg(required=False),
            "escalation_policy": _ID,
            "auto_resolve_timeout": Arg(required=False, pattern=r"null|\d+"),
            "incident_urgency_rule": ArgBlock(
                {
                    "type": Arg(choices=("constant",)),
                    "urgency": Arg(choices=("high", "low", "severity_based")),
                },
                most=1,
            ),
        }
    ),
    "pagerduty_event_orchestration": ArgBlock({"name": Arg(), "description": Arg(required=False)}),
    "pagerduty_event_orchestration_integration": ArgBlock(
        {"event_orchestration": _ID, "label": Arg()}
    ),
    "pagerduty_event_orchestration_router": ArgBlock(
        {
            "event_orchestration": _ID,
            "set": ArgBlock(
                {
                    "id": Arg(choices=("start",)),
                    "rule": ArgBlock(
                        {
                            "label": Arg(required=False),
                            "condition": ArgBlock(
                                {
                                    "expression": Arg(
                                        pattern=r"event\.component matches '[a-z0-9-]+'"
                                    )
                                }
                            ),
                            "actions": ArgBlock({"route_to": _ID}, most=1),
                        },
                        least=0,
                    ),
                },
                most=1,
            ),
            "catch_all": ArgBlock({"actions": ArgBlock({"route_to": _ID}, most=1)}, most=1),
        }
    ),
    "opsgenie_escalation": ArgBlock(
        {
            "name": Arg(),
            "description": Arg(required=False),
            "rules": ArgBlock(
                {
                    "condition": Arg(choices=("if-not-acked", "if-not-closed")),
                    "notify_type": Arg(
                        choices=("default", "next", "previous", "users", "admins", "all")
                    ),
                    "delay": Arg(int, least=0, most=1440),
                    "recipient": ArgBlock(
                        {"type": Arg(choices=("user", "schedule", "team")), "id": _ID}, most=1
                    ),
                }
            ),
            "repeat": ArgBlock(
                {
                    "wait_interval": Arg(int, least=1),
                    "count": Arg(int, least=1, most=20),
                    "reset_recipient_states": Arg(bool),
                    "close_alert_after_all": Arg(bool),
                },
                required=False,
                most=1,
            ),
        }
    ),
    "opsgenie_api_integration": ArgBlock(
        {
            "name": Arg(),
            "type": Arg(choices=("API", "Prometheus")),
            "responders": ArgBlock(
                {"type": Arg(choices=("user", "schedule", "team", "escalation")), "id": _ID}
            ),
        }
    ),
    "grafana_oncall_escalation_chain": _NAMED,
    "grafana_oncall_escalation": ArgBlock(
        {
            "escalation_chain_id": _ID,
            "position": Arg(int, least=0),
            "type": Arg(
                choices=(
                    "wait",
                    "notify_persons",
                    "notify_on_call_from_schedule",
                    "repeat_escalation",
                )
            ),
            "duration": Arg(int, required=False, least=60, most=86400),
            "important": Arg(bool, required=False),
            "notify_on_call_from_schedule": Arg(required=False),
            "persons_to_notify": Arg(required=False, many=True),
        }
    ),
    "grafana_oncall_integration": ArgBlock(
        {
            "name": Arg(),
            "type": Arg(choices=("alertmanager",)),
            "default_route": ArgBlock({"escalation_chain_id": _ID}, most=1),
        }
    ),
    "incident_escalation_path": ArgBlock(
        {
            "name": Arg(),
            "path": ArgBlock(
                {
                    "id": Arg(required=False),
                    "type": Arg(choices=("level", "repeat")),
                    "level": ArgBlock(
                        {
                            "targets": ArgBlock(
                                {
                                    "type": Arg(choices=("schedule", "user")),
                                    "id": _ID,
                                    "urgency": Arg(choices=("high", "low")),
                                }
                            ),
                            "time_to_ack_seconds": Arg(int, least=60),
                        },
                        required=False,
                        least=None,
                    ),
                    "repeat": ArgBlock(
                        {"repeat_times": Arg(int, least=1), "to_node": Arg()},
                        required=False,
                        least=None,
                    ),
                }
            ),
        }
    ),
    "incident_alert_route": ArgBlock(
        {
            "name": Arg(),
            "enabled": Arg(bool),
            "is_private": Arg(bool),
            "alert_sources": ArgBlock({"alert_source_id": _ID, "condition_groups": _OFF}),
            "condition_groups": _OFF,
            "expressions": _OFF,
            "grouping_config": ArgBlock(
                {
                    "default": ArgBlock(
                        {
                            "enabled": Arg(bool),
                            "grouping_keys": _OFF,
                            "window_seconds": Arg(int, least=1),
                            "window_type": Arg(choices=("rolling", "fixed")),
                        },
                        least=None,
                    )
                },
                least=None,
            ),
            "escalation_config": ArgBlock(
                {
                    "auto_cancel_escalations": Arg(bool),
                    "escalation_targets": ArgBlock(
                        {
                            "escalation_paths": ArgBlock(
                                {"array_value": ArgBlock({"literal": _ID})}, least=None
                            )
                        }
                    ),
                },
                least=None,
            ),
            "incident_config": ArgBlock(
                {"enabled": Arg(bool), "auto_decline_enabled": Arg(bool), "condition_groups": _OFF},
                least=None,
            ),
        }
    ),
    "victorops_escalation_policy": ArgBlock(
        {
            "name": Arg(),
            "team_id": _ID,
            "step": ArgBlock(
                {
                    "timeout": Arg(int, least=0),
                    "entries": ArgBlock(
                        {
                            "type": Arg(choices=("user", "rotationGroup")),
                            "username": Arg(required=False),
                            "slug": Arg(required=False),
                        }
                    ),
                }
            ),
        }
    ),
    "victorops_routing_key": ArgBlock({"name": Arg(), "targets": Arg(many=True)}),
}

DATA: Mapping[str, ArgBlock] = {
    "pagerduty_schedule": _NAMED,
    "pagerduty_user": ArgBlock({"email": Arg()}),
    "opsgenie_schedule": _NAMED,
    "opsgenie_team": _NAMED,
    "opsgenie_user": ArgBlock({"username": Arg()}),
    "grafana_oncall_schedule": _NAMED,
    "grafana_oncall_user": ArgBlock({"username": Arg()}),
    "incident_schedule": _NAMED,
    "incident_user": ArgBlock({"email": Arg()}),
}


def faults(document: Mapping[str, Any]) -> list[str]:
    """What the providers would refuse in a file, given as data, each with its address; and every
    reference to what the file does not declare."""
    found: list[str] = []
    declared = {f"var.{name}" for name in document.get("variable", {})}
    for part, table, prefix in (("resource", RESOURCES, ""), ("data", DATA, "data.")):
        for kind, bodies in document.get(part, {}).items():
            for name, body in bodies.items():
                address = f"{prefix}{kind}.{name}"
                declared.add(address)
                if not _NAME.fullmatch(name):
                    found.append(f"{address}: this is no name of a resource")
                found += (
                    _in_block(address, table[kind], body)
                    if kind in table
                    else [f"{address}: an unknown type"]
                )
    for address in sorted(set(_references(document)) - declared):
        found.append(f"{address}: nothing declares it")
    return found


def _in_block(at: str, block: ArgBlock, body: Any) -> Iterator[str]:
    if not isinstance(body, Mapping):
        yield f"{at}: this is no block"
        return
    for name in body:
        if name not in block.args:
            yield f"{at}.{name}: there is no such argument"
    for name, wanted in block.args.items():
        if name in body:
            here, value = f"{at}.{name}", body[name]
            yield from (
                _in_blocks(here, wanted, value)
                if isinstance(wanted, ArgBlock)
                else _in_argument(here, wanted, value)
            )
        elif wanted.required:
            yield f"{at}.{name}: it is required"


def _in_blocks(at: str, block: ArgBlock, value: Any) -> Iterator[str]:
    if block.least is None:
        yield from _in_block(at, block, value)
        return
    if not isinstance(value, list):
        yield f"{at}: this is no list"
        return
    if len(value) < block.least or (block.most is not None and len(value) > block.most):
        yield f"{at}: {len(value)} of them"
    for number, one in enumerate(value):
        yield from _in_block(f"{at}[{number}]", block, one)


def _in_argument(at: str, wanted: Arg, value: Any) -> Iterator[str]:
    if wanted.many and not (isinstance(value, list) and value):
        yield f"{at}: this is no list of any"
        return
    values: list[Any] = value if wanted.many else [value]
    for one in values:
        if type(one) is not wanted.type:
            yield f"{at}: {one!r} is no {wanted.type.__name__}"
        elif isinstance(one, str):
            yield from _in_text(at, wanted, one)
        elif isinstance(one, int):
            yield from _in_number(at, wanted, one)


def _in_number(at: str, wanted: Arg, number: int) -> Iterator[str]:
    if wanted.least is not None and number < wanted.least:
        yield f"{at}: {number} is less than {wanted.least}"
    if wanted.most is not None and number > wanted.most:
        yield f"{at}: {number} is more than {wanted.most}"


def _in_text(at: str, wanted: Arg, text: str) -> Iterator[str]:
    if not text:
        yield f"{at}: it is empty"
    elif wanted.choices and text not in wanted.choices:
        yield f"{at}: {text!r} is none of {', '.join(wanted.choices)}"
    elif wanted.pattern and not re.fullmatch(wanted.pattern, text):
        yield f"{at}: {text!r} is not of the form {wanted.pattern}"


def _references(value: Any) -> Iterator[str]:
    """The addresses in all expressions. Text that people wrote has none, since its `${` is
    doubled."""
    if isinstance(value, str):
        yield from _EXPRESSION.findall(value.replace("$${", ""))
    elif isinstance(value, Mapping):
        for below in value.values():
            yield from _references(below)
    elif isinstance(value, list):
        for below in value:
            yield from _references(below)
