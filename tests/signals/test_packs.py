"""Claims about the shipped packs: everything in them is taken, filled in, and changed where the
spec says so."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from opsgen.fleet.load import ServiceModel, render_service
from opsgen.load.library import load_library
from opsgen.load.pack_file import RECORDED, GuidanceSpec
from opsgen.model.signal import Alert
from opsgen.promql import Matcher, one_line
from opsgen.promql.tree import selectors
from opsgen.quantities import Duration
from opsgen.render.rules import alert_rule
from opsgen.signals.packs import localised
from tests.specs import derived, fleet, refused

EVERYTHING = """\
service: shop
title: The shop
team: web
convention: prometheus-http
match: {job: shop, namespace: prod}
slos:
  - availability: 99.9%
  - latency: 99% under 250ms
  - {name: fresh, objective: 99%, bad: "rate(stale_total[5m])", total: "rate(updates_total[5m])"}
latency: {p50: 80ms, p95: 250ms, p99: 800ms}
errors: {above: 2%}
uptime: [https://shop.example.com/healthz]
business:
  - name: orders
    title: Orders completed
    query: sum(rate(orders_total[5m]))
    unit: orders/s
    alerts: [{below: 0.5}, {above: 100}, {drop: 50%}, {absent: 10m}]
"""
# A blank that nothing filled. curl's `%{http_code}`, Grafana's `${datasource}`, Go's `{{ $value }}`
# and a selector's `{job="x"}` are none.
BLANK = re.compile(r"(?<![%${])\{[a-z_]+\}(?!\})")


@pytest.fixture
def everything(tmp_path: Path) -> ServiceModel:
    return derived(tmp_path, EVERYTHING)


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """All that is written for the service that asks for everything, by path."""
    found = fleet(tmp_path_factory.mktemp("specs"), EVERYTHING)
    return {
        artifact.path: artifact.content
        for artifact in render_service(found.services[0], found.project.library)
    }


def _alert(model: ServiceModel, name: str, severity: str | None = None) -> Alert:
    (found,) = (
        a for a in model.derived.alerts if a.name == name and severity in (None, a.severity)
    )
    return found


def _texts(alert: Alert) -> list[str]:
    guidance = alert.guidance
    steps = [text for check in guidance.diagnosis for text in (check.text, check.command or "")]
    return [
        alert.summary,
        alert.description,
        guidance.meaning,
        guidance.impact,
        *steps,
        *guidance.causes,
        *guidance.mitigation,
    ]


# -- what is shipped -------------------------------------------------------------------------------


def test_every_pack_is_shipped_with_its_source() -> None:
    library = load_library()
    packs = library.packs
    files = (library.folders[0] / "packs").glob("*.yaml")

    assert {"latency", "probe", "requests", "targets"} <= set(packs)
    assert sorted(packs) == sorted(path.stem for path in files if path.stem != "texts")
    assert all(pack.source for pack in packs.values())


def test_every_query_of_every_pack_parses_and_takes_the_services_matchers(
    everything: ServiceModel,
) -> None:
    service, library = everything.service, load_library()

    queries = []
    for pack in library.packs.values():
        queries += [record.query for record in pack.records]
        for signal in pack.signals:
            queries += [signal.query, *(line.query for line in signal.panel.lines)]
            for alert in signal.alerts:
                guard = [one.count for one in alert.guard.counts] if alert.guard else []
                guard += [one.query for one in alert.guard.stand_ins] if alert.guard else []
                checks = [check.query for check in alert.diagnosis if check.query]
                queries += [*([alert.when] if alert.when else []), *guard, *checks]

    assert len(queries) > 30
    for query in queries:
        for selector in selectors(localised(query, service, service.matchers)):
            recorded = str(selector.metric).startswith(RECORDED)
            matchers = {Matcher("service", "=", "shop")} if recorded else set(service.matchers)
            assert matchers <= set(selector.matchers)
            assert selector.metric not in {"requests", "errors", "latency_bucket", "latency_count"}


def test_every_text_of_code_has_its_alert(everything: ServiceModel) -> None:
    kinds = {"availability", "latency", "events"}
    names = {f"ErrorBudgetBurn/{kind}" for kind in kinds} | {
        f"Business/{k}" for k in ("below", "above", "drop", "absent")
    }

    texts = load_library().texts

    assert set(texts) == names
    assert all(isinstance(text, GuidanceSpec) for text in texts.values())


def test_a_spec_that_asks_for_everything_gets_every_alert_of_the_design(
    everything: ServiceModel,
) -> None:
    design = {
        "ErrorBudgetBurn",
        "ErrorRatioHigh",
        "LatencyP50High",
        "LatencyP95High",
        "LatencyP99High",
        "TrafficGone",
        "TargetDown",
        "TargetsAbsent",
        "ProbeFailed",
        "ProbeSlow",
        "CertificateExpiring",
        "OrdersLow",
        "OrdersHigh",
        "OrdersDropped",
        "OrdersAbsent",
    }
    packs = load_library().packs.values()
    of_packs = {alert.name for pack in packs for one in pack.signals for alert in one.alerts}

    names = {alert.name for alert in everything.derived.alerts}

    assert design - names == set()
    assert names - design <= of_packs


def test_no_text_has_a_blank_left_in_it(everything: ServiceModel) -> None:
    written = [text for alert in everything.derived.alerts for text in _texts(alert)]
    written += [
        text for s in everything.derived.signals for text in (s.title, s.description, s.panel.title)
    ]
    written += [line.legend for s in everything.derived.signals for line in s.panel.lines]

    assert len(written) > 200
    assert [text for text in written if BLANK.search(text)] == []
    assert all(alert.summary.endswith(".") for alert in everything.derived.alerts)
    assert all(
        all(text.strip() for text in _texts(alert)[:4]) for alert in everything.derived.alerts
    )


def test_no_artifact_has_a_blank_left_in_it(artifacts: dict[str, str]) -> None:
    for path, content in artifacts.items():
        assert not BLANK.findall(content), path


def test_every_alert_has_a_query_to_paste_or_a_step_to_take(everything: ServiceModel) -> None:
    for alert in everything.derived.alerts:
        assert alert.guidance.diagnosis, alert.key
        assert alert.guidance.causes, alert.key
        assert alert.guidance.mitigation, alert.key


def test_what_is_not_asked_for_is_not_made(tmp_path: Path) -> None:
    model = derived(tmp_path, "service: shop\nteam: web\nconvention: prometheus-http\n")

    names = {alert.name for alert in model.derived.alerts}
    assert {"TargetsAbsent", "TargetDown", "TrafficGone", "ErrorRatioHigh"} <= names
    assert not {"ErrorBudgetBurn", *(f"LatencyP{number}High" for number in (50, 95, 99))} & names
    assert not {"ProbeFailed", "ProbeSlow", "CertificateExpiring"} & names


def test_without_a_convention_only_what_needs_none_is_made(tmp_path: Path) -> None:
    model = derived(tmp_path, "service: shop\nteam: web\nuptime: ['http://shop.example.com/']\n")

    names = {alert.name for alert in model.derived.alerts}
    assert {"ProbeFailed", "ProbeSlow", "TargetsAbsent", "TargetDown"} <= names
    assert not {"TrafficGone", "ErrorRatioHigh", "LatencyP99High"} & names


def test_percentiles_of_a_histogram_in_milliseconds_are_in_seconds(tmp_path: Path) -> None:
    convention = (
        "{requests: a_total, latency: {histogram: took, unit: milliseconds, buckets: [100, 500,"
        " 1000]}}"
    )
    model = derived(
        tmp_path, f"service: shop\nteam: web\nconvention: {convention}\nlatency: {{p95: 250ms}}\n"
    )

    expr = one_line(_alert(model, "LatencyP95High").expr)

    assert expr.count("histogram_quantile(0.95, ") == expr.count(" * 0.001 and ") - 1 == 3
    assert expr.endswith(" > 0.25")


# -- severities ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tier", "urgent", "other"),
    [(1, "page", "ticket"), (2, "page", "ticket"), (3, "ticket", "ticket"), (4, "ticket", "info")],
)
def test_a_tier_says_what_wakes_people(tmp_path: Path, tier: int, urgent: str, other: str) -> None:
    model = derived(tmp_path, f"{EVERYTHING}tier: {tier}\n")

    severities = {(alert.name, alert.severity) for alert in model.derived.alerts}

    assert {severity for name, severity in severities if name == "ErrorBudgetBurn"} == {
        urgent,
        other,
    }
    assert ("ProbeFailed", urgent) in severities
    assert ("TargetDown", other) in severities
    assert ("LatencyP99High", other) in severities


def test_at_tier_three_the_burn_rates_are_one_ticket(tmp_path: Path) -> None:
    burning = _alert(
        derived(
            tmp_path,
            "service: s\nteam: t\ntier: 3\nconvention: grpc\nslos: [{availability: 99%}]\n",
        ),
        "ErrorBudgetBurn",
    )

    assert (burning.severity, len(burning.burn_rates)) == ("ticket", 4)


def test_the_severity_that_a_business_alert_names_stands_at_every_tier(tmp_path: Path) -> None:
    alerts = "[{below: 1, severity: page}, {above: 9}]"
    spec = f"service: s\nteam: t\ntier: 4\nbusiness: [{{name: o, query: o, alerts: {alerts}}}]\n"
    model = derived(tmp_path, spec)

    assert [_alert(model, name).severity for name in ("OLow", "OHigh")] == ["page", "info"]


# -- what the spec changes -------------------------------------------------------------------------


def _rule(model: ServiceModel, alert: Alert) -> dict[str, Any]:
    return alert_rule(model.service, alert)


def test_an_alert_that_is_off_is_gone_and_its_panel_stays(tmp_path: Path) -> None:
    model = derived(
        tmp_path, f"{EVERYTHING}alerts: {{LatencyP99High: off, ErrorBudgetBurn: off}}\n"
    )

    assert not {"LatencyP99High", "ErrorBudgetBurn"} & {
        alert.name for alert in model.derived.alerts
    }
    assert {"latency-p99", "slo-availability"} <= {signal.name for signal in model.derived.signals}


def test_another_duration_reaches_the_rule_and_the_words(tmp_path: Path) -> None:
    model = derived(
        tmp_path, f"{EVERYTHING}alerts: {{TargetDown: {{for: 45m}}, OrdersLow: {{for: 2h}}}}\n"
    )
    down, low = _alert(model, "TargetDown"), _alert(model, "OrdersLow")

    assert (_rule(model, down)["for"], _rule(model, low)["for"]) == ("45m", "2h")
    assert "more than 10% for 45 minutes is too many" in down.description
    assert "less than 0.5 orders/s for 2 hours is too little" in low.description


def test_a_duration_of_nothing_is_at_once(tmp_path: Path) -> None:
    model = derived(tmp_path, f"{EVERYTHING}alerts: {{TargetDown: {{for: 0s}}}}\n")

    assert "for" not in _rule(model, _alert(model, "TargetDown"))


def test_how_long_an_alert_keeps_firing_can_be_changed(tmp_path: Path) -> None:
    model = derived(
        tmp_path,
        f"{EVERYTHING}alerts: {{ProbeFailed: {{keep_firing_for: 0s}}, TargetDown:"
        " {keep_firing_for: 7m}}\n",
    )

    assert "keep_firing_for" not in _rule(model, _alert(model, "ProbeFailed"))
    assert _rule(model, _alert(model, "TargetDown"))["keep_firing_for"] == "7m"


def test_another_severity_reaches_the_rule(tmp_path: Path) -> None:
    model = derived(
        tmp_path,
        f"{EVERYTHING}alerts: {{TargetDown: {{severity: page}}, ErrorBudgetBurn: {{severity:"
        " info}}\n",
    )

    burning = [alert for alert in model.derived.alerts if alert.name == "ErrorBudgetBurn"]
    assert _rule(model, _alert(model, "TargetDown"))["labels"] == {
        "service": "shop",
        "team": "web",
        "tier": "2",
        "environment": "production",
        "severity": "page",
        "signal": "targets-down",
    }
    assert [(alert.severity, len(alert.burn_rates)) for alert in burning] == [("info", 4)] * 3


def test_an_alert_of_a_later_release_may_be_named_already(tmp_path: Path) -> None:
    model = derived(tmp_path, f"{EVERYTHING}alerts: {{PodRestarting: {{for: 30m}}}}\n")

    assert model.service.not_yet == ("alerts.PodRestarting",)


def test_an_alert_that_this_service_lacks_is_a_mistake_with_all_that_it_has(tmp_path: Path) -> None:
    spec = "service: shop\nteam: web\nconvention: grpc\n"
    names = {alert.name for alert in derived(tmp_path, spec).derived.alerts}

    assert {"ErrorRatioHigh", "TargetDown", "TargetsAbsent", "TrafficGone"} <= names
    assert refused(tmp_path, f"{spec}alerts: {{Zzz: off}}\n") == [
        "service.yaml:4:10: alerts.Zzz: the service has no such alert; its alerts are"
        f" {', '.join(sorted(names))}"
    ]


# -- one number, everywhere ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "number", "words"),
    [
        ("ErrorRatioHigh", "0.02", "2%"),
        ("LatencyP50High", "0.08", "80ms"),
        ("LatencyP95High", "0.25", "250ms"),
        ("LatencyP99High", "0.8", "800ms"),
        ("TargetDown", "0.1", "10%"),
        ("ProbeSlow", "1", "1s"),
        ("CertificateExpiring", "1209600", "14d"),
        ("OrdersLow", "0.5", "0.5 orders/s"),
        ("OrdersHigh", "100", "100 orders/s"),
    ],
)
def test_a_threshold_is_the_same_in_rule_panel_and_words(
    everything: ServiceModel, artifacts: dict[str, str], name: str, number: str, words: str
) -> None:
    alert = _alert(everything, name)
    rules = yaml.safe_load(artifacts["shop/rules.yaml"])
    runbook = artifacts["shop/runbook.md"]

    (expr,) = (r["expr"] for g in rules["groups"] for r in g["rules"] if r.get("alert") == name)
    drawn = _drawn(json.loads(artifacts["shop/dashboard.json"]))

    (threshold,) = alert.thresholds
    assert (str(threshold.value), threshold.words) == (number, words)
    assert re.search(rf"[<>]\s+{re.escape(number)}\b", expr)
    assert float(number) in drawn
    assert words in alert.description
    assert words in runbook


def _drawn(node: object) -> set[float]:
    """Every threshold of every panel of a dashboard."""
    if isinstance(node, list):
        return {value for item in node for value in _drawn(item)}
    if not isinstance(node, dict):
        return set()
    steps = node["thresholds"].get("steps", []) if isinstance(node.get("thresholds"), dict) else []
    here = {float(step["value"]) for step in steps if step.get("value") is not None}
    return here | {value for item in node.values() for value in _drawn(item)}


def test_burn_rate_thresholds_and_guards_are_said_as_they_are_compared(
    everything: ServiceModel,
) -> None:
    page = next(
        a for a in everything.derived.alerts if a.key == "ErrorBudgetBurn/slo-availability/page"
    )
    expr = one_line(page.expr)

    for number, words in (("0.0144", "1.44%"), ("0.006", "0.6%")):
        assert f"> {number} " in expr
        assert f"more than {words} over both" in page.guidance.meaning
    for window in ("1h", "6h"):
        bad = f'slo:errors:increase{window}{{service="shop",slo="availability"}}'
        assert f"max_over_time({bad}[{window}]) >= 5" in expr
        assert f"at least 5 bad events in {window}" in page.guidance.meaning
    assert page.fewest == "5 bad events in 1 hour, or 5 bad events in 6 hours"


@pytest.mark.parametrize(("above", "events"), [("2%", 50), ("5%", 20), ("0.5%", 200), ("30%", 4)])
def test_an_error_ratio_needs_as_many_requests_as_one_failure_is_not_too_many_of(
    tmp_path: Path, above: str, events: int
) -> None:
    model = derived(tmp_path, EVERYTHING.replace("above: 2%", f"above: {above}"))
    alert = _alert(model, "ErrorRatioHigh")

    expr = one_line(alert.expr)

    assert f'sum(service:requests:increase1h{{service="shop"}}) / 12 >= {events}' in expr
    assert alert.fewest == (
        f"{events} requests in 5 minutes, or {events} requests in 1 hour, or 5 failures in 1 day"
    )
    assert f"usually hold at least {events} requests" in alert.guidance.meaning


# -- hostile words ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "title", ["{{ $labels.secret }} {service}", "{{ nonsense", "a {{ template `x` }} b {title}"]
)
def test_braces_in_somebodys_text_are_text_in_go_templates(tmp_path: Path, title: str) -> None:
    spec = EVERYTHING.replace("The shop", f"'{title}'").replace("Orders completed", f"'{title}'")
    model = derived(tmp_path, spec)
    written = title.replace("{{", '{{ "{{" }}')

    annotations = {alert.name: _rule(model, alert)["annotations"] for alert in model.derived.alerts}

    down, low = annotations["TargetDown"], annotations["OrdersLow"]
    assert f"of the instances of {written} cannot be scraped" in down["description"]
    assert down["description"].startswith("{{ $value | humanizePercentage }} of the instances")
    assert low["summary"] == f"{written} of shop is low."
    assert low["description"].startswith(f"{written} is at {{{{ $value | humanize }}}}; ")
    assert title in _alert(model, "OrdersLow").guidance.meaning


def test_a_probes_url_is_quoted_for_the_shell(tmp_path: Path) -> None:
    spec = "service: s\nteam: t\nuptime: [\"https://shop.example.com/a?b=1&c='$(id)'\"]\n"
    commands = [
        check.command
        for alert in derived(tmp_path, spec).derived.alerts
        for check in alert.guidance.diagnosis
        if check.command
    ]

    assert len(commands) == 2
    assert all(
        """'https://shop.example.com/a?b=1&c='"'"'$(id)'"'"''""" in command for command in commands
    )


# -- a library of one's own ------------------------------------------------------------------------


def test_a_users_own_convention_stands_beside_the_shipped_ones(tmp_path: Path) -> None:
    own = tmp_path / "own" / "conventions"
    own.mkdir(parents=True)
    (own / "ours.yaml").write_text(
        "convention: ours\ntitle: Ours\nsource: us\nrequests: our_requests_total\n"
        "samples: {request: [our_requests_total 12]}\n"
    )

    model = derived(tmp_path, "service: s\nteam: t\nconvention: ours\n", "templates: own\n")

    assert model.service.convention.title == "Ours"
    assert "TrafficGone" in {alert.name for alert in model.derived.alerts}


def test_a_users_own_pack_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    own = tmp_path / "own" / "packs"
    own.mkdir(parents=True)
    shipped = (Path(load_library().folders[0]) / "packs" / "targets.yaml").read_text()
    (own / "targets.yaml").write_text(shipped.replace("for: 10m", "for: 11m"))

    model = derived(tmp_path, "service: s\nteam: t\nconvention: grpc\n", "templates: own\n")

    assert _alert(model, "TargetDown").hold == Duration.of("11m")


def test_templates_that_are_nowhere_are_a_mistake(tmp_path: Path) -> None:
    said = refused(tmp_path, "service: s\nconvention: grpc\n", "templates: own\n")

    assert said == ["own:1:1: templates: there is no such folder"]
