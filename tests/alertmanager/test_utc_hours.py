"""Hours in a time zone and the same in UTC: at any moment both say the same, or the latter tells a
little more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsgen.alertmanager.time_intervals import is_active
from opsgen.alertmanager.utc_hours import in_utc, is_exact
from opsgen.model.oncall import Hours
from opsgen.render.escalation import escalation
from tests.render.escalations import PAGER, policy, service, team

_STEADY = ["UTC", "Etc/UTC", "Asia/Kolkata", "Asia/Tokyo", "Pacific/Kiritimati", "America/Phoenix"]
_CHANGING = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "America/Havana",
]
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_CLOCKS = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 15, 30]))
_TIMES = st.lists(
    st.tuples(_CLOCKS, _CLOCKS).filter(lambda times: times[0] != times[1]), max_size=2
).map(tuple)
_WEEKDAYS = st.lists(
    st.builds("{}:{}".format, st.sampled_from(_DAYS), st.sampled_from(_DAYS)), max_size=2
).map(tuple)
_MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2053, 12, 31)).map(
    lambda moment: moment.replace(tzinfo=UTC)
)


def _told(
    zone: str, days: tuple[str, ...], times: tuple[tuple[str, str], ...], *holidays: str
) -> dict[str, Any]:
    hours = Hours("some", days, times, zone, holidays)
    return escalation(service(owner=team(page=policy(PAGER, during=hours))))


def _as_utc(config: dict[str, Any]) -> dict[str, Any]:
    return {
        "time_intervals": [
            {"name": interval["name"], "time_intervals": in_utc(interval["time_intervals"])}
            for interval in config["time_intervals"]
        ]
    }


_ACTIVE: dict[str, Any] = {"active_time_intervals": ["some"]}
_MUTED: dict[str, Any] = {"mute_time_intervals": ["some holidays"]}


@settings(max_examples=200)
@given(zone=st.sampled_from(_STEADY), days=_WEEKDAYS, times=_TIMES, moment=_MOMENTS)
def test_where_clocks_never_change_the_hours_are_the_same(
    zone: str, days: tuple[str, ...], times: tuple[tuple[str, str], ...], moment: datetime
) -> None:
    config = _told(zone, days, times)

    assert is_active(_as_utc(config), _ACTIVE, moment) == is_active(config, _ACTIVE, moment)


@settings(max_examples=300)
@given(zone=st.sampled_from(_CHANGING), days=_WEEKDAYS, times=_TIMES, moment=_MOMENTS)
def test_where_clocks_change_nobody_is_told_too_little(
    zone: str, days: tuple[str, ...], times: tuple[tuple[str, str], ...], moment: datetime
) -> None:
    config = _told(zone, days, times)

    assert is_active(_as_utc(config), _ACTIVE, moment) or not is_active(config, _ACTIVE, moment)


@settings(max_examples=200)
@given(
    days=_WEEKDAYS, times=_TIMES, moment=_MOMENTS.filter(lambda moment: moment.month not in (3, 10))
)
def test_in_a_month_without_a_change_the_hours_are_the_same(
    days: tuple[str, ...], times: tuple[tuple[str, str], ...], moment: datetime
) -> None:
    config = _told("Europe/Berlin", days, times)

    assert is_active(_as_utc(config), _ACTIVE, moment) == is_active(config, _ACTIVE, moment)


@settings(max_examples=300)
@given(zone=st.sampled_from([*_STEADY, *_CHANGING]), moment=_MOMENTS, hours=st.integers(-36, 36))
def test_a_holiday_is_the_same_day_to_the_minute(zone: str, moment: datetime, hours: int) -> None:
    holiday = moment.astimezone(ZoneInfo(zone)).date()
    config = _told(zone, (), (), holiday.isoformat())
    near = moment + timedelta(hours=hours)

    assert is_active(_as_utc(config), _MUTED, near) == is_active(config, _MUTED, near)


def test_office_hours_are_an_hour_later_in_winter() -> None:
    config = _told("Europe/Berlin", ("monday:friday",), (("09:00", "18:00"),))

    assert _as_utc(config)["time_intervals"][0]["time_intervals"] == [
        {
            "times": [{"start_time": "08:00", "end_time": "17:00"}],
            "weekdays": ["monday:friday"],
            "months": ["1", "2", "3", "10", "11", "12"],
        },
        {
            "times": [{"start_time": "07:00", "end_time": "16:00"}],
            "weekdays": ["monday:friday"],
            "months": ["3", "4", "5", "6", "7", "8", "9", "10"],
        },
    ]


@pytest.mark.parametrize(
    ("zone", "exact"), [*((zone, True) for zone in _STEADY), *((zone, False) for zone in _CHANGING)]
)
def test_it_is_known_which_zones_are_exact(zone: str, exact: bool) -> None:
    assert is_exact(zone) is exact
