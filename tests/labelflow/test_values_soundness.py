"""Random expressions on unruly values, evaluated by Prometheus: no result has a value outside of
what is said of it, and none is there that is said to be never there."""

from __future__ import annotations

import json
import re
import subprocess
from math import isnan
from pathlib import Path
from random import Random

from opsgen.labelflow import check_expression, range_of
from opsgen.promql import one_line, parse

EXPRESSIONS = 900
NUMBERS = ("-1", "0", "0.1", "0.5", "1", "2", "3", "5", "23", "1e9", "NaN", "Inf", "-Inf")
LEVELS = ("-7", "-1", "0", "0.1", "0.3", "1", "2", "3", "5", "6.5", "1e17", "NaN", "Inf", "-Inf")
GAUGES = ("a", "b")
COMPARISONS = (">", ">=", "<", "<=", "==", "!=")


def test_no_random_expression_has_a_value_that_is_said_to_be_out_of_reach(
    promtool: Path, tmp_path: Path
) -> None:
    random = Random(7)
    drawn = {condition(random, depth) for depth in (0, 1, 2) for _ in range(EXPRESSIONS // 3)}
    expressions = sorted(drawn)

    results = evaluated(promtool, tmp_path, expressions)

    called_dead = [text for text in expressions if is_called_dead(text)]
    assert len(results) > EXPRESSIONS // 3
    assert len(called_dead) > EXPRESSIONS // 20
    assert [text for text in called_dead if results.get(text)] == []
    assert [
        (text, value, str(range_of(parse(text))))
        for text, values in results.items()
        for value in values
        if not is_within(text, value)
    ] == []


def is_called_dead(text: str) -> bool:
    node = parse(text)
    shown = f"`{one_line(node)}`"
    return any(
        found.kind == "never-fires" and shown in found.message for found in check_expression(node)
    )


def is_within(text: str, value: float) -> bool:
    said = range_of(parse(text))
    if isnan(value):
        return said.nan
    inside = said.least <= value <= said.greatest
    at_open_bound = (said.above and value == said.least) or (said.below and value == said.greatest)
    is_whole = not said.whole or abs(value) == float("inf") or value == int(value)
    return inside and not at_open_bound and is_whole and value not in said.without


def condition(random: Random, depth: int) -> str:
    """A comparison, or several that are joined."""
    if depth > 0 and random.random() < 0.8:
        return joined(random, depth)
    quantity = vector(random, random.randint(0, 1))
    first = f"{quantity} {random.choice(COMPARISONS)} {random.choice(NUMBERS)}"
    if random.random() < 0.4:
        return f"({first}) {random.choice(COMPARISONS)} {random.choice(NUMBERS)}"
    return first


def joined(random: Random, depth: int) -> str:
    """Often of the same quantity, since only then conditions can contradict each other."""
    operator = random.choice(("and", "and", "unless", "or", *COMPARISONS))
    matching = random.choice(("", "", "on (job)", "ignoring (x)", "on ()"))
    left = condition(random, depth - 1)
    right = condition(random, depth - 1)
    if random.random() < 0.6:
        quantity = vector(random, 0)
        numbers = (random.choice(NUMBERS), random.choice(NUMBERS))
        left, right = (f"{quantity} {random.choice(COMPARISONS)} {number}" for number in numbers)
    if random.random() < 0.2:
        left, right = random.choice(GAUGES), random.choice(GAUGES)
    return f"({left}) {operator} {matching} ({right})"


def vector(random: Random, depth: int) -> str:
    if depth == 0:
        return random.choice(
            (
                "a",
                'a{x="1"}',
                'b{job=~"j|k"}',
                "up",
                "sum by (job) (a)",
                "hour()",
                "rate(c_total[5m])",
                "increase(c_total{x='1'}[3m])",
                "count by (job) (a)",
                "vector(3)",
                "minute(a)",
                "day_of_week(b)",
            )
        )
    inner, number = vector(random, depth - 1), random.choice(NUMBERS)
    other = vector(random, depth - 1)
    shapes = (
        f"-({inner})",
        f"abs({inner})",
        f"floor({inner})",
        f"ceil({inner})",
        f"sgn({inner})",
        f"clamp({inner}, {number}, {random.choice(NUMBERS)})",
        f"clamp_min({inner}, {number})",
        f"clamp_max({inner}, {number})",
        f"sum by (job) ({inner} > {number})",
        f"avg({inner})",
        f"min by (job) ({inner})",
        f"stddev({inner})",
        f"topk(2, {inner})",
        f"count({inner} == {number})",
        f"absent({inner})",
        f"max_over_time(({inner})[2m:1m])",
        f"avg_over_time(({inner} < {number})[2m:1m])",
        "sum_over_time(up[3m])",
        f"({inner}) + {number}",
        f"{number} - ({inner})",
        f"({inner}) * {number}",
        f"({inner}) / {number}",
        f"({inner}) % {number}",
        f"({inner}) / ({other})",
        f"({inner}) * ({other})",
        f"({inner}) - ({other})",
        f"vector(scalar({inner}))",
        f"({inner} > bool {number})",
        f"sqrt({inner})",
        f"exp({inner})",
    )
    return random.choice(shapes)


def series() -> list[dict[str, str]]:
    given = []
    for position, level in enumerate(LEVELS):
        job, x = "jk"[position % 2], "12"[position // 2 % 2]
        labels = f'{{job="{job}",instance="{position}",x="{x}"}}'
        for gauge in GAUGES:
            value = level if gauge == "a" else LEVELS[position - 3]
            given.append({"series": gauge + labels, "values": " ".join([value] * 8)})
        given.append({"series": f"up{labels}", "values": f"{position % 2}x7"})
        given.append({"series": f"c_total{labels}", "values": f"0+{position}x4 0+{position}x3"})
    return given


def evaluated(promtool: Path, folder: Path, expressions: list[str]) -> dict[str, list[float]]:
    """The values that each expression gives; those that Prometheus refuses are left out.

    promtool says what it got where that is not what the test expects, so the test expects what
    cannot be.
    """
    impossible = [{"labels": "impossible", "value": 77}]
    queries = [{"expr": text, "eval_time": "6m", "exp_samples": impossible} for text in expressions]
    tests = [{"interval": "1m", "input_series": series(), "promql_expr_test": queries}]
    (folder / "test.json").write_text(json.dumps({"rule_files": [], "tests": tests}))
    ran = subprocess.run(
        [promtool, "test", "rules", folder / "test.json"], capture_output=True, text=True
    )
    answer = re.compile(
        r'^ +expr: ("(?:\\.|[^"\\])*"), time: 6m,(.*?)(?=\n +expr:|\Z)', re.DOTALL | re.MULTILINE
    )
    answers = {json.loads(text): got for text, got in answer.findall(ran.stdout + ran.stderr)}
    return {text: values_of(got) for text, got in answers.items() if "got:" in got}


def values_of(got: str) -> list[float]:
    written = re.findall(r"\{[^}]*\} ([-+]?(?:[\d.]+E[-+]\d+|Inf)|NaN)", got.split("got:", 1)[1])
    return [float(value) for value in written]
