"""Claims about burn-rate arithmetic: the workbook's own numbers, and what holds for every objective
and period."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from opsgen.model.service import BurnRate
from opsgen.quantities import Duration, Ratio, number_text
from opsgen.render.rules import render_rules
from opsgen.signals.burnrates import Tiers, threshold, tiers, with_severities
from tests.rendering import rendered
from tests.specs import derived, refused, warned

SCRAPE = Duration.of("30s")
ROUND = set(
    map(Duration.of, ("1h", "2h", "3h", "6h", "12h", "1d", "2d", "3d", "6d", "12d", "24d", "36d"))
)

days = st.integers(1, 365).map(lambda count: Duration.of(f"{count}d"))
# With the precision that people write: 99.9%, 99.95%, 99.999%.
objectives = st.decimals(min_value=1, max_value=Decimal("99.999"), places=3).map(
    lambda p: Ratio(p / 100)
)


def _tiers(objective: str = "99.9%", window: str = "30d") -> Tiers:
    return tiers(Ratio.parse(objective), Duration.of(window), SCRAPE)


def _rows(found: Tiers) -> list[str]:
    return [
        f"{t.severity} {number_text(t.factor)} {t.long_window} {t.short_window}"
        for t in found.burn_rates
    ]


def test_thirty_days_have_the_workbooks_numbers() -> None:
    found = _tiers()

    assert _rows(found) == ["page 14.4 1h 5m", "page 6 6h 30m", "ticket 3 1d 2h", "ticket 1 3d 6h"]
    assert found.notes == ()


def test_twenty_eight_days_spend_the_same_shares_in_the_same_windows() -> None:
    assert _rows(_tiers(window="28d"))[:3] == [
        "page 13.44 1h 5m",
        "page 5.6 6h 30m",
        "ticket 2.8 1d 2h",
    ]


@pytest.mark.parametrize(
    ("objective", "limits"),
    [
        ("99.9%", ["0.0144", "0.006", "0.003", "0.001"]),
        ("99%", ["0.144", "0.06", "0.03", "0.01"]),
        ("99.95%", ["0.0072", "0.003", "0.0015", "0.0005"]),
        ("99.99%", ["0.00144", "0.0006", "0.0003", "0.0001"]),
    ],
)
def test_thresholds_print_as_people_write_them(objective: str, limits: list[str]) -> None:
    found = _tiers(objective).burn_rates

    assert [number_text(threshold(tier, Ratio.parse(objective))) for tier in found] == limits


@pytest.mark.parametrize("window", ["1d", "7d", "28d", "30d", "31d", "90d", "365d"])
@pytest.mark.parametrize("objective", ["55.5%", "93.05%", "99.7%", "99.999%"])
def test_no_rule_has_a_number_with_float_noise(tmp_path: Path, objective: str, window: str) -> None:
    spec = (
        "service: shop\nconvention: grpc\nmatch: {job: shop}\n"
        f"slos:\n- {{availability: {objective}, window: {window}}}\n"
        f"- {{latency: {objective} under 100ms, window: {window}}}\n"
    )
    model = derived(tmp_path, spec)

    numbers = re.findall(r"\d+\.\d+", rendered(render_rules, model.service, model.derived).content)

    assert numbers
    assert not [text for text in numbers if len(text.lstrip("0.")) > 7 or text.endswith("0")]


@given(days, objectives)
@example(Duration.of("1d"), Ratio.parse("99.9%"))
@example(Duration.of("365d"), Ratio.parse("99.9%"))
@example(Duration.of("30d"), Ratio.parse("93.05%"))
def test_every_tier_of_every_period_is_sound(window: Duration, objective: Ratio) -> None:
    found = tiers(objective, window, SCRAPE).burn_rates

    for tier in found:
        assert tier.factor >= 1, "a burn below 1 never spends the budget"
        assert threshold(tier, objective) < 1, "a total outage must reach it"
        assert tier.long_window in ROUND
        assert tier.short_window * 12 == tier.long_window
        assert tier.short_window >= SCRAPE * 4
        assert tier.long_window <= window
        assert len(number_text(tier.factor).replace(".", "").strip("0")) <= 4
    assert {tier.severity for tier in found} == {"page", "ticket"}
    assert len(set(found)) == len(found)


@given(days, objectives)
def test_no_tier_is_covered_by_another_of_its_severity(window: Duration, objective: Ratio) -> None:
    found = tiers(objective, window, SCRAPE).burn_rates

    for tier in found:
        others = [other for other in found if other is not tier and other.severity == tier.severity]
        covered = [
            o for o in others if o.factor <= tier.factor and o.long_window <= tier.long_window
        ]
        assert not covered, f"{tier} never fires alone: {covered}"


@given(days)
def test_a_slower_scrape_gets_longer_short_windows(window: Duration) -> None:
    slow = Duration.of("1m")

    for tier in tiers(Ratio.parse("99.9%"), window, slow).burn_rates:
        assert tier.short_window >= slow * 4


@given(days)
def test_a_page_is_no_slower_a_burn_than_any_ticket(window: Duration) -> None:
    found = tiers(Ratio.parse("99.9%"), window, SCRAPE).burn_rates
    pages, tickets = (
        [t.factor for t in found if t.severity == severity] for severity in ("page", "ticket")
    )

    assert min(pages) >= max(tickets)


@pytest.mark.parametrize("objective", ["93.05%", "90%", "80%", "50%", "10%", "1%"])
def test_a_tier_that_an_outage_cannot_reach_is_replaced_and_the_build_says_so(
    objective: str,
) -> None:
    found = _tiers(objective)
    budget = 1 - Ratio.parse(objective).value

    assert max(tier.factor for tier in found.burn_rates) == max(
        f for f in (Decimal("14.4"), 6, 3, 1) if f * budget < 1
    )
    assert found.notes[0].startswith(
        f"a burn rate of 14.4 can never be reached at an objective of {objective} "
    )
    assert _tiers("93.06%").notes == ()


def test_the_note_says_what_happens_instead(tmp_path: Path) -> None:
    said = warned(
        tmp_path, "service: shop\nteam: t\nconvention: grpc\nslos: [{availability: 80%}]\n"
    )

    assert said == [
        (
            "service.yaml: SLO availability: a burn rate of 14.4 can never be reached at an"
            " objective of 80% (a total outage burns 5 times); the page over 1h fires at 3 instead"
        ),
        (
            "service.yaml: SLO availability: a burn rate of 6 can never be reached at an objective"
            " of 80% (a total outage burns 5 times); the page over 6h is left out, because"
            " another tier covers it"
        ),
    ]


def test_a_projects_own_tiers_take_the_place_of_the_workbooks(tmp_path: Path) -> None:
    project = """\
