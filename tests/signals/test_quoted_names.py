"""Claims about names that Prometheus 3 takes and Prometheus 2 does not, such as OpenTelemetry's own
with dots: they work wherever a spec, a convention or a pack names a metric or a label."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from opsgen.promql import parse
from opsgen.promql.tree import selectors
from tests.programs import require_program
from tests.specs import derived, file_texts, refused

NEW = 'prometheus: {version: "3.5"}\n'
NEWEST = 'prometheus: {version: "3.16"}\nalertmanager: {version: "0.27"}\n'
HEAD = "service: cart\nteam: shop\nmatch: {job: cart}\n"
SPECS = {
    "an inline convention": (
        f"{HEAD}convention:\n"
        "  requests: '{\"http.server.request.duration_count\"}'\n"
        '  errors: \'{"http.server.request.duration_count", "http.response.status_code"=~"5.."}\'\n'
        "  latency: {histogram: '{\"http.server.request.duration\"}', buckets: [0.1, 0.25, 0.5, 1]}\n"
        "  route: http.route\n"
        "slos: [{availability: 99.9%}, {latency: 99% under 250ms}]\n"
        "latency: {p95: 500ms}\n"
    ),
    "an SLO": (
        f"{HEAD}slos:\n"
        "  - name: ok\n"
        "    objective: 99.9%\n"
        "    bad: 'rate({\"http.server.errors\"}[5m])'\n"
        "    total: 'rate({\"http.server.requests\"}[5m])'\n"
        "    grouping: [k8s.cluster.name]\n"
    ),
    "a business signal": (
        f"{HEAD}business:\n"
        "  - name: orders\n"
        '    query: \'sum by ("shop.region") (rate({"shop.orders"}[5m]))\'\n'
        "    alerts: [{below: 1, for: 10m}, {drop: 50%}, {absent: 10m}]\n"
    ),
    "a match": (
        "service: cart\nteam: shop\nconvention: otel-http\nslos: [{availability: 99.9%}]\n"
        'match: {job: cart, k8s.namespace.name: shop, größe: {regex: "s|m"}, "5m": {not: x}}\n'
    ),
    "arithmetic on durations": (
        f"{HEAD}business:\n"
        "  - name: orders\n"
        "    query: sum(rate(orders_total[5m * 2]))\n"
        "    alerts: [{below: 1, for: 10m}]\n"
        "  - name: latest\n"
        "    query: max(max_over_time(latest_seconds[max_of(step(), 5m)]))\n"
        "    alerts: [{above: 100}]\n"
    ),
}
CONVENTION = """\
convention: otel-dots
title: OpenTelemetry's names, as they are
source: https://opentelemetry.io/docs/specs/semconv/http/http-metrics/
requests: '{"http.server.request.duration_seconds_count"}'
errors: '{"http.server.request.duration_seconds_count","http.response.status_code"=~"5.."}'
latency: {histogram: '{"http.server.request.duration_seconds"}', buckets: [0.1, 0.25]}
route: http.route
samples:
  request:
    - '{"http.server.request.duration_seconds_count","http.response.status_code"="200","http.route"="/"} 12'
  error:
    - '{"http.server.request.duration_seconds_count","http.response.status_code"="500","http.route"="/"} 1'
  neither:
    - '{"http.server.request.duration_seconds_bucket","http.route"="/",le="0.1"} 12'
    - '{"http.server.request.duration_seconds_bucket","http.route"="/",le="+Inf"} 13'
"""
PACK = """\
pack: queue
title: A queue
source: https://example.com/queue
for: service
explained_by: [targets]
signals:
  - name: queue-length
    group: saturation
    title: Messages that wait
    description: How many messages wait.
    unit: messages
    query: max by ("k8s.pod.name") (max_over_time({"queue.length"}[5m]))
    panel: {legend: "{{k8s.pod.name}}"}
    alerts:
      - name: QueueLong
        above: 1000
        for: 10m
        severity: ticket
        summary: The queue is long.
        description: "{value} messages wait."
        meaning: More than {threshold} messages wait.
        impact: Answers are late.
        causes: [A consumer is slow.]
        mitigation: [Start more consumers.]
        diagnosis: [{text: Look at the pods, query: '{"queue.length"}'}]
