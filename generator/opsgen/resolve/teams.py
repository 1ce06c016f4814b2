"""The teams of a project file go in; teams with their policies come out. A service gets its team
with the policies that apply to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from opsgen.load.escalation_spec import EscalationCase, EscalationChoice
from opsgen.load.project_spec import TeamSpec
from opsgen.model.oncall import SEVERITIES, Policy, PolicyCase, Severity, Team
from opsgen.resolve.context import Context
from opsgen.resolve.mistakes import KeyPath, Mistakes, suggest
from opsgen.resolve.policies import default_policy


def team_of_project(
    name: str, spec: TeamSpec, policies: Mapping[str, Policy], mistakes: Mistakes
) -> Team:
    """A team of the project file, with a policy for each severity."""
    path = ("teams", name, "escalation")
    chosen = _chosen(spec.escalation, path, policies, mistakes)
    told: dict[Severity, Policy] = {}
    before = default_policy()
    # A severity without a policy uses that of the next more urgent one.
    for severity in SEVERITIES:
        before = told[severity] = chosen.get(severity, before)
    cases = _cases(spec.escalation, path, policies, mistakes)
    return Team(name, spec.slack or "", told, cases, spec.owners)


def service_team(context: Context) -> Team:
    """The team with the policies that apply to this service. The service's own win over the team's,
    and a matching case over the general ones."""
    team = _team(context)
    policies, cases = dict(team.policies), [*team.cases, *_own_cases(context)]
    for case in cases:
        if case.fits(context.environment, context.spec.tier):
            policies.update(case.policies)
    return replace(team, policies=policies, cases=())


def warn_of_silence(context: Context, team: Team) -> None:
    """Warns if a severity has only the placeholder as its policy, so that nobody is told."""
    placeholder = default_policy()
    silent = [severity for severity in SEVERITIES if team.policies[severity] == placeholder]
    if not silent:
        return
    some = " and ".join(f"{severity}s" for severity in silent)
    of_what = some if len(silent) < len(SEVERITIES) else "alerts"
    right = f"give team {team.name} an escalation policy in the project file, opsgen.yaml"
    context.warnings.append(f"{context.document.file}: nobody is told of its {of_what}; {right}")


def _team(context: Context) -> Team:
    name, teams = context.spec.team, context.organisation.teams
    if name is None and len(teams) == 1:
        context.origins["team"] = "the only team of the project file"
        return next(iter(teams.values()))
    if name is None:
        context.origins["team"] = "not given"
        file = context.document.file
        context.warnings.append(f"{file}: no team is named; its alerts carry team=unassigned")
        return _unknown_team("unassigned")
    context.origins["team"] = context.origin("team")
    if name in teams:
        return teams[name]
    if teams:
        right = suggest(name, teams, "teams")
        context.wrong(("team",), f"there is no team {name!r}", right)
    return _unknown_team(name)


def _unknown_team(name: str) -> Team:
    """A team that the project file does not have: the placeholder gets all of its alerts."""
    return Team(name, "", {severity: default_policy() for severity in SEVERITIES})


def _own_cases(context: Context) -> list[PolicyCase]:
    """The policies that the spec itself chooses: first the general ones, then its cases."""
    own = context.spec.escalation
    if own is None:
        return []
    path, known = context.path("escalation"), context.organisation.policies
    always = PolicyCase((), (), _chosen(own, path, known, context.mistakes))
    return [always, *_cases(own, path, known, context.mistakes)]


def _chosen(
    spec: EscalationChoice | EscalationCase,
    path: KeyPath,
    policies: Mapping[str, Policy],
    mistakes: Mistakes,
) -> dict[Severity, Policy]:
    """The chosen policies by severity; an unknown name is noted."""
    found: dict[Severity, Policy] = {}
    for severity in SEVERITIES:
        name: str | None = getattr(spec, severity)
        if name is not None and name in policies:
            found[severity] = policies[name]
        elif name is not None:
            right = suggest(name, policies, "policies")
            mistakes.add((*path, severity), f"there is no policy {name!r}", right)
    return found


def _cases(
    spec: EscalationChoice,
    path: KeyPath,
    policies: Mapping[str, Policy],
    mistakes: Mistakes,
) -> tuple[PolicyCase, ...]:
    """The cases of a choice, in their order; a case that names no environment and no tier is
    noted."""
    cases = []
    for index, case in enumerate(spec.where):
        here = (*path, "where", index)
        if not case.environment and not case.tier:
            right = "write environment or tier, or leave where: out"
            mistakes.add(here, "this case applies to every service", right)
        chosen = _chosen(case, here, policies, mistakes)
        cases.append(PolicyCase(case.environment, case.tier, chosen))
    return tuple(cases)