slo:
  burn_rates:
    - {severity: page, factor: 10, long: 2h}
    - {severity: info, factor: 2, long: 6h, short: 1h}
"""
    spec = "service: shop\nteam: t\nconvention: grpc\nslos: [{availability: 99%}]\n"

    model = derived(tmp_path, spec, project)

    rates = [rate for alert in model.derived.alerts for rate in alert.burn_rates]
    assert rates == [
        BurnRate("page", Decimal(10), Duration.of("2h"), Duration.of("10m")),
        BurnRate("info", Decimal(2), Duration.of("6h"), Duration.of("1h")),
    ]


def test_a_projects_own_tier_that_can_never_be_reached_is_replaced_too(tmp_path: Path) -> None:
    project = "slo: {burn_rates: [{severity: page, factor: 10, long: 2h}]}\n"

    said = warned(
        tmp_path, "service: shop\nteam: t\nconvention: grpc\nslos: [{availability: 90%}]\n", project
    )

    assert said == [
        "service.yaml: SLO availability: a burn rate of 10 can never be reached at an objective of"
        " 90% (a total outage burns 10 times); the page over 2h fires at 6 instead"
    ]


def test_a_project_cannot_ask_for_tiers_that_make_no_sense(tmp_path: Path) -> None:
    project = """\
slo:
  window: 400d
  burn_rates:
    - {severity: page, factor: 0.5, long: 1h}
    - {severity: page, factor: 10, long: 1h, short: 1h}
    - {severity: page, factor: 10, long: 12m}
"""

    assert refused(tmp_path, "service: shop\nslos: [{availability: 99%}]\n", project) == [
        "opsgen.yaml:2:11: slo.window: 400d is not a valid period for an SLO; write 1d to 365d",
        (
            "opsgen.yaml:4:32: slo.burn_rates[0].factor: a burn rate of 0.5 never spends the"
            " budget; write 1 or more"
        ),
        (
            "opsgen.yaml:5:53: slo.burn_rates[1].short: 1h is not shorter than 1h;"
            " write 1/12 of the long window"
        ),
        (
            "opsgen.yaml:6:7: slo.burn_rates[2]: a short window of 1m holds too few samples; the"
            " scrape interval is 30s: write 2m or more"
        ),
    ]


def test_tiers_take_the_meaning_of_the_services_tier() -> None:
    found = with_severities(
        _tiers().burn_rates, {"page": "ticket", "ticket": "info", "info": "info"}
    )

    assert [tier.severity for tier in found] == ["ticket", "ticket", "info", "info"]
