"""A service's escalation, judged by amtool."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from opsgen.alertmanager.routing import receivers_reached
from opsgen.channels.receivers import CATCH_ALL, PLACEHOLDER
from opsgen.model.oncall import Hours, Policy, Step, Team
from opsgen.quantities import Duration
from opsgen.render.alertmanager import united
from opsgen.render.escalation import escalation, render_escalation
from tests.render.escalations import (
    CHAT,
    INFO,
    LOG,
    NO_DELAY,
    OFFICE,
    PAGE,
    PAGER,
    TICKET,
    assert_accepted,
    fragment_of,
    policy,
    reached,
    rich_team,
    service,
    team,
)
from tests.rendering import rendered

_NIGHTS = Hours(
    "nights", ("friday:sunday",), (("22:00", "06:00"), ("12:00", "13:00")), "Europe/Berlin"
)
_ALWAYS = Hours("always", ("monday:sunday",), (), "UTC")
_TEAMS = {
    "rich": rich_team(),
    "without channels": team(),
    "page only": team(page=policy(PAGER)),
    "nights": team(page=policy(PAGER, during=_NIGHTS), ticket=policy(CHAT, during=_ALWAYS)),
}


@pytest.fixture
def fragment_file(tmp_path: Path) -> Path:
    file = tmp_path / "escalation.yaml"
    file.write_text(rendered(render_escalation, service()).content, encoding="utf-8")
    return file


@pytest.mark.parametrize("owner", _TEAMS.values(), ids=_TEAMS.keys())
def test_amtool_accepts_a_fragment_and_the_fleet_of_it(
    amtool: Path, tmp_path: Path, owner: Team
) -> None:
    fragment = rendered(render_escalation, service(owner=owner))
    (tmp_path / "fragment.yaml").write_text(fragment.content, encoding="utf-8")
    (tmp_path / "fleet.yml").write_text(
        united([yaml.safe_load(fragment.content)]).content, encoding="utf-8"
    )

    assert_accepted(amtool, tmp_path / "fragment.yaml")
    assert_accepted(amtool, tmp_path / "fleet.yml")


def test_each_severity_reaches_the_channels_of_the_first_step_of_its_policy(
    amtool: Path, fragment_file: Path
) -> None:
    assert reached(amtool, fragment_file, PAGE) == ["payments-primary", "payments-slack"]
    assert reached(amtool, fragment_file, TICKET) == ["payments-slack"]
    assert reached(amtool, fragment_file, INFO) == ["alert-log"]


def _stepped() -> Team:
    """Three steps for pages, the last in office hours alone; one for tickets."""
    later = (
        Step(Duration.of("15m"), (CHAT,), None),
        Step(Duration.of("30m"), (LOG, PAGER), OFFICE),
    )
    critical = Policy(
        "critical", (Step(NO_DELAY, (PAGER,), None), *later), repeat=Duration.of("1h")
    )
    return team(page=critical, ticket=policy(CHAT))


def test_each_step_reaches_its_own_channels_and_no_others(amtool: Path, tmp_path: Path) -> None:
    file = tmp_path / "escalation.yaml"
    file.write_text(
        rendered(render_escalation, service(owner=_stepped())).content, encoding="utf-8"
    )

    assert_accepted(amtool, file)
    assert reached(amtool, file, PAGE) == ["payments-primary"]
    assert reached(amtool, file, {**PAGE, "step": "2"}) == ["payments-slack"]
    assert reached(amtool, file, {**PAGE, "step": "3"}) == ["alert-log", "payments-primary"]
    assert reached(amtool, file, TICKET) == ["payments-slack"]


def test_a_step_has_its_hours_and_every_step_repeats_as_the_policy_says() -> None:
    routes = fragment_of(service(owner=_stepped()))["route"]["routes"][0]["routes"]
    pages = [route for route in routes if 'severity="page"' in route["matchers"]]

    assert [route.get("active_time_intervals") for route in pages] == [
        None,
        None,
        ["office"],
        ["office"],
    ]
    assert [route["repeat_interval"] for route in pages] == ["1h"] * 4


def test_on_holidays_nobody_is_told_in_office_hours(amtool: Path, tmp_path: Path) -> None:
    office = replace(OFFICE, holidays=("2027-01-01", "2027-12-25"))
    fragment = rendered(render_escalation, service(owner=team(page=policy(PAGER, during=office))))
    file = tmp_path / "escalation.yaml"
    file.write_text(fragment.content, encoding="utf-8")
    config = yaml.safe_load(fragment.content)

    assert_accepted(amtool, file)
    route = config["route"]["routes"][0]["routes"][0]
    assert (route["active_time_intervals"], route["mute_time_intervals"]) == (
        ["office"],
        ["office holidays"],
    )
    (holidays,) = (
        found for found in config["time_intervals"] if found["name"] == "office holidays"
    )
    assert holidays["time_intervals"][1] == {
        "days_of_month": ["25"],
        "months": ["12"],
        "years": ["2027"],
        "location": "Europe/Berlin",
    }


def test_an_alert_that_is_not_ours_ends_at_the_receiver_that_tells_nobody(
    amtool: Path, fragment_file: Path
) -> None:
    assert reached(amtool, fragment_file, {**PAGE, "service": "other"}) == [CATCH_ALL]
    assert reached(amtool, fragment_file, {**PAGE, "environment": "staging"}) == [CATCH_ALL]


def test_a_severity_that_is_none_of_ours_reaches_whoever_gets_the_tickets(
    amtool: Path, fragment_file: Path
) -> None:
    assert reached(amtool, fragment_file, {**PAGE, "severity": "warning"}) == ["payments-slack"]


def test_without_a_policy_an_alert_ends_at_the_placeholder_and_the_file_says_so() -> None:
    artifact = rendered(render_escalation, service(owner=team(page=policy(PAGER))))
    config = yaml.safe_load(artifact.content)

    assert receivers_reached(config, PAGE) == ("payments-primary",)
    assert receivers_reached(config, TICKET) == (PLACEHOLDER.name,)
    assert {"name": PLACEHOLDER.name} in config["receivers"]
    assert f"No channel is configured for ticket, info: {PLACEHOLDER.name}" in artifact.content


def test_a_severity_that_is_none_of_ours_ends_at_a_channel_where_there_is_one() -> None:
    config = fragment_of(service(owner=team(page=policy(PAGER))))

    assert receivers_reached(config, {**PAGE, "severity": "warning"}) == ("payments-primary",)


def test_a_channel_that_a_step_names_twice_is_told_once() -> None:
    config = fragment_of(service(owner=team(page=policy(PAGER, CHAT, PAGER))))

    assert receivers_reached(config, PAGE) == ("payments-primary", "payments-slack")


def test_no_label_of_an_instance_or_an_alert_splits_a_notification() -> None:
    assert fragment_of(service())["route"]["group_by"] == [
        "service",
        "environment",
        "cluster",
        "severity",
    ]


@pytest.mark.parametrize("environment", ["production", 'a"b\\c', "üñ 🔥", ""])
def test_labels_are_quoted_whatever_they_hold(
    amtool: Path, tmp_path: Path, environment: str
) -> None:
    file = tmp_path / "escalation.yaml"
    file.write_text(
        rendered(render_escalation, service(environment=environment)).content, encoding="utf-8"
    )

    assert_accepted(amtool, file)
    assert reached(amtool, file, {**INFO, "environment": environment}) == ["alert-log"]


@pytest.mark.parametrize("owner", _TEAMS.values(), ids=_TEAMS.keys())
def test_a_file_holds_the_fragment_that_it_is_made_from(owner: Team) -> None:
    assert fragment_of(service(owner=owner)) == escalation(service(owner=owner))


def test_a_fragment_is_one_document() -> None:
    assert len(list(yaml.safe_load_all(rendered(render_escalation, service()).content))) == 1
    assert len(list(yaml.safe_load_all(united([fragment_of(service())]).content))) == 1


# --- hours ---

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEK_HOURS = 7 * 24
_SPANS = st.tuples(st.integers(0, 23), st.integers(0, 24)).filter(lambda span: span[0] != span[1])


def _as_hours(days: Iterable[tuple[str, str]], spans: Iterable[tuple[int, int]]) -> Hours:
    names = tuple(first if first == last else f"{first}:{last}" for first, last in days)
    return Hours(
        "some", names, tuple((f"{start:02}:00", f"{end:02}:00") for start, end in spans), "UTC"
    )


def _expected_hours(days: Iterable[tuple[str, str]], spans: Iterable[tuple[int, int]]) -> set[int]:
    """The hours of a week, from Monday 00:00, in which somebody wants to be told."""
    starts = {
        (_DAYS.index(first) + offset) % 7
        for first, last in days
        for offset in range((_DAYS.index(last) - _DAYS.index(first)) % 7 + 1)
    }
    return {
        (day * 24 + start + offset) % _WEEK_HOURS
        for day, (start, end) in itertools.product(starts, spans)
        for offset in range(end - start if end > start else end + 24 - start)
    }


def _written_hours(interval: Mapping[str, Any]) -> set[int]:
    """The same as Alertmanager reads it: no range crosses the end of a day, or of a week that
    begins on Sunday."""
    written = set()
    for part in interval["time_intervals"]:
        for entry, times in itertools.product(
            part.get("weekdays", ["sunday:saturday"]), part["times"]
        ):
            first, _, last = entry.partition(":")
            sunday_first = (_DAYS[-1], *_DAYS[:-1])
            start_day, end_day = sunday_first.index(first), sunday_first.index(last or first)
            start, end = int(times["start_time"][:2]), int(times["end_time"][:2])
            assert start_day <= end_day
            assert start < end
            for day in range(start_day, end_day + 1):
                written |= {(day - 1) % 7 * 24 + hour for hour in range(start, end)}
    return written


@given(
    days=st.lists(
        st.tuples(st.sampled_from(_DAYS), st.sampled_from(_DAYS)), min_size=1, max_size=3
    ),
    spans=st.lists(_SPANS, min_size=1, max_size=3),
)
def test_any_days_and_times_are_written_as_meant_also_over_midnight(
    days: list[tuple[str, str]], spans: list[tuple[int, int]]
) -> None:
    config = fragment_of(service(owner=team(page=policy(PAGER, during=_as_hours(days, spans)))))

    assert _written_hours(config["time_intervals"][0]) == _expected_hours(days, spans)


def test_a_route_with_hours_is_active_in_them_alone_and_the_file_says_what_happens_outside() -> (
    None
):
    artifact = rendered(render_escalation, service())
    page, chat, ticket, info = yaml.safe_load(artifact.content)["route"]["routes"][0]["routes"]

    assert ticket["active_time_intervals"] == [OFFICE.name]
    assert not any("active_time_intervals" in route for route in (page, chat, info))
    assert "Outside its hours an alert (ticket) waits" in artifact.content
