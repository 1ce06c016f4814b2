"""What alerts do after the outage that was told, by promtool on the generated rules."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.outages import Firing, firing_by_minute
from tests.specs import file_texts

pytestmark = pytest.mark.slow

_SPEC = """\
service: shop
team: web
convention: prometheus-http
match: {job: shop}
slos: [{availability: 99.9%}]
uptime: [{url: "https://shop.example.com/health", name: health}]
"""
_HEALTHY, _OUTAGE, _AFTER = 360, 30, 420  # minutes
_TIER_3 = _SPEC.replace("team: web", "team: web\ntier: 3")


def _errors(after: int = 0) -> Mapping[str, str]:
    """Every request fails in the outage, and so many of 600 in a minute after it."""
    labels = 'job="shop",instance="a"'
    last_bad = 600 * _OUTAGE
    good = 600 * _HEALTHY
    return {
        f"up{{{labels}}}": f"1x{_HEALTHY + _OUTAGE + _AFTER}",
        f'http_requests_total{{{labels},code="200"}}': (
            f"0+600x{_HEALTHY} {good}x{_OUTAGE - 1} {good}+{600 - after}x{_AFTER}"
        ),
        f'http_requests_total{{{labels},code="500"}}': (
            f"0x{_HEALTHY} 600+600x{_OUTAGE - 1} {last_bad}+{after}x{_AFTER}"
        ),
    }


def _probe(failing: str) -> Mapping[str, str]:
    labels = 'job="probe-shop-health",instance="https://shop.example.com/health"'
    return {f"probe_success{{{labels}}}": f"1x{_HEALTHY} {failing}x{_OUTAGE - 1} 1x{_AFTER}"}


def _firing(folder: Path, promtool: Path, series: Mapping[str, str], spec: str = _SPEC) -> Firing:
    rules = file_texts(folder / "spec", spec)["shop/rules.yaml"]
    (folder / "out" / "shop").mkdir(parents=True)
    (folder / "out" / "shop" / "rules.yaml").write_text(rules)
    minutes = _HEALTHY + _OUTAGE + _AFTER
    return firing_by_minute(promtool, folder / "out", series, minutes, _HEALTHY)


def _minutes(firing: Firing, alert: str, severity: str) -> list[int]:
    """In which minutes after the outage began the alert fires."""
    wanted = {"alertname": alert, "severity": severity}
    return [
        minute
        for minute, alerts in enumerate(firing)
        if any(wanted.items() <= found.items() for found in alerts)
    ]


def test_a_page_ends_with_the_outage_that_another_page_explains(
    promtool: Path, tmp_path: Path
) -> None:
    """Its windows remember the outage for half an hour longer."""
    firing = _firing(tmp_path, promtool, {**_errors(), **_probe("0")})

    assert max(_minutes(firing, "ProbeFailed", "page")) > _OUTAGE
    assert all(minute < _OUTAGE for minute in _minutes(firing, "ErrorBudgetBurn", "page"))


def test_a_page_that_nothing_explains_lasts_as_long_as_its_windows_say(
    promtool: Path, tmp_path: Path
) -> None:
    firing = _firing(tmp_path, promtool, {**_errors(), **_probe("1")})

    fires = _minutes(firing, "ErrorBudgetBurn", "page")
    assert fires == list(range(min(fires), max(fires) + 1))
    assert max(fires) > _OUTAGE


def test_a_page_that_is_bad_for_its_own_reason_is_told_soon_after_the_cause_is_over(
    promtool: Path, tmp_path: Path
) -> None:
    firing = _firing(tmp_path, promtool, {**_errors(after=300), **_probe("0")})

    probe = _minutes(firing, "ProbeFailed", "page")
    again = [one for one in _minutes(firing, "ErrorBudgetBurn", "page") if one > max(probe)]
    assert max(probe) < min(again) <= max(probe) + 15
    assert max(again) == len(firing) - 1


def test_a_ticket_does_not_follow_the_page_of_its_budget(promtool: Path, tmp_path: Path) -> None:
    firing = _firing(tmp_path, promtool, {**_errors(), **_probe("1")})

    page, ticket = (_minutes(firing, "ErrorBudgetBurn", one) for one in ("page", "ticket"))
    assert ticket
    assert set(ticket) < set(page)


def test_a_ticket_whose_budget_burns_on_is_told_once_its_window_has_forgotten_the_page(
    promtool: Path, tmp_path: Path
) -> None:
    """Two in a thousand: too few for a page, twice too many for the budget."""
    firing = _firing(tmp_path, promtool, {**_errors(after=2), **_probe("1")})

    page, ticket = (_minutes(firing, "ErrorBudgetBurn", one) for one in ("page", "ticket"))
    assert not [one for one in ticket if max(page) < one <= max(page) + 330]
    assert max(ticket) == len(firing) - 1


def test_where_nobody_is_paged_a_ticket_says_all_that_it_knows(
    promtool: Path, tmp_path: Path
) -> None:
    firing = _firing(tmp_path, promtool, {**_errors(), **_probe("0")}, _TIER_3)

    assert _minutes(firing, "ErrorBudgetBurn", "page") == []
    assert max(_minutes(firing, "ErrorBudgetBurn", "ticket")) > _OUTAGE + 60
