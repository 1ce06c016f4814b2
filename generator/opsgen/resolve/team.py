"""The service's team, with the policies that hold for the service."""

from __future__ import annotations

from dataclasses import replace

from opsgen.model.service import SEVERITIES, PolicyCase, Team
from opsgen.resolve.context import Context
from opsgen.resolve.mistakes import suggest
from opsgen.resolve.project import (
    chosen_policies,
    default_policy,
    policy_cases,
    team_without_project,
)


def service_team(context: Context) -> Team:
    """The team with the policies that hold for this service: its own before the team's, a case
    before the rest."""
    team = _team(context)
    policies, cases = dict(team.policies), [*team.cases, *_own_cases(context)]
    for case in cases:
        if case.fits(context.environment, context.spec.tier):
            policies.update(case.policies)
    return replace(team, policies=policies, cases=())


def _team(context: Context) -> Team:
    name, teams = context.spec.team, context.organisation.teams
    if name is None and len(teams) == 1:
        context.origins["team"] = "the only team of the project file"
        return next(iter(teams.values()))
    if name is None:
        context.origins["team"] = "not given"
        file = context.document.file
        context.warnings.append(f"{file}: no team is named; its alerts carry team=unassigned")
        return team_without_project("unassigned")
    context.origins["team"] = context.origin("team")
    if name in teams:
        return teams[name]
    if teams:
        right = suggest(name, teams, "teams")
        context.wrong(("team",), f"there is no team {name!r}", right)
    return team_without_project(name)


def _own_cases(context: Context) -> list[PolicyCase]:
    """What the spec itself says of its policies: those for all of it, then its cases."""
    own = context.spec.escalation
    if own is None:
        return []
    path, known = context.path("escalation"), context.organisation.policies
    always = PolicyCase((), (), chosen_policies(own, path, known, context.mistakes))
    return [always, *policy_cases(own, path, known, context.mistakes)]


def warn_of_silence(context: Context, team: Team) -> None:
    """A severity whose policy is the placeholder is told to nobody: the output says so, and so
    does the build."""
    placeholder = default_policy()
    silent = [severity for severity in SEVERITIES if team.policies[severity] == placeholder]
    if not silent:
        return
    some = " and ".join(f"{severity}s" for severity in silent)
    of_what = some if len(silent) < len(SEVERITIES) else "alerts"
    right = f"give team {team.name} an escalation policy in the project file, opsgen.yaml"
    context.warnings.append(f"{context.document.file}: nobody is told of its {of_what}; {right}")
