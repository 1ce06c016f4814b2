"""What the resolve stage says of a spec that cannot be meant, where it says so, and what it fills
in."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsgen.load.library import shipped_conventions
from opsgen.load.shown import listed
from opsgen.promql import Matcher, one_line
from opsgen.quantities import Duration, Ratio
from tests.specs import derived, fleet, refused, warned

CONVENTIONS = listed(shipped_conventions())
LEAST = "service: shop\nteam: web\nconvention: grpc\n"
_CHAT = """\
channels: {chat: {webhook: {url: "https://chat.example.com/hook"}}}
escalation: {calm: [{notify: [chat]}]}
"""


def _spec(text: str) -> str:
    """A spec of so much and no more than its first two lines name."""
    return f"service: shop\nteam: web\n{text}"


# What is said of a part that the convention lacks.
_HAS_ERRORS = f"name a convention that has ({CONVENTIONS}), or write convention: with errors"
_HAS_LATENCY = (
    f"name a convention that has ({CONVENTIONS}), or write convention: with a latency histogram"
)
MISTAKES = {
    "an unknown convention": (
        "convention: otel-htp\n",
        "3:13: convention: there is no convention 'otel-htp'; did you mean 'otel-http'?",
    ),
    "a convention like no other": (
        "convention: zzz\n",
        (f"3:13: convention: there is no convention 'zzz'; the conventions are {CONVENTIONS}"),
    ),
    "a convention that is no PromQL": (
        "convention: {requests: 'http_requests_total{'}\n",
        (
            "3:24: convention.requests: this is not valid PromQL: unexpected end of input inside"
            " braces; try it in Prometheus' own query page"
        ),
    ),
    "a convention that is a rate": (
        "convention: {requests: 'rate(http_requests_total[5m])'}\n",
        (
            "3:24: convention.requests: this is not a plain selector; "
            'write a metric with its matchers: http_requests_total{code=~"5.."}'
        ),
    ),
    "a convention without a name": (
        "convention: {requests: '{job=\"a\"}'}\n",
        (
            "3:24: convention.requests: this is not a plain selector; "
            'write a metric with its matchers: http_requests_total{code=~"5.."}'
        ),
    ),
    "availability without a convention": (
        "slos: [{availability: 99%}]\n",
        (
            "3:23: slos[0].availability: availability can't be measured without a convention; name"
            f" a convention that has ({CONVENTIONS}), or"
            " write convention: with requests and errors"
        ),
    ),
    "latency without a convention": (
        "slos: [{latency: 99% under 1s}]\n",
        (
            "3:18: slos[0].latency: latency can't be measured without a convention; name a"
            f" convention that has ({CONVENTIONS}), or"
            " write convention: with a latency histogram"
        ),
    ),
    "a histogram by one of its series": (
        "convention: {latency: {histogram: 'a_seconds_bucket{x=\"y\"}'}}\n",
        (
            "3:35: convention.latency.histogram: 'a_seconds_bucket{x=\"y\"}' is one of the"
            ' histogram\'s series; write it without _bucket: a_seconds{x="y"}'
        ),
    ),
    "an SLO that averages": (
        (
            "slos: [{name: a, objective: 99%, bad: 'avg(rate(bad_total[5m]))', total:"
            " 'sum(rate(all_total[5m]))'}]\n"
        ),
        ("3:39: slos[0].bad: an SLO needs counts: use sum() instead of avg(); or leave avg() out"),
    ),
    "a rate over less than two scrapes": (
        "business: [{name: a, query: 'sum(rate(a_total[30s]))'}]\n",
        (
            "3:29: business[0].query: a range of 30s holds too few samples for rate(); the"
            " scrape interval is 30s: write 2m or more"
        ),
    ),
    "an SLO over less than two scrapes": (
        (
            "slos: [{name: a, objective: 99%, bad: 'rate(bad_total[50s])', total:"
            " 'rate(all_total[5m])'}]\n"
        ),
        (
            "3:39: slos[0].bad: a range of 50s holds too few samples for rate(); the scrape"
            " interval is 30s: write 2m or more"
        ),
    ),
    "latency without a histogram": (
        "convention: {requests: a_total}\nslos: [{latency: 99% under 1s}]\n",
        (
            "4:18: slos[0].latency: the convention inline has no latency histogram; name a"
            f" convention that has ({CONVENTIONS}), or"
            " write convention: with a latency histogram"
        ),
    ),
    "a threshold beyond the last bucket": (
        "convention: grpc\nslos: [{latency: 99% under 11s}]\n",
        (
            "4:18: slos[0].latency: 11s is above the histogram's last bucket; write at most 10s,"
            " or write the real buckets under latency.buckets"
        ),
    ),
    "a period too short": (
        "convention: grpc\nslos: [{availability: 99%, window: 12h}]\n",
        "4:36: slos[0].window: 12h is not a valid period for an SLO; write 1d to 365d",
    ),
    "a period too long": (
        "convention: grpc\nslos: [{availability: 99%, window: 2y}]\n",
        "4:36: slos[0].window: 730d is not a valid period for an SLO; write 1d to 365d",
    ),
    "two SLOs of one name": (
        "convention: grpc\nslos:\n  - availability: 99%\n  - availability: 98%\n",
        "6:5: slos[1]: two SLOs are named availability; give this one a name of its own",
    ),
    "events of a gauge": (
        "slos: [{name: a, objective: 99%, bad: 'queue', total: 'rate(b_total[5m])'}]\n",
        (
            "3:39: slos[0].bad: an SLO counts events, so every metric must be a counter inside"
            " rate() or increase(); write for example rate(orders_failed_total[5m])"
        ),
    ),
    "events of a mean": (
        (
            "slos: [{name: a, objective: 99%, good: 'rate(a_total[5m])', total:"
            " 'avg_over_time(b[5m])'}]\n"
        ),
        (
            "3:68: slos[0].total: an SLO counts events, so every metric must be a counter inside"
            " rate() or increase(); write for example rate(orders_failed_total[5m])"
        ),
    ),
    "events of a subquery": (
        (
            "slos: [{name: a, objective: 99%, bad: 'rate(a_total[5m])', total:"
            " 'sum_over_time(rate(b_total[5m])[1h:])'}]\n"
        ),
        (
            "3:67: slos[0].total: an SLO counts events, so it can't use a subquery; write for"
            " example rate(orders_failed_total[5m])"
        ),
    ),
    "events that are no PromQL": (
        "slos: [{name: a, objective: 99%, bad: 'rate(a_total[5m]', total: 'rate(b_total[5m])'}]\n",
        (
            "3:39: slos[0].bad: this is not valid PromQL: unclosed left parenthesis; try it in"
            " Prometheus' own query page"
        ),
    ),
    "errors that the convention does not know": (
        "convention: {requests: a_total}\nerrors: {above: 2%}\n",
        "4:17: errors.above: the convention inline has no errors; " + _HAS_ERRORS,
    ),
    "errors without a convention": (
        "uptime: [https://example.com/]\nerrors: {above: 5%}\n",
        "4:17: errors.above: errors can't be measured without a convention; " + _HAS_ERRORS,
    ),
    "a percentile without a histogram": (
        "convention: {requests: a_total}\nlatency: {p95: 1s}\n",
        "4:16: latency.p95: the convention inline has no latency histogram; " + _HAS_LATENCY,
    ),
    "a percentile without a convention": (
        "uptime: [https://example.com/]\nlatency: {p95: 1s}\n",
        "4:16: latency.p95: latency can't be measured without a convention; " + _HAS_LATENCY,
    ),
    "how long a percentile lasts without a histogram": (
        "uptime: [https://example.com/]\nlatency: {for: 5m}\n",
        "4:16: latency.for: latency can't be measured without a convention; " + _HAS_LATENCY,
    ),
    "buckets without a histogram": (
        "uptime: [https://example.com/]\nlatency: {buckets: [1s]}\n",
        "4:20: latency.buckets: latency can't be measured without a convention; " + _HAS_LATENCY,
    ),
    "a kind of dependency that there is not": (
        "convention: grpc\ndependencies: [{postgresqll: orders}]\n",
        "4:17: dependencies[0].postgresqll: there is no kind of dependency 'postgresqll';"
        " did you mean 'postgresql'?",
    ),
    "a dependency of two kinds": (
        "convention: grpc\ndependencies: [{redis: a, kafka: b}]\n",
        "4:16: dependencies[0]: a dependency can't have redis and kafka together; write one"
        " entry for each",
    ),
    "a dependency of no kind": (
        "convention: grpc\ndependencies: [{match: {job: a}}]\n",
        "4:16: dependencies[0]: a dependency needs a kind; write one of elasticsearch, external,"
        " kafka, memcached, mongodb, mysql, postgresql, rabbitmq, redis, service",
    ),
    "a dependency's name that is none": (
        "convention: grpc\ndependencies: [{redis: Orders_DB}]\n",
        "4:24: dependencies[0].redis: 'Orders_DB' is not a valid name here; use lowercase"
        " letters, digits and inner hyphens: orders-db",
    ),
    "a dependency twice": (
        "convention: grpc\ndependencies: [{redis: a}, {redis: a}]\n",
        "4:28: dependencies[1]: the redis a is already a dependency; leave one of them out",
    ),
    "a setting of a dependency without a pack": (
        "convention: grpc\ndependencies: [{redis: a, objektive: 99%}]\n",
        "4:27: dependencies[0].objektive: a dependency of the kind redis has no key 'objektive';"
        " did you mean 'objective'?",
    ),
    "a runtime that there is not": (
        "convention: grpc\nruntime: kubernets\n",
        "4:10: runtime: there is no runtime 'kubernets'; did you mean 'kubernetes'?",
    ),
    "a process without a pack": (
        "convention: grpc\nprocess: jvm\n",
        "4:10: process: there is no pack for processes 'jvm'; there are no packs for processes",
    ),
    "settings of no pack": (
        "convention: grpc\nsettings: {target: {down: 1%}}\n",
        "4:12: settings.target: there is no pack 'target'; did you mean 'targets'?",
    ),
    "settings of a pack that has none": (
        "convention: grpc\nsettings: {requests: {down: 1%}}\n",
        "4:12: settings.requests: the pack requests has no settings; the packs with settings are"
        " targets",
    ),
    "a setting that a pack has not": (
        "convention: grpc\nsettings: {targets: {dwn: 1%}}\n",
        "4:22: settings.targets.dwn: the pack targets has no setting 'dwn'; did you mean 'down'?",
    ),
    "a setting of another type": (
        "convention: grpc\nsettings: {targets: {down: 5m}}\n",
        (
            "4:28: settings.targets.down: '5m' is not a valid percentage; write it"
            " with its sign: 99.9%"
        ),
    ),
    "a setting beyond its limits": (
        "convention: grpc\nsettings: {targets: {down: 100%}}\n",
        "4:28: settings.targets.down: 100% is too large; write less than 100%",
    ),
    "a percentile that can never be exceeded": (
        "convention: grpc\nlatency: {p99: 10s}\n",
        (
            "4:16: latency.p99: 10s is at the last bucket (10s): this can never fire; write less"
            " than 10s, or write the real buckets under latency.buckets"
        ),
    ),
    "a percentile above the last bucket": (
        "convention: grpc\nlatency: {p99: 200s}\n",
        (
            "4:16: latency.p99: 3m20s is above the last bucket (10s): this can never fire; write"
            " less than 10s, or write the real buckets under latency.buckets"
        ),
    ),
    "a percentile that is always exceeded": (
        "convention: grpc\nlatency: {p50: 2ms}\n",
        (
            "4:16: latency.p50: 2ms is below the first bucket (5ms): this would always fire;"
            " write at least 3ms, or write the real buckets under latency.buckets"
        ),
    ),
    "a probe that takes longer than its interval": (
        "uptime: [{url: 'https://example.com/', interval: 10s, timeout: 20s}]\n",
        "3:64: uptime[0].timeout: 20s is longer than the interval of 10s; write 10s or less",
    ),
    "a certificate of plain http": (
        "uptime: [{url: 'http://example.com/', certificate: 14d}]\n",
        (
            "3:52: uptime[0].certificate: an http:// URL has no certificate; write https://, or"
            " leave it out"
        ),
    ),
    "a slowness that is cut off": (
        "uptime: [{url: 'https://example.com/', slow: 5s}]\n",
        "3:46: uptime[0].slow: a probe is stopped after 5s; write less than the timeout",
    ),
    "two probes of one name": (
        (
            "uptime: [{url: 'https://a.example.com/', name: a}, {url: 'https://b.example.com/',"
            " name: a}]\n"
        ),
        "3:52: uptime[1]: another probe has the same name; give this one a name of its own",
    ),
    "a business query that is no PromQL": (
        "business: [{name: orders, query: 'sum(('}]\n",
        (
            "3:34: business[0].query: this is not valid PromQL: unclosed left parenthesis; try"
            " it in Prometheus' own query page"
        ),
    ),
    "a business query of a range": (
        "business: [{name: orders, query: 'orders_total[5m]'}]\n",
        (
            "3:34: business[0].query: a range of samples is not a number; write for example"
            " rate(orders_total[5m])"
        ),
    ),
    "two business signals of one name": (
        "business: [{name: orders, query: a}, {name: orders, query: b}]\n",
        "3:38: business[1]: two business signals are named orders; give this one a name of its own",
    ),
    "a function that Prometheus does not have yet": (
        "business: [{name: orders, query: 'histogram_avg(a)'}]\n",
        (
            "3:34: business[0].query: histogram_avg() needs Prometheus 2.51; the project says"
            " 2.42; write the query without it, or set prometheus.version in opsgen.yaml"
        ),
    ),
    "a function that needs a feature flag": (
        "business: [{name: orders, query: 'info(a)'}]\n",
        (
            "3:34: business[0].query: info() needs a feature flag of Prometheus; write"
            " the query without it"
        ),
    ),
    "an error ratio of nothing": (
        "convention: grpc\nerrors: {above: 0%}\n",
        (
            "4:17: errors.above: a single failed request is above 0%: this would always fire;"
            " write a percentage between 0% and 100%, for example 2%"
        ),
    ),
    "an error ratio of everything": (
        "convention: grpc\nerrors: {above: 100%}\n",
        (
            "4:17: errors.above: a share of requests is never above 100%: this can never fire;"
            " write a percentage between 0% and 100%, for example 2%"
        ),
    ),
    "a grouping by a label of our own": (
        "convention: grpc\nslos: [{availability: 99%, grouping: [region, service]}]\n",
        (
            "4:47: slos[0].grouping[1]: opsgen's own rules use the label service; group by a"
            " label of the service's series"
        ),
    ),
    "a latency by its buckets": (
        "convention: grpc\nslos: [{latency: 99% under 1s, grouping: [le]}]\n",
        (
            "4:43: slos[0].grouping[0]: opsgen's own rules use the label le; group by a label of"
            " the service's series"
        ),
    ),
    "a grouping by a number": (
        "convention: grpc\nslos: [{availability: 99%, grouping: [Inf]}]\n",
        "4:39: slos[0].grouping[0]: PromQL reads Inf as a number; give the label another name",
    ),
    "a matcher that is no regular expression": (
        "convention: grpc\nmatch: {job: {regex: '('}}\n",
        (
            "4:22: match.job.regex: '(' is not a regular expression that Prometheus accepts;"
            " write it in RE2 syntax"
        ),
    ),
    "a matcher that only other engines know": (
        "business: [{name: a, query: b, match: {job: {not_regex: 'a(?!b)'}}}]\n",
        (
            "3:57: business[0].match.job.not_regex: 'a(?!b)' is not a regular expression that"
            " Prometheus accepts; write it in RE2 syntax"
        ),
    ),
    "nothing at all": (
        "",
        (
            "1:1: there is nothing to watch except the service's targets; write a convention,"
            " slos, uptime or business"
        ),
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_at_its_place_with_what_would_be_right(tmp_path: Path, name: str) -> None:
    text, said = MISTAKES[name]

    assert refused(tmp_path, _spec(text)) == [f"service.yaml:{said}"]


def test_every_setting_that_means_nothing_without_a_convention_is_told(tmp_path: Path) -> None:
    spec = _spec(
        "uptime: [https://example.com/]\n"
        "errors: {above: 5%, for: 2m}\n"
        "latency: {p50: 1s, p99: 2s, for: 5m}\n"
    )

    said = [mistake.split(": ")[1] for mistake in refused(tmp_path, spec)]

    assert said == ["errors.above", "errors.for", "latency.p50", "latency.p99", "latency.for"]


def test_what_an_unknown_convention_may_have_is_not_told_to_be_missing(tmp_path: Path) -> None:
    (said,) = refused(tmp_path, _spec("convention: otel-htp\nerrors: {above: 5%}\n"))

    assert "there is no convention 'otel-htp'" in said


def test_a_dependency_without_a_name_is_a_mistake(tmp_path: Path) -> None:
    assert refused(tmp_path, _spec("convention: grpc\ndependencies: [{redis: }]\n")) == [
        "service.yaml:4:17: dependencies[0].redis: has no value; write one, or leave the key out"
    ]


def test_all_mistakes_of_all_parts_are_told_at_once(tmp_path: Path) -> None:
    spec = _spec(
        "convention: otel-htp\n"
        "slos: [{availability: 99%, window: 12h}]\n"
        "uptime: [{url: 'http://example.com/', certificate: 14d}]\n"
        "business: [{name: orders, query: 'sum(('}]\n"
    )

    said = refused(tmp_path, spec, "teams: {web2: {}}\n")

    assert [line.split(": ")[0] for line in said] == [
        "service.yaml:2:7",
        "service.yaml:3:13",
        "service.yaml:4:36",
        "service.yaml:5:52",
        "service.yaml:6:34",
    ]


# All but two of their form, which are told before anything is derived.
_OF_FORM = {"a histogram by one of its series", "a dependency without a name"}


@pytest.mark.parametrize("name", sorted({*MISTAKES} - _OF_FORM))
def test_no_mistake_hides_an_alert_that_there_is_not(tmp_path: Path, name: str) -> None:
    text, said = MISTAKES[name]
    spec = _spec(f"{text}alerts: {{Nonsense: off}}\n")

    told = [line.partition("; ")[0] for line in refused(tmp_path, spec)]

    unknown = (
        f"service.yaml:{spec.count(chr(10))}:10: alerts.Nonsense: the service has no such alert"
    )
    assert told == [f"service.yaml:{said}".partition("; ")[0], unknown]


@pytest.mark.parametrize("alert", ["ErrorRatioHigh", "ErrorBudgetBurn", "LatencyP95High"])
def test_an_alert_of_an_unknown_convention_is_no_mistake_of_its_own(
    tmp_path: Path, alert: str
) -> None:
    spec = _spec(
        "convention: otel-htp\n"
        "slos: [{availability: 99%}]\n"
        "latency: {p95: 1s}\n"
        f"alerts: {{{alert}: off}}\n"
    )

    (said,) = refused(tmp_path, spec)

    assert "there is no convention" in said


def test_an_alert_of_a_signal_with_a_mistake_is_no_mistake_of_its_own(tmp_path: Path) -> None:
    spec = _spec(
        "business: [{name: orders, query: 'sum((', alerts: [{below: 1}]}]\n"
        "alerts: {OrdersLow: off, OrdersHigh: off}\n"
    )

    told = [line.partition("; ")[0] for line in refused(tmp_path, spec)]

    assert [line.split(": ")[:2] for line in told] == [
        ["service.yaml:3:34", "business[0].query"],
        ["service.yaml:4:26", "alerts.OrdersHigh"],
    ]


def test_an_unknown_convention_hides_no_query_for_a_label_that_is_gone(tmp_path: Path) -> None:
    spec = _spec(
        "convention: otel-htp\n"
        "business:\n"
        "  - {name: orders, query: 'sum by (a) (sum by (b) (rate(orders_total[5m])))'}\n"
    )

    convention, query = refused(tmp_path, spec)

    assert "there is no convention" in convention
    assert query.startswith("service.yaml:5:5: orders: ")


def test_an_unknown_convention_hides_nothing_that_a_target_can_not_say(tmp_path: Path) -> None:
    spec = "service: kubernetes\nconvention: otel-htp\nuptime: ['https://shop.example.com/']\n"

    said = refused(tmp_path, spec, "targets: [files, kubernetes]\n")

    assert [line.split(": ")[1] for line in said] == ["service", "convention"]


def test_an_unknown_team_is_not_also_told_to_have_no_policy(tmp_path: Path) -> None:
    spec = f"{LEAST}slos: [{{availability: 99%}}]\nalerts: {{Nonsense: off}}\n"

    said = refused(tmp_path, spec, f"{_CHAT}teams: {{web2: {{escalation: {{ticket: calm}}}}}}\n")

    assert [line.split(": ")[1] for line in said] == ["team", "alerts.Nonsense"]


def test_a_mistake_in_an_environment_is_told_where_it_is_written(tmp_path: Path) -> None:
    spec = (
        LEAST
        + "slos: [{availability: 99%}]\nenvironments:\n  production:\n    slos: [{availability:"
        " 99%, window: 12h}]\n"
    )

    assert refused(tmp_path, spec) == [
        "service.yaml:7:40: environments.production.slos[0].window: 12h is not a valid period"
        " for an SLO; write 1d to 365d"
    ]


# -- teams -----------------------------------------------------------------------------------------


def test_an_unknown_team_is_a_mistake_with_the_nearest_name(tmp_path: Path) -> None:
    assert refused(
        tmp_path, LEAST.replace("web", "payment"), "teams: {payments: {}, web: {}}\n"
    ) == ["service.yaml:2:7: team: there is no team 'payment'; did you mean 'payments'?"]


def test_an_unknown_team_like_no_other_is_a_mistake_with_all_names(tmp_path: Path) -> None:
    assert refused(tmp_path, LEAST.replace("web", "zz"), "teams: {payments: {}, web: {}}\n") == [
        "service.yaml:2:7: team: there is no team 'zz'; the teams are payments, web"
    ]


def test_the_only_team_of_a_project_need_not_be_named(tmp_path: Path) -> None:
    service = derived(
        tmp_path, "service: shop\nconvention: grpc\n", "teams: {payments: {slack: '#pay'}}\n"
    ).service

    assert (service.team.name, service.team.slack) == ("payments", "#pay")
    assert service.origins["team"] == "the only team of the project file"


def test_a_service_of_nobody_is_warned_of(tmp_path: Path) -> None:
    spec = "service: shop\nconvention: grpc\n"

    assert derived(tmp_path, spec).service.team.name == "unassigned"
    assert warned(tmp_path, spec) == [
        "service.yaml: no team is named; its alerts carry team=unassigned"
    ]


def test_a_team_without_a_project_file_is_taken_as_it_is(tmp_path: Path) -> None:
    assert derived(tmp_path, LEAST).service.team.name == "web"
    assert warned(tmp_path, LEAST) == []


# -- defaults and where they come from -------------------------------------------------------------


def test_every_value_says_where_it_came_from(tmp_path: Path) -> None:
    origins = derived(
        tmp_path, f"{LEAST}errors: {{above: 2%}}\nslos: [{{availability: 99%}}]\n"
    ).service.origins

    assert origins["team"].endswith("service.yaml:2")
    assert origins["convention"].endswith("service.yaml:3")
    assert origins["errors.above"].endswith("service.yaml:4")
    assert origins["errors.for"] == "default: as long as the window it is measured over"
    assert origins["match"] == "default: the scrape job of the service's name"
    assert origins["tier"] == "default: wakes people for what users notice"
    assert origins["latency.p99"] == "not asked for"
    assert origins["slos[0].window"] == "default: the SRE workbook's 30 days"
    assert all(origins.values())


def test_the_least_spec_has_the_defaults_of_the_field(tmp_path: Path) -> None:
    service = derived(
        tmp_path, "service: shop\nconvention: grpc\nslos: [{availability: 99.9%}]\n"
    ).service

    assert (service.tier, service.environment, service.runtime) == (2, "production", "process")
    assert service.matchers == (Matcher("job", "=", "shop"),)
    assert service.slos[0].window == Duration.of("30d")
    assert service.settings["errors.above"] == Ratio.parse("5%")
    assert service.settings["latency.p95"] is None


def test_a_projects_period_is_that_of_slos_that_name_none(tmp_path: Path) -> None:
    spec = f"{LEAST}slos: [{{availability: 99%}}, {{latency: 99% under 1s, window: 7d}}]\n"

    slos = derived(tmp_path, spec, "slo: {window: 28d}\n").service.slos

    assert [slo.window for slo in slos] == [Duration.of("28d"), Duration.of("7d")]


def test_matchers_have_the_four_forms_of_promql(tmp_path: Path) -> None:
    spec = f"{LEAST}match: {{a: x, b: {{regex: 'y|z'}}, c: {{not: w}}, d: {{not_regex: 'v.*'}}}}\n"

    assert derived(tmp_path, spec).service.matchers == (
        Matcher("a", "=", "x"),
        Matcher("b", "=~", "y|z"),
        Matcher("c", "!=", "w"),
        Matcher("d", "!~", "v.*"),
    )


def test_a_named_convention_can_have_parts_of_its_own(tmp_path: Path) -> None:
    spec = _spec(
        "convention: {use: grpc, errors: 'grpc_server_handled_total{grpc_code=\"Internal\"}'}\n"
    )

    convention = derived(tmp_path, spec).service.convention

    assert convention.name == "grpc"
    assert convention.requests is not None
    assert convention.errors is not None
    assert one_line(convention.requests) == "grpc_server_handled_total"
    assert one_line(convention.errors) == 'grpc_server_handled_total{grpc_code="Internal"}'
    assert convention.latency is not None


def test_percentages_and_percentiles_of_the_spec_are_its_settings(tmp_path: Path) -> None:
    spec = f"{LEAST}errors: {{above: 2%, for: 7m}}\nlatency: {{p95: 250ms, for: 3m}}\n"

    settings = derived(tmp_path, spec).service.settings

    assert settings["errors.above"] == Ratio.parse("2%")
    assert settings["errors.for"] == Duration.of("7m")
    assert settings["latency.p95"] == Duration.of("250ms")
    assert settings["latency.for"] == Duration.of("3m")


# -- environments ----------------------------------------------------------------------------------


def test_production_is_laid_over_the_spec_and_the_others_come_later(tmp_path: Path) -> None:
    spec = (
        LEAST + "tier: 3\n"
        "match: {job: shop}\n"
        "slos: [{availability: 99.9%}]\n"
        "environments:\n"
        "  staging: {tier: 4, slos: [{availability: 90%}]}\n"
        "  production: {tier: 1, match: {job: shop-production}}\n"
    )

    service = derived(tmp_path, spec).service

    assert (service.environment, service.tier) == ("production", 1)
    assert service.matchers == (Matcher("job", "=", "shop-production"),)
    assert [slo.objective for slo in service.slos] == [Ratio.parse("99.9%")]
    assert service.origins["tier"].endswith("service.yaml:9")


def test_without_production_the_first_environment_is_generated(tmp_path: Path) -> None:
    spec = f"{LEAST}environments:\n  staging: {{tier: 4}}\n  test: {{}}\n"

    service = derived(tmp_path, spec).service

    assert (service.environment, service.tier) == ("staging", 4)


def test_a_key_without_a_value_is_a_mistake_in_an_environment_too(tmp_path: Path) -> None:
    spec = f"{LEAST}environments:\n  production:\n    tier:\n    slos:\n"

    assert refused(tmp_path, spec) == [
        (
            "service.yaml:6:5: environments.production.tier: has no value; write one, or leave the"
            " key out"
        ),
        (
            "service.yaml:7:5: environments.production.slos: has no value; write one, or leave the"
            " key out"
        ),
    ]


def test_fields_without_an_artifact_yet_are_reported(tmp_path: Path) -> None:
    spec = (
        LEAST + "resources: {cpu: 85%}\n"
        "dependencies: [{redis: sessions}]\n"
        "alerts: {PodRestarting: off}\n"
        "environments: {production: {}, staging: {}}\n"
    )

    assert derived(tmp_path, spec).service.not_yet == (
        "resources",
        "dependencies",
        "alerts.PodRestarting",
    )


# -- warnings --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("project", "silent"),
    [
        ("", "alerts"),
        (f"{_CHAT}teams: {{web: {{escalation: {{ticket: calm}}}}}}\n", "pages"),
        (f"{_CHAT}teams: {{web: {{escalation: {{page: calm}}}}}}\n", ""),
    ],
)
def test_a_severity_that_nobody_is_told_of_is_warned_of(
    tmp_path: Path, project: str, silent: str
) -> None:
    spec = f"{LEAST}tier: 4\n"  # of no pages
    said = [text for text in fleet(tmp_path, spec, project).warnings if "nobody is told" in text]

    right = "give team web an escalation policy in the project file, opsgen.yaml"
    wanted = f"{tmp_path}/service.yaml: nobody is told of its {silent}; {right}"
    assert said == ([wanted] if silent else [])


@pytest.mark.parametrize("team", ["{}", "{escalation: {ticket: calm}}"])
def test_pages_that_reach_nobody_are_a_mistake_where_there_are_policies(
    tmp_path: Path, team: str
) -> None:
    spec = f"{LEAST}uptime: [https://shop.example.com]\n"

    assert refused(tmp_path, spec, f"{_CHAT}teams: {{web: {team}}}\n") == [
        "service.yaml:1:10: service: its pages (ProbeFailed, TargetsAbsent) notify nobody:"
        " team web has no policy for them; write escalation: {page: ...} there or here; the"
        " policies are calm"
    ]


def test_a_threshold_that_is_no_bucket_boundary_names_the_nearest(tmp_path: Path) -> None:
    assert warned(tmp_path, f"{LEAST}slos: [{{latency: 99% under 300ms}}]\n") == [
        "service.yaml:4: 300ms is not a bucket boundary of grpc_server_handling_seconds; the"
        " nearest are 250ms and 500ms. Without a bucket at 300ms the SLO has no data: use one of"
        " them, or write the real boundaries under latency.buckets"
    ]


def test_a_threshold_below_the_first_bucket_names_the_first(tmp_path: Path) -> None:
    (said,) = warned(tmp_path, f"{LEAST}slos: [{{latency: 99% under 1ms}}]\n")

    assert "the nearest are 5ms. Without" in said


def test_the_specs_own_buckets_take_the_place_of_the_conventions(tmp_path: Path) -> None:
    spec = (
        f"{LEAST}slos: [{{latency: 99% under 300ms}}]\nlatency: {{buckets: [100ms, 300ms, 20s],"
        " p99: 15s}\n"
    )

    histogram = derived(tmp_path, spec).service.convention.latency

    assert warned(tmp_path, spec) == []
    assert histogram is not None
    assert [str(bound) for bound in histogram.buckets] == ["0.1", "0.3", "20"]


def test_buckets_in_milliseconds_are_compared_in_milliseconds(tmp_path: Path) -> None:
    spec = _spec(
        "convention: {requests: a_total, latency: {histogram: b, unit: milliseconds, buckets: [100,"
        " 250, 5000]}}\nslos: [{latency: 99% under 300ms}]\n"
    )

    (said,) = warned(tmp_path, spec)

    assert "the nearest are 250ms and 5s" in said


def test_an_objective_above_what_dependencies_promise_is_warned_of_with_the_number(
    tmp_path: Path,
) -> None:
    spec = (
        LEAST
        + "slos: [{availability: 99.9%}]\ndependencies: [{postgresql: orders, objective: 99.95%},"
        " {external: bank, objective: 99.9%}, {redis: cache}]\n"
    )

    assert warned(tmp_path, spec) == [
        "service.yaml:4: an availability of 99.9% is above what its dependencies promise"
        " together (99.85%)"
    ]
    assert warned(tmp_path, spec.replace("availability: 99.9%", "availability: 99.5%")) == []


# -- probes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uptime", "names"),
    [
        ("[https://shop.example.com/healthz]", ["healthz"]),
        ("[https://shop.example.com/]", ["shop-example-com"]),
        ("[https://shop.example.com]", ["shop-example-com"]),
        (
            "[https://a.example.com/ready, https://b.example.com/ready]",
            ["ready", "b-example-com-ready"],
        ),
        (
            "['https://a.example.com/a?x=1', 'https://a.example.com/a?x=2']",
            ["a", "a-example-com-a"],
        ),
        ("['https://a.example.com/api/Über%20uns/']", ["ber-20uns"]),
        ("[{url: 'https://a.example.com/x', name: front}]", ["front"]),
    ],
)
def test_a_probe_is_named_by_its_path_or_its_host(
    tmp_path: Path, uptime: str, names: list[str]
) -> None:
    assert [
        probe.name for probe in derived(tmp_path, _spec(f"uptime: {uptime}\n")).service.probes
    ] == names


def test_a_probe_has_defaults_that_fit_each_other(tmp_path: Path) -> None:
    spec = _spec(
        "uptime: [https://a.example.com/a, {url: 'http://a.example.com/b', interval: 2s}]\n"
    )

    secure, plain = derived(tmp_path, spec).service.probes

    assert (secure.interval, secure.timeout, secure.slow) == tuple(
        map(Duration.of, ("30s", "5s", "1s"))
    )
    assert secure.certificate == Duration.of("14d")
    assert (plain.timeout, plain.slow, plain.certificate) == (
        Duration.of("2s"),
        Duration.of("1s"),
        None,
    )


# -- specs of one fleet ----------------------------------------------------------------------------


def test_an_unknown_alert_is_a_mistake_at_its_line(tmp_path: Path) -> None:
    spec = f"{LEAST}alerts:\n  TargetDown: {{for: 1h}}\n  TargetsAbsnt: off\n"

    assert refused(tmp_path, spec) == [
        "service.yaml:6:3: alerts.TargetsAbsnt: the service has no such alert; did you mean"
        " 'TargetsAbsent'?"
    ]


def test_an_unknown_alert_hides_no_pages_that_reach_nobody(tmp_path: Path) -> None:
    spec = f"{LEAST}slos: [{{availability: 99.9%}}]\nalerts: {{Nonsense: off}}\n"

    said = refused(tmp_path, spec, f"{_CHAT}teams: {{web: {{escalation: {{ticket: calm}}}}}}\n")

    assert [line.split(": ")[1] for line in said] == ["service", "alerts.Nonsense"]


def test_a_spec_whose_alerts_are_all_off_is_a_mistake(tmp_path: Path) -> None:
    spec = _spec(
        "business: [{name: orders, query: orders}]\nalerts: {TargetsAbsent: off, TargetDown: off}\n"
    )

    assert refused(tmp_path, spec) == [
        "service.yaml:1:1: this spec makes no alert; leave an alert on, or write slos or uptime"
    ]
