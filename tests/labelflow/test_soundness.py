"""Random expressions, evaluated by Prometheus: no result has a label called gone, or lacks one
called sure."""

from __future__ import annotations

import json
import re
import subprocess
from itertools import product
from pathlib import Path
from random import Random

from opsgen.labelflow import Mismatch, check_expression, labels_of
from opsgen.promql import one_line, parse

LABELS = ("job", "instance", "x", "y", "z")
MATCHES = (
    '="1"',
    '=""',
    '!=""',
    '=~"1|2"',
    '=~"1|"',
    '=~".+"',
    '!~".+"',
    '!="1"',
    '=~".*"',
    '!~"1|"',
)
EXPRESSIONS = 500

Sample = dict[str, str]


def test_no_random_expression_contradicts_what_is_said_of_its_labels(
    promtool: Path, tmp_path: Path
) -> None:
    random = Random(2)
    expressions = sorted(
        {vector(random, depth) for depth in (1, 2, 3) for _ in range(EXPRESSIONS // 3)}
    )

    results = evaluate(promtool, tmp_path, series(random), expressions)

    assert sum(bool(samples) for samples in results.values()) > EXPRESSIONS // 4
    assert [
        wrong
        for expression, samples in results.items()
        for wrong in contradictions(expression, samples)
    ] == []


def contradictions(expression: str, samples: list[Sample]) -> list[str]:
    node = parse(expression)
    labels = labels_of(node)
    found = []
    for sample, label in product(samples, (*LABELS, "q", "v")):
        value = sample.get(label, "")
        values = labels.domain(label).values
        if value and values is not None and value not in values:
            found.append(f"{expression} has {label}={value}")
        if not value and labels.guarantees(label):
            found.append(f"{expression} lacks {label}")
    if samples and any(says_empty(finding, one_line(node)) for finding in check_expression(node)):
        found.append(f"{expression} is not empty")
    return found


def says_empty(finding: Mismatch, expression: str) -> bool:
    return finding.kind == "never-matches" and f"in `{expression}`" in finding.message


def series(random: Random) -> list[str]:
    combined = product("ab", "12", ("", ',x="1"', ',x="2"'), ("", ',y="1"'))
    return [
        f'{name}{{job="{job}",instance="i{random.choice("12")}"{x}{y}}}'
        for name, job, x, y in combined
    ]


def some(random: Random) -> str:
    return ", ".join(random.sample(LABELS, random.randint(0, 3)))


def selector(random: Random) -> str:
    matchers = ",".join(
        label + random.choice(MATCHES) for label in random.sample(LABELS, random.randint(0, 3))
    )
    return f"{random.choice('ab')}{{{matchers}}}"


def vector(random: Random, depth: int) -> str:
    if depth == 0 or random.random() < 0.1:
        return selector(random)
    if random.random() < 0.4:
        return binary(random, depth - 1)
    inner = vector(random, depth - 1)
    label, other = random.choice(LABELS), random.choice(LABELS)
    grouping = f"{random.choice(('by', 'without'))} ({some(random)})"
    replacement, pattern = (
        random.choice(("$1", "c", "", "p$1")),
        random.choice(("(.*)", "(.+)", ".*", "1", "(1)?.*")),
    )
    shapes = (
        f"sum {grouping} ({inner})",
        f"max({inner})",
        f"count {grouping} ({inner})",
        f"topk by ({some(random)}) (1, {inner})",
        f'count_values {grouping} ("{random.choice("zv")}", {inner})',
        f'label_replace({inner}, "{label}", "{replacement}", "{other}", "{pattern}")',
        (
            f'label_join({inner}, "{label}", "{random.choice(("", "-"))}", "{other}",'
            f' "{random.choice(LABELS)}")'
        ),
        f'absent(nope{{q="1",{label}="1",{other}{random.choice(MATCHES)}}})',
        f"({inner}) >= 0",
        "vector(1)",
    )
    return random.choice(shapes)


def binary(random: Random, depth: int) -> str:
    operator = random.choice(("+", "*", ">=", "and", "or", "unless"))
    kind, matched = (
        random.choice(("", "on", "ignoring")),
        random.sample(LABELS, random.randint(0, 3)),
    )
    matching = f"{kind} ({', '.join(matched)})" if kind else ""
    if kind and operator in ("+", "*", ">=") and random.random() < 0.6:
        include = [
            label for label in random.sample(LABELS, random.randint(0, 2)) if label not in matched
        ]
        matching += f" group_{random.choice(('left', 'right'))} ({', '.join(include)})"
    return f"({vector(random, depth)}) {operator} {matching} ({vector(random, depth)})"


def evaluate(
    promtool: Path, folder: Path, given: list[str], expressions: list[str]
) -> dict[str, list[Sample]]:
    """What each expression gives; those that Prometheus refuses (many matches for one series) are
    left out.

    promtool says what it got where that is not what the test expects, so the test expects what
    cannot be.
    """
    impossible = [{"labels": "impossible", "value": 77}]
    queries = [{"expr": text, "eval_time": "1m", "exp_samples": impossible} for text in expressions]
    inputs = [{"series": name, "values": "1x3"} for name in given]
    test = {
        "rule_files": [],
        "tests": [{"interval": "1m", "input_series": inputs, "promql_expr_test": queries}],
    }
    (folder / "test.json").write_text(json.dumps(test))
    ran = subprocess.run(
        [promtool, "test", "rules", folder / "test.json"], capture_output=True, text=True
    )
    answer = re.compile(
        r'^ +expr: ("(?:\\.|[^"\\])*"), time: 1m,(.*?)(?=\n +expr:|\Z)', re.DOTALL | re.MULTILINE
    )
    answers = {json.loads(text): got for text, got in answer.findall(ran.stdout + ran.stderr)}
    return {text: samples_of(got) for text, got in answers.items() if "got:" in got}


def samples_of(got: str) -> list[Sample]:
    written = re.findall(r"\{([^}]*)\} [\d.]+E", got.split("got:", 1)[1])
    return [dict(re.findall(r'(\w+)="([^"]*)"', labels)) for labels in written]
