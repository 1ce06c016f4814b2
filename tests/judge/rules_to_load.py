"""Rule files for promtool and `opsgen lint`, by what is special in them: some load, some don't."""

from __future__ import annotations

from collections.abc import Iterator

_ALERT = "alert: Down, expr: 'up == 0'"


def files() -> dict[str, str]:
    """The text of each file by its name, which is unique."""
    found: dict[str, str] = {}
    for name, text in [*_FILES, *_groups(), *_rules(), *_templates()]:
        assert name not in found, name
        found[name] = text
    return found


def _groups() -> Iterator[tuple[str, str]]:
    for keys in _GROUPS:
        yield f"group {keys}", f"groups:\n- {{{keys}}}\n"


def _rules() -> Iterator[tuple[str, str]]:
    for keys in _RULES:
        yield f"rule {keys}", f"groups:\n- name: g\n  rules:\n  - {{{keys}}}\n"


def _templates() -> Iterator[tuple[str, str]]:
    for template in _TEMPLATES:
        quoted = template.replace("'", "''")
        yield (
            f"annotation {template}",
            f"groups:\n- name: g\n  rules:\n  - {{{_ALERT}, annotations: {{a: '{quoted}'}}}}\n",
        )
        yield (
            f"label {template}",
            f"groups:\n- name: g\n  rules:\n  - {{{_ALERT}, labels: {{a: '{quoted}'}}}}\n",
        )


_FILES = [
    ("no groups", "groups: []\n"),
    ("groups twice", "groups: []\ngroups: []\n"),
    ("a misspelt groups", f"group:\n- {{name: g, rules: [{{{_ALERT}}}]}}\n"),
    ("a key beside groups", f"groups:\n- {{name: g, rules: [{{{_ALERT}}}]}}\nversion: 1\n"),
    ("an anchor beside groups", f"x: &r {{{_ALERT}}}\ngroups:\n- {{name: g, rules: [*r]}}\n"),
    (
        "two groups of one name",
        f"groups:\n- {{name: g, rules: [{{{_ALERT}}}]}}\n- {{name: g, rules: []}}\n",
    ),
    (
        "two groups of two names",
        f"groups:\n- {{name: g, rules: [{{{_ALERT}}}]}}\n- {{name: h, rules: []}}\n",
    ),
    (
        "two groups whose names differ in case",
        f"groups:\n- {{name: g, rules: [{{{_ALERT}}}]}}\n- {{name: G, rules: []}}\n",
    ),
    (
        "a group that an alias repeats",
        f"groups:\n- &g {{name: g, rules: [{{{_ALERT}}}]}}\n- *g\n",
    ),
    (
        "a rule that an alias repeats",
        f"groups:\n- name: g\n  rules:\n  - &r {{{_ALERT}}}\n  - *r\n",
    ),
    (
        "a rule that merges another",
        f"groups:\n- name: g\n  rules:\n  - &r {{{_ALERT}}}\n  - {{<<: *r, alert: Gone}}\n",
    ),
    (
        "a rule that merges a wrong key",
        "groups:\n- name: g\n  rules:\n"
        f"  - &r {{{_ALERT}, severity: page}}\n  - {{<<: *r, alert: Gone}}\n",
    ),
    (
        "two merges in one rule",
        f"groups:\n- name: g\n  rules:\n  - &r {{{_ALERT}}}\n  - {{<<: *r, <<: *r}}\n",
    ),
    (
        "labels that merge others",
        "groups:\n- name: g\n  rules:\n"
        f"  - {{{_ALERT}, labels: &l {{a: b}}}}\n  - {{{_ALERT}, labels: {{<<: *l, c: d}}}}\n",
    ),
    ("rules in JSON", '{"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "up == 0"}]}]}'),
    (
        "rules in JSON with a wrong key",
        '{"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "up == 0", "severity": "a"}]}]}',
    ),
    ("a comment first", f"# rules\n---\ngroups:\n- {{name: g, rules: [{{{_ALERT}}}]}}\n"),
    ("a tab as indentation", f"groups:\n- name: g\n\trules: [{{{_ALERT}}}]\n"),
    ("a quote that is not closed", "groups:\n- name: 'g\n  rules:\n  - {alert: A, expr: up}\n"),
    (
        "an alias of nothing",
        "groups:\n- name: g\n  rules:\n  - {alert: A, expr: up, labels: *labels}\n",
    ),
]

