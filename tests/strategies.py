"""Hypothesis strategies: service specs and project files as a person may write them, in every field
that there is.

They are plain values, to be dumped as YAML. Not all of them are right: a threshold may be no
bucket, an alert may be off that is not there. What is drawn is plausible enough for most to be
taken.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from opsgen.load.library import load_library
from opsgen.model.runtimes import RUNTIMES

Spec = dict[str, Any]

# Each would break some file if it were pasted into it: Go templates, Markdown, HTML, YAML, JSON,
# Jinja, Grafana's variables, a shell.
HOSTILE = (
    "{{ $labels.x }}",
    "{{",
    "}} {{ {{{{ }}",
    "{% raw %}{{ 7 * 7 }}{# no comment #}",
    "`code` ``two`` ```\nfence\n```",
    "\"double\" and 'single' \\ and \\n backslashes",
    "two\nlines\n\nand a third",
    "a | b || c",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)> &lt; &amp;",
    "</textarea><!-- comment -->",
    "[x](javascript:alert(1)) ![i](https://evil.example/x.png)",
    "https://evil.example/auto <https://evil.example>",
    "# heading",
    "1. first\n2. second\n- item\n> quote",
    "---",
    "key: - &a *a !!python/object:os.system {x: [y",
    "${datasource} $service [[service]] $__interval",
    "$(rm -rf /) `id` ; && | > /dev/null",
    "أهلا بالعالم",
    "abc \u202etxt.exe\u202c def",
    "🔥🧑‍🚀 naïve — ☃",
    "%s %(x)s {0} {service} {{service}}",
    "~tilde~ *bold* _under_ $math$ $$x$$",
    "=====\nsetext\n-----",
    "x" * 10_000,
    "{{`" * 2_500,
)

# By number, since Hypothesis prints what it draws from.
hostile_texts = st.integers(0, len(HOSTILE) - 1).map(HOSTILE.__getitem__)
plain_texts = st.sampled_from(
    ["Checkout", "Turns a basket into a paid order.", "It's 50% off: $5", "naïve — ☃"]
)
texts = st.one_of(
    plain_texts,
    hostile_texts,
    st.text(
        st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=60
    ).filter(str.strip),
)


def examples(share: int) -> int:
    """How many examples a test draws: `share` of every hundred that the profile in use asks for."""
    return max(1, share * settings().max_examples // 100)


def slugs(longest: int = 63) -> SearchStrategy[str]:
    written = st.from_regex(rf"[a-z0-9]([a-z0-9-]{{0,{longest - 2}}}[a-z0-9])?", fullmatch=True)
    return st.one_of(st.sampled_from(["checkout", "orders", "a", "x" * longest]), written)


def durations(*texts: str) -> SearchStrategy[str]:
    return st.sampled_from(texts)


holds = durations("0s", "30s", "1m", "5m", "15m", "1h", "3h", "1d")
severities = st.sampled_from(["page", "ticket", "info"])
objectives = st.one_of(
    st.sampled_from(
        ["10%", "50%", "80%", "90%", "93.05%", "93.06%", "95%", "99%", "99.9%", "99.99%", "99.999%"]
    ),
    st.integers(10_000, 99_999).map(lambda thousandths: f"{thousandths / 1000:.3f}%"),
)
slo_windows = st.one_of(
    st.sampled_from(["1d", "3d", "7d", "28d", "30d", "90d", "365d", "1w", "36h"]),
    st.integers(1, 365).map(lambda days: f"{days}d"),
)
label_names = st.sampled_from(
    ["namespace", "job", "cluster", "region", "instance", "pod", "app_kubernetes_io_name"]
)
regexes = st.sampled_from(
    ["shop|cart", ".+", "shop-.*", "(eu|us)-[0-9]+", "a{2,4}", r"\d+\.x", "[^b]+", "(?i:Shop)", ""]
)
label_values = st.one_of(st.sampled_from(["shop", "checkout", "10.0.0.1:9187"]), texts)
matchers = st.dictionaries(
    label_names,
    st.one_of(
        label_values,
        label_values,
        st.builds(lambda value: {"equals": value}, label_values),
        st.builds(lambda value: {"regex": value}, regexes.filter(bool)),
        st.builds(lambda value: {"not": value}, label_values),
        st.builds(lambda value: {"not_regex": value}, st.sampled_from(["canary.*", "a|b"])),
    ),
    max_size=3,
)


def some(**fields: SearchStrategy[Any]) -> SearchStrategy[Spec]:
    """A mapping with any of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


