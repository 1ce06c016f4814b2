"""A service and its signals go in; `runbook.md` comes out, in the order in which a person at 3 a.m.
needs it.

The words are the templates'; every number in them is an alert's or an SLO's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from opsgen.errors import InputError, Mistake
from opsgen.model import pages
from opsgen.model.artifact import Artifact
from opsgen.model.artifact_kinds import RUNBOOK, file_names
from opsgen.model.service import Service
from opsgen.model.signal import Derived
from opsgen.render.markdown import is_web_address
from opsgen.render.runbook import commands
from opsgen.render.runbook.people import escalation_rows, picture, providers
from opsgen.render.runbook.queries import by_route, first_queries, instance_query, proof
from opsgen.render.runbook.sections import sections
from opsgen.render.runbook.tables import (
    alert_rows,
    burn_rows,
    dependency_rows,
    metric_rows,
    slo_row,
    summary_rows,
    variable_rows,
)
from opsgen.render.subjects import OfService
from opsgen.render.templates import render_template

_TEMPLATE = "runbook/service.md.j2"
# Sections on a command of the spec, in order: its key, its title, and what to ask where the spec is
# silent (empty: not every service needs it).
_COMMANDS = (
    ("deploy", "Deploy", "how is {title} deployed?"),
    ("rollback", "Rollback", "how is a deploy of {title} undone, and what can't be undone?"),
    ("restart", "Restart", "how is {title} restarted, and what do its users notice?"),
    ("scale", "Scale", ""),
)
_LOGS = "logs"


def render_runbook(subject: OfService) -> Iterator[Artifact]:
    """The whole page; raises InputError as `render_template` does."""
    service, folders = subject.service, subject.folders
    rendered = render_template(folders, _TEMPLATE, **_page(service, subject.derived))
    try:
        page = pages.sealed(rendered)
    except ValueError as error:
        if len(folders) == 1:
            raise
        wrong = f"the page that it produces can't be divided into blocks: {error}"
        right = "put every part between {{ name|begin }} and {{ name|end }}"
        raise InputError([Mistake(str(folders[-1] / _TEMPLATE), 1, 1, "", wrong, right)]) from error
    yield Artifact(RUNBOOK.path_of(service.name), page.text, shared=True)


@dataclass(frozen=True)
class CommandSection:
    """Deploy, rollback and the like: the spec's command, or what to ask of those who know."""

    key: str
    title: str
    command: str
    question: str


def _page(service: Service, derived: Derived) -> dict[str, Any]:
    """The values that the template may use."""
    return _of_service(service) | _of_signals(service, derived) | _logs(service)


def _of_service(service: Service) -> dict[str, Any]:
    return {
        "files": file_names(),
        "service": service,
        "summary_rows": tuple(summary_rows(service)),
        "first_looks": commands.first_looks(service),
        "firing_command": commands.firing_alerts(service),
        "command_sections": tuple(_command_sections(service)),
        "debug_looks": commands.debug_looks(service),
        "debug_queries": tuple(by_route(service)),
        "slo_rows": tuple(slo_row(slo) for slo in service.slos),
        "escalation_rows": tuple(escalation_rows(service)),
        "escalation_picture": picture(service),
        "escalation_providers": " and ".join(providers(service)),
        "silence": commands.silence(service),
        "silences": commands.silences(service),
        "end_silences": commands.end_silences(service),
        "variable_rows": tuple(variable_rows(service)),
        "dependency_rows": tuple(dependency_rows(service)),
    }


def _of_signals(service: Service, derived: Derived) -> dict[str, Any]:
    signals = derived.signals
    return {
        "first_queries": tuple(first_queries(service, signals)),
        "alert_rows": tuple(alert_rows(signals)),
        "sections": tuple(sections(service, signals)),
        "well": proof(signals),
        "instances": instance_query(signals),
        "burn_rows": tuple(burn_rows(signals)),
        "metric_rows": tuple(metric_rows(signals)),
    }


def _logs(service: Service) -> dict[str, Any]:
    """The spec says where the logs are by a link or by a command."""
    logs = service.runbook_commands.get(_LOGS, "")
    is_link = is_web_address(logs)
    return {
        "logs_url": logs if is_link else "",
        "logs_command": "" if is_link else logs,
        "logs_look": commands.logs_look(service),
    }


def _command_sections(service: Service) -> Iterator[CommandSection]:
    for key, title, question in _COMMANDS:
        command = service.runbook_commands.get(key, "")
        if command or question:
            yield CommandSection(key, title, command, question.format(title=service.title))
    known = {_LOGS, *(key for key, _, _ in _COMMANDS)}
    for key, command in service.runbook_commands.items():
        if key not in known:
            yield CommandSection(key, key.capitalize(), command, "")
