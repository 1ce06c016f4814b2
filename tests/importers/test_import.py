"""`opsgen import`: what other tools' specs say is carried over or refused at its line, and alerts
as theirs did."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from opsgen.importers.pyrra import burn_rates
from opsgen.quantities import Duration
from tests.cli.test_commands import run

SLOTH = """\
# A comment first.
version: prometheus/v1
service: My Service
labels: {owner: Web Team, repo: x}
slos:
  - name: requests
    objective: 99.9
    description: Requests succeed.
    sli:
      events:
        error_query: sum(rate(http_requests_total{job="shop",code=~"5.."}[{{.window}}]))
        total_query: |
          sum(rate(http_requests_total{job="shop"}[{{ .window }}]))
    alerting:
      name: ShopErrors
      page_alert: {labels: {severity: pageteam}}
"""
PYRRA = """\
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: shop, labels: {pyrra.dev/team: web}}
spec:
  target: "99"
  window: 4w
  indicator:
    ratio:
      errors: {metric: 'http_requests_total{job="shop",code=~"5.."}'}
      total: {metric: 'http_requests_total{job="shop"}'}
"""
OPENSLO = """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: requests, displayName: Requests}
spec:
  service: shop
  budgetingMethod: Occurrences
  timeWindow: [{duration: 4w, isRolling: true}]
  objectives: [{displayName: Requests succeed, target: 0.995}]
  indicator:
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: Prometheus, spec: {query: 'http_requests_total{job="shop",code!~"5.."}'}}}
        total: {metricSource: {type: Prometheus, spec: {query: 'http_requests_total{job="shop"}'}}}
"""
BACKSTAGE = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: my-service, title: My service, description: Sells things.}
spec:
  type: service
  owner: group:default/web-team
  dependsOn: ["component:default/till", "resource:orders-db"]
"""


def imported(folder: Path, *texts: str) -> tuple[list[dict[str, Any]], str]:
    """The specs, and what was said."""
    for number, text in enumerate(texts):
        (folder / f"{number}.yaml").write_text(text)
    done = run(
        "import", "--to", "-", *(f"{number}.yaml" for number in range(len(texts))), cwd=folder
    )
    assert "Traceback" not in done.stderr
    return list(yaml.safe_load_all(done.stdout)), done.stderr


def test_sloth_becomes_a_spec_that_builds(tmp_path: Path) -> None:
    (tmp_path / "slo.yaml").write_text(SLOTH)
    done = run("import", "slo.yaml", cwd=tmp_path)

    assert done.returncode == 0
    assert yaml.safe_load((tmp_path / "specs" / "my-service.yaml").read_text()) == {
        "service": "my-service",
        "team": "web-team",
        "match": {"job": "shop"},
        "slos": [
            {
                "name": "requests",
                "objective": "99.9%",
                "window": "30d",
                "bad": 'sum(rate(http_requests_total{job="shop",code=~"5.."}[5m]))',
                "total": 'sum(rate(http_requests_total{job="shop"}[5m]))',
                "description": "Requests succeed.",
            }
        ],
    }
    assert "left behind: slo.yaml:4: these labels are not imported: repo" in done.stderr
    assert "not imported: name, page_alert labels" in done.stderr
    assert run("build", "specs", cwd=tmp_path).returncode == 0


def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "slo.yaml").write_text(SLOTH)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "my-service.yaml").write_text("mine\n")
    done = run("import", "slo.yaml", cwd=tmp_path)

    assert done.returncode == 1
    assert (tmp_path / "specs" / "my-service.yaml").read_text() == "mine\n"
    assert "specs/my-service.yaml exists already and is unchanged" in done.stderr


def test_pyrra_keeps_its_window_and_says_how_to_keep_its_burn_rates(tmp_path: Path) -> None:
    (spec,), said = imported(tmp_path, PYRRA)

    assert (spec["service"], spec["team"], spec["match"]) == ("shop", "web", {"job": "shop"})
    (slo,) = spec["slos"]
    assert (slo["objective"], slo["window"]) == ("99%", "4w")
    assert slo["bad"] == 'rate(http_requests_total{job="shop",code=~"5.."}[5m])'
    written = re.search(r"write in opsgen.yaml: (slo: .*)", said)
    assert written
    assert yaml.safe_load(written[1])["slo"]["burn_rates"] == burn_rates(Duration.of("4w"))


