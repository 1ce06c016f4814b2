"""Claims about changing PromQL: matchers, windows and offsets arrive everywhere once, and nothing
else changes."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsgen.promql import Matcher, Node, Number, Selector, one_line, parse
from opsgen.promql.rewrite import (
    all_of,
    any_of,
    longest_lookback,
    sum_by,
    transform,
    with_function,
    with_matchers,
    with_offset,
    with_range,
    with_selectors,
)
from opsgen.promql.tree import selectors
from opsgen.quantities import Duration
from tests.promql.trees import trees, values

SHOP = Matcher("job", "=", "shop")


def test_matchers_are_added_to_every_selector() -> None:
    node = with_matchers(
        parse('sum(rate(a[5m])) / sum(rate(b{c="d"}[5m] offset 1w)) > scalar(e)'), [SHOP]
    )

    assert (
        one_line(node)
        == 'sum(rate(a{job="shop"}[5m])) / sum(rate(b{job="shop",c="d"}[5m] offset 7d)) >'
        ' scalar(e{job="shop"})'
    )


@pytest.mark.parametrize("written", ['job="mine"', 'job!="mine"', 'job=~"mine|yours"', 'job=""'])
def test_a_matcher_that_is_written_is_never_overridden(written: str) -> None:
    node = parse(f"a{{{written}}}")

    assert with_matchers(node, [SHOP]) == node


def test_a_service_may_match_one_label_twice() -> None:
    twice = [Matcher("job", "=~", "a.*"), Matcher("job", "!=", "ab")]

    assert one_line(with_matchers(parse("x"), twice)) == 'x{job=~"a.*",job!="ab"}'


@given(trees(), values)
def test_matchers_are_added_once(node: Node, value: str) -> None:
    added = [Matcher("shop_only", "=", value), SHOP]
    once = with_matchers(node, added)

    assert with_matchers(once, added) == once
    assert parse(one_line(once)) == once
    for before, after in zip(selectors(node), selectors(once), strict=True):
        assert set(before.matchers) <= set(after.matchers)
        assert {"shop_only", "job"} <= {matcher.label for matcher in after.matchers}
        assert replace(after, matchers=before.matchers) == before


def test_series_that_have_no_such_labels_are_left_alone() -> None:
    node = with_matchers(parse("a and b"), [SHOP], lambda metric: metric != "b")

    assert one_line(node) == 'a{job="shop"} and b'


def test_windows_change_and_subqueries_keep_theirs() -> None:
    node = parse("max_over_time(sum(rate(a[5m]))[1h:5m]) + increase(b[10m] offset 1d)")

    assert (
        one_line(with_range(node, Duration.of("30m")))
        == "max_over_time(sum(rate(a[30m]))[1h:5m]) + increase(b[30m] offset 1d)"
    )


def test_a_window_may_be_a_variable_of_grafana() -> None:
    assert (
        one_line(with_range(parse("rate(a[5m])"), "$__rate_interval"))
        == "rate(a[$__rate_interval])"
    )


@given(trees(), st.integers(1, 10_000_000).map(Duration))
def test_windows_never_make_an_instant_selector_a_range(node: Node, window: Duration) -> None:
    changed = with_range(node, window)

    assert parse(one_line(changed)) == changed
    for before, after in zip(selectors(node), selectors(changed), strict=True):
        assert after.range == (None if before.range is None else window)


def test_offsets_add_up_and_stand_outside_of_subqueries() -> None:
    node = parse("sum(rate(a[5m] offset 1h)) - max_over_time(b[1h:]) - c offset -1h")

    assert (
        one_line(with_offset(node, Duration.of("1d")))
        == "sum(rate(a[5m] offset 1d1h)) - max_over_time(b[1h:] offset 1d) - c offset 23h"
    )


@given(trees())
def test_an_offset_of_nothing_changes_nothing(node: Node) -> None:
    assert with_offset(node, Duration(0)) == node


@given(trees(), st.integers(1, 10_000_000).map(Duration))
def test_an_offset_reads_back(node: Node, offset: Duration) -> None:
    moved = with_offset(node, offset)

    assert parse(one_line(moved)) == moved


def test_names_are_replaced_with_their_matchers_kept() -> None:
    named = {"requests": Selector("http_total", (Matcher("kind", "=", "server"),))}

    node = with_selectors(parse('sum(rate(requests{code="500"}[5m] offset 1d)) / up'), named.get)

    assert one_line(node) == 'sum(rate(http_total{kind="server",code="500"}[5m] offset 1d)) / up'


def test_only_a_selector_can_stand_for_a_selector() -> None:
    with pytest.raises(TypeError):
        with_selectors(parse("requests"), {"requests": Number(Decimal(1))}.get)


def test_functions_are_swapped_everywhere() -> None:
    node = with_function(parse("rate(a[5m]) / rate(b[5m]) + irate(c[5m])"), "rate", "increase")

    assert one_line(node) == "increase(a[5m]) / increase(b[5m]) + irate(c[5m])"


@given(trees())
def test_a_change_that_changes_nothing_gives_the_same_tree(node: Node) -> None:
    assert transform(node, lambda found: found) == node


def test_a_sum_is_not_summed_again_by_the_same_labels() -> None:
    node = parse("sum by (region) (rate(a[5m]))")

    assert sum_by(node, ["region"]) == node
    assert one_line(sum_by(node)) == "sum(sum by (region) (rate(a[5m])))"
    assert sum_by(parse("sum(a)")) == parse("sum(a)")


def test_conditions_are_chained() -> None:
    parts = [parse(text) for text in ("a > 1", "b > 2", "c > 3")]

    assert one_line(all_of(parts)) == "a > 1 and b > 2 and c > 3"
    assert one_line(any_of([all_of(parts[:2]), parts[2]])) == "(a > 1 and b > 2) or c > 3"


@pytest.mark.parametrize(
    ("query", "reach"),
    [
        ("a", "0s"),
        ("rate(a[5m])", "5m"),
        ("rate(a[5m] offset 1h)", "1h5m"),
        ("rate(a[5m]) + rate(b[1d])", "1d"),
        ("max_over_time(rate(a[5m])[1h:] offset 1d)", "1d1h5m"),
        ("a offset -1h", "0s"),
    ],
)
def test_an_expression_reaches_as_far_back_as_its_windows(query: str, reach: str) -> None:
    assert longest_lookback(parse(query)) == Duration.of(reach)