# -- PromQL ----------------------------------------------------------------------------------------

_counters = st.sampled_from(["orders_total", "payments_completed_total", "messages_sent_total"])
_gauges = st.sampled_from(
    ["queue_depth", "open_carts", "last_success_timestamp_seconds", "pool_free_ratio"]
)
_windows = durations("2m", "5m", "10m", "30m", "1h")
_selections = st.sampled_from(
    ["", '{result="ok"}', '{result=~"ok|done"}', '{result!="failed"}', '{kind="a",result!~"x.*"}']
)
_groups = st.sampled_from(["kind", "region", "kind, region", "instance"])
_aggregations = st.sampled_from(["sum", "max", "min", "avg"])


def _query(template: str, **parts: SearchStrategy[str]) -> SearchStrategy[str]:
    """A query with its parts drawn: `@x` is replaced by what `parts` has for `x`."""

    def filled(drawn: dict[str, str]) -> str:
        text = template
        for name, value in drawn.items():
            text = text.replace(f"@{name}", value)
        return text

    return st.fixed_dictionaries(parts).map(filled)


_rates = _query("sum(rate(@m@s[@w]))", m=_counters, s=_selections, w=_windows)
_grouped_rates = _query(
    "sum by (@g) (rate(@m@s[@w]))", g=_groups, m=_counters, s=_selections, w=_windows
)
_gauge = _query("@a(@m@s)", a=_aggregations, m=_gauges, s=_selections)
_ratios = _query("sum(rate(@m@s[@w])) / sum(rate(@m[@w]))", m=_counters, s=_selections, w=_windows)
queries = st.one_of(
    _rates,
    _rates,
    _grouped_rates,
    _ratios,
    _gauge,
    _query("rate(@m@s[@w])", m=_counters, s=_selections, w=_windows),
    _query("sum(increase(@m@s[@w]))", m=_counters, s=_selections, w=_windows),
    _query(
        "sum by (@g) (rate(@m@s[@w])) / sum by (@g) (rate(@m[@w]))",
        g=_groups,
        m=_counters,
        s=_selections,
        w=_windows,
    ),
    _query("1 - @r", r=_ratios),
    _query("100 * (@r)", r=_ratios),
    _query("(@x) or vector(0)", x=_rates),
    _query("@m@s", m=_gauges, s=_selections),
    _query("@a by (@g) (@m@s)", a=_aggregations, g=_groups, m=_gauges, s=_selections),
    _query(
        "@f(@m@s[@w])",
        f=st.sampled_from(["avg_over_time", "max_over_time", "min_over_time", "last_over_time"]),
        m=_gauges,
        s=_selections,
        w=_windows,
    ),
    _query(
        "max(@f(@m[@w]))",
        f=st.sampled_from(["avg_over_time", "max_over_time"]),
        m=_gauges,
        w=_windows,
    ),
    _query(
        "histogram_quantile(@q, sum by (le) (rate(@m@s[@w])))",
        q=st.sampled_from(["0.5", "0.95", "0.99"]),
        m=st.sampled_from(["basket_value_euros_bucket", "job_duration_seconds_bucket"]),
        s=_selections,
        w=_windows,
    ),
    _query("time() - max(@m@s)", m=_gauges, s=_selections),
    _query("sum(@m) - sum(@n)", m=_gauges, n=st.sampled_from(["closed_carts", "queue_taken"])),
    _query("sum(@m) / count(@m)", m=_gauges),
    _query("count(@m@s)", m=_gauges, s=_selections),
    _query("sum(rate(@m[@w])) / sum(rate(visits_total[@w]))", m=_counters, w=_windows),
    _query("sum(rate(latency_sum[@w])) / sum(rate(latency_count[@w]))", w=_windows),
    _query("abs(delta(@m[@w]))", m=_gauges, w=_windows),
    _query("clamp_max(sum(@m), 1000)", m=_gauges),
)
events = st.one_of(
    _query("rate(@m@s[5m])", m=_counters, s=_selections),
    _query("increase(@m@s[5m])", m=_counters, s=_selections),
    _query("sum(rate(@m@s[5m]))", m=_counters, s=_selections),
    _query("sum by (kind) (rate(@m@s[5m]))", m=_counters, s=_selections),
)
numbers = st.one_of(
    st.sampled_from([0, 0.05, 0.2, 0.5, 0.95, 1, 2, 100, 3600, 1_000_000, 1e-3, -1, "0.5"]),
    st.decimals(min_value=0, max_value=10_000, places=3, allow_nan=False).map(float),
)