def test_the_burn_rates_of_pyrra_are_those_of_its_code() -> None:
    def windows(period: str) -> list[tuple[str, str]]:
        return [(rate["long"], rate["short"]) for rate in burn_rates(Duration.of(period))]

    # slo/rules.go, Windows(), of 28 and of 14 days.
    assert windows("28d") == [("60m", "5m"), ("360m", "30m"), ("1440m", "120m"), ("5760m", "360m")]
    assert windows("14d") == [("30m", "3m"), ("180m", "15m"), ("720m", "60m"), ("2880m", "180m")]


def test_openslo_counts_events_by_its_counters(tmp_path: Path) -> None:
    (spec,), _ = imported(tmp_path, OPENSLO)

    (slo,) = spec["slos"]
    assert slo["good"] == 'rate(http_requests_total{job="shop",code!~"5.."}[5m])'
    assert (slo["objective"], slo["window"], slo["title"]) == ("99.5%", "4w", "Requests succeed")


def test_backstage_says_whose_it_is_and_sloth_what_it_promises(tmp_path: Path) -> None:
    (spec,), said = imported(tmp_path, BACKSTAGE, SLOTH)

    assert list(spec) == [
        "service",
        "title",
        "description",
        "team",
        "match",
        "slos",
        "dependencies",
    ]
    assert (spec["title"], spec["team"]) == ("My service", "web-team")
    assert spec["dependencies"] == [{"service": "till"}]
    assert "resource:orders-db" in said


def test_backstage_alone_leaves_something_to_do(tmp_path: Path) -> None:
    (spec,), said = imported(tmp_path, BACKSTAGE)

    assert spec["service"] == "my-service"
    assert "to do: my-service.yaml:1:1: there is nothing to watch" in said


def test_objectives_of_one_name_are_told_apart(tmp_path: Path) -> None:
    (spec,), _ = imported(tmp_path, SLOTH, SLOTH)

    assert [slo["name"] for slo in spec["slos"]] == ["requests", "requests-2"]


def test_series_of_no_job_are_left_as_they_are(tmp_path: Path) -> None:
    (spec,), _ = imported(tmp_path, SLOTH.replace('job="shop",', "").replace('{job="shop"}', ""))
    assert spec["match"] == {}
    (tmp_path / "service.yaml").write_text(yaml.safe_dump(spec))
    assert run("build", "service.yaml", cwd=tmp_path).returncode == 0

    rules = (tmp_path / "out" / "my-service" / "rules.yaml").read_text()
    assert "http_requests_total[" in rules
    assert "up{" not in rules
    assert run("check", "service.yaml", cwd=tmp_path).returncode == 0


def test_a_service_without_matchers_has_no_convention(tmp_path: Path) -> None:
    (tmp_path / "service.yaml").write_text("service: shop\nconvention: grpc\nmatch: {}\n")
    done = run("build", "service.yaml", cwd=tmp_path)

    assert done.returncode == 2
    assert "match: a convention needs to know which series are the service's" in done.stderr


_ERRORS = 'sum(rate(http_requests_total{job="shop",code=~"5.."}[{{.window}}]))'
_ALL = 'sum(rate(http_requests_total{job="shop"}[{{ .window }}]))'
_FAST = 'sum(rate(latency_bucket{job="shop",le="0.2"}[{{.window}}]))'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            SLOTH.replace(_ERRORS, _ALL),
            "to do: my-service.yaml:9:8: slos[0].bad: this is the same as total: every event"
            " would be bad",
        ),
        (
            SLOTH.replace(_ERRORS, _FAST),
            "to do: my-service.yaml:6: SLO requests: bad counts the bucket latency_bucket up to"
            " 0.2, which holds the fast events",
        ),
        (
            SLOTH.replace(_ALL, f"clamp_min({_ALL}, 1)"),
            "to do: my-service.yaml:10:10: slos[0].total: the fixed number in 'clamp_min(..., 1)'"
            " means something else over every window",
        ),
        (
            SLOTH.replace(_ALL, f"({_ALL} > 0) or vector(1)"),
            "to do: my-service.yaml:10:10: slos[0].total: the fixed number in 'or vector(1)'",
        ),
        (
            PYRRA.replace(',code=~"5.."', ""),
            "to do: shop.yaml:9:8: slos[0].bad: this is the same as total",
        ),
    ],
)
def test_an_slo_that_can_not_work_is_imported_with_a_note(
    tmp_path: Path, text: str, said: str
) -> None:
    _, told = imported(tmp_path, text)

    assert said in told


