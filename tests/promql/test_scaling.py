"""How a query grows with the events that it counts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from opsgen.promql import parse
from opsgen.promql.scaling import FixedNumberError, power_of


@pytest.mark.parametrize(
    ("query", "power"),
    [
        ("rate(a[5m])", 1),
        ("sum by (x) (increase(a[5m]))", 1),
        ("topk(3, rate(a[5m]))", 1),
        ("3 * rate(a[5m]) - -rate(b[5m])", 1),
        ("rate(a[5m]) * rate(b[5m])", 2),
        ("rate(a[5m]) ^ 2", 2),
        ("rate(a[5m]) / rate(b[5m])", 0),
        ("3", 0),
        ("vector(0)", None),
        ("Inf", None),
        ("0 * rate(a[5m])", None),
        ("rate(a[5m]) < Inf", 1),
        ("0 < rate(a[5m])", 1),
        ("rate(a[5m]) > bool rate(b[5m])", 0),
        ("rate(a[5m]) unless rate(b[5m]) / rate(c[5m]) > 0.5", 1),
        ("histogram_fraction(0, 1, rate(a[5m])) * histogram_count(rate(a[5m]))", 1),
        ("histogram_quantile(0.9, rate(a[5m]))", 0),
        ("label_replace(rate(a[5m]), 'x', '$1', 'y', '(.*)')", 1),
        ("rate(a[5m]) * on () group_left () count(rate(b[5m]))", 1),
        ("sqrt(rate(a[5m]) / rate(b[5m]))", 0),
        ("absent(rate(a[5m]))", 0),
        ("clamp_max(rate(a[5m]), scalar(sum(rate(b[5m]))))", 1),
    ],
)
def test_a_value_grows_with_a_power_of_the_events(query: str, power: int | None) -> None:
    assert power_of(parse(query)) == (None if power is None else Decimal(power))


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("rate(a[5m]) + 1", "+ 1"),
        ("rate(a[5m]) or absent(rate(a[5m]))", "or absent(rate(a[5m]))"),
        ("rate(a[5m]) + rate(b[5m]) / rate(c[5m])", "+ rate(b[5m]) / rate(c[5m])"),
        ("rate(a[5m]) > time()", "> time()"),
        ("2 ^ rate(a[5m])", "2 ^"),
        ("ln(rate(a[5m]))", "ln(...)"),
        ("topk(scalar(rate(a[5m])), rate(a[5m]))", "topk(scalar(rate(a[5m])), rate(a[5m]))"),
    ],
)
def test_a_fixed_number_that_meets_events_is_shown(query: str, shown: str) -> None:
    with pytest.raises(FixedNumberError) as caught:
        power_of(parse(query))

    assert str(caught.value) == shown
