"""Claims about durations and ratios: exact, printed as people write them, and read back as the
same."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from opsgen.quantities import Duration, Ratio, number_text

durations = st.integers(0, 10 * 365 * 86_400_000).map(Duration)
percentages = st.decimals(min_value=0, max_value=999_999, places=6, allow_nan=False)


@given(durations)
@example(Duration(0))
@example(Duration(1))
@example(Duration(60_001))
def test_a_duration_reads_back_as_what_was_printed(duration: Duration) -> None:
    assert Duration.parse(str(duration)) == duration


@pytest.mark.parametrize(
    ("written", "milliseconds", "printed"),
    [
        ("0s", 0, "0s"),
        ("300ms", 300, "300ms"),
        ("1500ms", 1500, "1s500ms"),
        ("90m", 5_400_000, "1h30m"),
        ("24h", 86_400_000, "1d"),
        ("4w", 28 * 86_400_000, "28d"),
        ("1y", 365 * 86_400_000, "365d"),
        ("1d12h", 36 * 3_600_000, "1d12h"),
        ("1m1ms", 60_001, "1m1ms"),
    ],
)
def test_durations_are_prometheus_own(written: str, milliseconds: int, printed: str) -> None:
    duration = Duration.parse(written)

    assert (duration.milliseconds, str(duration)) == (milliseconds, printed)


@pytest.mark.parametrize(
    "text",
    ["", "5", "m", "1.5h", "-5m", "5m1h", "1h1h", "5 m", "5M", "٥m", "1h\n", "11y", "9" * 30 + "s"],
)
def test_what_prometheus_does_not_read_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        Duration.parse(text)


@given(durations, durations)
def test_durations_compare_and_add_as_numbers(one: Duration, other: Duration) -> None:
    assert (one < other) == (one.seconds < other.seconds)
    assert (one + other).seconds == one.seconds + other.seconds
    assert bool(one) == (one.milliseconds != 0)


@given(durations)
def test_every_unit_tells_the_same_length(duration: Duration) -> None:
    assert Duration.from_seconds(duration.seconds) == duration
    assert round(duration.minutes * 60, 9) == round(duration.hours * 3600, 9) == duration.seconds
    assert round(duration.days * 24, 9) == round(duration.hours, 9)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("30d", "30 days"),
        ("1h", "1 hour"),
        ("90m", "1 hour 30 minutes"),
        ("1s", "1 second"),
        ("1500ms", "1 second 500 milliseconds"),
        ("43m12s", "43 minutes 12 seconds"),
    ],
)
def test_a_duration_can_be_said(written: str, words: str) -> None:
    assert Duration.parse(written).in_words == words


@given(percentages)
@example(Decimal("99.9"))
@example(Decimal("0.000001"))
@example(Decimal(0))
def test_a_ratio_reads_back_as_what_was_printed(percentage: Decimal) -> None:
    ratio = Ratio.parse(f"{number_text(percentage)}%")

    assert ratio.percent == percentage
    assert Ratio.parse(str(ratio)) == ratio


@given(st.integers(0, 100_000))
def test_a_ratio_is_exact(thousandths: int) -> None:
    written = f"{number_text(Decimal(thousandths) / 1000)}%"

    assert 1 - Ratio.parse(written).value == Decimal(100_000 - thousandths) / 100_000


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("99.9", "99.9%"),
        ("0.999", "99.9%"),
        ("1", "100%"),
        ("50", "50%"),
        ("many", "99.9%"),
        ("", "99.9%"),
        ("1e3", "99.9%"),
        ("nan", "99.9%"),
    ],
)
def test_a_number_without_its_sign_is_told_what_it_most_likely_meant(text: str, right: str) -> None:
    with pytest.raises(ValueError, match=rf"write it with its sign: {re.escape(right)}$"):
        Ratio.parse(text)


@pytest.mark.parametrize(
    "text", ["%", "-5%", "1e1%", "٥%", "1.%", ".5%", "5%%", "1,5%", "99.9999999999999%"]
)
def test_what_is_no_plain_number_is_no_percentage(text: str) -> None:
    with pytest.raises(ValueError, match="write a plain number and its sign"):
        Ratio.parse(text)


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, min_value=Decimal("-1e20"), max_value=Decimal("1e20")
    )
)
@example(Decimal("-0"))
@example(Decimal("0E+10"))
@example(Decimal("1E+3"))
@example(Decimal("1.500"))
def test_a_number_is_plain_short_and_the_same(number: Decimal) -> None:
    text = number_text(number)

    assert Decimal(text) == number
    assert re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?", text)


@pytest.mark.parametrize("number", ["0.0144", "14.4", "70", "1.5", "0.000001", "1000000"])
def test_numbers_print_as_people_write_them(number: str) -> None:
    assert number_text(Decimal(number)) == number