_GROUPS = [
    f"rules: [{{{_ALERT}}}]",
    f"name: '', rules: [{{{_ALERT}}}]",
    f"name: ~, rules: [{{{_ALERT}}}]",
    f"name: 5, rules: [{{{_ALERT}}}]",
    f"name: [g], rules: [{{{_ALERT}}}]",
    f"name: g, name: h, rules: [{{{_ALERT}}}]",
    f"name: g, rules: [{{{_ALERT}}}], rules: []",
    f"nam: g, rules: [{{{_ALERT}}}]",
    f"name: g, Rules: [{{{_ALERT}}}]",
    "name: g, rules: []",
    "name: g, rules: ~",
    "name: g, rules: [~]",
    f"name: g, rules: {{{_ALERT}}}",
    f"name: g, rules: [{{{_ALERT}}}, text]",
    f"name: g, rules: [{{{_ALERT}}}, [text]]",
    f"name: g, rules: [{{{_ALERT}}}, {{}}]",
    *(
        f"name: g, {key}: {value}, rules: [{{{_ALERT}}}]"
        for key in ("interval", "query_offset")
        for value in ("30s", "0s", "0", "30", "-30s", "1m30s", "30s1m", "1.5m", "''", "~", "[30s]")
    ),
    *(
        f"name: g, limit: {value}, rules: [{{{_ALERT}}}]"
        for value in (
            "10",
            "0",
            "-1",
            "+1",
            "1.5",
            "1e3",
            "0x10",
            "0o7",
            "1_000",
            "'10'",
            "ten",
            "~",
            "[1]",
            "1m",
            "true",
            "10:30",
        )
    ),
    *(
        f"name: g, labels: {value}, rules: [{{{_ALERT}}}]"
        for value in (
            "{team: a}",
            "{}",
            "~",
            "[a]",
            "a",
            "{a: [b]}",
            "{a: ~}",
            "{a: 5}",
            "{a: b, a: c}",
            "{__name__: a}",
            "{a-b: c}",
            "{'': c}",
            "{a: '{{ $lables.x }}'}",
        )
    ),
    *(
        f"name: g, {key}: x, rules: [{{{_ALERT}}}]"
        for key in ("intervall", "evaluation_interval", "for", "annotations", "source", "Interval")
    ),
]

_RULES = [
    _ALERT,
    "alert: A, expr: 'up[5m]'",
    "alert: A, expr: '1'",
    "alert: A, expr: 1",
    "alert: A, expr: 1.5",
    "alert: A, expr: [up]",
    "alert: A, expr: {a: b}",
    "alert: A, expr: ''",
    "alert: A, expr: ~",
    "alert: A, expr: 'up ='",
    "alert: A, expr: 'sum(up'",
    "alert: A, expr: 'upp(up)'",
    "alert: A, expr: 'rate(up)'",
    "alert: A",
    "expr: up",
    "expr: up, for: 5m",
    "alert: A, exp: up",
    "alrt: A, expr: up",
    "alert: '', expr: up",
    "alert: 5, expr: up",
    "alert: [A], expr: up",
    "alert: 'A b', expr: up",
    "alert: A, record: a, expr: up",
    "alert: A, record: '', expr: up",
    "alert: '', record: a, expr: up",
    "alert: A, alert: B, expr: up",
    "alert: A, expr: up, expr: up",
    "record: a, expr: up",
    "record: 'a:b:c', expr: up",
    "record: 'a b', expr: up",
    "record: a-b, expr: up",
    "record: '1a', expr: up",
    "record: ä, expr: up",
    "record: 'a{b=\"c\"}', expr: up",
    "record: 'a}', expr: up",
    "record: [a], expr: up",
    "record: a, expr: up, for: 5m",
    "record: a, expr: up, for: 0s",
    "record: a, expr: up, for: 0",
    "record: a, expr: up, for: ~",
    "record: a, expr: up, keep_firing_for: 5m",
    "record: a, expr: up, keep_firing_for: 0s",
    "record: a, expr: up, annotations: {a: b}",
    "record: a, expr: up, annotations: {}",
    "record: a, expr: up, annotations: ~",
    "record: a, expr: up, labels: {a: '{{ $lables.x }}'}",
    *(
        f"{_ALERT}, {key}: {value}"
        for key in ("for", "keep_firing_for")
        for value in (
            "5m",
            "1h30m",
            "1y2w3d4h5m6s7ms",
            "0",
            "0s",
            "'0'",
            "5",
            "300",
            "5.5m",
            "1m1h",
            "1m1m",
            "-5m",
            "5 m",
            "' 5m'",
            "5M",
            "5min",
            "m",
            "''",
            "~",
            "[5m]",
            "{a: b}",
            "true",
            "11y",
            "292y",
            "300y",
            "05m",
            "00",
        )
    ),
    *(
        f"{_ALERT}, {part}: {value}"
        for part in ("labels", "annotations")
        for value in (
            "{a: b}",
            "{}",
            "~",
            "[a]",
            "[{a: b}]",
            "a",
            "{a: 5}",
            "{a: true}",
            "{a: ~}",
            "{a: [b]}",
            "{a: {b: c}}",
            "{a: b, a: c}",
            "{5: b}",
            "{a.b: c}",
            "{a-b: c}",
            "{ä: c}",
            "{'a b': c}",
            "{'1a': c}",
            "{'': c}",
            "{__name__: c}",
            "{alertname: c}",
            "{__a: c}",
        )
    ),
    *(
        f"{_ALERT}, {key}: x"
        for key in (
            "severity",
            "lables",
            "annotation",
            "anotations",
            "summary",
            "keepFiringFor",
            "For",
            "interval",
            "limit",
            "name",
            "source",
        )
    ),
]