"""


def _written(folder: Path, texts: dict[str, str], below: str) -> None:
    for path, text in texts.items():
        if path.startswith(below):
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)


def _proven(folder: Path, texts: dict[str, str]) -> None:
    """promtool of Prometheus 3 takes the rules, and sees every alert fire and resolve."""
    _written(folder, texts, "cart/rules")
    promtool = require_program("promtool-3")
    for asked in (["check", "rules", "rules.yaml"], ["test", "rules", "rules.test.yaml"]):
        done = subprocess.run(
            [promtool, *asked], cwd=folder / "cart", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", SPECS)
def test_names_in_quotes_are_built_and_proven(tmp_path: Path, name: str) -> None:
    _proven(tmp_path, file_texts(tmp_path, SPECS[name], NEWEST))


def test_a_convention_and_a_pack_may_have_them_too(tmp_path: Path) -> None:
    own = {"templates/conventions/otel-dots.yaml": CONVENTION, "templates/packs/queue.yaml": PACK}
    _written(tmp_path, own, "templates")
    spec = f"{HEAD}convention: otel-dots\nslos: [{{availability: 99.9%}}]\n"

    texts = file_texts(tmp_path, spec, f"{NEWEST}templates: templates\n")

    _proven(tmp_path, texts)
    assert 'max by ("k8s.pod.name") (' in texts["cart/runbook.md"]
    assert "QueueLong" in texts["cart/rules.yaml"]


def test_panels_and_their_legends_have_the_names(tmp_path: Path) -> None:
    board = file_texts(tmp_path, SPECS["an SLO"], NEWEST)["cart/dashboard.json"]

    panels = [
        panel for row in json.loads(board)["panels"] for panel in (row, *row.get("panels", ()))
    ]
    targets = [target for panel in panels for target in panel.get("targets", ())]
    assert any("{{k8s.cluster.name}}" in target["legendFormat"] for target in targets)


def test_every_selector_of_the_rules_has_the_quoted_matchers(tmp_path: Path) -> None:
    rules = yaml.safe_load(file_texts(tmp_path, SPECS["a match"], NEW)["cart/rules.yaml"])

    written = [rule for group in rules["groups"] for rule in group["rules"]]
    queries = [rule["expr"] for rule in written]
    recorded = {rule.get("record") for rule in written} | {"ALERTS", "ALERTS_FOR_STATE"}
    scraped = [
        one for query in queries for one in selectors(parse(query)) if one.metric not in recorded
    ]
    assert scraped
    for one in scraped:
        labels = {matcher.label for matcher in one.matchers}
        assert {"job", "k8s.namespace.name", "größe", "5m"} <= labels


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "business: [{name: orders, query: 'sum(rate({\"shop.orders\"}[5m]))'}]\n",
            "4:34: business[0].query: the quoted name 'shop.orders' needs Prometheus 3.0; the project"
            " says 2.42; write the query without it, or set prometheus.version in opsgen.yaml",
        ),
        (
            "business: [{name: orders, query: 'sum(rate(orders_total[5m * 2]))'}]\n",
            "4:34: business[0].query: arithmetic on durations needs Prometheus 3.4; the project says"
            " 2.42; write the query without it, or set prometheus.version in opsgen.yaml",
        ),
        (
            "business: [{name: orders, query: orders, match: {a.b: c}}]\n",
            "4:55: business[0].match[\"a.b\"]: the quoted name 'a.b' needs Prometheus 3.0; the project"
            " says 2.42; name a label of letters, digits and _, or set prometheus.version in"
            " opsgen.yaml",
        ),
        (
            "convention: {requests: a, errors: b, route: http.route}\n",
            "4:45: convention.route: the quoted name 'http.route' needs Prometheus 3.0; the project"
            " says 2.42; name a label of letters, digits and _, or set prometheus.version in"
            " opsgen.yaml",
        ),
        (
            "slos: [{name: ok, objective: 99%, bad: 'rate(a[5m])', total: 'rate(b[5m])',"
            " grouping: [a-b]}]\n",
            "4:88: slos[0].grouping[0]: the quoted name 'a-b' needs Prometheus 3.0; the project says"
            " 2.42; name a label of letters, digits and _, or set prometheus.version in opsgen.yaml",
        ),
        (
            "convention: {requests: '{\"a.b\"}', errors: b}\n",
            "4:24: convention.requests: the quoted name 'a.b' needs Prometheus 3.0; the project says"
            " 2.42; write the query without it, or set prometheus.version in opsgen.yaml",
        ),
    ],
)
def test_prometheus_2_is_told_which_release_has_it(tmp_path: Path, text: str, said: str) -> None:
    assert refused(tmp_path, f"{HEAD}{text}") == [f"service.yaml:{said}"]


def test_a_pack_for_prometheus_2_is_told_too_at_its_line(tmp_path: Path) -> None:
    _written(tmp_path, {"templates/packs/queue.yaml": PACK}, "templates")

    said = refused(tmp_path, f"{HEAD}uptime: ['http://example.com/']\n", "templates: templates\n")

    beyond = (
        "the quoted name '{}' needs Prometheus 3.0; the project says 2.42; write the query without"
        " it, or set prometheus.version in opsgen.yaml"
    )
    assert said == [
        f"templates/packs/queue.yaml:12:12: signals[0].query: {beyond.format('k8s.pod.name')}",
        "templates/packs/queue.yaml:25:53: signals[0].alerts[0].diagnosis[0].query:"
        f" {beyond.format('queue.length')}",
    ]


def test_what_a_pack_records_and_what_guards_its_alerts_is_judged_too(tmp_path: Path) -> None:
    records = "records: [{name: 'service:queue:max2m', query: 'max(max_over_time(a[1m * 2:]))'}]\nsignals:"
    guard = (
        "        guard: {count: 'sum({\"a.b\"})', at_least: 5, stand_ins: [{count: 'sum(b) </ 1',"
        " at_least: 5, query: 'max(c smoothed)'}]}\n"
    )
    pack = PACK.replace("signals:", records).replace(
        "        severity: t", f"{guard}        severity: t"
    )
    pack = pack.replace('"k8s.pod.name"', "pod").replace(
        "[{text: Look at the pods,", "[{text: Look,"
    )
    _written(tmp_path, {"templates/packs/queue.yaml": pack}, "templates")

    said = refused(tmp_path, f"{HEAD}uptime: ['http://example.com/']\n", "templates: templates\n")

    found = [line.split(": ")[1].rpartition(".alerts[0].")[2] for line in said]
    assert found == [
        "records[0].query",
        "signals[0].query",
        "guard.count",
        "guard.stand_ins[0].count",
        "guard.stand_ins[0].query",
        "diagnosis[0].query",
    ]


def test_a_range_that_a_rule_does_not_have_is_a_mistake(tmp_path: Path) -> None:
    spec = f"{HEAD}business: [{{name: orders, query: 'sum(rate(orders_total[step()]))'}}]\n"

    (said,) = refused(tmp_path, spec, NEWEST)

    assert said == (
        "service.yaml:4:34: business[0].query: this is not valid PromQL: the range step() is not"
        " above 0s in a rule, where step() and range() are 0s; try it in Prometheus' own query page"
    )


# -- who is told -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (SPECS["an SLO"], "5:5: slo-ok: its alerts have the label 'k8s.cluster.name'"),
        (SPECS["a business signal"], "5:5: orders: its alerts have the label 'shop.region'"),
        (
            f'{HEAD}business: [{{name: size, query: \'queue{{"a.b"="c"}}\', alerts: [above: 1]}}]\n',
            "4:12: size: its alerts have the label 'a.b'",
        ),
    ],
)
def test_a_label_that_alertmanager_would_refuse_is_a_mistake(
    tmp_path: Path, text: str, where: str
) -> None:
    assert refused(tmp_path, text, NEW) == [
        f"service.yaml:{where}, which Alertmanager takes from 0.27 on; the project says 0.25;"
        " aggregate it away, or set alertmanager.version in opsgen.yaml"
    ]


@pytest.mark.parametrize("name", ["an inline convention", "a match"])
def test_a_label_that_no_alert_has_is_none(tmp_path: Path, name: str) -> None:
    assert derived(tmp_path, SPECS[name], NEW).derived.alerts


@pytest.mark.parametrize(
    ("versions", "needs"),
    [
        (
            'prometheus: {{{}, version: "2.55"}}\n',
            ["Alertmanager 0.28; here is 0.25", "Prometheus 3.0; here is 2.55"],
        ),
        (
            'prometheus: {{{}, version: "3.5"}}\nalertmanager: {{version: "0.27"}}\n',
            ["Alertmanager 0.28; here is 0.27"],
        ),
    ],
)
def test_an_external_label_needs_servers_that_take_its_name(
    tmp_path: Path, versions: str, needs: list[str]
) -> None:
    project = versions.format("external_labels: [cluster, k8s.cluster.name]")

    said = refused(tmp_path, f"{HEAD}uptime: ['http://example.com/']\n", project)

    assert [line.partition("; name a label")[0] for line in said] == [
        f"opsgen.yaml:1:31: prometheus.external_labels: the quoted name 'k8s.cluster.name' needs {need}"
        for need in needs
    ]


def test_an_external_label_in_quotes_is_grouped_and_compared_by(tmp_path: Path) -> None:
    project = (
        'prometheus: {external_labels: [k8s.cluster.name], version: "3.5"}\n'
        'alertmanager: {version: "0.28"}\n'
    )
    texts = file_texts(tmp_path, SPECS["an SLO"], project)
    _written(tmp_path, texts, "alertmanager.yml")

    done = subprocess.run(
        [require_program("amtool-current"), "check-config", tmp_path / "alertmanager.yml"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "k8s.cluster.name" in texts["alertmanager.yml"]
    assert done.returncode == 0, done.stdout + done.stderr