# -- the parts of a spec ---------------------------------------------------------------------------

_CONVENTIONS = sorted(load_library().conventions)
# Bucket boundaries that they have, and times that they don't.
_thresholds = durations(
    "100ms", "250ms", "500ms", "1s", "2500ms", "5s", "50ms", "300ms", "800ms", "7s", "1m"
)
_convention_parts: dict[str, SearchStrategy[Any]] = {
    "requests": st.sampled_from(["http_requests_total", 'rpc_calls_total{side="server"}', "hits"]),
    "errors": st.sampled_from(
        ['http_requests_total{code=~"5.."}', 'rpc_calls_total{side="server",ok="false"}', "fails"]
    ),
    "latency": st.fixed_dictionaries(
        {
            "histogram": st.sampled_from(
                ["http_request_duration_seconds", 'rpc_seconds{side="server"}']
            )
        },
        optional={
            "unit": st.sampled_from(["seconds", "milliseconds"]),
            "buckets": st.sampled_from(
                [[0.1, 0.25, 0.5, 1], [0.05, 0.1, 0.3, 1, 2.5, 10], [100, 250, 500, 5000]]
            ),
        },
    ),
    "route": st.sampled_from(["handler", "route"]),
}
conventions = st.one_of(
    st.sampled_from(_CONVENTIONS),
    st.fixed_dictionaries(_convention_parts),
    st.builds(
        lambda name, parts: {"use": name, **parts},
        st.sampled_from(_CONVENTIONS),
        some(**_convention_parts),
    ),
    some(**_convention_parts),
)


def _slo(
    head: dict[str, SearchStrategy[Any]], **extra: SearchStrategy[Any]
) -> SearchStrategy[Spec]:
    optional = {
        "window": slo_windows,
        "title": texts,
        "description": texts,
        "grouping": st.lists(
            st.sampled_from(["kind", "region", "handler"]), max_size=2, unique=True
        ),
        **extra,
    }
    return st.fixed_dictionaries(head, optional=optional)


slos = st.one_of(
    _slo({"availability": objectives}, name=slugs(20)),
    _slo({"latency": st.builds("{} under {}".format, objectives, _thresholds)}, name=slugs(20)),
    _slo({"name": slugs(20), "objective": objectives, "bad": events, "total": events}),
    _slo({"name": slugs(20), "objective": objectives, "good": events, "total": events}),
)


def _slo_name(slo: Spec) -> Any:
    return slo.get("name", "availability" if "availability" in slo else "latency")


