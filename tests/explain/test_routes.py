"""Who is told, how and when: `opsgen route`, beside what amtool says of the same files."""

from __future__ import annotations

import json
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from opsgen.alertmanager.time_intervals import active_from, is_active
from opsgen.cli.main import main
from opsgen.fleet.build import contents
from opsgen.fleet.load import load_fleet
from opsgen.model.oncall import SEVERITIES
from tests.programs import ROOT
from tests.strategies import Spec, examples, projects

SPECS = ROOT / "specs"
SPEC = """\
service: shop
team: web
uptime: [{url: "https://shop.example.com/health", name: health}]
"""
PROJECT = """\
teams: {web: {escalation: {page: critical, ticket: calm}}}
channels:
  pager: {webhook: {url: "http://a.example.com"}}
  chat: {webhook: {url: "http://b.example.com"}}
escalation:
  critical: [{notify: [pager]}, {after: 45m, notify: [chat], during: office}]
  calm: {repeat: 2d, steps: [{notify: [chat], during: office}]}
hours:
  office: {days: monday to friday, from: "09:00", to: "18:00", timezone: Europe/Berlin, holidays: ["2027-12-27"]}
"""


def asked(folder: Path, *arguments: str, spec: str = SPEC, project: str = PROJECT) -> Result:
    (folder / "opsgen.yaml").write_text(project)
    (folder / "service.yaml").write_text(spec)
    return CliRunner().invoke(main, ["route", str(folder / "service.yaml"), *arguments])


def test_the_severities_to_choose_from_are_those_that_alerts_have() -> None:
    said = CliRunner().invoke(main, ["route", "--help"]).output

    assert f"[{'|'.join(SEVERITIES)}]" in said


