"""Claims about printing PromQL: what is printed is what was meant, on one line or on many."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from opsgen.promql import Binary, Matcher, Node, Number, Selector, Unary, one_line, parse, pretty
from opsgen.promql.text import quote
from tests.promql.trees import trees, values

widths = st.integers(10, 130)


@given(trees())
def test_one_line_reads_back_as_what_was_printed(node: Node) -> None:
    assert parse(one_line(node)) == node


@given(trees(), widths)
def test_many_lines_read_back_as_what_was_printed(node: Node, width: int) -> None:
    assert parse(pretty(node, width)) == node


@given(trees(), widths)
def test_lines_differ_from_one_line_in_blanks_and_parentheses_alone(node: Node, width: int) -> None:
    def bare(text: str) -> str:
        return "".join(c for c in text if c not in " \n()")

    assert bare(pretty(node, width)) == bare(one_line(node))


@given(trees())
def test_what_fits_is_left_on_one_line(node: Node) -> None:
    text = one_line(node)

    assert pretty(node, len(text)) == text


def _queries(folder: Path) -> list[str]:
    """Every expression of the rule files below the folder."""
    found = []
    for file in sorted(folder.rglob("*.yaml")):
        for document in yaml.safe_load_all(file.read_text()):
            groups = document.get("spec", document).get("groups", [])
            found += [str(rule["expr"]) for group in groups for rule in group["rules"]]
    return found


def test_public_rules_survive_printing(sample_data: Path) -> None:
    queries = _queries(sample_data / "rules")
    assert len(queries) > 200

    for query in queries:
        node = parse(query)
        assert parse(one_line(node)) == node, query
        assert parse(pretty(node)) == node, query
        assert parse(pretty(node, 40)) == node, query
        assert pretty(parse(pretty(node))) == pretty(node), query


@given(values)
@example('"')
@example("\\")
@example("a\\")
@example('\\"')
@example("two\nlines\r\tand a bell \a")
@example("`")
@example("{{ $labels.x }}")
@example("\x00\x7f\x85\u2028🔥אב")
@example('"} or vector(1) #')
def test_a_hostile_label_value_stays_a_value(value: str) -> None:
    node = Selector("up", (Matcher("job", "=", value),))

    assert parse(one_line(node)) == node
    assert "\n" not in one_line(node)
    assert parse(f"{one_line(node)} or vector(1)") == Binary("or", node, parse("vector(1)"))


@given(values)
def test_a_quoted_string_has_no_quote_that_ends_it(value: str) -> None:
    inside = quote(value)[1:-1]

    assert not any(
        c == '"' and (len(inside[:i]) - len(inside[:i].rstrip("\\"))) % 2 == 0
        for i, c in enumerate(inside)
    )


@pytest.mark.parametrize(
    ("query", "printed"),
    [
        ("sum  by(job)(rate(a[5m]))", "sum by (job) (rate(a[5m]))"),
        ("sum(rate(a[5m])) by (job)", "sum by (job) (rate(a[5m]))"),
        ("((a))", "a"),
        ("a + (b + c)", "a + (b + c)"),
        ("(a + b) + c", "a + b + c"),
        ("a - (b - c)", "a - (b - c)"),
        ("a ^ b ^ c", "a ^ b ^ c"),
        ("(a ^ b) ^ c", "(a ^ b) ^ c"),
        ("-a ^ 2", "-a ^ 2"),
        ("(-a) ^ 2", "(-a) ^ 2"),
        ("-(a + b)", "-(a + b)"),
        ("a and b or c and d", "(a and b) or (c and d)"),
        ("a > bool 1", "a > bool 1"),
        ("a * on(x) group_left(y) b", "a * on (x) group_left (y) b"),
        ("a and on() b", "a and on () b"),
        ("a[1w]", "a[7d]"),
        ("rate(a[90m])", "rate(a[1h30m])"),
        ("a offset -5m", "a offset -5m"),
        ("a @ 1700000000.5", "a @ 1700000000.500"),
        ("max_over_time(a[1h:])", "max_over_time(a[1h:])"),
        ("max_over_time((a+b)[1h:5m] offset 1d)", "max_over_time((a + b)[1h:5m] offset 1d)"),
        ("a{b='c',d!~`e.*`}", 'a{b="c",d!~"e.*"}'),
        ('{__name__="a"}', "a"),
        ("a * 1e3", "a * 1000"),
        ("a > 0.10", "a > 0.1"),
        ("a > 1_000", "a > 1000"),
        ("a > -Inf", "a > -Inf"),
        ("NaN == a", "NaN == a"),
        ("(-1) ^ a", "(-1) ^ a"),
        ("a # a comment", "a"),
    ],
)
def test_a_query_is_printed_as_people_write_it(query: str, printed: str) -> None:
    assert one_line(parse(query)) == printed


@pytest.mark.parametrize(
    "digits", ["0.1", "0.0144", "1000000", "0.0000001", "3.3", "1e21", "123456789.125"]
)
def test_numbers_have_neither_exponent_nor_noise(digits: str) -> None:
    printed = one_line(Number(Decimal(digits)))

    assert "e" not in printed.lower()
    assert Decimal(printed) == Decimal(digits)


@given(trees(4))
def test_a_minus_before_anything_binds_as_it_should(node: Node) -> None:
    for tree in (
        Unary(node),
        Binary("^", Unary(node), Number(Decimal(2))),
        Binary("^", node, Unary(node)),
    ):
        assert parse(one_line(tree)) == tree
