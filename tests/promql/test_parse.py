"""Claims about reading PromQL: what Prometheus takes is taken, and nothing crashes the native
parser."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from opsgen.promql import Matcher, Number, PromqlError, Selector, String, one_line, parse
from opsgen.promql.tree import selectors
from opsgen.promql.versions import too_new
from opsgen.quantities import Duration

_SNIPPETS = st.sampled_from(
    [
        "sum",
        "(",
        ")",
        "[5m]",
        "{",
        "}",
        'a="b"',
        "up",
        " + ",
        " and ",
        "on(x)",
        "by",
        "1",
        "-",
        "@",
        "offset",
        "'",
        '"',
        "`",
        ",",
        "#",
        "\n",
        "\0",
        "=~",
        ":",
    ]
)


@given(st.one_of(st.text(max_size=80), st.lists(_SNIPPETS, max_size=25).map("".join)))
@example("")
@example("\0")
@example("\ud800")
def test_any_text_is_a_tree_or_a_clean_error(text: str) -> None:
    try:
        node = parse(text)
    except PromqlError:
        return
    assert parse(one_line(node)) == node or "NaN" in one_line(node)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 20_000 + "a" + ")" * 20_000,
        "(" * 3_000 + "a" + ")" * 3_000,
        "a" + "+a" * 10_000,
        "a" + "+a" * 3_000,
        "a" + " or a" * 1_500,
        "a" + "^a" * 2_000,
        "-" * 5_000 + "a",
        "- " * 3_000 + "a",
        "+-" * 3_000 + "a",
        "abs(" * 1_500 + "a" + ")" * 1_500,
        "a" + "[5m:]" * 1_500,
        "{" * 4_000,
        "a{" + 'b="c",' * 2_000 + "}",
        "a" * 9_000,
        "a and (" * 1_100 + "b" + ")" * 1_100,
    ],
    ids=lambda text: f"{text[:12]}...{len(text)}",
)
def test_absurd_nesting_is_refused_and_does_not_crash(text: str) -> None:
    # In a process of its own: an overflow of the native stack cannot be caught.
    program = (
        "import sys\nfrom opsgen.promql import PromqlError, one_line, parse, pretty\ntry:\n    node"
        " = parse(sys.stdin.read())\n    pretty(node)\nexcept PromqlError:\n    print('refused')\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], input=text, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (0, "refused\n"), done.stderr[-300:]


def test_a_reasonable_depth_is_taken() -> None:
    assert parse("(" * 90 + "a" + ")" * 90) == Selector("a")
    assert len(list(selectors(parse("a" + " + a" * 150)))) == 151


def test_operators_in_strings_are_no_operators() -> None:
    names = "|".join(f"a-{number}" for number in range(600))

    assert parse(f'up{{job=~"{names}"}} # {"a+" * 1_500}') == Selector(
        "up", (Matcher("job", "=~", names),)
    )


def test_brackets_in_strings_do_not_hide_those_outside() -> None:
    with pytest.raises(PromqlError):
        parse('a{b="' + ")" * 4_000 + '"} + ' + "(" * 200 + "a" + ")" * 200)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a" * 8_001, "the query is 8001 characters long; the most is 8000"),
        ("a\0", "the query has a NUL character"),
        ("(" * 101 + "a" + ")" * 101, "the query is nested more than 100 levels deep"),
        ("a" + "+a" * 300, "the query has too many operators in a row"),
        ("a" + "+a" * 1_001, "the query has more than 1000 operators"),
        (
            '{a="b" or c="d"}',
            "alternatives inside a selector ({a or b}) are not supported; write two selectors",
        ),
        ('a{b=~"x++"}', "the regular expression 'x++' is not valid RE2"),
        ('a{b=~"x{2000}"}', "the regular expression 'x{2000}' is not valid RE2"),
    ],
)
def test_a_refusal_says_why(text: str, reason: str) -> None:
    with pytest.raises(PromqlError) as caught:
        parse(text)

    assert str(caught.value) == reason


@pytest.mark.parametrize(
    "text",
    [
        "sum(",
        "a b",
        "rate(a)",
        "rate(a[5m]) by (x)",
        "nonsense(a)",
        "a{b=c}",
        "a[5x]",
        "1 and 1",
        "sum(1)",
        "a and 1",
        "a =~ b",
    ],
)
def test_what_prometheus_refuses_is_refused(text: str) -> None:
    with pytest.raises(PromqlError):
        parse(text)


def test_raw_strings_may_have_backslashes() -> None:
    assert parse(r"a{b=~`x\d`}") == Selector("a", (Matcher("b", "=~", r"x\d"),))
    assert parse(r"""a{b='it"s \\'}""") == Selector("a", (Matcher("b", "=", 'it"s \\'),))


def test_underscores_between_digits_are_taken_and_those_of_names_are_kept() -> None:
    assert parse("1_000") == Number(Decimal(1000))
    assert parse("a_1_000") == Selector("a_1_000")
    assert parse('"1_000"') == String("1_000")


def test_the_name_of_a_metric_may_stand_in_the_braces() -> None:
    assert parse('{__name__="up",job="a"}') == Selector("up", (Matcher("job", "=", "a"),))
    assert parse('{__name__=~"up|down"}') == Selector(None, (Matcher("__name__", "=~", "up|down"),))
    assert parse('{__name__="with space"}') == parse('{"with space"}') == Selector("with space")


def test_ranges_offsets_and_times_are_exact() -> None:
    assert parse("a[1h30m] offset 1ms @ 5") == Selector("a", (), Duration.of("90m"), 1, "5")
    assert parse("a offset -1w @ end()") == Selector("a", (), None, -604_800_000, "end()")


@pytest.mark.parametrize(
    ("text", "version", "what", "since"),
    [
        ("histogram_avg(a)", "2.50", "histogram_avg()", "2.51"),
        ("histogram_avg(a)", "2.51.1", None, None),
        ("limitk(2, a)", "3.5", "limitk", None),
        ("info(a)", "3.5", "info()", None),
        ('a{"with space"="b"}', "2.55", "the quoted name 'with space'", "3.0"),
        ('a{"with space"="b"}', "3.0", None, None),
        ('{"http.server.requests"}', "2.55", "the quoted name 'http.server.requests'", "3.0"),
        ('{__name__="http.server.requests"}', "3.0", None, None),
        ('sum by ("k8s.pod") (a)', "2.55", "the quoted name 'k8s.pod'", "3.0"),
        ('a * on ("k8s.pod") b', "2.55", "the quoted name 'k8s.pod'", "3.0"),
        ('a * on (x) group_left ("k8s.pod") b', "2.55", "the quoted name 'k8s.pod'", "3.0"),
        ('sum by ("inf") (a)', "2.55", "the quoted name 'inf'", "3.0"),
        (
            'label_replace(a, "x.y", "$1", "z", "(.*)")',
            "3.2",
            "a quoted name in label_replace()",
            "3.3",
        ),
        ("rate(a[5m * 2])", "3.3", "arithmetic on durations", "3.4"),
        ("rate(a[5m * 2])", "3.4", None, None),
        ("rate(a[step()])", "3.3", "arithmetic on durations", "3.4"),
        ("a offset (1m + 30s)", "3.3", "arithmetic on durations", "3.4"),
        ("max_over_time(a[1h:1m * 2])", "3.3", "arithmetic on durations", "3.4"),
        ("a[300] offset -60", "2.42", None, None),
        ("rate(a[5m] anchored)", "3.15", "anchored", "3.16"),
        ("a smoothed", "3.16", None, None),
        ("a </ 5", "3.10", "the operator </", "3.11"),
        ("a >/ 5", "3.11", None, None),
        ("start()", "3.16", "start()", None),
        ("sum by (le) (rate(a[5m]))", "2.42", None, None),
    ],
)
def test_what_an_older_prometheus_does_not_know_is_found(
    text: str, version: str, what: str | None, since: str | None
) -> None:
    found = too_new(parse(text), version)

    assert (found and found.what, found and found.since) == (what, since)