_urls = st.sampled_from(
    [
        "https://shop.example.com/healthz",
        "http://10.0.0.1:8080/-/ready",
        "https://example.com",
        "http://[::1]:9/x?a=1&b=%20",
    ]
)
probes = st.one_of(
    _urls,
    st.fixed_dictionaries(
        {"url": _urls},
        optional={
            "name": slugs(20),
            "interval": durations("10s", "15s", "30s", "1m", "5m", "1h"),
            "timeout": durations("500ms", "1s", "5s", "10s"),
            "slow": durations("100ms", "500ms", "2s"),
            "certificate": durations("7d", "14d", "30d"),
            "module": st.sampled_from(["http_2xx", "tls_connect"]),
        },
    ).filter(lambda probe: "certificate" not in probe or probe["url"].startswith("https:")),
)
business_alerts = st.one_of(
    st.fixed_dictionaries({"below": numbers}, optional={"for": holds, "severity": severities}),
    st.fixed_dictionaries({"above": numbers}, optional={"for": holds, "severity": severities}),
    st.fixed_dictionaries(
        {"drop": st.sampled_from(["1%", "10%", "50%", "90%", "99.5%"])},
        optional={
            "against": durations("1h", "1d", "1w", "2w"),
            "for": holds,
            "severity": severities,
        },
    ),
    st.fixed_dictionaries(
        {"absent": durations("1m", "10m", "1h", "1d")}, optional={"severity": severities}
    ),
)
business = st.fixed_dictionaries(
    {"name": slugs(20), "query": queries},
    optional={
        "title": texts,
        "description": texts,
        "unit": st.one_of(
            st.sampled_from(["ratio", "seconds", "bytes", "count", "orders/s"]), texts
        ),
        "match": matchers,
        "alerts": st.lists(business_alerts, max_size=3, unique_by=lambda alert: next(iter(alert))),
    },
)
_TEAMS = ["checkout", "orders", "a"]
_CHANNELS = ["pager", "chat", "log"]
_alert_names = st.sampled_from(
    [
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
        "PodRestarting",
        "DiskFilling",
    ]
)
tunings = st.dictionaries(
    _alert_names,
    st.one_of(
        st.just(False),
        st.just("off"),
        some(severity=severities, keep_firing_for=holds, **{"for": holds}),
    ),
    max_size=2,
)
_dependencies = st.builds(
    lambda kind, name, rest: {kind: name, **rest},
    st.sampled_from(["postgresql", "redis", "kafka", "service", "external"]),
    slugs(20),
    some(match=matchers, objective=objectives),
)
_variables = st.fixed_dictionaries(
    {"name": st.sampled_from(["DATABASE_URL", "_x", "TIMEOUT"])},
    optional={"type": texts, "description": texts, "required": st.booleans(), "default": texts},
)
_PARTS: dict[str, SearchStrategy[Any]] = {
    "team": st.sampled_from(_TEAMS),
    "tier": st.integers(1, 4),
    "match": matchers,
    "slos": st.lists(slos, max_size=3, unique_by=_slo_name),
    "latency": some(
        p50=_thresholds,
        p95=_thresholds,
        p99=_thresholds,
        buckets=st.sampled_from([["100ms", "250ms", "1s", "10s"], ["1ms", "1m"]]),
        **{"for": holds},
    ),
    "errors": some(above=st.sampled_from(["0%", "0.1%", "2%", "50%", "99%"]), **{"for": holds}),
    "uptime": st.lists(probes, max_size=3),
    "resources": some(
        cpu=st.just("85%"), disk=some(above=st.just("90%"), full_within=durations("4d"))
    ),
    "business": st.lists(business, max_size=3, unique_by=lambda signal: signal["name"]),
    "dependencies": st.lists(_dependencies, max_size=2),
    "alerts": tunings,
    "runbook": some(deploy=texts, rollback=texts, restart=texts, scale=texts, logs=texts | _urls),
}
service_specs: SearchStrategy[Spec] = st.fixed_dictionaries(
    {"service": slugs(), "convention": conventions},
    optional={
        **_PARTS,
        "title": texts,
        "description": texts,
        "runtime": st.sampled_from(RUNTIMES),
        "environment_variables": st.lists(_variables, max_size=2),
        "environments": st.dictionaries(
            st.sampled_from(["production", "staging", "eu-1"]),
            st.none() | some(**_PARTS),
            max_size=2,
        ),
    },
)


