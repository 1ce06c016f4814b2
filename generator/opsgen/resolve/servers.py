"""The project file goes in; the platform comes out: versions of Prometheus and Alertmanager, and
how often they scrape, evaluate and notify."""

from __future__ import annotations

from collections.abc import Mapping

from opsgen.load.kubernetes_spec import KubernetesSpec
from opsgen.load.project_spec import ProjectSpec, TimingSpec
from opsgen.model.oncall import Severity
from opsgen.model.platform import RETENTION, Cluster, Platform, Timing
from opsgen.promql.text import is_plain_label
from opsgen.quantities import Duration
from opsgen.resolve.mistakes import Mistakes

SCRAPE_INTERVAL = Duration.of("30s")
EVALUATION_INTERVAL = Duration.of("30s")

TIMINGS: Mapping[Severity, Timing] = {
    # Groups of rules are evaluated at different moments of an interval: what one outage causes
    # arrives within one. Repeated within a shift.
    "page": Timing(EVALUATION_INTERVAL, Duration.of("5m"), Duration.of("4h")),
    # Nobody gets up for a ticket, so a page that explains it has time to inhibit it. Repeated once
    # a day until it is done.
    "ticket": Timing(Duration.of("5m"), Duration.of("5m"), Duration.of("24h")),
    # To be read, not to be acted on.
    "info": Timing(Duration.of("5m"), Duration.of("30m"), Duration.of("72h")),
}

# Alertmanager forgets what it has sent after this time (--data.retention), and then sends it again.
LONGEST_REPEAT = Duration.of("120h")

_OLDEST_PROMETHEUS = (2, 42)  # keep_firing_for
_OLDEST_ALERTMANAGER = (0, 25)  # every *_file field that opsgen writes by default
# Names of labels that need quotes: of Prometheus since 3.0; of Alertmanager since 0.27, and in the
# `equal` of an inhibition since 0.28 (CHANGELOG, "Fix UTF-8 not allowed in Equal field").
_QUOTED_NAMES = {"prometheus": (3, 0), "alertmanager": (0, 28)}
# The rates of the recorded five minutes want four samples or more.
_SLOWEST_SCRAPE = Duration.of("1m")
# Prometheus looks back five minutes for a series' last sample (--query.lookback-delta). Rules read
# what other rules record, and must find it after a missed evaluation too.
_SLOWEST_EVALUATION = Duration.of("2m")


def platform_of(spec: ProjectSpec, mistakes: Mistakes) -> Platform:
    """What runs the artifacts of a project, after noting what opsgen does not support."""
    prometheus, alertmanager = spec.prometheus, spec.alertmanager
    _at_least(("prometheus", "version"), prometheus.version, _OLDEST_PROMETHEUS, mistakes)
    _at_least(("alertmanager", "version"), alertmanager.version, _OLDEST_ALERTMANAGER, mistakes)
    _check_external_labels(spec, mistakes)
    return Platform(
        prometheus=prometheus.version,
        alertmanager=alertmanager.version,
        scrape_interval=_scrape_interval(spec, mistakes),
        evaluation_interval=_evaluation_interval(spec, mistakes),
        blackbox_address=spec.blackbox.address,
        retention=prometheus.retention or RETENTION,
        targets=spec.targets,
        cluster=_cluster(spec.kubernetes),
        timings={severity: _timing(spec, severity, mistakes) for severity in TIMINGS},
        external_labels=tuple(dict.fromkeys(prometheus.external_labels)),
        pushed=prometheus.pushed,
    )


def check_repeat(path: tuple[str, ...], repeat: Duration | None, mistakes: Mistakes) -> None:
    """Notes a repeat interval that is longer than Alertmanager remembers what it has sent."""
    if repeat is not None and repeat > LONGEST_REPEAT:
        wrong = (
            f"{repeat} is too long: Alertmanager remembers for {LONGEST_REPEAT} what it has sent"
        )
        mistakes.add(path, wrong, f"write {LONGEST_REPEAT} or less")


def _at_least(
    path: tuple[str, str], version: str, oldest: tuple[int, int], mistakes: Mistakes
) -> None:
    if _release(version) < oldest:
        wanted = ".".join(str(part) for part in oldest)
        mistakes.add(path, f"version {version} is not supported", f"use {wanted} or later")


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _check_external_labels(spec: ProjectSpec, mistakes: Mistakes) -> None:
    """Notes a name that the servers of this project do not take."""
    versions = {"prometheus": spec.prometheus.version, "alertmanager": spec.alertmanager.version}
    for label in spec.prometheus.external_labels:
        for server, since in _QUOTED_NAMES.items():
            if not is_plain_label(label) and _release(versions[server]) < since:
                release = f"{server.capitalize()} {'.'.join(map(str, since))}"
                wrong = f"the quoted name {label!r} needs {release}; here is {versions[server]}"
                right = f"name a label of letters, digits and _, or set {server}.version"
                mistakes.add(("prometheus", "external_labels"), wrong, right)


def _scrape_interval(spec: ProjectSpec, mistakes: Mistakes) -> Duration:
    scrape = spec.prometheus.scrape_interval or SCRAPE_INTERVAL
    if scrape > _SLOWEST_SCRAPE:
        wrong = f"{scrape} is too slow for rates over five minutes"
        right = f"scrape every {_SLOWEST_SCRAPE} or faster"
        mistakes.add(("prometheus", "scrape_interval"), wrong, right)
    return scrape


def _evaluation_interval(spec: ProjectSpec, mistakes: Mistakes) -> Duration:
    evaluation = spec.prometheus.evaluation_interval or EVALUATION_INTERVAL
    if evaluation > _SLOWEST_EVALUATION:
        wrong = f"{evaluation} is too slow: recorded series go stale after five minutes"
        right = f"evaluate every {_SLOWEST_EVALUATION} or faster"
        mistakes.add(("prometheus", "evaluation_interval"), wrong, right)
    return evaluation


def _cluster(spec: KubernetesSpec) -> Cluster:
    return Cluster(
        namespace=spec.namespace or "",
        labels=spec.labels,
        dashboards=spec.dashboards,
        grafana=spec.grafana,
    )


def _timing(project: ProjectSpec, severity: Severity, mistakes: Mistakes) -> Timing:
    spec: TimingSpec = getattr(project.alertmanager, severity)
    default = TIMINGS[severity]
    path = ("alertmanager", severity)
    timing = Timing(
        wait=default.wait if spec.group_wait is None else spec.group_wait,
        interval=spec.group_interval or default.interval,
        repeat=spec.repeat_interval or default.repeat,
    )
    if timing.repeat < timing.interval:
        wrong = f"it can't repeat every {timing.repeat} when it sends only every {timing.interval}"
        mistakes.add(
            path, wrong, "write a repeat_interval that is not shorter than the group_interval"
        )
    check_repeat((*path, "repeat_interval"), timing.repeat, mistakes)
    return timing
