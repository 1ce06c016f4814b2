"""Claims about the PromQL of Prometheus 3: what it takes without a feature flag is taken, printed so
that it takes it again, and said to be too new for Prometheus 2; promtool of both lines is asked."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from math import ceil
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsgen.promql import Node, PromqlError, Selector, one_line, parse
from opsgen.promql.rewrite import in_a_rule, rule_query, with_matchers, with_offset
from opsgen.promql.tree import Matcher
from opsgen.promql.versions import too_new
from opsgen.quantities import Duration
from tests.programs import require_program
from tests.promql.trees import trees

OLDEST, NEWEST = "2.42", "3.16"
# A query as people write it, and as it is printed.
FORMS = [
    # Arithmetic on durations is worked out.
    ("rate(a[5m * 2])", "rate(a[10m])"),
    ("rate(a[(5+2) * 1m])", "rate(a[7m])"),
    ("rate(a[1h30m % 1h])", "rate(a[30m])"),
    ("rate(a[2^3*1m])", "rate(a[8m])"),
    ("rate(a[-5m + 35m])", "rate(a[30m])"),
    ("rate(a[-2^2+10])", "rate(a[6s])"),
    ("rate(a[9m/3/3])", "rate(a[1m])"),
    ("rate(a[max_of(5m,1m) - 1m])", "rate(a[4m])"),
    ("rate(a[MIN_OF(5m, 2 * 1m)])", "rate(a[2m])"),
    ("rate(a[ 5m # five\n * 2 ])", "rate(a[10m])"),
    ("a offset (1m + 30s) == 7", "a offset 1m30s == 7"),
    ("a offset -(1h / 2)", "a offset -30m"),
    ("a offset (5m) + 5m", "a offset 10m"),
    ("a offset --5m", "a offset 5m"),
    ("max_over_time(a[5m*2:1m/2] offset (1m+1m))", "max_over_time(a[10m:30s] offset 2m)"),
    # What the query itself decides is kept.
    ("rate(a[step()])", "rate(a[step()])"),
    ("rate(a[max_of(step(),5m)] offset step())", "rate(a[max_of(step(), 5m)] offset (step()))"),
    ("rate(a[range( )] @ end())", "rate(a[range()] @ end())"),
    ("max_over_time(a[range():step()])", "max_over_time(a[range():step()])"),
    ("rate(a[2 * (step() + 5s)])", "rate(a[2 * (step() + 5s)])"),
    ("rate(a[(step() - 1s) - (2s - 1s)])", "rate(a[step() - 1s - (2s - 1s)])"),
    ("rate(a[-(-step() - 5m) ^ 2])", "rate(a[-(-step() - 5m) ^ 2])"),
    # Behind parentheses Prometheus reads on, so that the selector gets some of its own.
    ("a offset step() + b", "(a offset (step())) + b"),
    ("-(a offset (step() + 1m)) * b", "-(a offset (step() + 1m)) * b"),
    # Extended ranges.
    ("increase(a[1m] anchored)", "increase(a[1m] anchored)"),
    ("rate(a[5m] offset 1m SMOOTHED @ 10)", "rate(a[5m] smoothed offset 1m @ 10)"),
    ("rate(a[5m] @ start() anchored)", "rate(a[5m] anchored @ start())"),
    ("rate(a anchored [5m])", "rate(a[5m] anchored)"),
    ("a smoothed + a smoothed offset 1m", "a smoothed + a smoothed offset 1m"),
    # Their words are still names.
    ("rate(anchored[5m] anchored)", "rate(anchored[5m] anchored)"),
    ('smoothed{anchored="x"} and on (smoothed) anchored', None),
    ("sum by (anchored) (smoothed)", "sum by (anchored) (smoothed)"),
    # Trimmed histograms.
    ("a</5", "a </ 5"),
    ("a + b >/ on (x) group_left (y) c == d", "a + b >/ on (x) group_left (y) c == d"),
    ("a == b </ (c == d)", "a == b </ (c == d)"),
    ("topk(1 == bool 2, a </ 5) >/ -Inf", "topk(1 == bool 2, a </ 5) >/ -Inf"),
    # Names in quotes.
    ('{"http.server.requests"}', '{"http.server.requests"}'),
    ('{"http.server.requests",}[5m]', '{"http.server.requests"}[5m]'),
    ("{'a.b', `k8s.pod`=~'x.*', job=\"y\"}", '{"a.b","k8s.pod"=~"x.*",job="y"}'),
    ('{"up", job="a"}', 'up{job="a"}'),
    ('{"größe"} offset 5m', '{"größe"} offset 5m'),
    ('sum by ("k8s.pod", job) ({"a.b"})', 'sum by ("k8s.pod", job) ({"a.b"})'),
    ('a / on ("k8s.pod") group_left ("k8s.node") b', None),
    ('a unless ignoring ("k8s.pod") b', None),
    ('sum without ("k8s.pod") (a)', None),
    ('{__name__=~"a.*", "b.c"!="d"}', '{__name__=~"a.*","b.c"!="d"}'),
    ('{__name__="on"}', '{__name__="on"}'),
    ('sum by ("inf") (a)', 'sum by ("inf") (a)'),
    # Numbers and times.
    ("a[1_000] offset 60", "a[16m40s] offset 1m"),
    ("a[.5]", "a[500ms]"),
    ("a > .1_5 * 0x1_F + 1_0e1", "a > 0.15 * 31 + 100"),
    ("a offset 0s", "a"),
    ("a @ -10 and a @ 1e3", "a @ -10 and a @ 1000"),
]
# What neither Prometheus nor opsgen takes, and why.
REFUSED = [
    ("a[5m*]", "a duration is missing"),
    ("a[(5m]", "a duration is missing"),
    ("a[]", "a duration is missing"),
    ("a[5m 5m]", "'5m 5m' is not a duration"),
    ("a[:5m]", "a duration is missing"),
    ("a[min(5m, 1m)]", "a duration is expected, not 'min(5m, 1m)'"),
    ("a[max_of(5m)]", "a duration is expected, not ')'"),
    ("a[1m1h]", "'1m1h' is not a duration; write the largest unit first"),
    ("a[0s]", "the range 0s is not above 0s"),
    ("a[1h / 0]", "the duration 1h / 0 divides by zero"),
    ("a[1h % 0]", "the duration 1h % 0 is no number"),
    ("a[300y]", "the duration 300y is out of range"),
    ("a offset (5m) + b", "a duration is expected, not 'b'"),
    ("a offset Inf", "a duration is expected, not 'Inf'"),
    ("a offset 1m offset (1m)", "offset may not be set multiple times"),
    ("a @ 1e30", "the time 1e+30 is out of bounds"),
    ("a[5m", "unclosed left bracket"),
    ("rate(a[5m] anchored smoothed)", "anchored and smoothed cannot be used together"),
    ("rate(a[5m:] anchored)", "anchored is not supported for subqueries"),
    ("sum(a) smoothed", "offset, anchored or smoothed must be preceded by an"),
    ("a </ bool 5", "invalid promql query"),
    ('a{"b"}', "metric name must not be set twice: 'a' or 'b'"),
]


def _refused_by(promtool: Path, queries: Sequence[str], folder: Path) -> set[str]:
    """Those of the queries that promtool does not take as the expression of a rule."""
    rules = [{"record": f"r{number}", "expr": query} for number, query in enumerate(queries)]
    file = folder / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": rules}]}, allow_unicode=True))
    done = subprocess.run(
        [promtool, "check", "rules", "--lint=none", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    found = {
        queries[int(number)] for number in re.findall(r'"r(\d+)": ', done.stderr + done.stdout)
    }
    assert bool(found) == (done.returncode != 0), done.stderr
    return found


@pytest.mark.parametrize(("query", "printed"), FORMS)
def test_what_prometheus_3_takes_is_read_and_printed(query: str, printed: str | None) -> None:
    node = parse(query)

    assert one_line(node) == (query if printed is None else printed)
    assert parse(one_line(node)) == node


def test_promtool_3_takes_every_form_as_written_and_as_printed(tmp_path: Path) -> None:
    queries = [query for query, _printed in FORMS]
    printed = [one_line(parse(query)) for query in queries]

    assert not _refused_by(require_program("promtool-3"), [*queries, *printed], tmp_path)


def test_what_is_too_new_for_prometheus_2_is_what_promtool_2_refuses(tmp_path: Path) -> None:
    # opsgen reads these for every Prometheus, and prints them as every Prometheus reads them.
    other_spellings = {
        "a[1_000] offset 60",
        "a[.5]",
        "a > .1_5 * 0x1_F + 1_0e1",
        "a offset 0s",
        '{"up", job="a"}',
    }
    queries = [query for query, _printed in FORMS if query not in other_spellings]
    refused = _refused_by(require_program("promtool-2"), queries, tmp_path)

    says = {query for query in queries if too_new(parse(query), OLDEST) is not None}
    assert says == refused
    assert not _refused_by(
        require_program("promtool-2"),
        [one_line(parse(query)) for query in sorted(other_spellings)],
        tmp_path,
    )
    assert not any(too_new(parse(query), NEWEST) for query in queries)


@pytest.mark.parametrize(("query", "reason"), REFUSED)
def test_what_prometheus_3_refuses_is_refused_with_a_reason(query: str, reason: str) -> None:
    with pytest.raises(PromqlError) as caught:
        parse(query)

    assert str(caught.value).startswith(reason)


def test_promtool_3_refuses_the_same(tmp_path: Path) -> None:
    queries = [query for query, _reason in REFUSED]

    assert _refused_by(require_program("promtool-3"), queries, tmp_path) == set(queries)


@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(nodes=st.lists(trees(), min_size=20, max_size=20))
def test_promtool_3_takes_whatever_is_printed(
    nodes: list[Node], tmp_path_factory: pytest.TempPathFactory
) -> None:
    printed = [one_line(node) for node in nodes]

    folder = tmp_path_factory.mktemp("printed")
    assert not _refused_by(require_program("promtool-3"), printed, folder)


@pytest.mark.parametrize(
    "written",
    ["5m * 2", "1h30m % 1h", "2^3*1m", "-2^2 + 10", "2 ^ 3 ^ 2", "9m/3/3", "10s - 2s - 3s", "7s/2",
     "--3s", "-3s * -2", "max_of(3s, 2s) + min_of(3s, 2s)", "(1s + 2s) * 3", "1s + 2s * 3", "010"],
)  # fmt: skip
def test_a_calculation_is_as_long_as_prometheus_says(written: str, tmp_path: Path) -> None:
    range_of_it = parse(f"a[{written}]")
    assert isinstance(range_of_it, Selector)
    assert isinstance(range_of_it.range, Duration)
    # A subquery has a sample for each second of its range, and one for what is left of it.
    seconds = ceil(range_of_it.range.milliseconds / 1000)
    asked = {"expr": f"count_over_time(vector(1)[{written}:1s])", "eval_time": "1h"}
    test = {"tests": [{"promql_expr_test": [asked | {"exp_samples": [{"value": seconds}]}]}]}
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(test))

    done = subprocess.run(
        [require_program("promtool-3"), "test", "rules", "test.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_rule_has_neither_step_nor_range() -> None:
    node = rule_query("max_over_time(a[max_of(step(), 5m):30s + range()] offset (step() - 1m))")

    assert one_line(node) == "max_over_time(a[5m:30s] offset -1m)"
    assert one_line(in_a_rule(parse("rate(a[5m] offset 1m)"))) == "rate(a[5m] offset 1m)"


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("rate(a[step()])", "the range step() is not above 0s in a rule, where step() and range()"),
        ("max_over_time(a[5m:range()])", "the range range() is not above 0s in a rule"),
        ("rate(a[5m / step()])", "the duration 5m / step() divides by zero"),
    ],
)
def test_a_range_that_is_none_in_a_rule_is_refused(query: str, reason: str) -> None:
    with pytest.raises(PromqlError) as caught:
        rule_query(query)

    assert str(caught.value).startswith(reason)


def test_changes_reach_the_new_forms() -> None:
    node = parse('rate({"a.b"}[5m] smoothed offset step()) </ b offset (1m * 2)')

    changed = with_offset(with_matchers(node, [Matcher("k8s.pod", "=", "x")]), Duration.of("1h"))

    assert (
        one_line(changed) == 'rate({"a.b","k8s.pod"="x"}[5m] smoothed offset (step() + 1h)) </'
        ' b{"k8s.pod"="x"} offset 1h2m'
    )


def _queries_of_prometheus() -> Iterator[str]:
    """The queries that Prometheus' own test suite means to succeed."""
    source = os.environ.get("OPSGEN_PROMETHEUS_SOURCE", "")
    folder = Path(source, "promql/promqltest/testdata")
    if not source or not folder.is_dir():
        pytest.skip("no source of Prometheus: OPSGEN_PROMETHEUS_SOURCE names no folder with it")
    form = re.compile(
        r"\s*eval(?:_warn|_ordered|_info)?\s+(?:instant(?: at \S+)?|range from \S+ to \S+ step \S+)\s+(.+)"
    )
    for file in sorted(folder.glob("*.test")):
        for line in file.read_text().splitlines():
            if found := form.fullmatch(line):
                yield found[1].strip()


def test_what_promtool_takes_of_the_test_suite_of_prometheus_is_taken(tmp_path: Path) -> None:
    queries = list(dict.fromkeys(_queries_of_prometheus()))
    assert len(queries) > 1500
    taken = set(queries) - _refused_by(require_program("promtool-3"), queries, tmp_path)

    for query in taken:
        node = parse(query)
        assert parse(one_line(node)) == node or "nan" in query.lower(), query
    assert not _refused_by(
        require_program("promtool-3"), [one_line(parse(query)) for query in sorted(taken)], tmp_path
    )
    assert not [query for query in taken if too_new(parse(query), NEWEST)]
