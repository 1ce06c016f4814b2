"""Where `opsgen lint` finds rules, and what it leaves aside or skips: by a line, never in silence.

The alert `Never` is one that can never fire, so that a finding shows that its rule was read.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from opsgen.errors import InputError
from opsgen.judge.lint import LintReport, lint_report

_RULE = "{alert: Never, expr: 'count(up) == 0'}"
_JSON_RULE = '{"alert": "Never", "expr": "count(up) == 0"}'
_FILE = f"""\
groups:
- name: g
  rules:
  - {_RULE}
"""
_RESOURCE = f"""\
apiVersion: example.com/v1
kind: KIND
metadata: {{name: l}}
spec:
  groups:
  - name: g
    rules:
    - {_RULE}
"""


def indented(text: str, by: int) -> str:
    return "".join(f"{' ' * by}{line}" for line in text.splitlines(keepends=True))


_HOLDERS = {
    "rules.yaml": _FILE,
    "rules.yml": _FILE,
    "app.rules": _FILE,
    "app.alerts": _FILE,
    "rules.json": f'{{"groups": [{{"name": "g", "rules": [{_JSON_RULE}]}}]}}',
    "indented.json": f'{{\n\t"groups": [\n\t\t{{"name": "g", "rules": [{_JSON_RULE}]}}\n\t]\n}}\n',
    "mixin.json": f'{{"prometheusAlerts": {{"groups": [{{"name": "g", "rules": [{_JSON_RULE}]}}]}}}}',
    "bom.yaml": "\ufeff" + _FILE,
    "prometheus-rule.yaml": _RESOURCE.replace("KIND", "PrometheusRule"),
    "vm-rule.yaml": _RESOURCE.replace("KIND", "VMRule"),
    "gmp-rules.yaml": _RESOURCE.replace("KIND", "Rules"),
    "gmp-cluster-rules.yaml": _RESOURCE.replace("KIND", "ClusterRules"),
    "gmp-global-rules.yaml": _RESOURCE.replace("KIND", "GlobalRules"),
    "second-manifest.yaml": "apiVersion: v1\nkind: Service\n---\n"
    + _RESOURCE.replace("KIND", "PrometheusRule"),
    "list.yaml": "apiVersion: v1\nkind: List\nitems:\n-\n"
    + indented(_RESOURCE.replace("KIND", "PrometheusRule"), 2),
    "prometheus-rule-list.yaml": "apiVersion: v1\nkind: PrometheusRuleList\nitems:\n-\n"
    + indented(_RESOURCE.replace("KIND", "PrometheusRule"), 2),
    "config-map.yaml": "apiVersion: v1\nkind: ConfigMap\ndata:\n  a.yaml: |\n" + indented(_FILE, 4),
    "config-map-stripped.yaml": "kind: ConfigMap\ndata:\n  a.yaml: |-\n\n" + indented(_FILE, 6),
    "config-map-indicator.yaml": "kind: ConfigMap\ndata:\n  a.yaml: |2\n" + indented(_FILE, 6),
    "config-map-list.yaml": "kind: List\nitems:\n- kind: ConfigMap\n  data:\n    a.yaml: |\n"
    + indented(_FILE, 6),
    "config-map-json.yaml": "kind: ConfigMap\ndata:\n  a.json: |\n    "
    + f'{{"groups": [{{"name": "g", "rules": [{_JSON_RULE}]}}]}}\n',
    "config-map-quoted.yaml": "kind: ConfigMap\ndata:\n  ü.yaml: "
    + '"# ü\\ngroups:\\n- name: \\"g\\"\\n  rules:\\n  - alert: Never\\n    expr: count(up) == 0\\n"',
    "config-map.json": '{"kind": "ConfigMap", "data": {"a.yaml": '
    + '"groups:\\n- name: g\\n  rules:\\n  - alert: Never\\n    expr: count(up) == 0\\n"}}',
    "secret.yaml": "kind: Secret\nstringData:\n  a.yaml: |\n" + indented(_FILE, 4),
    "config-map-single-quoted.yaml": "kind: ConfigMap\ndata:\n  a.yaml: "
    + "'groups: [{name: g, rules: [{alert: Never, expr: ''count(up) == 0''}]}]'",
    "values-server-files.yaml": "serverFiles:\n  alerting_rules.yml:\n" + indented(_FILE, 4),
    "values-map.yaml": "additionalPrometheusRulesMap:\n  shop:\n" + indented(_FILE, 4),
    "values-list.yaml": "additionalPrometheusRules:\n- name: shop\n" + indented(_FILE, 2),
    "values-text.yaml": "prometheus:\n  extraFiles:\n    rules.yaml: |\n" + indented(_FILE, 6),
    "values-rules.yaml": f"metrics:\n  prometheusRule:\n    enabled: true\n    rules:\n    - {_RULE}\n",
    "values-other-key.yaml": f"monitoring:\n  customAlerts:\n  - {_RULE}\n",
    "list-of-rules.yaml": f"- {_RULE}\n",
    "aliased.yaml": f"a:\n  groups: &g\n  - name: g\n    rules:\n    - {_RULE}\nb: {{groups: *g}}\n",
}


@pytest.mark.parametrize("name", _HOLDERS)
def test_rules_are_read_wherever_they_are_and_each_has_its_place(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(_HOLDERS[name], encoding="utf-8")

    (finding,) = lint_report([tmp_path]).findings

    line = _HOLDERS[name].removeprefix("\ufeff").split("\n")[finding.line - 1]
    assert finding.kind == "never-matches" or finding.rule == "Never"
    assert line[finding.column - 1 :].lstrip('"').startswith("expr")


def test_of_a_text_that_is_folded_the_place_is_that_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "kind: ConfigMap\ndata:\n  a.yaml: >\n"
        "    {groups: [{name: g, rules: [{alert: Never,\n    expr: count(up) == 0}]}]}\n"
    )

    (finding,) = lint_report([tmp_path]).findings

    assert (finding.line, finding.column) == (3, 11)


def test_a_text_with_rules_that_is_no_yaml_is_a_finding_at_its_place(tmp_path: Path) -> None:
    broken = _FILE.replace("- name: g", "- name: 'g")
    (tmp_path / "a.yaml").write_text("kind: ConfigMap\ndata:\n  a.yaml: |\n" + indented(broken, 4))

    (finding,) = lint_report([tmp_path]).findings

    assert finding.kind == "not-yaml"
    assert finding.line >= 5


def test_what_a_chart_adds_to_its_rules_is_no_finding(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text(
        """\
