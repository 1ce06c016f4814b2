"""A provider that is told in some hours alone may keep an incident open: a build warns of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from opsgen.channels.kinds import KINDS
from opsgen.channels.providers import PROVIDERS
from tests.specs import file_texts, warned

_SPEC = "service: shop\nteam: web\nuptime: [https://shop.example.com/health]\n"


def _project(kind: str, during: str = ", during: office") -> str:
    channel = yaml.safe_dump({kind: dict(KINDS[kind].example)}, default_flow_style=True).strip()
    return (
        'alertmanager: {version: "0.34"}\n'
        "teams: {web: {escalation: {page: urgent}}}\n"
        f"channels: {{pager: {channel}}}\n"
        f"escalation: {{urgent: [{{notify: [pager]{during}}}]}}\n"
        'hours: {office: {days: monday to friday, from: "09:00", to: "18:00"}}\n'
    )


@pytest.mark.parametrize("kind", PROVIDERS)
def test_a_provider_with_hours_is_warned_of_at_its_line(tmp_path: Path, kind: str) -> None:
    title = PROVIDERS[kind].title

    assert warned(tmp_path, _SPEC, _project(kind)) == [
        "opsgen.yaml:4: pager hears nothing outside of the hours office, the end of an alert"
        " neither: an incident that ends then stays open; leave during out, and set the hours in"
        f" {title}"
    ]


@pytest.mark.parametrize("kind", sorted(set(KINDS) - set(PROVIDERS)))
def test_a_channel_that_keeps_no_incident_may_have_hours(tmp_path: Path, kind: str) -> None:
    assert warned(tmp_path, _SPEC, _project(kind)) == []


@pytest.mark.parametrize("kind", PROVIDERS)
def test_a_provider_that_is_told_at_any_time_is_not_warned_of(tmp_path: Path, kind: str) -> None:
    assert warned(tmp_path, _SPEC, _project(kind, during="")) == []


def test_a_later_step_is_warned_of_too_and_once_for_all_services(tmp_path: Path) -> None:
    project = _project("pagerduty", during="").replace(
        "[pager]}]", "[pager]}, {after: 15m, notify: [pager], during: office}]"
    )

    spec = _SPEC + "environments: {live: {}, test: {uptime: [https://test.example.com]}}\n"

    said = warned(tmp_path, spec, project)

    assert [text[: len("opsgen.yaml:4")] for text in said if "hears nothing" in text] == [
        "opsgen.yaml:4"
    ]


def test_the_file_says_that_nobody_hears_of_an_end_outside_of_the_hours(tmp_path: Path) -> None:
    with_hours = file_texts(tmp_path / "with", _SPEC, _project("webhook"))
    without = file_texts(tmp_path / "without", _SPEC, _project("webhook", during=""))

    says = "# Nobody is told of an end outside the hours.\n"
    assert says in with_hours["shop/escalation.yaml"]
    assert says not in without["shop/escalation.yaml"]
