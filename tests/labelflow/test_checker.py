"""The label-flow checker: which labels a result can have, and what is surely wrong; proven silent
by promtool."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import yaml

from opsgen.labelflow import (
    NOTHING_KNOWN,
    USUAL,
    Assumptions,
    Known,
    Mismatch,
    RecordingRule,
    check_alert,
    check_expression,
    known_series,
    labels_of,
    prints_value,
    template_labels,
)
from opsgen.promql import parse


def kinds(expression: str, known: Known = NOTHING_KNOWN) -> list[str]:
    return [finding.kind for finding in check_expression(parse(expression), known)]


def recorded(*rules: tuple[str, str], assumed: Assumptions = USUAL, **static: str) -> Known:
    """What is known by recording rules, each a name and an expression, with the same labels."""
    records = (RecordingRule(name, parse(expr), static, assumed) for name, expr in rules)
    return known_series(records, assumed)


def alert_findings(
    expression: str, labels: dict[str, str] | None = None, **annotations: str
) -> list[Mismatch]:
    return list(check_alert(parse(expression), labels=labels, annotations=annotations))


def sure(expression: str, *labels: str) -> list[bool]:
    return [labels_of(parse(expression)).guarantees(label) for label in labels]


def possible(expression: str, *labels: str) -> list[bool]:
    return [labels_of(parse(expression)).can_have(label) for label in labels]


# What labels there are


def test_a_scraped_series_has_job_and_instance_and_a_recorded_one_is_unknown() -> None:
    assert sure("up", "job", "instance", "pod") == [True, True, False]
    assert possible("up", "pod") == [True]
    assert sure("job:up:sum", "job") == [False]
    assert sure('{__name__=~"up|down"}', "job") == [False]
    assert sure("ALERTS", "alertname", "job") == [True, False]


@pytest.mark.parametrize(
    ("matcher", "is_sure", "is_possible"),
    [
        ('x="a"', True, True),
        ('x=""', False, False),
        ('x!=""', True, True),
        ('x!="a"', False, True),
        ('x=~"a|b"', True, True),
        ('x=~"a|"', False, True),
        ('x=~".+"', True, True),
        ('x=~".*"', False, True),
        ('x!~"|a"', True, True),
        ('x=~"[[:alpha:]]*"', False, True),
        ('x=~"(?i)a*"', False, True),
    ],
)
def test_matchers_say_whether_a_label_is_there(
    matcher: str, is_sure: bool, is_possible: bool
) -> None:
    expression = f"m{{{matcher}}}"

    assert (sure(expression, "x"), possible(expression, "x")) == ([is_sure], [is_possible])


@pytest.mark.parametrize(
    ("expression", "has", "lacks"),
    [
        ("sum(up)", "", "job instance"),
        ("sum by (job) (up)", "job", "instance"),
        ("sum without (job) (up)", "instance pod", "job"),
        ("topk by (job) (3, up)", "job instance pod", ""),
        ("limitk(3, up)", "job instance pod", ""),
        ('count_values by (job) ("version", build_info)', "job version", "instance"),
        ('count_values without (job) ("job", up)', "instance pod", "job"),
        ("rate(up[5m])", "job pod", ""),
        ("max_over_time(sum by (job) (up)[1h:])", "job", "instance"),
        ("quantile_over_time(0.5, up[5m])", "job pod", ""),
        ("-sum by (job) (up)", "job", "instance"),
        ("histogram_quantile(0.9, sum by (le, job) (rate(a_bucket[5m])))", "job", "le instance"),
        ("vector(1)", "", "job"),
        ("time()", "", "job"),
        ("hour()", "", "job"),
        ("scalar(up)", "", "job"),
        ("up * scalar(other)", "job pod", ""),
        ("1 - up", "job pod", ""),
        ('absent(up{job="a",pod=~"b"})', "job", "pod instance"),
        ('absent(up{job="a",job="b",pod="c"})', "pod", "job"),
        ('absent(sum(up{job="a"}))', "", "job"),
        ('absent_over_time(up{job="a"}[5m])', "job", "pod"),
        ('absent_over_time(up{job="a"}[5m:])', "", "job"),
        ('label_replace(sum(up), "a", "b", "", "")', "a", "job"),
        ('label_replace(sum by (job) (up), "a", "$1", "job", "(.*)")', "a job", "instance"),
        ('label_join(sum by (job) (up), "a", "-", "job")', "a job", "instance"),
        ('label_join(sum by (job) (up), "a", "", "pod")', "job", "a"),
        ("a / on (job) b", "job", "instance pod"),
        ("a > on (job) b", "job", "instance pod"),
        ("a / ignoring (pod) b", "job instance", "pod"),
        ("sum by (job, pod) (a) / sum by (job, node) (b)", "job", "pod node"),
        ("a * on (job) group_left (version) sum by (job, version) (b)", "instance pod version", ""),
        (
            "sum by (job, version) (b) * on (job) group_right (version) a",
            "instance pod version",
            "",
        ),
        ("sum by (job) (a) and on (job) b", "job", "instance"),
        ("a unless on (job) b", "job instance pod", ""),
        ("sum by (job) (a) or sum by (pod) (b)", "job pod", "instance"),
    ],
)
def test_labels_flow_as_prometheus_lets_them(expression: str, has: str, lacks: str) -> None:
    assert all(possible(expression, *has.split()))
    assert not any(possible(expression, *lacks.split()))


def test_a_label_is_sure_only_where_every_series_has_it() -> None:
    assert sure("sum by (job) (up)", "job") == [True]
    assert sure("a or sum by (pod) (b)", "job", "pod") == [False, False]
    assert sure('label_replace(a, "node", "$1", "instance", "(.*)")', "node") == [True]
    assert sure('label_replace(a, "node", "$1", "instance", "(.*):.*")', "node") == [False]
    assert sure('sum by (pod) (a) * on (pod) group_left () b{pod!=""}', "pod") == [True]


def test_recorded_series_are_known_by_their_rules_in_any_order() -> None:
    known = recorded(
        ("b:rate", "sum without (instance) (a:rate)"),
        ("a:rate", "sum by (job, instance) (rate(a_total[5m]))"),
        tier="gold",
    ).of("b:rate")

    assert (known.guarantees("job"), known.can_have("instance")) == (True, False)
    assert known.guarantees("tier")


def test_a_series_recorded_twice_has_only_what_both_guarantee() -> None:
    known = known_series(
        [
            RecordingRule("a:rate", parse("sum by (job) (a)"), {"slo": "x"}),
            RecordingRule("a:rate", parse("sum by (pod) (a)"), {"slo": "y"}),
        ]
    ).of("a:rate")

    assert (known.guarantees("job"), known.can_have("job"), known.can_have("pod")) == (
        False,
        True,
        True,
    )
    assert known.domain("slo").values == frozenset({"x", "y"})


def test_rules_that_record_each_other_do_not_hang_the_checker() -> None:
    known = recorded(("a:a", "b:b"), ("b:b", "sum by (job) (a:a)"))

    assert not known.of("a:a").can_have("pod")


def test_what_prometheus_writes_but_the_parser_package_does_not_read_is_read() -> None:
    assert labels_of(parse(r"up{x=~`a\d`} > 1_000")).guarantees("x")
    assert labels_of(parse(r'up{x="`b\\d`"}')).domain("x").values == frozenset({r"`b\d`"})


# What is wrong

# The shapes of alerts from public collections that can never fire, in the least form that shows
# each mistake.
LOCKS = (
    "((sum(pg_locks_count)) / (pg_settings_max_locks_per_transaction *"
    " pg_settings_max_connections)) > 0.20"
)
POOLS = (
    "sum by (database) (pgbouncer_pools_server_active) / pgbouncer_databases_max_connections > 0.9"
)
JOB_TOO_LONG = (
    "time() - max by (namespace, job_name) (kube_job_status_start_time) > 3600 and"
    " kube_job_status_active == 1"
)
CERTIFICATE = (
    "apiserver_certificate_seconds_count > 0 and histogram_quantile(0.01, sum by (job, le)"
    " (rate(apiserver_certificate_seconds_bucket[5m]))) < 604800"
)
DROPLETS = "count(droplet_up) / account_droplet_limit > 0.8"


@pytest.mark.parametrize("expression", [LOCKS, POOLS, JOB_TOO_LONG, CERTIFICATE, DROPLETS])
def test_public_alerts_that_never_fire_are_found(expression: str) -> None:
    assert kinds(expression) == ["never-matches"]


@pytest.mark.parametrize(
    "expression",
    [
        "sum(a) / b > 1",
        "sum by (job) (a) > on (job, instance) b",
        'a{mode="idle"} / a{mode="user"}',
        'a{mode="idle"} and a{mode=~"user|system"}',
        "vector(1) and up",
        "up == 0 and hour() > 8",
        'absent(up{job="a"}) and up',
        'x{a=~"1|2"} and on (a) y{a=~"3.*"}',
        'x{a!~"foo|bar"} and on (a) y{a=~"foo|bar"}',
        'x{a!~"fo.*"} and on (a) y{a="foo"}',
        'x{a="1"} == on (a) x{a!="1"}',
        'x{a=~"prod-.*"} * on (a) y{a=~"stage-.*|test-.*"}',
        'x{a=~"pro?d.*"} * on (a) y{a=~"q.*"}',
        'x{a=~".*-eu",a!=""} * on (a) y{a!~".*-eu"}',
        'x{a=~"[a-c]x"} / on (a) y{a=~"dx|ex"}',
        'sum by (a) (x{a=~"1|2"}) / on (a) sum by (a) (y{a!~"1|2"})',
        'a{pod=""} * on (pod) b{pod!=""}',
    ],
)
def test_sides_that_cannot_match_are_found(expression: str) -> None:
    assert kinds(expression) == ["never-matches"]


@pytest.mark.parametrize(
    "expression",
    [
        "a / b",
        "sum(a) / sum(b)",
        "sum by (job) (a) / sum by (job) (b)",
        "sum(a) / scalar(b)",
        "a / on (job) group_left () sum by (job) (b)",
        "a and on () hour() > 8",
        'a{mode="idle"} / ignoring (mode) a{mode="user"}',
        'rate(a_bucket{le=~"0.3"}[5m]) / ignoring (le) rate(a_count[5m])',
        "sum by (pod) (a) / b:recorded:rate5m",
        "sum by (cluster, job) (a) / on (cluster, job) sum by (cluster, job) (b)",
        "sum(a) or b",
        'sum by (job) (a) / on (job) group_left () label_replace(sum(b), "job", "x", "", "")',
        'sum by (container) (a{container=""})',
        "count by (__name__) (rate(a[5m]))",
        "histogram_quantile(0.9, sum(rate(native_seconds[5m])))",
        'a{x!="1",x!="2"}',
        'x{a=~"1|2"} and on (a) y{a=~"2.*"}',
        'x{a=~"1|2"} and on (a) y{a!="1"}',
        'x{a!~"foo|bar"} and on (a) y{a=~"foo|baz"}',
        'x{a!~"foo"} and on (a) y{a=~"(?i)foo"}',
        'x{a=~"prod.*"} * on (a) y{a=~"prod-eu.*|stage"}',
        'x{a=~"a?b.*"} * on (a) y{a=~"b.*"}',
        'x{a=~"ab*"} * on (a) y{a=~"ac*"}',
        'x{a=~"(a|b).*"} * on (a) y{a=~"c.*"}',
        'x{a=~".*x"} * on (a) y{a=~"y.*"}',
        'x{a!="1"} * on (a) y{a!="2"}',
        'x{a=~"1.*",a=~".*2"}',
        'x{a=~"|1"} * on (a) y{a=~"|2"}',
        'ALERTS{alertstate="firing"}',
        'ALERTS{alertstate=~"fir.*"}',
        'ALERTS{alertstate!="pending"}',
        'ALERTS_FOR_STATE{alertstate="x"}',
        "count(up == 0) > 0",
        "count(up == 0) or vector(0) == 0",
    ],
)
def test_sound_expressions_are_left_alone(expression: str) -> None:
    assert kinds(expression) == []


def test_the_finding_says_what_cannot_match_and_what_would() -> None:
    (finding,) = check_expression(parse("sum(a) / b > 1"))

    assert (
        finding.message == "the two sides of `/` never match in `sum(a) / b`: "
        "the right side always has `instance` and `job`, which the left side cannot have,"
        " if these series are scraped"
    )
    assert "`/ on () group_right`" in finding.right


def test_differing_values_are_named() -> None:
    (finding,) = check_expression(parse('a{mode="idle"} - a{mode="user"}'))

    assert '`mode` is "idle" on the left and "user" on the right' in finding.message
    assert "ignoring (mode)" in finding.right


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("up unless sum(up)", "has-no-effect"),
        ('up{job="a",job="b"}', "selects-nothing"),
        ('up{job="a",job!~"a|b"}', "selects-nothing"),
        ('up{job="a",job!="a"}', "selects-nothing"),
        ('up{job=~"a|b",job!~"b|a"}', "selects-nothing"),
        ('up{job=~"a.*",job=~"b.*"}', "selects-nothing"),
        ('up{job=~"a.*",job!~"a.*"}', "selects-nothing"),
        ('up{job=~"a.+|b.+",job="c"}', "selects-nothing"),
        ('ALERTS{alertstate="fired"}', "selects-nothing"),
        ('ALERTS{alertstate=~"resolved|inactive"}', "selects-nothing"),
        ('ALERTS{alertstate!~"firing|pending"}', "selects-nothing"),
        ('count_over_time(ALERTS{alertstate=""}[5m])', "selects-nothing"),
        ("sum by (pod) (sum by (job) (up))", "label-is-gone"),
        ("sum by (pod, job) (a) / on (pod) sum by (job) (b)", "label-is-gone"),
        ("a * on (job) group_left (version) sum by (job) (b)", "label-is-gone"),
        ('label_replace(sum by (job) (up), "x", "$1", "pod", "(.*)")', "label-is-gone"),
        ("histogram_quantile(0.9, sum by (job) (rate(a_bucket[5m])))", "quantile-without-le"),
        ("count(up) == 0", "never-fires"),
        ("absent(up) > 1", "never-fires"),
        ("vector(0) > 1", "never-fires"),
        ("(a > bool 1) > 1", "never-fires"),
    ],
)
def test_each_kind_of_defect_is_found(expression: str, kind: str) -> None:
    assert kinds(expression) == [kind]


@pytest.mark.parametrize(
    "expression",
    [
        "rate(errors_total[5m])",
        "sum(rate(a[5m])) / sum(rate(b[5m]))",
        "up == bool 0",
        "(up == 0) or vector(1)",
    ],
)
def test_an_alert_without_a_condition_is_found(expression: str) -> None:
    assert [finding.kind for finding in alert_findings(expression)] == ["always-fires"]


@pytest.mark.parametrize(
    "expression",
    [
        "vector(1)",
        "ALERTS",
        "failed_units",
        "a:b:rate5m",
        "rate(a[5m]) and on () b",
        "absent(up)",
        "rate(a[5m]) > 0",
    ],
)
def test_watchdogs_and_series_that_are_there_only_in_trouble_are_left_alone(
    expression: str,
) -> None:
    assert alert_findings(expression) == []


def test_what_is_known_of_a_recorded_series_is_used() -> None:
    known = recorded(("job:up:sum", "sum by (job) (up)"))

    assert kinds("job:up:sum / up", known) == ["never-matches"]
    assert kinds("job:up:sum / up") == []


def test_a_matcher_that_no_recorded_series_satisfies_is_found() -> None:
    rules = recorded(
        ("job:errs:rate5m", "sum by (job) (rate(errs_total{job=~'a|b'}[5m]))"), tier="gold"
    )

    def messages(expression: str) -> list[str]:
        return [found.message for found in check_expression(parse(expression), rules)]

    assert messages('job:errs:rate5m{tier="silver"} > 1') == [
        '`job:errs:rate5m{tier="silver"}` selects nothing: `tier` is always "gold"'
    ]
    assert messages('job:errs:rate5m{job=~"c.*"} > 1') == [
        '`job:errs:rate5m{job=~"c.*"}` selects nothing: `job` is always "a" or "b"'
    ]
    assert messages('job:errs:rate5m{pod=~"x.+"} > 1') == [
        '`job:errs:rate5m{pod=~"x.+"}` selects nothing: no rule that records it keeps `pod`,'
        " unless another server adds it"
    ]
    for sound in ('tier="gold"', 'job=~"b.*"', 'pod=""', 'pod!="x"', 'job!="a"', 'tier=~".+"'):
        assert messages(f"job:errs:rate5m{{{sound}}} > 1") == []


def test_buckets_that_a_rule_records_without_le_are_found_by_way_of_any_rules() -> None:
    rules = recorded(
        ("job:d_bucket:rate5m", "sum by (job) (rate(d_bucket[5m]))"),
        ("all:d_bucket:rate5m", "sum(job:d_bucket:rate5m)"),
        ("le:d_bucket:rate5m", "sum by (le) (rate(d_bucket[5m]))"),
        ("job:native:rate5m", "sum by (job) (rate(native_seconds[5m]))"),
        ("job:mixed:rate5m", "sum by (job) (rate(d_bucket[5m]))"),
        ("job:mixed:rate5m", "sum by (job) (rate(native_seconds[5m]))"),
    )

    def found(series: str) -> list[str]:
        return kinds(f"histogram_quantile(0.9, {series}) > 1", rules)

    assert found("job:d_bucket:rate5m") == ["quantile-without-le"]
    assert found("sum(all:d_bucket:rate5m)") == ["quantile-without-le"]
    for sound in ("le:d_bucket:rate5m", "job:native:rate5m", "job:mixed:rate5m", "x:unknown:y"):
        assert found(sound) == []


# What is taken for granted

PUSHED = Assumptions(scraped=False)


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("sum by (job) (rate(errs_total[5m])) / quota > 0.5", "never-matches"),
        ("sum(a) * b > 1", "never-matches"),
        ("vector(1) and a", "never-matches"),
        ("a unless sum(a)", "has-no-effect"),
        ("label_replace(a, 'node', '$1', 'instance', '(.+)') * sum by (job) (b)", "never-matches"),
        (
            "label_join(a, 'node', '', 'instance') / ignoring (job, instance) sum(b)",
            "never-matches",
        ),
    ],
)
def test_what_only_scraped_series_contradict_says_so_and_can_be_switched_off(
    expression: str, kind: str
) -> None:
    (finding,) = check_expression(parse(expression))

    assert (finding.kind, finding.assumes) == (kind, "scraped")
    assert finding.message.endswith(", if these series are scraped")
    assert kinds(expression, Known(assumed=PUSHED)) == []


@pytest.mark.parametrize(
    "expression",
    [
        "a{instance='x'} / sum(b)",
        "up / sum(b)",
        "a{mode='idle'} / a{mode='user'}",
        "sum(a) + sum by (pod) (b{pod!=''})",
    ],
)
def test_what_matchers_contradict_assumes_nothing(expression: str) -> None:
    for assumed in (USUAL, PUSHED):
        (finding,) = check_expression(parse(expression), Known(assumed=assumed))

        assert (finding.kind, finding.assumes) == ("never-matches", None)
        assert "scraped" not in finding.message


def test_a_pushed_series_that_a_rule_records_may_lack_instance_too() -> None:
    rule = ("job:errs:rate5m", "sum without (pod) (rate(errs_total[5m]))")

    assert kinds("job:errs:rate5m / sum(quota)", recorded(rule)) == ["never-matches"]
    assert kinds("job:errs:rate5m / sum(quota)", recorded(rule, assumed=PUSHED)) == []


@pytest.mark.parametrize("labels", [("cluster",), ("region", "cluster")])
def test_a_recorded_series_has_the_external_labels_of_another_server(
    labels: tuple[str, ...],
) -> None:
    rule = ("job:errs:rate5m", "sum by (job) (rate(errs_total[5m]))")
    alert, texts = parse("job:errs:rate5m > 1"), {"summary": "{{ $labels.cluster }}"}

    (finding,) = check_alert(alert, annotations=texts, known=recorded(rule))

    assert finding.assumes == "no-external-labels"
    assert finding.message.endswith(
        "which `job:errs:rate5m` does not keep, unless another server adds it"
    )
    named = recorded(rule, assumed=Assumptions(external_labels=labels))
    assert check_alert(alert, annotations=texts, known=named) == ()


def test_an_external_label_that_the_expression_drops_is_gone_all_the_same() -> None:
    named = Known(assumed=Assumptions(external_labels=("cluster",)))

    (finding,) = check_alert(
        parse("sum by (job) (up) == 0"), annotations={"a": "{{ $labels.cluster }}"}, known=named
    )

    assert (finding.kind, finding.assumes) == ("annotation-label-is-gone", None)


# Templates


def test_an_annotation_that_prints_a_dropped_label_is_found() -> None:
    (finding,) = alert_findings("sum by (job) (up) == 0", summary="{{ $labels.instance }} is down")

    assert (finding.kind, finding.where) == ("annotation-label-is-gone", "annotations.summary")
    assert "`$labels.instance`, which `sum by (job) (...)` does not keep" in finding.message


def test_a_static_label_is_not_given_to_templates() -> None:
    (finding,) = alert_findings("sum(up) == 0", {"team": "web"}, summary="{{ $labels.team }}")

    assert "write the value itself" in finding.right


@pytest.mark.parametrize(
    ("expression", "has_name"),
    [
        ("up == 1", True),
        ("up == 1 and on (job) sum by (job) (up) == 1", True),
        ("last_over_time(up[5m]) == 1", True),
        ("topk(1, up)", True),
        ("sum by (__name__) (up) == 1", True),
        ("up == ignoring (x) up", True),
        ('label_replace(up, "a", "b", "", "") == 1', True),
        ("up > 0 or vector(1)", True),
        ("rate(up[5m]) == 0", False),
        ("sum by (job) (up) == 1", False),
        ("up + 0 == 1", False),
        ("-up == -1", False),
        ("up == on (job, instance) up", False),
        ("max_over_time(up[5m]) == 1", False),
        ("absent(z) == 1", False),
        ("abs(up) == 1", False),
        ("(up == bool 1) == 1", False),
    ],
)
def test_a_metrics_name_can_be_printed_as_long_as_it_is_there(
    promtool: Path, tmp_path: Path, expression: str, has_name: bool
) -> None:
    template = "<{{ $labels.__name__ }}>"
    series = {'up{job="j",instance="i"}': 1}
    findings = [
        found for found in alert_findings(expression, a=template) if "__name__" in found.message
    ]

    assert (findings == []) is has_name
    rule = {"alert": "A", "expr": expression, "labels": {"copy": template}}
    name = "<up>" if has_name else "<>"
    assert_result(
        promtool,
        tmp_path,
        series,
        f"clamp_max(count by (copy) (ALERTS{{copy='{name}'}}), 1)",
        f'{{copy="{name}"}}',
        [rule],
    )


def test_a_label_that_holds_the_value_is_found() -> None:
    (finding,) = alert_findings("up == 0", {"value": "{{ $value }}"})

    assert (finding.kind, finding.where) == ("value-in-label", "labels.value")
    assert (
        alert_findings(
            "up > 0", {"severity": "{{ if gt $value 5.0 }}page{{ else }}ticket{{ end }}"}
        )
        == []
    )


@pytest.mark.parametrize(
    ("template", "labels"),
    [
        ("$labels.a .Labels.b", ()),
        ("{{ $labels.a }} {{.Labels.b}} {{- $.Labels.c -}}", ("a", "b", "c")),
        ('{{ index $labels "a.b" }} {{ printf "%s" (index .Labels "c") }}', ("a.b", "c")),
        ("{{ $labels.a | toUpper }} {{ $labels.a }}", ("a",)),
        ('{{ "$labels.a }}" }}{{ `$labels.b` }}', ()),
        ("{{/* it's $labels.a }} */}}{{ $labels.b }}", ("b",)),
        ("{{ if $labels.a }}in {{ $labels.a }}{{ end }}", ()),
        ("{{ or $labels.a $labels.b }}", ()),
        (
            '{{ range query "up" }}{{ .Labels.a }}{{ $labels.b }}{{ end }}{{ .Labels.c }}',
            ("b", "c"),
        ),
        ('{{ with query "up" }}{{ .Labels.a }}{{ else }}{{ .Labels.b }}{{ end }}', ("b",)),
        ('{{ range $s := query "up" }}{{ $s.Labels.a }}{{ end }}', ()),
        ('{{ with printf "up{x=%q}" $labels.a | query }}{{ . | first | value }}{{ end }}', ("a",)),
        ('{{ define "t" }}{{ .Labels.a }}{{ end }}', ()),
        ("{{ $labels.a", ()),
        ("{{ $l := $labels }}{{ $l.a }}", ("a",)),
        ("{{ with $l := $labels }}{{ $l.a }}{{ .b }}{{ end }}{{ .c }}", ("a", "b")),
        ("{{ with $labels }}{{ .a }}{{ $labels.b }}{{ .Labels.c }}{{ end }}", ("a", "b")),
        ("{{ with .Labels }}{{ .a }}{{ end }}", ("a",)),
        ('{{ $l := .Labels }}{{ index $l "a" }}', ("a",)),
        ('{{ with $labels }}{{ index . "a" }}{{ else }}{{ .b }}{{ end }}', ("a",)),
        ("{{ with $labels }}{{ if .a }}{{ .a }}{{ end }}{{ end }}", ()),
        ('{{ $l := $labels }}{{ range query "up" }}{{ .a }}{{ $l.b }}{{ end }}', ("b",)),
        ('{{ $l := query "up" }}{{ $l.a }}', ()),
        ("{{ $l := $labels }}{{ $l := 1 }}{{ $l.a }}", ()),
        ("{{ $l := $labels }}{{ $m := $l }}{{ $m.a }}", ("a",)),
        ("{{ range $k, $v := $labels }}{{ $v }}{{ .a }}{{ end }}", ()),
        ("{{ $l := $labels.a }}{{ $l }}", ()),
        ("{{ $value }} {{ $labelsabc }}", ()),
    ],
)
def test_the_labels_of_a_template_are_those_it_surely_prints(
    template: str, labels: tuple[str, ...]
) -> None:
    assert template_labels(template) == labels


def test_a_template_that_never_ends_is_read_quickly() -> None:
    assert template_labels("{{" + "/* */" * 5_000) == ()


@pytest.mark.parametrize(
    ("template", "prints"),
    [
        ("{{ $value }}", True),
        ("{{ .Value | humanize }}", True),
        ("$value", False),
        ("{{ if gt $value 1.0 }}x{{ end }}", False),
    ],
)
def test_a_template_prints_the_value_or_only_asks_for_it(template: str, prints: bool) -> None:
    assert prints_value(template) is prints


# Proof by promtool that what is called silent is silent, and that the way out is one

POSTGRES = {'pg_locks_count{job="pg",instance="a",datname="shop"}': 90} | {
    f'pg_settings_{name}{{job="pg",instance="a"}}': value
    for name, value in (("max_locks_per_transaction", 10), ("max_connections", 10))
}
PGBOUNCER = {
    'pgbouncer_pools_server_active{job="pgb",instance="a",database="shop",user="x"}': 95,
    'pgbouncer_databases_max_connections{job="pgb",instance="a",database="shop"}': 100,
}
KUBERNETES = {
    'kube_job_status_start_time{job="ksm",instance="a",namespace="shop",job_name="import"}': -7200,
    'kube_job_status_active{job="ksm",instance="a",namespace="shop",job_name="import"}': 1,
}


@pytest.mark.parametrize(
    ("silent", "corrected", "series"),
    [
        (
            LOCKS,
            LOCKS.replace("(sum(pg_locks_count))", "sum by (job, instance) (pg_locks_count)"),
            POSTGRES,
        ),
        (POOLS, POOLS.replace("by (database)", "by (job, instance, database)"), PGBOUNCER),
        (JOB_TOO_LONG, JOB_TOO_LONG.replace("and", "and on (namespace, job_name)"), KUBERNETES),
    ],
    ids=["locks", "pools", "job"],
)
def test_what_is_said_never_to_fire_is_silent_and_its_correction_fires(
    promtool: Path, tmp_path: Path, silent: str, corrected: str, series: dict[str, int]
) -> None:
    rules = [{"alert": "Silent", "expr": silent}, {"alert": "Corrected", "expr": corrected}]

    assert kinds(corrected) == []
    assert_result(
        promtool,
        tmp_path,
        series,
        "group by (alertname) (ALERTS)",
        '{alertname="Corrected"}',
        rules,
    )


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ('absent(m{a="1",b=~"x",c="2",c="3"})', '{a="1"}'),
        ('label_replace(sum by (job) (up), "a", "$1", "job", "(.*)")', '{job="j", a="j"}'),
        ('label_join(sum by (job) (up), "a", "-", "job", "pod")', '{job="j", a="j-"}'),
        ("up > on (job) sum by (job) (up) - 1", '{job="j"}'),
        ("up + ignoring (pod) up", '{job="j", instance="i", zone="z"}'),
        (
            "sum by (job, pod) (up) * on (job) group_left (zone) sum by (job, zone) (up)",
            '{job="j", pod="p", zone="z"}',
        ),
        ("up and on (job) sum by (job) (up)", '{job="j", instance="i", pod="p", zone="z"}'),
        ('count_values by (job) ("value", up)', '{job="j", value="1"}'),
        ("topk by (job) (1, up)", '{job="j", instance="i", pod="p", zone="z"}'),
        ("sum by (job) (up) + sum without (instance) (up{pod='q'}) or vector(1)", "{}"),
    ],
)
def test_prometheus_gives_the_labels_that_are_told(
    promtool: Path, tmp_path: Path, expression: str, result: str
) -> None:
    series = {'up{job="j",instance="i",pod="p",zone="z"}': 1}
    labels = labels_of(parse(expression))
    given = set(re.findall(r"(\w+)=", result))

    assert_result(promtool, tmp_path, series, f"group without () ({expression})", result)
    assert all(labels.can_have(label) for label in given)
    assert not any(
        labels.guarantees(label)
        for label in {"job", "instance", "pod", "zone", "a", "value"} - given
    )


def test_prometheus_gives_templates_no_static_label(promtool: Path, tmp_path: Path) -> None:
    rule = {
        "alert": "A",
        "expr": "sum(up) == 1",
        "labels": {"team": "web", "copy": "<{{ $labels.team }}>"},
    }

    assert_result(
        promtool, tmp_path, {'up{job="j"}': 1}, "group by (copy) (ALERTS)", '{copy="<>"}', [rule]
    )


def assert_result(
    promtool: Path,
    folder: Path,
    series: dict[str, int],
    expression: str,
    result: str,
    rules: Sequence[Mapping[str, object]] = (),
) -> None:
    """Let Prometheus evaluate the expression, after the rules, on series of constant values: one
    sample of value 1."""
    samples = [{"series": name, "values": f"{value}x10"} for name, value in series.items()]
    query = {"expr": expression, "eval_time": "5m", "exp_samples": [{"labels": result, "value": 1}]}
    written = {"groups": [{"name": "rules", "rules": list(rules)}]}
    test = {
        "rule_files": ["rules.yaml"],
        "tests": [{"interval": "1m", "input_series": samples, "promql_expr_test": [query]}],
    }
    (folder / "rules.yaml").write_text(yaml.safe_dump(written))
    (folder / "test.yaml").write_text(yaml.safe_dump(test))

    ran = subprocess.run(
        [promtool, "test", "rules", folder / "test.yaml"], capture_output=True, text=True
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
