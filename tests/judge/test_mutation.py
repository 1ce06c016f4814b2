"""Planted faults: each kind is planted where it applies and nowhere else, what changes nothing is
told apart with its reason, and a proof notices a fault or does not."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from opsgen.judge.mutation.faults import FAULTS
from opsgen.judge.mutation.mutants import Mutant, Proof, mutants_of, proofs_in, sample
from opsgen.judge.mutation.trial import noticed
from tests.programs import ROOT
from tests.specs import file_texts

RATIO = 'sum(rate(bad{job="a"}[5m])) / (sum(rate(all{job="a"}[5m])) > 0)'
ALERT = {"alert": "A", "labels": {"service": "s", "severity": "page"}}
STEP = 'ALERTS{alertname="A",alertstate="firing",service="s",severity="page"}'


def proof_of(*rules: dict[str, Any], tests: Iterable[dict[str, Any]] = ()) -> Proof:
    """A proof of these rules."""
    document = {"groups": [{"name": "g", "rules": list(rules)}]}
    test = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [*tests]}
    texts = {"s/rules.yaml": yaml.safe_dump(document), "s/rules.test.yaml": json.dumps(test)}
    (proof,) = proofs_in(texts)
    return proof


def alert(expr: str, **fields: Any) -> dict[str, Any]:
    return {**ALERT, "expr": expr, **fields}


def record(name: str, expr: str, **labels: str) -> dict[str, Any]:
    return {"record": name, "expr": expr, "labels": {"service": "s", **labels}}


def planted(proof: Proof, kind: str) -> list[str]:
    """The queries that faults of one kind leave in the first rule."""
    mutants = [one for one in mutants_of(proof) if one.kind == kind and one.rule.index == 0]
    return [" ".join(one.fields["expr"].split()) for one in mutants if one.fields]


# A kind of fault, a query, and what the fault makes of it.
QUERIES = [
    ("threshold x0.5", "x > 4", ["x > 2"]),
    ("threshold x10", "4 < x", ["40 < x"]),
    ("threshold x2", "x == 1", []),
    ("threshold x2", "x > 0", []),
    ("threshold x2", "x > 3 and sum(increase(y[5m])) >= 5", ["x > 6 and sum(increase(y[5m])) >= 5"]),
    ("guard x2", "x > 3 and sum(increase(y[5m])) >= 5", ["x > 3 and sum(increase(y[5m])) >= 10"]),
    ("guard x2", "sum(increase(y[5m])) >= 5", []),
    ("guard x2", "x > 3 and sum(rate(y[5m])) >= 5", []),
    ("constant x10", "x < 0.5 * y", ["x < 5 * y"]),
    ("constant x10", "x < 0 * y", []),
    ("constant x10", "x > 5", []),
    ("quantile -> 0.5", "histogram_quantile(0.9, x) > 1", ["histogram_quantile(0.5, x) > 1"]),
    ("quantile -> 0.5", "histogram_quantile(0.5, x) > 1", []),
    ("comparison flipped", "x >= 1", ["x <= 1"]),
    ("comparison flipped", "x == 1", ["x != 1"]),
    ("and -> or", "x > 1 and y > 1", ["x > 1 or y > 1"]),
    ("tier dropped", "x > 1 or y > 1", ["x > 1", "y > 1"]),
    ("tier dropped", "x or y", []),
    ("tier dropped", "(x or 0 * y) > 1", []),
    ("guard removed", "x > 3 and increase(y[5m]) > 5", ["x > 3"]),
    ("guard removed", "x > 3 and y > 5", []),
    ("condition removed", "x > 3 and y > 5", ["x > 3", "y > 5"]),
    ("exception removed", "x > 3 unless y", ["x > 3"]),
    ("or 0 * removed", "(x or 0 * y) < 1", ["x < 1"]),
    ("or 0 * removed", "(x or vector(0)) < 1", ["x < 1"]),
    ("or 0 * removed", "x or y", []),
    ("divisor > 0 removed", "x / (y > 0) < 1", ["x / y < 1"]),
    ("divisor > 0 removed", "x / y > 0", []),
    ("quotient swapped", "x / (y > 0)", ["(y > 0) / x"]),
    ("quotient swapped", "x / x", []),
    ("difference swapped", "x - y > 1", ["y - x > 1"]),
    ("window changed", "rate(x[30m])", ["rate(x[5m])"]),
    ("window changed", "rate(x[5m])", ["rate(x[1h])"]),
    ("subquery window changed", "sum_over_time(x[3d:5m])", ["sum_over_time(x[1h:5m])"]),
    ("subquery step changed", "sum_over_time(x[3d:5m])", ["sum_over_time(x[3d:1m])"]),
    ("offset dropped", "x > x offset 7d", ["x > x"]),
    ("matcher dropped", 'x{a="1",b="2"}', ['x{b="2"}', 'x{a="1"}']),
    ("matcher dropped", '{a="1"}', []),
    ("matcher wrong", 'x{a="1",b!="2"}', ['x{a="1-other",b!="2"}']),
    ("5xx -> 4xx", 'x{code=~"5.."}', ['x{code=~"4.."}']),
    ("5xx -> 4xx", 'x{code=~"5[0-9]{2}"}', ['x{code=~"4[0-9]{2}"}']),
    ("5xx -> 4xx", 'x{code=~"Unknown|Internal"}', []),
    ("matcher wrong", 'x{code=~"5.."}', []),
    ("firing -> pending", 'ALERTS{alertstate="firing"}', []),
    ("step: firing -> pending", 'ALERTS{alertstate="firing"}', ['ALERTS{alertstate="pending"}']),
    ("rate -> irate", "rate(x[5m])", ["irate(x[5m])"]),
    ("increase -> delta", "increase(x[5m])", ["delta(x[5m])"]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "query", "becomes"), QUERIES)
def test_a_fault_of_a_query_is_planted_where_it_applies(
    kind: str, query: str, becomes: list[str]
) -> None:
    proof = proof_of(alert(query))

    assert planted(proof, kind) == becomes


def test_every_node_of_a_query_is_a_place_for_faults() -> None:
    proof = proof_of(alert(f"({RATIO}) > 0.1 or max by (a) (topk(3, -rate(x[1m]))) > 1"))

    assert len(planted(proof, "rate -> irate")) == 3
    assert len(planted(proof, "matcher dropped")) == 2


def test_a_recorded_number_of_events_is_a_guard_too() -> None:
    proof = proof_of(
        alert("slo:ratio:rate1h > 1 and slo:bad:increase1h >= 5"),
        record("slo:bad:increase1h", "sum_over_time(slo:bad:increase5m[1h:5m])"),
        record("slo:bad:increase5m", "sum(increase(bad[5m])) or 0 * sum(increase(all[5m]))"),
        record("slo:ratio:rate1h", "sum(rate(bad[1h])) / sum(rate(all[1h]))"),
    )

    assert planted(proof, "guard x10") == ["slo:ratio:rate1h > 1 and slo:bad:increase1h >= 50"]
    assert planted(proof, "guard removed") == ["slo:ratio:rate1h > 1"]


def test_an_alert_reads_recorded_series_of_other_windows() -> None:
    windows = [record(f"slo:ratio:rate{window}", "x", slo="a") for window in ("3d", "5m", "1h")]
    other = record("slo:ratio:rate1m", "x", slo="b")
    proof = proof_of(alert('slo:ratio:rate1h{slo="a"} > 1'), *windows, other)

    assert planted(proof, "reads the shortest window") == ['slo:ratio:rate5m{slo="a"} > 1']
    assert planted(proof, "reads the longest window") == ['slo:ratio:rate3d{slo="a"} > 1']


def test_an_alert_reads_the_series_of_another_slo() -> None:
    proof = proof_of(
        alert('slo:ratio:rate1h{service="s",slo="a"} > 1'),
        record("slo:ratio:rate1h", "x", slo="a"),
        record("slo:ratio:rate1h", "y", slo="b"),
    )

    assert planted(proof, "reads another SLO") == ['slo:ratio:rate1h{service="s",slo="b"} > 1']


@pytest.mark.parametrize(
    ("bound", "becomes"),
    [("0.25", "0.5"), ("0.5", "0.25"), ("0.1", None)],
    ids=["the next", "the last before +Inf", "the only one"],
)
def test_a_bucket_becomes_its_neighbour(bound: str, becomes: str | None) -> None:
    bounds = ["0.25", "0.5", "+Inf"] if becomes else ["0.1", "+Inf"]
    series = [{"series": f'x_bucket{{job="a",le="{le}"}}', "values": "1x9"} for le in bounds]
    proof = proof_of(alert(f'x_bucket{{le="{bound}"}}'), tests=[{"input_series": series}])

    expected = [f'x_bucket{{le="{becomes}"}}'] if becomes else []
    assert planted(proof, "other bucket") == expected


def test_faults_beside_the_query_are_planted_too() -> None:
    labels = {"service": "s", "team": "t", "severity": "page"}
    rule = alert("x", labels=labels, **{"for": "5m", "keep_firing_for": "10m"})
    kinds = {one.kind: one.fields for one in mutants_of(proof_of(rule))}

    assert kinds["for dropped"] == {key: rule[key] for key in rule if key != "for"}
    assert kinds["for -> 45m"] == {**rule, "for": "45m"}
    assert kinds["for -> 3d"] == {**rule, "for": "3d"}
    assert kinds["keep_firing_for dropped"] == {
        key: rule[key] for key in rule if key != "keep_firing_for"
    }
    assert kinds["keep_firing_for -> 90m"] == {**rule, "keep_firing_for": "90m"}
    assert kinds["label severity changed"] == {**rule, "labels": {**labels, "severity": "ticket"}}
    assert kinds["label team changed"] == {**rule, "labels": {**labels, "team": "t-other"}}
    assert kinds["alert deleted"] is None


def test_a_rule_without_for_gets_none() -> None:
    kinds = {one.kind for one in mutants_of(proof_of(alert("x > 1")))}

    assert not {kind for kind in kinds if kind.startswith(("for", "keep"))}


def test_a_record_is_renamed_and_its_labels_are_wrong() -> None:
    mutants = list(mutants_of(proof_of(record("a:b:c", "x", slo="y"))))

    renamed = [one.fields for one in mutants if one.kind == "record renamed"]
    wrong = [one.fields["labels"] for one in mutants if one.fields and "label" in one.kind]
    assert renamed == [record("a:b:c_other", "x", slo="y")]
    assert wrong == [{"service": "s-other", "slo": "y"}, {"service": "s", "slo": "y-other"}]


# What a fault changes nothing in: the kind, the rules, and a word of the reason.
SAME = [
    (
        "or 0 * removed",
        [alert('(sum(rate(bad[5m])) or 0 * sum(rate(all[5m]))) / sum(rate(all[5m])) > 0.1')],
        "zero is below it",
    ),
    ("divisor > 0 removed", [alert(f"{RATIO} > 0.1".replace("bad", "all"))], "0 / 0"),
    ("step: matcher dropped", [alert(STEP, alert="B"), alert("x")], "the same series"),
    (
        "reads another SLO",
        [
            record("slo:n:increase1h", 'sum_over_time(slo:n:increase5m{slo="a"}[1h:5m])', slo="a"),
            record("slo:n:increase5m", "sum(increase(x[5m]))", slo="a"),
            record("slo:n:increase5m", "sum(increase(x[5m]))", slo="b"),
        ],
        "the same events",
    ),
]  # fmt: skip
# The same kinds, where they do change something.
OTHER = [
    (
        "or 0 * removed",
        [record("a:b", "(sum(rate(bad[5m])) or 0 * sum(rate(all[5m]))) / sum(rate(all[5m]))")],
    ),
    (
        "or 0 * removed",
        [alert("(sum(rate(bad[5m])) or 0 * sum(rate(all[5m]))) / sum(rate(all[5m])) < 0.1")],
    ),
    ("divisor > 0 removed", [alert(f"{RATIO} > 0.1")]),
    ("divisor > 0 removed", [record("a:b", RATIO.replace("bad", "all"))]),
    (
        "reads another SLO",
        [
            alert('slo:n:increase5m{slo="a"} > slo:m:increase5m{slo="a"}'),
            record("slo:n:increase5m", "sum(increase(x[5m]))", slo="a"),
            record("slo:n:increase5m", "sum(increase(x[5m]))", slo="b"),
            record("slo:m:increase5m", "x", slo="a"),
        ],
    ),
]


@pytest.mark.parametrize(("kind", "rules", "reason"), SAME)
def test_a_fault_that_changes_nothing_says_why(
    kind: str, rules: list[dict[str, Any]], reason: str
) -> None:
    mutants = [one for one in mutants_of(proof_of(*rules)) if one.kind == kind]

    assert any(reason in one.same for one in mutants)


@pytest.mark.parametrize(("kind", "rules"), OTHER)
def test_a_fault_that_changes_something_is_planted(kind: str, rules: list[dict[str, Any]]) -> None:
    mutants = [one for one in mutants_of(proof_of(*rules)) if one.kind == kind]

    assert mutants
    assert not any(one.same for one in mutants)


def test_a_matcher_of_a_step_is_needed_where_two_alerts_differ_only_in_it() -> None:
    ticket = alert("y", labels={"service": "s", "severity": "ticket"})
    proof = proof_of(alert(STEP, alert="B"), alert("x"), ticket)

    dropped = {one.words: one.same for one in mutants_of(proof) if "dropped" in one.kind}
    assert len(dropped) == 4
    assert [words for words, same in dropped.items() if same] == []


# -- with promtool ---------------------------------------------------------------------------------

# 3 is not above the threshold, 5 is; with `for: 2m` it fires from the third minute on.
SERIES = [{"series": 'x{job="a"}', "values": "3x2 5x9"}]
FIRES = 'ALERTS{alertstate="firing"}'
FIRING = 'ALERTS{alertname="A", alertstate="firing", job="a", service="s", severity="page"}'
RULE = alert('x{job="a"} > 4', **{"for": "2m"})


def minute(number: int, fires: bool) -> dict[str, Any]:
    samples = [{"labels": FIRING, "value": 1}] if fires else []
    return {"expr": FIRES, "eval_time": f"{number}m", "exp_samples": samples}


def timeline(*assertions: dict[str, Any]) -> dict[str, Any]:
    return {"interval": "1m", "input_series": SERIES, "promql_expr_test": [*assertions]}


def unnoticed(folder: Path, proof: Proof) -> set[str]:
    mutants = [one for one in mutants_of(proof) if not one.same]
    seen = noticed(folder, mutants)
    return {one.kind for one, was_seen in zip(mutants, seen, strict=True) if not was_seen}


@pytest.fixture
def on_path(promtool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This promtool is the one that opsgen finds."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "promtool").symlink_to(promtool)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")


@pytest.mark.usefixtures("on_path")
def test_a_proof_at_the_limits_notices_what_a_late_look_does_not(tmp_path: Path) -> None:
    at_the_limits = proof_of(RULE, tests=[timeline(minute(4, False), minute(5, True))])
    late = proof_of(RULE, tests=[timeline(minute(11, True))])

    exact = unnoticed(tmp_path / "exact", at_the_limits)
    loose = unnoticed(tmp_path / "loose", late)

    # No neighbour's series is there, which a dropped matcher would let in.
    assert exact == {"matcher dropped"}
    assert loose == {*exact, "threshold x0.1", "threshold x0.5", "for dropped"}


@pytest.mark.usefixtures("on_path")
def test_one_timeline_that_notices_is_enough(tmp_path: Path) -> None:
    proof = proof_of(RULE, tests=[timeline(minute(5, True)), timeline(minute(4, False))])

    assert unnoticed(tmp_path, proof) == {"matcher dropped"}


SPEC = """\
service: shop
team: web
convention: prometheus-http
match: {namespace: shop, job: shop}
slos:
  - availability: 99.9%
  - latency: 99% under 250ms
