"""What `opsgen lint` says of the form of rule files is what promtool says, of both lines of
Prometheus."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from opsgen.errors import InputError
from opsgen.judge.lint import lint_paths
from opsgen.judge.rulefile import PROBLEM_KINDS
from tests.judge.rules_to_load import files
from tests.programs import require_program

_RELEASES = {"promtool-2": "2.42", "promtool-3": "3.16"}


@pytest.mark.parametrize("promtool", sorted(_RELEASES))
def test_what_promtool_refuses_is_a_finding_and_what_it_takes_is_none(
    promtool: str, tmp_path: Path
) -> None:
    paths = write(tmp_path)

    loaded = loaded_by(require_program(promtool), tmp_path, paths)
    without_finding = {
        name for name, path in paths.items() if not has_problem(path, _RELEASES[promtool])
    }

    assert without_finding == loaded
    assert len(loaded) > 100
    assert len(paths) - len(loaded) > 200


def test_without_a_version_a_file_may_have_what_any_release_loads(tmp_path: Path) -> None:
    paths = write(tmp_path)

    wrong = {name for name, path in paths.items() if has_problem(path)}

    assert wrong == {name for name, path in paths.items() if has_problem(path, "3.16")}
    assert wrong < {name for name, path in paths.items() if has_problem(path, "2.42")}


@pytest.mark.parametrize(
    ("keys", "since"),
    [
        ("query_offset: 1m", "2.53"),
        ("labels: {team: a}", "3.0"),
        ("limit: 5", ""),
    ],
)
def test_a_key_that_a_release_does_not_have_is_named_with_the_one_that_brought_it(
    keys: str, since: str, tmp_path: Path
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(f"groups:\n- name: g\n  {keys}\n  rules: [{{alert: A, expr: 'up == 0'}}]\n")

    said = [finding.message for finding in lint_paths([path], prometheus="2.42")]

    assert lint_paths([path], prometheus="3.16") == ()
    assert said == (
        [f"`{keys.split(':')[0]}` of a group needs Prometheus {since}"] if since else []
    )


@pytest.mark.parametrize(
    ("template", "since"),
    [
        ("{{ 60 | toDuration }}", "3.6"),
        ("{{ now }}", "3.6"),
        ("{{ urlQueryEscape $labels.a }}", "3.8"),
        ("{{ with $labels.a }}a{{ else with $labels.b }}b{{ end }}", "2.55"),
    ],
)
def test_a_template_that_needs_a_newer_release_says_which(
    template: str, since: str, tmp_path: Path
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(
        "groups:\n- name: g\n  rules:\n"
        f"  - {{alert: A, expr: 'up == 0', annotations: {{a: '{template}'}}}}\n"
    )

    (finding,) = lint_paths([path], prometheus="2.42")

    assert finding.kind == "template"
    assert finding.right == f"Prometheus {since} and later take it"
    assert lint_paths([path], prometheus=since) == ()


def test_an_expression_that_needs_a_newer_release_is_a_finding_of_that_release(
    tmp_path: Path,
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(
        "groups:\n- name: g\n  rules: [{alert: A, expr: 'histogram_avg(rate(a[5m])) > 1'}]\n"
    )

    (finding,) = lint_paths([path], prometheus="2.42")

    assert "`histogram_avg()`" in finding.message or "histogram_avg()" in finding.message
    assert lint_paths([path], prometheus="2.51") == lint_paths([path]) == ()


@pytest.mark.parametrize(
    "text",
    [
        "groups:\n- {name: g, partial_response_strategy: warn, rules: [RULE]}\n",
        "groups:\n- {name: g, source_tenants: [a], rules: [RULE]}\n",
        "groups:\n- {name: g, evaluation_delay: 1m, rules: [RULE]}\n",
        "groups:\n- {name: g, align_evaluation_time_on_interval: true, rules: [RULE]}\n",
        "namespace: shop\ngroups:\n- {name: g, rules: [RULE]}\n",
    ],
)
def test_keys_of_thanos_and_mimir_are_taken_unless_prometheus_is_named(
    text: str, tmp_path: Path
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(text.replace("RULE", "{alert: A, expr: 'up == 0'}"))

    assert lint_paths([path]) == ()
    assert [finding.kind for finding in lint_paths([path], prometheus="3.16")] == ["unknown-key"]


def test_every_problem_of_a_file_is_said_at_its_place(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(
        """\
groups:
- name: g
  intervall: 1m
  rules:
  - alert: A
    expr: up == 0
    for: 300
    lables: {a: b}
    annotations:
      summary: text
      description: '{{ $lables.a }}'
  - record: 'a{b="c"}'
    expr: up
    for: 5m
- name: g
  rules: []
"""
    )

    assert [
        (one.line, one.column, one.kind, one.group, one.rule) for one in lint_paths([path])
    ] == [
        (3, 3, "unknown-key", "g", ""),
        (7, 5, "wrong-value", "g", "A"),
        (8, 5, "unknown-key", "g", "A"),
        (11, 7, "template", "g", "A"),
        (12, 5, "invalid-name", "g", 'a{b="c"}'),
        (14, 5, "rule-of-two-kinds", "g", 'a{b="c"}'),
        (15, 3, "group-name", "g", ""),
    ]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("lables: {a: b}", "did you mean `labels`?"),
        (
            "annotations: {a: '{{ $value | humanizePercent }}'}",
            "did you mean `humanizePercentage`?",
        ),
        ("annotations: {a: '{{ $lables.a }}'}", "did you mean `$labels`?"),
        ("annotations: {a: '{{ labels.a }}'}", "did you mean `$labels`?"),
        ("for: 300", "write a number and a unit, largest unit first: 30s, 5m, 1h30m"),
    ],
)
def test_a_finding_says_what_would_be_right(wrong: str, right: str, tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(f"groups:\n- name: g\n  rules: [{{alert: A, expr: 'up == 0', {wrong}}}]\n")

    assert [finding.right for finding in lint_paths([path])] == [right]


def write(folder: Path) -> dict[str, Path]:
    """The files to judge, by what is special in them."""
    paths = {}
    for number, (name, text) in enumerate(files().items()):
        paths[name] = folder / f"{number}.yaml"
        paths[name].write_text(text)
    return paths


def has_problem(path: Path, prometheus: str | None = None) -> bool:
    """Whether Prometheus would not load it; an empty file holds no rules, which is no problem."""
    try:
        return any(
            finding.kind in PROBLEM_KINDS for finding in lint_paths([path], prometheus=prometheus)
        )
    except InputError:
        return False


def loaded_by(promtool: Path, folder: Path, paths: dict[str, Path]) -> set[str]:
    """The files that promtool takes; it says so in the line after the file's name."""
    done = subprocess.run(
        [promtool, "check", "rules", "--lint=none", *(path.name for path in paths.values())],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    taken = {
        line.removeprefix("Checking ")
        for line, following in zip(lines, [*lines[1:], ""], strict=True)
        if line.startswith("Checking ") and "SUCCESS" in following
    }
    return {name for name, path in paths.items() if path.name in taken}
