"""Mistakes in a spec that the resolve stage finds, by what they are in: the lines below the head of
the spec, and what is said of them."""

from __future__ import annotations

from opsgen.load.library import shipped_conventions
from opsgen.load.shown import listed

CONVENTIONS = listed(shipped_conventions())
LEAST = "service: shop\nteam: web\nconvention: grpc\n"
CHAT = """\
channels: {chat: {webhook: {url: "https://chat.example.com/hook"}}}
escalation: {calm: [{notify: [chat]}]}
"""


def headed(text: str) -> str:
    """A spec with this text below the lines that name its service and its team."""
    return f"service: shop\nteam: web\n{text}"


# What is said of a part that the convention lacks.
_HAS_ERRORS = f"name a convention that has ({CONVENTIONS}), or write convention: with errors"
_HAS_LATENCY = (
    f"name a convention that has ({CONVENTIONS}), or write convention: with a latency histogram"
)
IN_CONVENTION = {
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
    "a histogram by one of its series": (
        "convention: {latency: {histogram: 'a_seconds_bucket{x=\"y\"}'}}\n",
        (
            "3:35: convention.latency.histogram: 'a_seconds_bucket{x=\"y\"}' is one of the"
            ' histogram\'s series; write it without _bucket: a_seconds{x="y"}'
        ),
    ),
}

IN_OBJECTIVES = {
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
    "an SLO that averages": (
        (
            "slos: [{name: a, objective: 99%, bad: 'avg(rate(bad_total[5m]))', total:"
            " 'sum(rate(all_total[5m]))'}]\n"
        ),
        ("3:39: slos[0].bad: an SLO needs counts: use sum() instead of avg(); or leave avg() out"),
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
}

IN_SETTINGS = {
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
}

IN_PROBES = {
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
}

IN_DEPENDENCIES = {
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
}

IN_OWN_QUERIES = {
    "a rate over less than two scrapes": (
        "business: [{name: a, query: 'sum(rate(a_total[30s]))'}]\n",
        (
            "3:29: business[0].query: a range of 30s holds too few samples for rate(); the"
            " scrape interval is 30s: write 2m or more"
        ),
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
}

IN_MATCH = {
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
}

IN_SERVICE = {
    "a runtime that there is not": (
        "convention: grpc\nruntime: kubernets\n",
        "4:10: runtime: there is no runtime 'kubernets'; did you mean 'kubernetes'?",
    ),
    "a process without a pack": (
        "convention: grpc\nprocess: jvm\n",
        "4:10: process: there is no pack for processes 'jvm'; there are no packs for processes",
    ),
    "nothing at all": (
        "",
        (
            "1:1: there is nothing to watch except the service's targets; write a convention,"
            " slos, uptime or business"
        ),
    ),
}

MISTAKES = {
    **IN_CONVENTION,
    **IN_OBJECTIVES,
    **IN_SETTINGS,
    **IN_PROBES,
    **IN_DEPENDENCIES,
    **IN_OWN_QUERIES,
    **IN_MATCH,
    **IN_SERVICE,
}