prometheusRule:
  groups:
  - name: g
    enabled: true
    rules:
    - alert: A
      enabled: true
      expr: up == 0
      for: '{{ .duration }}'
      annotations: {summary: '{{ "{{" }} $labels.instance }} of {{ include "name" . }}'}
"""
    )

    assert lint_report([tmp_path]).findings == ()


LOKI = """\
groups:
- name: g
  rules:
  - {alert: L, expr: 'sum by (app) (rate({app="shop"} |= "error" | json [5m])) > 1'}
  - {alert: M, expr: 'sum(count_over_time({app="shop"}[5m])) > 10', annotations: {a: '{{ $x }}'}}
"""
VICTORIA = """\
groups:
- name: g
  concurrency: 2
  rules:
  - {alert: A, expr: 'sum(rate(x)) by (job) > 1', debug: true, annotations: {a: '{{ $activeAt }}'}}
  - {alert: B, expr: 'up == 0'}
- name: logs
  type: vlogs
  rules:
  - {alert: C, expr: 'level:error | stats by (svc) count() as n | filter n:>10'}
"""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (LOKI, "4:16: left aside: 2 rules in LogQL, the language of Loki"),
        (
            _RESOURCE.replace("KIND", "PrometheusRule").replace(
                "count(up) == 0", 'sum(rate({app="shop"} |~ "x" [5m])) > 1'
            ),
            "8:22: left aside: 1 rule in LogQL, the language of Loki",
        ),
        (
            "apiVersion: loki.grafana.com/v1\nkind: AlertingRule\nspec: {groups: [{name: g,"
            " rules: [{alert: A, expr: 'bytes_rate({a=\"b\"}[1m]) > 1'}]}]}\n",
            "1:1: left aside: alert rules of Loki, in LogQL",
        ),
        (
            _RESOURCE.replace("KIND", "VMRule").replace("count(up) == 0", "rate(x) > 1"),
            "8:22: left aside: 1 rule in MetricsQL, the language of VictoriaMetrics",
        ),
        (VICTORIA, "5:16: left aside: 1 rule in MetricsQL, the language of VictoriaMetrics"),
        (VICTORIA, "10:16: left aside: 1 rule in LogsQL, the language of VictoriaLogs"),
        *(
            (
                f"groups:\n- name: g\n  rules:\n  - alert: A\n    expr: {expr}\n",
                "5:5: left aside: 1 rule in MetricsQL, the language of VictoriaMetrics",
            )
            for expr in (
                "sum(x) by (job) default 0 > 1",
                "rate(x[5m]) keep_metric_names > 1",
                'WITH (f = {job="x"}) up{f} == 0',
                'x{a="b" or c="d"} > 1',
                "x if y > 1",
                "rate(x[1i]) > 1",
                "range_median(x[1d]) > 1",
                'label_set(x, "a", "b") > 1',
                "increase_pure(x[1h]) > 1",
                "histogram_share(0.2, sum by (vmrange) (rate(x[5m]))) < 0.9",
            )
        ),
        (
            "apiVersion: 1\ngroups:\n- orgId: 1\n  name: g\n  folder: Shop\n  rules:\n"
            "  - {uid: a, title: A, condition: C, data: [{refId: A, model: {expr: 'up'}}]}\n",
            "3:3: left aside: alert rules of Grafana's own, which are not Prometheus'",
        ),
        (
            "groups:\n- name: g\n  rules:\n  - expr: ''\n    grafana_alert: {title: A}\n",
            "2:3: left aside: alert rules of Grafana's own, which are not Prometheus'",
        ),
        (
            "apiVersion: grafana.integreatly.org/v1beta1\nkind: GrafanaAlertRuleGroup\n"
            "spec: {rules: [{uid: a, title: A, data: [{model: {expr: up}}]}]}\n",
            "1:1: left aside: alert rules of Grafana's own, which are not Prometheus'",
        ),
        (
            "groups:\n- name: g\n  rules:\n  - {alert: A, expr: 'up{a=\"{{ .Values.a }}\"} == 0'}\n",
            "4:16: left aside: 1 rule in a template of another tool; render it first, for example"
            " by `helm template`",
        ),
        (
            "groups:\n- name: g\n  rules:\n  - {alert: A, expr: 'up > {{ threshold }}'}\n",
            "4:16: left aside: 1 rule in a template of another tool; render it first, for example"
            " by `helm template`",
        ),
    ],
)
def test_what_is_of_another_program_is_left_aside_by_name(
    text: str, line: str, tmp_path: Path
) -> None:
    (tmp_path / "a.yaml").write_text(text)

    for path in (tmp_path, tmp_path / "a.yaml"):
        report = lint_report([path])

        assert report.findings == ()
        assert f"{tmp_path.as_posix()}/a.yaml:{line}" in report.lines


def test_of_vmalerts_rules_those_in_promql_are_judged(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(VICTORIA.replace("up == 0", "count(up) == 0"))

    assert [finding.rule for finding in lint_report([tmp_path]).findings] == ["B"]


@pytest.mark.parametrize(
    "expr",
    [
        "sum(rate(x[5m])",
        "rate(x) > 1",
        "x || y",
        "x{a='b'} | y",
        "median(x) > 1",
        "x > 10Mi",
    ],
)
def test_a_slip_in_promql_is_not_taken_for_another_language(expr: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        f"groups:\n- name: g\n  rules:\n  - alert: A\n    expr: {expr}\n"
    )

    assert [finding.kind for finding in lint_report([tmp_path]).findings] == ["syntax"]


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("rules.yaml.j2", _FILE, "it is made into rules by another tool"),
        (
            "rules.libsonnet",
            f"{{groups: [{{rules: [{_RULE}]}}]}}",
            "it is made into rules by another",
        ),
        ("old.rules", "ALERT Down\n  IF up == 0\n  FOR 5m\n", "the format of Prometheus 1"),
    ],
)
def test_a_file_with_rules_that_is_not_read_is_counted_as_skipped(
    name: str, text: str, why: str, tmp_path: Path
) -> None:
    (tmp_path / "rules.yaml").write_text(_FILE)
    (tmp_path / name).write_text(text)

    (line,) = lint_report([tmp_path]).lines

    assert line.startswith(f"{tmp_path.as_posix()}/{name}: skipped: ")
    assert why in line


def test_files_without_rules_are_passed_by(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(_FILE)
    others = {
        "users.yaml": "groups:\n- name: admins\n  rules: [read, write]\n",
        "test.yaml": "rule_files: [a]\ntests:\n- promql_expr_test: [{expr: up, eval_time: 1m}]\n",
        "dashboard.json": '{"panels": [{"alert": {"name": "A"}, "targets": [{"expr": "up"}]}]}',
        "broken.yaml": "record: [\n",
        "notes.tmpl": "Hello",
    }
    for name, text in others.items():
        (tmp_path / name).write_text(text)

    report = lint_report([tmp_path])

    assert files_of(report) == {"rules.yaml"}
    assert report.lines == ()


def test_a_folder_in_which_all_is_skipped_is_a_mistake_that_says_why(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml.j2").write_text(_FILE)

    with pytest.raises(InputError, match=r"rules\.yaml\.j2:1:1: skipped: it is made into rules"):
        lint_report([tmp_path])


def files_of(report: LintReport) -> set[str]:
    return {Path(finding.file).name for finding in report.findings}