errors: {above: 2%}
latency: {p95: 250ms}
"""


def test_every_mutant_is_a_rule_file_that_prometheus_loads(promtool: Path, tmp_path: Path) -> None:
    """Else promtool would refuse the file, and the fault would pass as noticed."""
    (proof,) = proofs_in(file_texts(tmp_path / "built", SPEC))
    mutants = list(mutants_of(proof))
    files = [tmp_path / f"{number}.yaml" for number in range(len(mutants))]
    for file, mutant in zip(files, mutants, strict=True):
        file.write_text(mutant.text)

    done = subprocess.run(
        [promtool, "check", "rules", "--lint=none", *files],
        capture_output=True,
        text=True,
        check=False,
    )

    assert len(mutants) > 500
    assert done.returncode == 0, done.stderr[-2000:]


def test_every_kind_of_fault_has_a_place_in_the_examples(examples: list[Mutant]) -> None:
    kinds = {one.kind.removeprefix("step: ") for one in examples}

    assert kinds == {kind.name for kind in FAULTS}


def test_a_sample_has_every_kind_and_is_part_of_a_larger_one(examples: list[Mutant]) -> None:
    kinds = {one.kind for one in examples}

    chosen = sample(examples, len(kinds))

    assert {one.kind for one in chosen} == kinds
    assert {id(one) for one in chosen} <= {id(one) for one in sample(examples, 2 * len(kinds))}
    assert sample(examples, len(examples) + 1) == examples


@pytest.fixture(scope="module")
def examples() -> list[Mutant]:
    """Every mutant of the project's own examples, as they are committed."""
    built = ROOT / "out"
    files = [*built.glob("*/rules.yaml"), *built.glob("*/rules.test.yaml")]
    texts = {str(file.relative_to(built)): file.read_text() for file in sorted(files)}
    return [mutant for proof in proofs_in(texts) for mutant in mutants_of(proof)]
