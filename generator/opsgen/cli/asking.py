"""The commands that answer questions about a spec: explain, route."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from opsgen.cli.command_options import PATHS, json_or_text, reporting_mistakes
from opsgen.cli.printing import print_json, say

if TYPE_CHECKING:
    from datetime import datetime

    from opsgen.fleet.load import FleetModel


_EXPLAIN_HELP = """Show every value that opsgen uses for SPEC and where it comes from, and every
alert in words.

\b
  opsgen explain service.yaml
  opsgen explain --format json service.yaml"""


_ROUTE_HELP = """Show whom the alerts of SPEC notify, how and when. Reads the generated
Alertmanager configuration.

\b
  opsgen route service.yaml
  opsgen route --severity page --at "Sat 03:00" --timezone Europe/Berlin service.yaml
  opsgen route --alert TargetsAbsent --format json service.yaml"""


@click.command(
    help=_EXPLAIN_HELP, short_help="Show every value and alert, and where they come from."
)
@click.argument("spec", type=PATHS)
@json_or_text
@reporting_mistakes
def explain(spec: Path, form: str) -> None:
    from opsgen.explain.explanation import explain_json, explain_text
    from opsgen.fleet.load import load_fleet

    fleet = load_fleet([spec])
    if form == "json":
        print_json([explain_json(model) for model in fleet.services])
        return
    click.echo("\n".join(map(explain_text, fleet.services)), nl=False)


@click.command(help=_ROUTE_HELP, short_help="Show whom an alert notifies, how and when.")
@click.argument("spec", type=PATHS)
@click.option(
    "--severity",
    type=click.Choice(["page", "ticket", "info"]),
    help="Only alerts of this severity.",
)
@click.option("--alert", metavar="NAME", help="Only this alert.")
@click.option("--at", "at", metavar="TIME", help='A time: "Sat 03:00" or "2027-12-25 03:00".')
@click.option("--timezone", default="UTC", show_default=True, help="The time zone of --at.")
@json_or_text
@reporting_mistakes
def route(
    spec: Path, severity: str | None, alert: str | None, at: str | None, timezone: str, form: str
) -> None:
    from opsgen.explain.routes import Question, answers, as_json, as_text
    from opsgen.fleet.build import alertmanager_of
    from opsgen.fleet.load import load_fleet

    question = Question(severity, alert, _moment(at, timezone) if at else None)
    fleet = load_fleet([spec])
    config = alertmanager_of(fleet)
    found = [
        answer
        for model in fleet.services
        for answer in answers(model.service, model.derived, config, question)
    ]
    if not found:
        _end_without_alert(fleet)
    if form == "json":
        print_json([as_json(answer) for answer in found])
    else:
        click.echo("\n".join(as_text(found, f"on {at} {timezone}")), nl=False)


def _end_without_alert(fleet: FleetModel) -> NoReturn:
    known = {alert.name for model in fleet.services for alert in model.derived.alerts}
    say(f"there is no such alert; the alerts are {', '.join(sorted(known))}")
    sys.exit(2)


def _moment(at: str, timezone: str) -> datetime:
    from opsgen.explain.routes import moment_of

    try:
        return moment_of(at, timezone)
    except (ValueError, OSError, KeyError):
        right = 'write "Sat 03:00" or "2027-12-25 03:00", and a time zone such as Europe/Berlin'
        say(f"--at {at!r} in {timezone!r} is not a time; {right}")
        sys.exit(2)