_REFUSED = {
    "raw": (
        SLOTH,
        "      events:",
        "      raw: {error_ratio_query: x}\n      events:",
        "slos[0].sli.raw: it gives a ratio",
    ),
    "plugin": (
        SLOTH,
        "      events:",
        "      plugin: {id: x}\n      events:",
        "slos[0].sli.plugin: a sloth plugin holds its queries",
    ),
    "subquery": (SLOTH, "[{{.window}}]", "[{{.window}}:1m]", "counts samples of a gauge"),
    "template": (SLOTH, "{{.window}}", "{{.other}}", "contains a template other than"),
    "no PromQL": (
        SLOTH,
        'sum(rate(http_requests_total{job="shop",code',
        "sum(rate(code",
        "this is not PromQL",
    ),
    "objective": (
        SLOTH,
        "99.9",
        "100",
        "an objective must be above 0% and below 100%; this is 100",
    ),
    "no name": (SLOTH, "My Service", "'***'", "contains nothing that a name"),
    "no slos": (SLOTH, "slos:", "others:", "there is no objective in it"),
    "gauge": (
        PYRRA,
        "    ratio:",
        "    bool_gauge: {metric: x}\n    ratio:",
        "counts samples of a gauge",
    ),
    "native": (
        PYRRA,
        "    ratio:",
        "    latencyNative: {latency: 1s}\n    ratio:",
        "a native histogram",
    ),
    "own label": (
        PYRRA,
        "    ratio:",
        "    ratio:\n      grouping: [service]",
        "is a label that opsgen sets",
    ),
    "no metric": (PYRRA, "'http_requests_total{job=\"shop\"}'", "sum(x)", "this is not a metric"),
    "no window": (PYRRA, "window: 4w", "window: soon", "'soon' is not a period"),
    "timeslices": (OPENSLO, "Occurrences", "Timeslices", "the budget counts Timeslices"),
    "calendar": (OPENSLO, "isRolling: true", "isRolling: false", "its window follows the calendar"),
    "months": (OPENSLO, "4w", "1M", "'1M' is not a period"),
    "datadog": (OPENSLO, "type: Prometheus", "type: Datadog", "its source is not Prometheus"),
    "threshold": (OPENSLO, "ratioMetric", "thresholdMetric", "it sets a threshold"),
}


@pytest.mark.parametrize("case", _REFUSED)
def test_what_has_no_counterpart_is_refused_at_its_line(tmp_path: Path, case: str) -> None:
    text, before, after, said = _REFUSED[case]
    assert before in text
    (tmp_path / "slo.yaml").write_text(text.replace(before, after))
    done = run("import", "slo.yaml", cwd=tmp_path)

    assert done.returncode == 2
    assert re.search(r"^slo\.yaml:\d+:\d+: ", done.stderr, re.MULTILINE)
    assert said in done.stderr
    assert "Nothing was imported." in done.stderr
    assert not (tmp_path / "specs").exists()


def test_what_is_right_beside_what_is_refused_is_imported(tmp_path: Path) -> None:
    (tmp_path / "slo.yaml").write_text(
        f"{SLOTH}---\n{OPENSLO.replace('Occurrences', 'Timeslices')}---\n# nothing\n"
    )
    done = run("import", "slo.yaml", cwd=tmp_path)

    assert done.returncode == 1
    assert [path.name for path in (tmp_path / "specs").iterdir()] == ["my-service.yaml"]
    line = SLOTH.count("\n") + 1 + OPENSLO[: OPENSLO.index("Occurrences")].count("\n") + 1
    assert f"slo.yaml:{line}:" in done.stderr