def told(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    """The channels of the only answer, as programs read them."""
    result = asked(folder, "--format", "json", *arguments)
    assert result.exit_code == 0, result.output
    (answer,) = json.loads(result.stdout)
    found: list[dict[str, Any]] = answer["told"]
    return found


def routes_test(amtool: Path, config: Path, labels: dict[str, str]) -> list[str]:
    """What amtool says of an alert."""
    arguments = [f"{label}={value}" for label, value in labels.items()]
    done = subprocess.run(
        [amtool, "config", "routes", "test", "--config.file", config, *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip().split(",")


def agrees_with_amtool(amtool: Path, spec: Path, out: Path) -> int:
    """How many alerts, steps included, amtool sends to the channels that `opsgen route` names,
    which is all of them."""
    printed = CliRunner().invoke(main, ["route", str(spec), "--format", "json"])
    by_severity = {answer["severity"]: answer["told"] for answer in json.loads(printed.stdout)}
    service = yaml.safe_load(spec.read_text(encoding="utf-8"))["service"]
    groups = yaml.safe_load((out / service / "rules.yaml").read_text(encoding="utf-8"))["groups"]
    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    for rule in alerts:
        labels = {"alertname": rule["alert"], **rule["labels"]}
        step = int(labels.get("step", 1))
        wanted = [one["channel"] for one in by_severity[labels["severity"]] if one["step"] == step]
        assert routes_test(amtool, out / "alertmanager.yml", labels) == wanted, labels
    return len(alerts)


@pytest.mark.parametrize("name", ["checkout", "payments", "prometheus", "alertmanager"])
def test_it_agrees_with_amtool_on_every_alert_of_the_examples(amtool: Path, name: str) -> None:
    assert agrees_with_amtool(amtool, SPECS / f"{name}.yaml", ROOT / "out") > 5


@pytest.mark.slow
@settings(max_examples=examples(5))
@given(projects, st.integers(1, 4))
def test_it_agrees_with_amtool_on_random_policies(amtool: Path, project: Spec, tier: int) -> None:
    with TemporaryDirectory(prefix="opsgen-route-") as name:
        folder = Path(name)
        (folder / "opsgen.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")
        spec = folder / "service.yaml"
        spec.write_text(
            yaml.safe_dump(yaml.safe_load(SPEC) | {"team": "orders", "tier": tier}),
            encoding="utf-8",
        )
        for content in contents(load_fleet([spec]), folder / "out").values():
            for artifact in content.artifacts:
                path = folder / "out" / artifact.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(artifact.encoded)

        assert agrees_with_amtool(amtool, spec, folder / "out") >= 3


def test_people_read_who_is_told_when(tmp_path: Path) -> None:
    result = asked(tmp_path, "--at", "Sat 03:00", "--timezone", "Europe/Berlin")

    assert result.stdout.splitlines() == [
        "shop, page: ProbeFailed, TargetsAbsent",
        "  at once           pager (webhook)",
        (
            "  after 45 minutes  chat (webhook), in office hours; on Sat 03:00 Europe/Berlin: waits"
            " until Mon 09:00"
        ),
        "  repeated every 4h while the alert fires, and once when it ends",
        "  not told to chat: an end outside of office hours",
        "",
        "shop, ticket: TargetsAbsent, ProbeSlow, CertificateExpiring, TargetDown",
        (
            "  at once           chat (webhook), in office hours; on Sat 03:00 Europe/Berlin: waits"
            " until Mon 09:00"
        ),
        "  repeated every 2d while the alert fires, and once when it ends",
        "  not told to chat: an end outside of office hours",
    ]


def test_who_is_told_at_any_time_is_told_of_the_end(tmp_path: Path) -> None:
    result = asked(tmp_path, project=PROJECT.replace(", during: office", ""))

    assert "once when it ends" in result.stdout
    assert "not told" not in result.stdout


@pytest.mark.parametrize(
    ("at", "begins"),
    [
        ("Mon 08:59", "09:00"),
        ("Mon 09:00", None),
        ("wednesday 17:59", None),
        ("Fri 18:00", "09:00"),
        ("2027-12-24 17:00", None),
        ("2027-12-25 12:00", "2027-12-28T09:00:00+01:00"),
        ("2027-12-27 12:00", "2027-12-28T09:00:00+01:00"),
    ],
)
def test_outside_its_hours_and_on_holidays_a_channel_waits(
    tmp_path: Path, at: str, begins: str | None
) -> None:
    (chat,) = told(tmp_path, "--severity", "ticket", "--at", at, "--timezone", "Europe/Berlin")

    assert chat["waits"] is (begins is not None)
    assert begins is None or begins in chat["at"]


def test_a_later_step_is_asked_for_when_it_comes(tmp_path: Path) -> None:
    pager, chat = told(
        tmp_path, "--severity", "page", "--at", "Fri 17:30", "--timezone", "Europe/Berlin"
    )

    assert (pager["waits"], chat["waits"]) == (False, True)


def test_without_a_moment_nothing_is_said_of_waiting(tmp_path: Path) -> None:
    assert [(one["waits"], one["at"]) for one in told(tmp_path, "--severity", "ticket")] == [
        (False, None)
    ]


@pytest.mark.parametrize(
    "arguments", [("--at", "Xyz 03:00"), ("--at", "noon"), ("--at", "Sat 03:00", "--timezone", "x")]
)
def test_what_is_no_moment_is_refused_with_an_example(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    result = asked(tmp_path, *arguments)

    assert result.exit_code == 2
    assert 'write "Sat 03:00" or "2027-12-25 03:00"' in result.stderr


def test_an_alert_that_there_is_not_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    result = asked(tmp_path, "--alert", "ProbeFaild")

    assert result.exit_code == 2
    assert "the alerts are CertificateExpiring, ProbeFailed, ProbeSlow" in result.stderr


_NIGHT = {
    "time_intervals": [
        {
            "name": "night",
            "time_intervals": [
                {
                    "weekdays": ["friday:saturday"],
                    "times": [{"start_time": "22:00", "end_time": "24:00"}],
                },
                {
                    "weekdays": ["saturday", "sunday"],
                    "times": [{"start_time": "00:00", "end_time": "06:00"}],
                },
            ],
        }
    ]
}


@pytest.mark.parametrize(
    ("moment", "active"),
    [
        ("2027-01-01 21:59", False),  # a Friday
        ("2027-01-01 22:00", True),
        ("2027-01-01 23:59", True),
        ("2027-01-02 05:59", True),
        ("2027-01-02 06:00", False),
        ("2027-01-03 05:00", True),
        ("2027-01-03 23:00", False),
    ],
)
def test_a_night_ends_on_the_next_day(moment: str, active: bool) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo("UTC"))

    assert is_active(_NIGHT, {"active_time_intervals": ["night"]}, at) is active
    assert is_active(_NIGHT, {"mute_time_intervals": ["night"]}, at) is not active


@given(
    st.datetimes(
        datetime(2026, 1, 1), datetime(2030, 1, 1), timezones=st.just(ZoneInfo("Europe/Berlin"))
    )
)
def test_a_route_is_active_from_when_it_is_said_to_be_and_not_a_minute_before(
    moment: datetime,
) -> None:
    route = {"active_time_intervals": ["night"]}

    begins = active_from(_NIGHT, route, moment)

    assert begins is not None
    assert is_active(_NIGHT, route, begins)
    assert begins == moment or not is_active(_NIGHT, route, begins - timedelta(minutes=1))


def test_hours_that_never_come_are_not_waited_for_for_ever() -> None:
    never = {"time_intervals": [{"name": "once", "time_intervals": [{"years": ["1999"]}]}]}

    assert (
        active_from(
            never, {"active_time_intervals": ["once"]}, datetime(2027, 1, 1, tzinfo=ZoneInfo("UTC"))
        )
        is None
    )