_TEMPLATES = [
    "",
    "text",
    "{",
    "}}",
    "{{ }}",
    "{{",
    "{{ $labels",
    "{{ $labels.a }",
    "{{ $labels.a }}",
    "{{$labels.a}}",
    "{{- $labels.a -}}",
    "{{ $labels.a-b }}",
    "{{ $labels.a b }}",
    "{{ $label.a }}",
    "{{ labels.a }}",
    "{{ .Labels.a }} {{ .Value }} {{ .ExternalLabels.a }} {{ .ExternalURL }}",
    "{{ .lables.a }}",
    "{{ $externalLabels.a }} {{ $externalURL }}",
    "{{ externalURL }} {{ pathPrefix }}",
    "{{ $value }}",
    "{{ $values }}",
    "{{ $Value }}",
    "{{ $value | humanize }}",
    "{{ $value | humanise }}",
    "{{ $value | humanizeDuration | title }}",
    "{{ $value * 100 }}",
    "{{ $value | humanize | }}",
    "{{ | humanize }}",
    "{{ humanize $value | 5 }}",
    '{{ printf "%.2f" $value }}',
    '{{ printf "%.2f $value }}',
    "{{ printf `%.2f` $value }}",
    "{{ printf '%.2f' $value }}",
    '{{ "\\d" }}',
    "{{ `\\d` }}",
    '{{ reReplaceAll "(.*):.*" "$1" $labels.instance }}',
    '{{ index $labels "a" }}',
    '{{ with query "up" }}{{ . | first | value | humanize }}{{ end }}',
    '{{ with query "up" }}{{ . | first | value | humanize }}',
    '{{ range query "up" }}{{ .Labels.a }}: {{ .Value }}{{ end }}',
    '{{ range $i, $x := query "up" }}{{ $i }} {{ $x.Value }}{{ end }}',
    '{{ range $i, $x := query "up" }}{{ end }}{{ $x }}',
    "{{ range $labels }}{{ break }}{{ end }}",
    "{{ break }}",
    "{{ if $value }}a{{ end }}",
    "{{ if $value }}a",
    "{{ if }}a{{ end }}",
    "{{ if $value }}a{{ else }}b{{ end }}",
    "{{ if $value }}a{{ else if $labels.a }}b{{ else }}c{{ end }}",
    "{{ if $value }}a{{ else }}b{{ else }}c{{ end }}",
    "{{ if $value }}a{{ elseif $labels.a }}b{{ end }}",
    "{{ if $value > 5 }}a{{ end }}",
    "{{ if gt $value 5.0 }}a{{ end }}",
    "{{ if and (gt $value 5.0) (lt $value 9.0) }}a{{ end }}",
    "{{ if (gt $value 5.0 }}a{{ end }}",
    "{{ with $labels.a }}a{{ else with $labels.b }}b{{ end }}",
    "{{ with $labels.a }}a{{ else if $labels.b }}b{{ end }}",
    "{{ end }}",
    "{{ else }}",
    "{{/* comment */}}",
    "{{ /* comment */ }}",
    "{{/* comment }}",
    "{{ $x := $labels.a }}{{ $x }}",
    "{{ $x := }}",
    "{{ $x }}{{ $x := 1 }}",
    "{{ $x = 1 }}",
    '{{ define "a" }}b{{ end }}{{ template "a" }}',
    '{{ define "a" }}{{ $value }}{{ end }}',
    '{{ define "a" }}b{{ end }}{{ define "a" }}c{{ end }}',
    '{{ template "missing" . }}',
    "{{ template missing }}",
    "{{ true }} {{ nil }} {{ 1 }} {{ 1.5 }} {{ 0x1F }} {{ 089 }}",
    '{{ "a".b }}',
    "{{ ($labels).a }}",
    "{{ now | toTime }}",
    "{{ 60 | toDuration }}",
    "{{ $labels.a | urlQueryEscape }}",
    '{{ stripPort $labels.instance }} {{ stripDomain $labels.instance }} {{ parseDuration "1h" }}',
    "{{ $labels.a | toUpper }} {{ $labels.a | lower }}",
    "{{ .Values.a }}",
    "{{ default 5 $value }}",
    "{{ $value | quote }}",
    '{{ strvalue (query "up" | first) }} {{ args 1 2 }} {{ tableLink "up" }}',
]
