"""The fleet's Alertmanager configuration, the union of all services' fragments; amtool judges it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from opsgen.alertmanager.routing import is_inhibited, receivers_reached
from opsgen.channels.receivers import CATCH_ALL
from opsgen.errors import InputError
from opsgen.model.oncall import Channel, Hours, Policy, Step, Team, Watchdog
from opsgen.quantities import Duration
from opsgen.render.alertmanager import united
from tests.render.escalations import (
    CHAT,
    INFO,
    LOG,
    NO_DELAY,
    OFFICE,
    PAGE,
    TICKET,
    assert_accepted,
    fragment_of,
    policy,
    reached,
    service,
    team,
)


def _fleet(fragments: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    fleet: dict[str, Any] = yaml.safe_load(united(fragments).content)
    return fleet


_FRAGMENTS = st.lists(
    st.builds(
        lambda name, environment: fragment_of(service(name, environment=environment)),
        st.sampled_from(["checkout", "payments", "search"]),
        st.sampled_from(["production", "staging"]),
    ),
    max_size=4,
)


def test_what_no_route_matches_reaches_the_catch_all_of_the_fleet(
    amtool: Path, tmp_path: Path
) -> None:
    file = tmp_path / "alertmanager.yml"
    file.write_text(united([fragment_of(service())], catch_all=LOG).content, encoding="utf-8")

    assert_accepted(amtool, file)
    assert reached(amtool, file, {"alertname": "SomebodyElses"}) == ["alert-log"]
    assert reached(amtool, file, PAGE) == ["payments-primary", "payments-slack"]
    assert CATCH_ALL not in file.read_text(encoding="utf-8")


def test_the_watchdog_reaches_whoever_expects_it_and_nobody_else(
    amtool: Path, tmp_path: Path
) -> None:
    beat = Watchdog(LOG, Duration.of("2m"))
    file = tmp_path / "alertmanager.yml"
    file.write_text(united([fragment_of(service())], watchdog=beat).content, encoding="utf-8")
    config = yaml.safe_load(file.read_text(encoding="utf-8"))

    assert_accepted(amtool, file)
    assert reached(amtool, file, {"alertname": "Watchdog", "severity": "none"}) == [
        "alert-log watchdog"
    ]
    assert reached(amtool, file, INFO) == ["alert-log"]
    (told,) = (found for found in config["receivers"] if found["name"] == "alert-log watchdog")
    assert told["webhook_configs"][0]["send_resolved"] is False


@settings(max_examples=25)
@given(fragments=_FRAGMENTS, data=st.data())
def test_the_order_in_which_fragments_are_merged_does_not_matter(
    fragments: list[dict[str, Any]], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(fragments))

    assert united(shuffled) == united(fragments)


@settings(max_examples=25)
@given(one=_FRAGMENTS, two=_FRAGMENTS, three=_FRAGMENTS)
def test_what_is_merged_first_does_not_matter(
    one: list[dict[str, Any]], two: list[dict[str, Any]], three: list[dict[str, Any]]
) -> None:
    whole = united([*one, *two, *three])

    assert united([_fleet([*one, *two]), *three]) == whole
    assert united([*one, _fleet([*two, *three])]) == whole


def _team_of_many(number: int) -> Team:
    """Forty teams, each with a channel of its own for its pages, and every other one with a second
    step."""
    pager = Channel(f"pager-{number:02}", "webhook", {"url": f"http://pager-{number}.example.com"})
    later = (Step(Duration.of("15m"), (CHAT,), None),) if number % 2 else ()
    critical = Policy(f"critical-{number}", (Step(NO_DELAY, (pager,), None), *later))
    return replace(team(page=critical, ticket=policy(CHAT)), name=f"team-{number:02}")


@pytest.mark.slow
def test_a_thousand_services_of_forty_teams_are_merged_and_each_alert_still_finds_its_way(
    amtool: Path, tmp_path: Path
) -> None:
    names = [f"service-{number:04}" for number in range(1000)]
    fragments = [
        fragment_of(service(name, _team_of_many(number % 40))) for number, name in enumerate(names)
    ]
    file = tmp_path / "alertmanager.yml"
    file.write_text(united(fragments).content, encoding="utf-8")
    fleet = yaml.load(file.read_bytes(), Loader=yaml.CSafeLoader)

    assert_accepted(amtool, file)
    for number in range(40):
        page = {**PAGE, "service": names[number * 25 + number % 25]}
        owner = (number * 25 + number % 25) % 40
        assert reached(amtool, file, page) == [f"pager-{owner:02}"]
        if owner % 2:
            assert reached(amtool, file, {**page, "step": "2"}) == ["payments-slack"]
    for name, fragment in list(zip(names, fragments, strict=True))[::20]:
        for labels in (
            {**PAGE, "service": name},
            {**TICKET, "service": name},
            {**INFO, "service": name},
        ):
            assert receivers_reached(fleet, labels) == receivers_reached(fragment, labels)


def test_every_inhibit_rule_of_a_service_is_written_once() -> None:
    fragment = fragment_of(service())
    of_two = _fleet([fragment, fragment, fragment_of(service("payments"))])["inhibit_rules"]

    assert len(of_two) == 2 * len(fragment["inhibit_rules"])
    assert all(rule in of_two for rule in fragment["inhibit_rules"])


@pytest.mark.parametrize(
    ("of_till", "of_shop", "mutes"),
    [(None, None, True), (OFFICE, None, False), (OFFICE, OFFICE, True), (None, OFFICE, True)],
    ids=["at any time", "it waits", "both wait", "the other one waits"],
)
def test_a_service_whose_pages_wait_mutes_no_other_that_is_told_now(
    of_till: Hours | None, of_shop: Hours | None, mutes: bool
) -> None:
    till = fragment_of(service("till", team(page=policy(CHAT, during=of_till))))
    shop = service("shop", team(page=policy(LOG, during=of_shop)))
    fleet = _fleet([till, fragment_of(replace(shop, depends_on=("till",)))])
    page = {**PAGE, "service": "shop", "alertname": "ErrorRatioHigh", "signal": "errors"}
    gone = {**page, "service": "till", "alertname": "TargetsAbsent", "signal": "targets"}

    assert is_inhibited(fleet, page, [gone]) is mutes
    assert is_inhibited(fleet, page, [{**gone, "service": "shop"}])


def test_receivers_and_hours_that_services_share_are_written_once() -> None:
    one = _fleet([fragment_of(service())])
    two = _fleet([fragment_of(service()), fragment_of(service("payments"))])

    assert two["receivers"] == one["receivers"]
    assert two["time_intervals"] == one["time_intervals"]


def test_a_fleet_of_none_tells_nobody(amtool: Path, tmp_path: Path) -> None:
    artifact = united([])
    (tmp_path / artifact.path).write_text(artifact.content, encoding="utf-8")

    assert_accepted(amtool, tmp_path / artifact.path)


def test_a_receiver_with_two_meanings_names_the_services_of_both() -> None:
    other = Channel(CHAT.name, "slack", {**CHAT.options, "channel": "#other"})
    fragments = [fragment_of(service()), fragment_of(service("search", team(page=policy(other))))]

    with pytest.raises(InputError) as error:
        united(fragments)

    assert [mistake.path for mistake in error.value.mistakes] == ["receivers"]
    assert "'payments-slack' is defined in 2 different ways" in str(error.value)
    assert 'service="checkout"' in str(error.value)
    assert 'service="search"' in str(error.value)


def test_a_service_routed_in_two_ways_and_hours_with_two_meanings_are_reported_at_once() -> None:
    elsewhere = Hours(OFFICE.name, OFFICE.days, OFFICE.times, "UTC")
    fragments = [
        fragment_of(service()),
        fragment_of(service(owner=team(ticket=policy(LOG, during=elsewhere)))),
    ]

    with pytest.raises(InputError) as error:
        united(fragments)

    assert sorted(mistake.path for mistake in error.value.mistakes) == ["route", "time_intervals"]
