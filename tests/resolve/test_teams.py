"""The team of a service: which one it is, and whom its alerts reach."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.resolve.mistakes import CHAT, LEAST
from tests.specs import derived, fleet, refused, warned


def test_an_unknown_team_is_a_mistake_with_the_nearest_name(tmp_path: Path) -> None:
    assert refused(
        tmp_path, LEAST.replace("web", "payment"), "teams: {payments: {}, web: {}}\n"
    ) == ["service.yaml:2:7: team: there is no team 'payment'; did you mean 'payments'?"]


def test_an_unknown_team_like_no_other_is_a_mistake_with_all_names(tmp_path: Path) -> None:
    assert refused(tmp_path, LEAST.replace("web", "zz"), "teams: {payments: {}, web: {}}\n") == [
        "service.yaml:2:7: team: there is no team 'zz'; the teams are payments, web"
    ]


def test_the_only_team_of_a_project_need_not_be_named(tmp_path: Path) -> None:
    service = derived(
        tmp_path, "service: shop\nconvention: grpc\n", "teams: {payments: {slack: '#pay'}}\n"
    ).service

    assert (service.team.name, service.team.slack) == ("payments", "#pay")
    assert service.origins["team"] == "the only team of the project file"


def test_a_service_of_nobody_is_warned_of(tmp_path: Path) -> None:
    spec = "service: shop\nconvention: grpc\n"

    assert derived(tmp_path, spec).service.team.name == "unassigned"
    assert warned(tmp_path, spec) == [
        "service.yaml: no team is named; its alerts carry team=unassigned"
    ]


def test_a_team_without_a_project_file_is_taken_as_it_is(tmp_path: Path) -> None:
    assert derived(tmp_path, LEAST).service.team.name == "web"
    assert warned(tmp_path, LEAST) == []


@pytest.mark.parametrize(
    ("project", "silent"),
    [
        ("", "alerts"),
        (f"{CHAT}teams: {{web: {{escalation: {{ticket: calm}}}}}}\n", "pages"),
        (f"{CHAT}teams: {{web: {{escalation: {{page: calm}}}}}}\n", ""),
    ],
)
def test_a_severity_that_nobody_is_told_of_is_warned_of(
    tmp_path: Path, project: str, silent: str
) -> None:
    spec = f"{LEAST}tier: 4\n"  # of no pages
    said = [text for text in fleet(tmp_path, spec, project).warnings if "nobody is told" in text]

    right = "give team web an escalation policy in the project file, opsgen.yaml"
    wanted = f"{tmp_path}/service.yaml: nobody is told of its {silent}; {right}"
    assert said == ([wanted] if silent else [])


@pytest.mark.parametrize("team", ["{}", "{escalation: {ticket: calm}}"])
def test_pages_that_reach_nobody_are_a_mistake_where_there_are_policies(
    tmp_path: Path, team: str
) -> None:
    spec = f"{LEAST}uptime: [https://shop.example.com]\n"

    assert refused(tmp_path, spec, f"{CHAT}teams: {{web: {team}}}\n") == [
        "service.yaml:1:10: service: its pages (ProbeFailed, TargetsAbsent) notify nobody:"
        " team web has no policy for them; write escalation: {page: ...} there or here; the"
        " policies are calm"
    ]