@pytest.mark.parametrize("text", ["", "a: [", "- 1\n", "kind: Pod\n", "\x00", "a: 1\na: 2\n"])
def test_nothing_to_import_is_a_mistake(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    done = run("import", "x.yaml", cwd=tmp_path)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


# -- published examples ----------------------------------------------------------------------------


@pytest.mark.parametrize("peer", ["sloth", "pyrra", "openslo"])
def test_every_published_example_is_imported_or_refused(
    sample_data: Path, tmp_path: Path, peer: str
) -> None:
    files = sorted((sample_data / "peers" / peer).iterdir())
    assert files
    for file in files:
        to = tmp_path / file.stem
        done = run("import", "--to", str(to), str(file), cwd=tmp_path)
        assert "Traceback" not in done.stderr
        if done.returncode == 0:
            built = run("build", str(to), "--out", str(to / "out"), cwd=tmp_path)
            assert built.returncode == 0, built.stderr
        else:
            assert re.search(rf"{re.escape(file.name)}:\d+:\d+: .+", done.stderr), done.stderr


def test_most_of_the_published_examples_are_imported(sample_data: Path, tmp_path: Path) -> None:
    done = run("import", str(sample_data / "peers"), "--to", "specs", cwd=tmp_path)

    assert done.returncode == 1
    assert len(list((tmp_path / "specs").iterdir())) == 15


# -- as theirs did ---------------------------------------------------------------------------------

_MINUTE_EVENTS = 1_000


def counters(ratios: list[tuple[float, int]]) -> tuple[str, str]:
    """Bad and all events a minute, in the notation of promtool: (ratio, minutes) after each
    other."""
    bad, total, at, all_of = [], [], 0, 0
    for ratio, minutes in ratios:
        step = round(_MINUTE_EVENTS * ratio)
        bad.append(f"{at}+{step}x{minutes - 1}")
        total.append(f"{all_of}+{_MINUTE_EVENTS}x{minutes - 1}")
        at += step * minutes
        all_of += _MINUTE_EVENTS * minutes
    return " ".join(bad), " ".join(total)


_PAGED = (
    '(count(ALERTS{alertname="ErrorBudgetBurn",severity="page",alertstate="firing"}) or vector(0))'
)


def fires_alike(
    promtool: Path, folder: Path, theirs: dict[str, str], ratios: list[tuple[float, int]]
) -> None:
    """Whether both rule files fire for the same severities at the same time, but for what a `for`
    and a `keep` delay.

    `theirs` are the selectors of the peer's alerts by our severity; each has to fire at least once.
    Our ticket is silent for six hours after the page of the same outage.
    """
    bad, total = counters(ratios)
    series = [
        {"series": 'http_requests_total{job="shop",code="500"}', "values": bad},
        {"series": 'http_requests_total{job="shop",code="200"}', "values": total},
    ]
    minutes = sum(length for _, length in ratios)
    series.append({"series": 'up{job="shop"}', "values": f"1x{minutes}"})
    tests: list[dict[str, Any]] = []
    for severity, selector in theirs.items():
        ours = (
            f'(count(ALERTS{{alertname="ErrorBudgetBurn",severity="{severity}",alertstate="firing"}})'
            " or vector(0))"
        )
        other = f'(count(ALERTS{{{selector},alertstate="firing"}}) or vector(0))'
        for one, two in ((ours, other), (other, ours)):
            alone = f"(min_over_time({one}[20m:2m]) > 0) and (max_over_time({two}[20m:2m]) == 0)"
            if severity == "ticket" and two == ours:
                alone += f" and (max_over_time({_PAGED}[6h:2m]) == 0)"
            tests += [
                {"expr": alone, "eval_time": f"{at}m", "exp_samples": []}
                for at in range(60, minutes, 10)
            ]
        both = f"max_over_time((({ours} > 0) * ({other} > 0) > bool 0)[{minutes}m:5m])"
        tests.append(
            {
                "expr": both,
                "eval_time": f"{minutes}m",
                "exp_samples": [{"labels": "{}", "value": 1}],
            }
        )
    document = {
        "rule_files": ["ours.yaml", "theirs.yaml"],
        "evaluation_interval": "2m",
        "tests": [{"interval": "1m", "input_series": series, "promql_expr_test": tests}],
    }
    (folder / "test.yaml").write_text(yaml.safe_dump(document))
    done = subprocess.run(
        [promtool, "test", "rules", "test.yaml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[:4_000]


def rules_of(folder: Path, text: str, project: str = "") -> None:
    """Imports and builds; our rules lie at `ours.yaml` then."""
    (folder / "slo.yaml").write_text(text)
    (folder / "opsgen.yaml").write_text(project or "{}\n")
    assert run("import", "slo.yaml", cwd=folder).returncode == 0
    assert run("build", "specs", cwd=folder).returncode == 0
    (rules,) = (folder / "out").glob("*/rules.yaml")
    (folder / "ours.yaml").write_text(rules.read_text())


# Well, then 2% (20 times the budget), 0.8% (8 times), and 0.4% (4 times) for as long as each tier
# needs.
_OUTAGES = [
    (0.0, 420),
    (0.02, 90),
    (0.0, 500),
    (0.008, 480),
    (0.0, 600),
    (0.004, 1_500),
    (0.0, 600),
]


@pytest.mark.slow
def test_alerts_fire_as_those_of_sloth(promtool: Path, sample_data: Path, tmp_path: Path) -> None:
    generated = (
        sample_data / "peers" / "sloth-generated" / "examples__gen_getting-started.yml"
    ).read_text()
    renamed = generated.replace("http_request_duration_seconds_count", "http_requests_total")
    (tmp_path / "theirs.yaml").write_text(
        renamed.replace('job="myservice"', 'job="shop"').replace("(5..|429)", "5..")
    )
    assert renamed.count("http_requests_total") > 10
    rules_of(tmp_path, SLOTH)

    fires_alike(
        promtool,
        tmp_path,
        {"page": 'sloth_severity="page"', "ticket": 'sloth_severity="ticket"'},
        _OUTAGES,
    )


def pyrras(objective: str) -> dict[str, Any]:
    """The alerts that pyrra makes of a window of four weeks, as slo/rules.go writes them."""
    rules: list[dict[str, Any]] = []
    pages = (("critical", 14, "1h", "5m"), ("critical", 7, "6h", "30m"))
    tickets = (("warning", 2, "1d", "2h"), ("warning", 1, "4d", "6h"))
    for severity, factor, long, short in (*pages, *tickets):
        parts = []
        for window in (short, long):
            bad = f'sum(rate(http_requests_total{{job="shop",code=~"5.."}}[{window}]))'
            total = f'sum(rate(http_requests_total{{job="shop"}}[{window}]))'
            parts.append(f"{bad} / {total} > ({factor} * (1 - {objective}))")
        labels = {"severity": severity, "peer": "pyrra", "long": long}
        rules.append({"alert": "ErrorBudgetBurn", "expr": " and ".join(parts), "labels": labels})
    return {"groups": [{"name": "pyrra", "rules": rules}]}


@pytest.mark.slow
def test_alerts_fire_as_those_of_pyrra_with_its_burn_rates(promtool: Path, tmp_path: Path) -> None:
    (tmp_path / "theirs.yaml").write_text(yaml.safe_dump(pyrras("0.99")))
    project = yaml.safe_dump({"slo": {"burn_rates": burn_rates(Duration.of("4w"))}})
    rules_of(tmp_path, PYRRA, project)
    selectors = {
        "page": 'peer="pyrra",severity="critical"',
        "ticket": 'peer="pyrra",severity="warning"',
    }

    fires_alike(promtool, tmp_path, selectors, [(ratio * 10, length) for ratio, length in _OUTAGES])


# -- the other way round ---------------------------------------------------------------------------


def test_what_is_exported_and_imported_records_the_same(tmp_path: Path) -> None:
    spec = (
        "service: shop\ntitle: The shop\nteam: web\nconvention: prometheus-http\nmatch: {job:"
        " shop}\nslos:\n- {availability: 99.9%, window: 28d}\n- {latency: 99% under 250ms}\n-"
        " {name: fresh, objective: 99.5%, bad: 'rate(stale_total[5m])', total:"
        " 'rate(prices_total[5m])'}\n"
    )
    (tmp_path / "shop.yaml").write_text(spec)
    exported = run("export", "--openslo", "shop.yaml", cwd=tmp_path)
    assert exported.returncode == 0
    kinds = [one["kind"] for one in yaml.safe_load_all(exported.stdout)]
    assert kinds == ["Service", "SLO", "SLO", "SLO"]
    (tmp_path / "slos.yaml").write_text(exported.stdout)
    assert run("import", "slos.yaml", cwd=tmp_path).returncode == 0
    assert run("build", "shop.yaml", "--out", "first", cwd=tmp_path).returncode == 0
    assert run("build", "specs", "--out", "second", cwd=tmp_path).returncode == 0

    def records(folder: str) -> dict[str, str]:
        groups = yaml.safe_load((tmp_path / folder / "shop" / "rules.yaml").read_text())["groups"]
        rules = [
            rule
            for group in groups
            for rule in group["rules"]
            if rule.get("record", "").startswith("slo:")
        ]
        # A latency is exported as what is bad: what is recorded of that has a zero for when there
        # are none yet.
        of_bad = ("slo:error_ratio", "slo:errors")
        return {
            f"{rule['record']} {rule['labels']['slo']}": " ".join(rule["expr"].split())
            for rule in rules
            if not (rule["labels"]["slo"] == "latency" and rule["record"].startswith(of_bad))
        }

    assert records("first") == records("second")
    assert len(records("first")) > 20