@st.composite
def _escalations(draw: DrawFn) -> Spec:
    """The parts of a project file that say who is told: channels, policies of several steps, hours
    and teams."""
    policies = {name: draw(_policies) for name in ("urgent", "calm")}
    # Pages that reach nobody are a mistake where there are policies.
    chosen = st.fixed_dictionaries(
        {"page": st.sampled_from(list(policies))},
        optional={"ticket": st.sampled_from(list(policies)), "info": st.just("calm")},
    )
    cases = st.lists(
        st.fixed_dictionaries(
            {"tier": st.lists(st.integers(1, 4), min_size=1, max_size=2)},
            optional={
                "environment": st.sampled_from(["production", "staging"]),
                "page": st.just("calm"),
            },
        ),
        max_size=2,
    )
    return {
        "channels": {
            name: {"webhook": {"url": f"https://{name}.example.com/hook"}} for name in _CHANNELS
        },
        "escalation": policies,
        "hours": {"office": draw(_hours), "night": draw(_hours)},
        "teams": {name: {"escalation": draw(chosen) | {"where": draw(cases)}} for name in _TEAMS},
        **draw(
            some(
                catch_all=st.sampled_from(_CHANNELS),
                watchdog=some(every=durations("30s", "5m")).map(_watched),
            )
        ),
    }


def _watched(spec: Spec) -> Spec:
    return {"notify": _CHANNELS[0], **spec}


_steps = st.fixed_dictionaries(
    {"notify": st.lists(st.sampled_from(_CHANNELS), min_size=1, max_size=3)},
    optional={"during": st.sampled_from(["office", "night"])},
)
_delays = st.lists(st.integers(1, 240), max_size=3, unique=True).map(sorted)
_policies = st.builds(
    lambda first, later, delays, repeat: {
        "steps": [
            first,
            *({**step, "after": f"{delay}m"} for step, delay in zip(later, delays, strict=False)),
        ],
        **repeat,
    },
    _steps,
    st.lists(_steps, min_size=3, max_size=3),
    _delays,
    some(repeat=durations("5m", "1h", "5d")),
)
_hours = st.fixed_dictionaries(
    {
        "days": st.sampled_from(
            ["monday to friday", ["saturday to monday", "wednesday"], "sunday"]
        ),
        "from": st.sampled_from(["00:00", "09:00", "22:30"]),
        "to": st.sampled_from(["06:00", "18:00", "24:00"]),
    },
    optional={
        "timezone": st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata"]),
        "holidays": st.lists(st.dates(date(2026, 1, 1), date(2030, 1, 1)).map(str), max_size=2),
    },
)
_settings = st.fixed_dictionaries(
    {},
    optional={
        "targets": st.sampled_from([["files"], ["kubernetes"], ["files", "kubernetes", "mimir"]]),
        "prometheus": some(
            version=st.sampled_from(["2.42", "2.55", "3.5"]),
            scrape_interval=durations("5s", "15s", "30s", "1m"),
            evaluation_interval=durations("15s", "1m"),
            external_labels=st.sampled_from(["cluster", ["cluster", "region"]]),
        ),
        "alertmanager": some(
            page=some(
                group_wait=durations("0s", "30s"),
                group_interval=durations("1m"),
                repeat_interval=durations("5d"),
            )
        ),
        "grafana": st.fixed_dictionaries(
            {"url": st.just("https://grafana.example.com")}, optional={"folder": texts}
        ),
        "runbooks": st.just({"url": "https://git.example.com/{service}/runbook.md"}),
        "slo": some(window=slo_windows),
    },
)

projects = st.builds(
    lambda settings, escalation: settings | escalation, _settings, st.just({}) | _escalations()
)

# -- what is nearly a spec -------------------------------------------------------------------------

_odd_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)


@st.composite
def damaged(draw: DrawFn) -> Spec:
    """A spec with one value, anywhere in it, replaced by something else, or with a key too many."""
    spec = draw(service_specs)
    places: list[Callable[[Any], None]] = list(_places(spec))
    draw(st.sampled_from(places))(draw(_odd_values))
    return spec


def _places(node: Any) -> Any:
    """Setters of every value of a tree."""
    keys = list(node) if isinstance(node, dict) else list(range(len(node)))
    for key in keys:
        yield lambda value, at=key: node.__setitem__(at, value)
        if isinstance(node[key], dict | list):
            yield from _places(node[key])
    if isinstance(node, dict):
        yield lambda value: node.__setitem__(str(value), value)
