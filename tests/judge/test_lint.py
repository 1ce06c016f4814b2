"""The engine of `opsgen lint`: which files it reads, where it says that something is wrong, and
public collections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from opsgen.errors import InputError
from opsgen.judge.lint import LINT_KINDS, LintFinding, lint_paths, lint_report
from opsgen.judge.rulefile import read_rule_file
from opsgen.labelflow import Assumptions
from tests.programs import ROOT

EXAMPLES = ROOT / "tests" / "data" / "lint"


def lint(*names: str) -> tuple[LintFinding, ...]:
    return lint_paths([EXAMPLES / name for name in names])


def test_every_defect_is_found_at_its_place() -> None:
    found = [
        (finding.line, finding.column, finding.rule, finding.kind)
        for finding in lint("defects.yaml")
    ]

    assert found == [
        (8, 9, "TooManyLocks", "never-matches"),
        (17, 11, "TeamIdle", "annotation-label-is-gone"),
        (17, 11, "TeamIdle", "annotation-label-is-gone"),
        (22, 11, "TeamIdle", "value-in-label"),
        (25, 9, "NotPromql", "syntax"),
        (27, 9, "NoExpression", "not-a-rule"),
    ]
    assert {kind for _, _, _, kind in found} <= LINT_KINDS.keys()


def test_a_finding_reads_as_place_rule_what_and_what_would_be_right() -> None:
    finding = lint("defects.yaml")[0]

    assert str(finding).startswith(
        f"{EXAMPLES.as_posix()}/defects.yaml:8:9: TooManyLocks: the two sides of `/` never"
    )
    assert str(finding).endswith("`/ on () group_right`; if they are pushed, lint with --pushed")
    assert finding.as_dict()["kind"] == "never-matches"
    assert finding.as_dict()["group"] == "defects"


def test_every_manifest_of_a_file_is_read_and_lists_too() -> None:
    assert [(finding.rule, finding.group) for finding in lint("manifests.yaml")] == [
        ("First", "first"),
        ("Second", "second"),
    ]


def test_a_second_document_of_a_rule_file_is_a_finding() -> None:
    (finding,) = lint("two-documents.yaml")

    assert (finding.kind, finding.line) == ("second-document", 7)


def test_a_template_of_rules_is_one_finding_that_says_to_render_it() -> None:
    (finding,) = lint("chart.yaml")

    assert finding.kind == "not-yaml"
    assert "helm template" in finding.right


def test_aliases_and_merged_keys_are_read_once() -> None:
    assert [(finding.rule, finding.line, finding.kind) for finding in lint("aliases.yaml")] == [
        ("Down", 6, "never-matches"),
        ("DownToo", 6, "never-matches"),
    ]


def test_a_folder_gives_its_rule_files_alone() -> None:
    assert lint("folder") == ()


def test_recorded_series_are_known_across_files(tmp_path: Path) -> None:
    write_rules(tmp_path / "a.yaml", {"alert": "A", "expr": "job:up:sum / up > 1"})
    write_rules(tmp_path / "b.yaml", {"record": "job:up:sum", "expr": "sum by (job) (up)"})

    assert lint_paths([tmp_path / "a.yaml"]) == ()
    assert [finding.kind for finding in lint_paths([tmp_path])] == ["never-matches"]


INSTANCES_AND_JOBS = "sum by (job) (rate(errs_total[5m])) / quota > 0.5"
BY_CLUSTER = {
    "alert": "B",
    "expr": "job:errs:rate5m > 1",
    "annotations": {"summary": "{{ $labels.job }} in {{ $labels.cluster }}"},
}
IN_EACH_CLUSTER = {"record": "job:errs:rate5m", "expr": "sum by (job) (rate(errs_total[5m]))"}


def test_series_that_are_pushed_are_named_by_an_option_or_by_a_comment_of_their_file(
    tmp_path: Path,
) -> None:
    for name in ("a.yaml", "b.yaml"):
        write_rules(tmp_path / name, {"alert": "A", "expr": INSTANCES_AND_JOBS})

    before = lint_paths([tmp_path])
    (tmp_path / "b.yaml").write_text(f"# opsgen: pushed\n{(tmp_path / 'b.yaml').read_text()}")

    assert [(one.kind, Path(one.file).name) for one in before] == [
        ("never-matches", "a.yaml"),
        ("never-matches", "b.yaml"),
    ]
    assert "if these series are scraped" in before[0].message
    assert [Path(one.file).name for one in lint_paths([tmp_path])] == ["a.yaml"]
    assert lint_paths([tmp_path], Assumptions(scraped=False)) == ()


def test_an_external_label_is_named_by_an_option_or_by_a_comment_of_the_file_that_reads_it(
    tmp_path: Path,
) -> None:
    write_rules(tmp_path / "prometheus.yaml", IN_EACH_CLUSTER)
    write_rules(tmp_path / "ruler.yaml", BY_CLUSTER)

    (finding,) = lint_paths([tmp_path])
    named = lint_paths([tmp_path], Assumptions(external_labels=("cluster",)))
    ruler = tmp_path / "ruler.yaml"
    ruler.write_text(f"{ruler.read_text()}  # opsgen: external-label cluster\n")

    assert finding.right.endswith("; or name it with --external-label")
    assert named == lint_paths([tmp_path]) == ()


@pytest.mark.parametrize(
    "words", ["pusht", "", "external-label", "external-label a-b", "external-label a b"]
)
def test_a_comment_for_opsgen_that_says_nothing_known_is_a_finding_at_its_place(
    tmp_path: Path, words: str
) -> None:
    file = tmp_path / "rules.yaml"
    write_rules(file, {"alert": "A", "expr": "up == 0"})
    file.write_text(f"{file.read_text()}  # opsgen: {words}\n")

    (finding,) = lint_paths([file])

    assert (finding.kind, finding.line, finding.column) == ("unknown-comment", 6, 3)
    assert "external-label cluster" in finding.right


def test_nothing_is_known_of_a_series_that_a_rule_records_which_cannot_be_read(
    tmp_path: Path,
) -> None:
    write_rules(
        tmp_path / "rules.yaml",
        {"record": "job:x:sum", "expr": "sum by (job) (x)"},
        {"record": "job:x:sum", "expr": "some_function_of_another_system(x)"},
        {"alert": "A", "expr": 'job:x:sum{pod="y"} / up > 1'},
    )

    assert [finding.kind for finding in lint_paths([tmp_path])] == ["syntax"]


def test_a_file_named_twice_is_read_once() -> None:
    assert lint("defects.yaml", "defects.yaml") == lint("defects.yaml")


@pytest.mark.parametrize("name", ["folder/users.yaml", "missing.yaml", "folder/.hidden/none"])
def test_a_path_without_rules_is_a_mistake(name: str) -> None:
    with pytest.raises(InputError, match=name):
        lint(name)


def test_no_rule_file_at_all_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no rule file found"):
        lint_paths([tmp_path])


def test_a_file_that_is_not_utf8_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_bytes(b"groups:\n- name: \xff\n")

    (finding,) = lint_paths([tmp_path / "rules.yaml"])

    assert (finding.kind, finding.line) == ("not-yaml", 2)


@pytest.mark.parametrize("opening", ["[", "- ", "{a: ", "? "])
def test_absurd_nesting_is_a_finding_and_no_crash(opening: str) -> None:
    read = read_rule_file(opening.encode() * 200_000)

    assert read is not None
    assert "levels deep" in read.problems[0].message


def test_aliases_that_expand_without_end_are_read_at_once() -> None:
    laughs = "\n".join(
        f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 30)
    )

    read = read_rule_file(
        f"a0: &a0 {{name: x}}\n{laughs}\ngroups: [{{<<: *a29, rules: []}}]\n".encode()
    )

    assert read is not None


@given(
    st.binary()
    | st.text().map(str.encode)
    | st.text(alphabet="groups: rulexpa-[]{}&*<\n'\"|>").map(str.encode)
)
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    read_rule_file(content)
    read_rule_file(b"groups:\n- name: g\n  rules:\n  - alert: A\n    expr: " + content)


def test_kube_prometheus_has_five_alerts_that_print_a_dropped_label_and_nothing_else(
    sample_data: Path,
) -> None:
    findings = lint_paths([sample_data / "rules" / "kube-prometheus"])

    assert {finding.kind for finding in findings} == {"annotation-label-is-gone"}
    assert all("`$labels.job`" in finding.message for finding in findings)
    assert Counter(finding.rule for finding in findings) == {
        "AlertmanagerClusterFailedToSendAlerts": 2,
        "AlertmanagerConfigInconsistent": 1,
        "AlertmanagerClusterDown": 1,
        "AlertmanagerClusterCrashlooping": 1,
    }


def test_sloths_output_is_sound_but_for_documents_that_prometheus_does_not_read(
    sample_data: Path,
) -> None:
    report = lint_report([sample_data / "peers" / "sloth-generated"])

    assert Counter((finding.kind, Path(finding.file).name) for finding in report.findings) == {
        ("second-document", "examples__gen_multifile.yml"): 1,
        ("second-document", "examples__gen_openslo-kubernetes-apiserver.yml"): 1,
    }
    (line,) = report.lines
    assert "examples__gen_victoria-metrics.yml" in line
    assert "14 rules in MetricsQL" in line


def write_rules(path: Path, *rules: Mapping[str, object]) -> None:
    path.write_text(
        yaml.safe_dump({"groups": [{"name": "g", "rules": [dict(rule) for rule in rules]}]})
    )
