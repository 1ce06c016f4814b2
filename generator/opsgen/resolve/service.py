"""The resolve stage: a service spec and its organisation in, a complete `Service` out, with every
value's origin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeVar
from urllib.parse import urlsplit

from opsgen.load.pack_file import ConventionFile, HistogramSpec, InlineConvention
from opsgen.load.scalars import SLUG_LENGTH
from opsgen.load.service_spec import (
    AlertTuning,
    BusinessAlertSpec,
    BusinessSpec,
    ConventionSpec,
    Match,
    MatchSpec,
    ProbeSpec,
    ServiceSpec,
    SloSpec,
)
from opsgen.model import links
from opsgen.model.service import (
    SEVERITIES,
    AlertOverride,
    BusinessAlert,
    BusinessSignal,
    Convention,
    EnvironmentVariable,
    EventSlo,
    Histogram,
    PolicyCase,
    Probe,
    Scrape,
    Service,
    Setting,
    SloKind,
    Team,
)
from opsgen.promql import (
    Aggregate,
    Call,
    Matcher,
    Node,
    PromqlError,
    Selector,
    Subquery,
    one_line,
    parse,
)
from opsgen.promql.tree import exact_value, walk
from opsgen.promql.versions import TooNew, too_new
from opsgen.quantities import Duration, Ratio, number_text
from opsgen.resolve.project import (
    Mistakes,
    Organisation,
    Positions,
    chosen_policies,
    default_policy,
    policy_cases,
    suggest,
    team_without_project,
)

_T = TypeVar("_T")

_SHORTEST_SLO, _LONGEST_SLO = Duration.of("1d"), Duration.of("365d")
_UNIT_SECONDS = {"seconds": Decimal(1), "milliseconds": Decimal("0.001")}
_PRIMARY_ENVIRONMENT = "production"

# The defaults of everything a spec may leave out, with where each comes from.
_DEFAULTS: dict[str, tuple[Setting, str]] = {
    "errors.above": (
        Ratio.parse("5%"),
        "default: 5% of requests, as awesome-prometheus-alerts has it",
    ),
    "errors.for": (Duration.of("5m"), "default: as long as the window it is measured over"),
    "latency.p50": (None, "not asked for"),
    "latency.p95": (None, "not asked for"),
    "latency.p99": (None, "not asked for"),
    "latency.for": (Duration.of("10m"), "default: two windows of five minutes"),
    "targets.down": (Ratio.parse("10%"), "default: kube-prometheus' TargetDown"),
}
# Of what an environment has in common with the first, what would be told twice, or tell people to
# touch the wrong one.
_SHARED = (
    (
        "match",
        (
            "watches the same series as the first environment; write match:, unless it has a"
            " Prometheus of its own"
        ),
    ),
    ("runbook", "has the commands of the first environment in its runbook; write runbook: for it"),
    ("uptime", "polls the same URLs as the first environment; write uptime: for it, [] for none"),
)
# Targets that write a folder of their name beside those of the services.
_TARGET_FOLDERS = frozenset({"kubernetes", "terraform", "grafana", "mkdocs"})

_PROBE_INTERVAL = Duration.of("30s")
_PROBE_TIMEOUT = Duration.of("5s")
_PROBE_SLOW = Duration.of("1s")
_CERTIFICATE = Duration.of("14d")
# On every recorded series or alert: what an expression kept of them would be overwritten, and
# groups fall together.
OWN_LABELS = frozenset(
    {
        "alertname",
        "alertstate",
        "environment",
        "service",
        "severity",
        "signal",
        "slo",
        "team",
        "tier",
    }
)
_AVERAGING = frozenset({"avg", "max", "min", "quantile", "stddev", "stdvar"})
_NEED_TWO_SAMPLES = frozenset(
    {"rate", "irate", "increase", "delta", "idelta", "deriv", "predict_linear"}
)
_COUNTER_FUNCTIONS = frozenset({"rate", "increase"})

# Alerts that the spec may already name, of packs that are not shipped yet.
ALERTS_NOT_YET = frozenset(
    {
        "PodRestarting",
        "CpuHigh",
        "MemoryHigh",
        "DiskFilling",
        "CpuThrottled",
        "OutOfMemory",
        "RolloutStuck",
    }
)


def resolve(
    spec: ServiceSpec,
    document: Positions,
    organisation: Organisation,
    conventions: Mapping[str, ConventionFile],
    spec_file: str,
    environment: str | None = None,
) -> Service:
    """The service with every default filled in; raises InputError with all of the spec's mistakes.

    `spec_file` is the spec's name in outputs: the same on every machine, where the document's is as
    the user typed it. `environment` is one of `environments_of`, or None for the first of them.
    """
    return _Resolver(spec, document, organisation, conventions, environment).service(spec_file)


def environments_of(spec: ServiceSpec) -> tuple[str, ...]:
    """The names of a spec's environments: first production, or the first that is named where there
    is none."""
    names = list(spec.environments) or [_PRIMARY_ENVIRONMENT]
    first = _PRIMARY_ENVIRONMENT if _PRIMARY_ENVIRONMENT in names else names[0]
    return (first, *(name for name in names if name != first))


@dataclass(frozen=True)
class _Environment:
    """An environment, laid over the spec; `first` is the one whose outputs have the spec's own
    name."""

    name: str
    spec: ServiceSpec
    first: ServiceSpec | None


def _environment(spec: ServiceSpec, wanted: str | None) -> _Environment:
    first, *_ = environments_of(spec)
    if wanted in (None, first):
        return _Environment(first, _laid_over_spec(spec, first), None)
    return _Environment(wanted, _laid_over_spec(spec, wanted), _laid_over_spec(spec, first))


def _laid_over_spec(spec: ServiceSpec, name: str) -> ServiceSpec:
    overlay = spec.environments.get(name)
    if overlay is None:
        return spec
    return spec.model_copy(
        update={field: getattr(overlay, field) for field in overlay.model_fields_set}
    )


class _Resolver:
    def __init__(
        self,
        spec: ServiceSpec,
        document: Positions,
        organisation: Organisation,
        conventions: Mapping[str, ConventionFile],
        environment: str | None,
    ) -> None:
        self.environment = _environment(spec, environment)
        self.spec = self.environment.spec
        overlay = spec.environments.get(self.environment.name)
        self.overlaid = frozenset(overlay.model_fields_set if overlay is not None else ())
        # What tells this environment's outputs from those of the first.
        self.suffix = f"-{self.environment.name}" if self.environment.first is not None else ""
        self.name = f"{spec.service}{self.suffix}"
        self.document = document
        self.organisation = organisation
        self.conventions = conventions
        self.mistakes = Mistakes(document)
        self.origins: dict[str, str] = dict(organisation.origins)
        self.warnings: list[str] = []

    def service(self, spec_file: str) -> Service:
        spec, organisation = self.spec, self.organisation
        convention = self._convention()
        matchers = self._matchers()
        slos = tuple(self._slo(index, slo, convention) for index, slo in enumerate(spec.slos))
        self._refuse_double([slo.name for slo in slos], ("slos",), "SLOs")
        settings = self._settings(convention)
        probes = self._probes()
        business = tuple(self._business(index, item) for index, item in enumerate(spec.business))
        self._refuse_double([signal.name for signal in business], ("business",), "business signals")
        service = Service(
            name=self.name,
            title=(spec.title or spec.service)
            + (f" ({self.environment.name})" if self.suffix else ""),
            description=spec.description or "",
            team=self._told(self._team()),
            tier=self._given("tier", spec.tier, "default: wakes people for what users notice"),
            environment=self.environment.name,
            runtime=self._given(
                "runtime", spec.runtime, "default: nothing is assumed of what it runs on"
            ),
            spec_file=spec_file,
            convention=convention,
            matchers=matchers,
            slos=slos,
            probes=probes,
            business=business,
            settings=settings,
            origins=self.origins,
            overrides=self._overrides(),
            burn_rates=organisation.burn_rates,
            platform=organisation.platform,
            runbook_commands=self._runbook_commands(),
            runbook_url=organisation.runbook_url.replace("{service}", self.name),
            dashboard_url=self._dashboard_url(),
            folder=organisation.grafana_folder,
            environment_variables=self._environment_variables(),
            spec_name=spec.service,
            scrape=self._scrape(matchers),
            depends_on=tuple(
                dict.fromkeys(
                    f"{d.name}{self.suffix}" for d in spec.dependencies if d.kind == "service"
                )
            ),
            not_yet=tuple(self._not_yet()),
        )
        self._check_dependencies(slos)
        self._check_platform()
        self._check_environment()
        self._warn_of_silence(service.team)
        self._check_targets(service)
        self.mistakes.raise_any()
        return replace(service, warnings=tuple(self.warnings))

    # -- where values stand ------------------------------------------------------------------------

    def _path(self, *path: str | int) -> tuple[str | int, ...]:
        """Where a part of the merged spec was written: in the environment's overlay, or in the spec
        itself."""
        if path and path[0] in self.overlaid:
            return ("environments", self.environment.name, *path)
        return path

    def _wrong(self, path: tuple[str | int, ...], wrong: str, right: str = "") -> None:
        self.mistakes.add(self._path(*path), wrong, right)

    def _warn(self, path: tuple[str | int, ...], text: str) -> None:
        place = self.mistakes.place(self._path(*path))
        self.warnings.append(f"{place.file}:{place.line}: {text}")

    def _origin(self, *path: str | int) -> str:
        return str(self.mistakes.place(self._path(*path)))

    def _given(self, key: str, value: _T, default: str) -> _T:
        is_set = key in self.spec.model_fields_set or key in self.overlaid
        self.origins[key] = self._origin(key) if is_set else default
        return value

    def _refuse_double(self, names: list[str], path: tuple[str, ...], what: str) -> None:
        for index, name in enumerate(names):
            if name in names[:index]:
                self._wrong(
                    (*path, index),
                    f"two {what} are named {name}",
                    "give this one a name of its own",
                )

    # -- who and where -----------------------------------------------------------------------------

    def _team(self) -> Team:
        name, teams = self.spec.team, self.organisation.teams
        if name is None and len(teams) == 1:
            self.origins["team"] = "the only team of the project file"
            return next(iter(teams.values()))
        if name is None:
            self.origins["team"] = "not given"
            self.warnings.append(
                f"{self.document.file}: no team is named; its alerts carry team=unassigned"
            )
            return team_without_project("unassigned")
        self.origins["team"] = self._origin("team")
        if name in teams:
            return teams[name]
        if teams:
            self._wrong(("team",), f"there is no team {name!r}", suggest(name, teams, "teams"))
        return team_without_project(name)

    def _told(self, team: Team) -> Team:
        """The team with the policies that hold for this service: its own before the team's, a case
        before the rest."""
        own = self.spec.escalation
        path, known = self._path("escalation"), self.organisation.policies
        policies, cases = dict(team.policies), list(team.cases)
        if own is not None:
            cases.append(PolicyCase((), (), chosen_policies(own, path, known, self.mistakes)))
            cases.extend(policy_cases(own, path, known, self.mistakes))
        for case in cases:
            if case.fits(self.environment.name, self.spec.tier):
                policies.update(case.policies)
        return replace(team, policies=policies, cases=())

    def _warn_of_silence(self, team: Team) -> None:
        """A severity whose policy is the placeholder is told to nobody: the output says so, and so
        does the build."""
        silent = [
            severity for severity in SEVERITIES if team.policies[severity] == default_policy()
        ]
        if silent:
            of_what = (
                " and ".join(f"{severity}s" for severity in silent)
                if len(silent) < len(SEVERITIES)
                else "alerts"
            )
            right = f"give team {team.name} an escalation policy in the project file, opsgen.yaml"
            self.warnings.append(f"{self.document.file}: nobody is told of its {of_what}; {right}")

    def _scrape(self, matchers: Iterable[Matcher]) -> Scrape | None:
        spec = self.spec.scrape
        if spec is None:
            return None
        if "kubernetes" not in self.organisation.platform.targets:
            self._warn(("scrape",), "nothing comes of this without the target kubernetes")
        return Scrape(
            "pods" if spec.services is None else "services",
            spec.services or spec.pods or {},
            spec.namespace or exact_value(matchers, "namespace"),
            spec.port,
            spec.path,
            spec.scheme,
        )

    def _check_targets(self, service: Service) -> None:
        """What a target can't say is refused."""
        if service.name in _TARGET_FOLDERS.intersection(service.platform.targets):
            wrong = f"the target {service.name} writes a folder of this name"
            self._wrong(("service",), wrong, "give the service another name")
        if "kubernetes" in service.platform.targets:
            from opsgen.render.kubernetes.alertmanagerconfig import beyond

            for wrong in dict.fromkeys(beyond(service)):
                right = "remove it, or leave kubernetes out of targets"
                self._wrong(("service",), wrong, right)

    def _dashboard_url(self) -> str:
        url = self.organisation.grafana_url
        return f"{url}/d/{links.dashboard_uid(self.name)}" if url else ""

    def _matchers(self) -> tuple[Matcher, ...]:
        if not self.spec.match and "match" in self.spec.model_fields_set:
            if self.spec.convention is not None:
                self._wrong(
                    ("match",),
                    "a convention has to know the service's series",
                    "write a matcher, or leave it out",
                )
            self._warn(
                ("match",), "it is empty, so that nothing says when the service's targets are down"
            )
            self.origins["match"] = self._origin("match")
            return ()
        if not self.spec.match:
            self.origins["match"] = "default: the scrape job of the service's name"
            return (Matcher("job", "=", self.spec.service),)
        self.origins["match"] = self._origin("match")
        return self._matched(("match",), self.spec.match)

    def _matched(self, path: tuple[str | int, ...], match: Match) -> tuple[Matcher, ...]:
        """The matchers, after checking that Prometheus takes their regular expressions."""
        for label, spec in match.items():
            matcher = _matcher(label, spec)
            try:
                parse(one_line(Selector("up", (matcher,))))
            except PromqlError:
                key = "regex" if spec.regex is not None else "not_regex"
                wrong = f"{matcher.value!r} is no regular expression that Prometheus takes"
                self._wrong((*path, label, key), wrong, "write it in the syntax of RE2")
        return matchers_of(match)

    def _runbook_commands(self) -> dict[str, str]:
        runbook = self.spec.runbook
        if runbook is None:
            return {}
        return {
            key: value
            for key in type(runbook).model_fields
            if (value := getattr(runbook, key)) is not None
        }

    def _environment_variables(self) -> tuple[EnvironmentVariable, ...]:
        return tuple(
            EnvironmentVariable(
                v.name, v.type, v.description or "", v.required, v.secret, v.default
            )
            for v in self.spec.environment_variables
        )

    # -- the convention ----------------------------------------------------------------------------

    def _convention(self) -> Convention:
        spec = self.spec.convention
        if spec is None:
            self.origins["convention"] = "not given: no traffic, errors or latency"
            return Convention("none", "no convention")
        self.origins["convention"] = self._origin("convention")
        base: InlineConvention = spec
        name, title = "inline", "as the spec names them"
        if spec.use is not None:
            found = self.conventions.get(spec.use)
            if found is None:
                right = suggest(spec.use, self.conventions, "conventions")
                self._wrong(("convention",), f"there is no convention {spec.use!r}", right)
                return Convention("none", "no convention")
            base, name, title = _laid_over(found, spec), found.convention, found.title
        return Convention(
            name=name,
            title=title,
            requests=self._selector("requests", base.requests),
            errors=self._selector("errors", base.errors),
            latency=self._histogram(base.latency),
            route_label=base.route,
        )

    def _selector(self, part: str, text: str | None) -> Selector | None:
        if text is None:
            return None
        node = self._parsed(("convention", part), text)
        if isinstance(node, Selector) and node.metric and node.range is None and not node.offset_ms:
            return node
        if node is not None:
            right = 'write a metric with its matchers: http_requests_total{code=~"5.."}'
            self._wrong(("convention", part), "this is not a plain selector", right)
        return None

    def _histogram(self, spec: HistogramSpec | None) -> Histogram | None:
        if spec is None:
            return None
        base = self._selector("latency", spec.histogram)
        unit = _UNIT_SECONDS[spec.unit]
        own = self.spec.latency.buckets if self.spec.latency else ()
        buckets = tuple(sorted({bound.seconds / unit for bound in own} or set(spec.buckets)))
        return None if base is None else Histogram(base, unit, buckets)

    # -- objectives --------------------------------------------------------------------------------

    def _slo(self, index: int, spec: SloSpec, convention: Convention) -> EventSlo:
        path = ("slos", index)
        kind, objective, title = self._promise(path, spec, convention)
        self._check_grouping(path, spec)
        return EventSlo(
            name=spec.name or kind,
            kind=kind,
            objective=objective,
            window=self._slo_window(index, spec),
            place=self.mistakes.place(self._path(*path)),
            grouping=tuple(dict.fromkeys(spec.grouping)),
            threshold=spec.latency.threshold if spec.latency else None,
            bad=spec.bad,
            good=spec.good,
            total=spec.total,
            title=spec.title or title,
            description=spec.description or "",
            was=spec.was,
        )

    def _promise(
        self, path: tuple[str | int, ...], spec: SloSpec, convention: Convention
    ) -> tuple[SloKind, Ratio, str]:
        """The kind of an SLO, its objective and its title for people, after checking what it is
        measured by."""
        if spec.availability is not None:
            if convention.requests is None or convention.errors is None:
                self._needs(path, "availability", "requests and errors", convention)
            return "availability", spec.availability, "Availability"
        if spec.latency is not None:
            threshold = spec.latency.threshold
            if convention.latency is None:
                self._needs(path, "latency", "a latency histogram", convention)
            else:
                self._check_boundary(path, threshold, convention.latency)
            return "latency", spec.latency.objective, f"Answers under {threshold}"
        assert (
            spec.objective is not None and spec.name is not None
        )  # the model has one of the three forms
        for key in ("bad", "good", "total"):
            self._check_events((*path, key), getattr(spec, key))
        return "events", spec.objective, spec.name

    def _slo_window(self, index: int, spec: SloSpec) -> Duration:
        key = f"slos[{index}].window"
        if spec.window is None:
            self.origins[key] = self.organisation.origins["slo.window"]
            return self.organisation.slo_window
        self.origins[key] = self._origin("slos", index, "window")
        if not _SHORTEST_SLO <= spec.window <= _LONGEST_SLO:
            self._wrong(
                ("slos", index, "window"),
                f"{spec.window} is no period for an SLO",
                "write 1d to 365d",
            )
        return spec.window

    def _check_grouping(self, path: tuple[str | int, ...], spec: SloSpec) -> None:
        for index, label in enumerate(spec.grouping):
            if label in OWN_LABELS or (label == "le" and spec.latency is not None):
                wrong = f"{label} is a label that opsgen's own rules set or read"
                self._wrong(
                    (*path, "grouping", index), wrong, "group by a label of the service's series"
                )
            elif label.lower() in ("inf", "nan"):
                self._wrong(
                    (*path, "grouping", index),
                    f"PromQL reads {label} as a number",
                    "give it another name",
                )

    def _needs(
        self, path: tuple[str | int, ...], what: str, parts: str, convention: Convention
    ) -> None:
        if self.spec.convention is None:
            wrong = f"{what} can't be measured without a convention"
        elif convention.name == "none":
            return  # the convention itself was reported
        else:
            wrong = f"the convention {convention.name} has no {parts.removeprefix('a ')}"
        known = ", ".join(sorted(self.conventions))
        self._wrong(
            (*path, what),
            wrong,
            f"name a convention that has ({known}), or write convention: with {parts}",
        )

    def _check_boundary(
        self, path: tuple[str | int, ...], threshold: Duration, histogram: Histogram
    ) -> None:
        bound, buckets = histogram.bound(threshold), histogram.buckets
        if not buckets or bound in buckets:
            return
        nearest = _neighbours(bound, buckets)
        texts = " and ".join(
            str(Duration.from_seconds(b * histogram.unit_seconds)) for b in nearest
        )
        if bound > buckets[-1]:
            right = (
                f"write at most {texts}, or state the histogram's own buckets under latency.buckets"
            )
            self._wrong(
                (*path, "latency"), f"{threshold} is beyond the histogram's last bucket", right
            )
            return
        self._warn(
            (*path, "latency"),
            f"{threshold} is no bucket boundary of {histogram.base.metric}; the nearest are"
            f" {texts}. Without a bucket at {threshold} the SLO has no data: use one of them, or"
            " state the real ones under latency.buckets",
        )

    def _check_events(self, path: tuple[str | int, ...], text: str | None) -> None:
        node = None if text is None else self._parsed(path, text)
        if node is None:
            return
        counted = {
            id(arg)
            for call in walk(node)
            if isinstance(call, Call) and call.function in _COUNTER_FUNCTIONS
            for arg in call.args
        }
        right = "write for example rate(orders_failed_total[5m])"
        ranges = [found for found in walk(node) if isinstance(found, Selector)]
        if any(isinstance(found, Subquery) for found in walk(node)):
            self._wrong(path, "an SLO counts events and cannot be taken from a subquery", right)
        elif not ranges or any(found.range is None or id(found) not in counted for found in ranges):
            self._wrong(
                path,
                "an SLO counts events: every metric must be a counter under rate() or increase()",
                right,
            )
        elif averaging := next(
            (p for p in walk(node) if isinstance(p, Aggregate) and p.op in _AVERAGING), None
        ):
            wrong = f"an SLO counts events, and {averaging.op} of them is no count"
            self._wrong(path, wrong, "write sum, or leave it out")
        else:
            self._check_ranges(path, node)

    def _check_ranges(self, path: tuple[str | int, ...], node: Node) -> None:
        """A rate needs two samples in its range, or it has no value; evaluated at any moment, that
        takes twice as long as a scrape does."""
        scrape = self.organisation.platform.scrape_interval
        for found in walk(node):
            if isinstance(found, Call) and found.function in _NEED_TWO_SAMPLES:
                for selected in found.args:
                    window = selected.range if isinstance(selected, Selector) else None
                    if isinstance(window, Duration) and window < scrape * 2:
                        right = f"scraping every {scrape}, write {scrape * 4} or more"
                        self._wrong(
                            path, f"{found.function}() over {window} holds too few samples", right
                        )
                        return

    # -- thresholds --------------------------------------------------------------------------------

    def _settings(self, convention: Convention) -> dict[str, Setting]:
        settings: dict[str, Setting] = {}
        for key, (default, origin) in _DEFAULTS.items():
            section, _, name = key.partition(".")
            spec = getattr(self.spec, section, None)
            field = "for_" if name == "for" else name
            given = getattr(spec, field, None) if spec is not None else None
            settings[key] = default if given is None else given
            self.origins[key] = origin if given is None else self._origin(section, name)
        if convention.errors is None:
            settings["errors.above"] = None
        if self.spec.errors is not None and convention.errors is None and convention.name != "none":
            self._wrong(
                ("errors",), f"the convention {convention.name} has no errors", "leave this out"
            )
        self._check_error_ratio(settings["errors.above"])
        self._check_percentiles(settings, convention)
        return settings

    def _check_error_ratio(self, limit: Setting) -> None:
        """With neither end of the scale can a single failure be told from trouble."""
        if isinstance(limit, Ratio) and not 0 < limit.value < 1:
            never = f"a share of failed requests is never above {limit}"
            wrong = never if limit.value else f"above {limit} every single failure fires"
            self._wrong(
                ("errors", "above"), wrong, "write a percentage between 0% and 100%, for example 2%"
            )

    def _check_percentiles(self, settings: Mapping[str, Setting], convention: Convention) -> None:
        for name, quantile in (
            ("p50", Decimal("0.5")),
            ("p95", Decimal("0.95")),
            ("p99", Decimal("0.99")),
        ):
            threshold = settings[f"latency.{name}"]
            if not isinstance(threshold, Duration):
                continue
            path = ("latency", name)
            if convention.latency is None:
                if convention.name != "none" or self.spec.convention is None:
                    self._wrong(
                        path, "there is no latency histogram", "name a convention that has one"
                    )
                continue
            self._check_percentile(path, threshold, quantile, convention.latency)

    def _check_percentile(
        self,
        path: tuple[str | int, ...],
        threshold: Duration,
        quantile: Decimal,
        histogram: Histogram,
    ) -> None:
        if not histogram.buckets:
            return
        bound, unit = histogram.bound(threshold), histogram.unit_seconds
        first, last = histogram.buckets[0], histogram.buckets[-1]
        if bound >= last:
            right = (
                f"write less than {Duration.from_seconds(last * unit)}, or state latency.buckets"
            )
            self._wrong(
                path,
                f"the histogram can't tell more than its last bucket, so above {threshold} never"
                " fires",
                right,
            )
        elif bound < quantile * first:
            least = Duration.from_seconds(quantile * first * unit + Decimal("0.001"))
            right = f"write at least {least}, or state latency.buckets"
            self._wrong(
                path,
                f"the histogram can't tell less than its first bucket, so above {threshold} always"
                " fires",
                right,
            )

    # -- probes ------------------------------------------------------------------------------------

    def _probes(self) -> tuple[Probe, ...]:
        names = self._probe_names()
        return tuple(
            self._probe(index, spec, names[index]) for index, spec in enumerate(self.spec.uptime)
        )

    def _probe_names(self) -> list[str]:
        names: list[str] = []
        for index, spec in enumerate(self.spec.uptime):
            name = next(
                (candidate for candidate in _probe_name_candidates(spec) if candidate not in names),
                None,
            )
            if name is None:
                self._wrong(
                    ("uptime", index),
                    "another probe has the same name",
                    "give this one a name of its own",
                )
                name = f"probe-{index}"
            names.append(name)
        return names

    def _probe(self, index: int, spec: ProbeSpec, name: str) -> Probe:
        path = ("uptime", index)
        interval = spec.interval or _PROBE_INTERVAL
        timeout = spec.timeout or min(_PROBE_TIMEOUT, interval)
        is_https = spec.url.startswith("https://")
        if timeout > interval:
            self._wrong(
                (*path, "timeout"),
                f"{timeout} is longer than the interval of {interval}",
                f"write {interval} or less",
            )
        if spec.certificate is not None and not is_https:
            self._wrong(
                (*path, "certificate"),
                "an http URL shows no certificate",
                "write https://, or leave it out",
            )
        if (spec.slow or _PROBE_SLOW) >= timeout and spec.slow is not None:
            self._wrong(
                (*path, "slow"),
                f"a probe is cut off after {timeout}",
                "write less than the timeout",
            )
        return Probe(
            name=name,
            url=spec.url,
            interval=interval,
            timeout=timeout,
            slow=spec.slow or min(_PROBE_SLOW, timeout // 2),
            certificate=(spec.certificate or _CERTIFICATE) if is_https else None,
            module=spec.module or self.organisation.blackbox_module,
            place=self.mistakes.place(self._path(*path)),
        )

    # -- business ----------------------------------------------------------------------------------

    def _business(self, index: int, spec: BusinessSpec) -> BusinessSignal:
        path = ("business", index)
        node = self._parsed((*path, "query"), spec.query)
        if isinstance(node, Selector) and node.range is not None:
            self._wrong(
                (*path, "query"),
                "a range of samples is no number",
                f"write for example rate({spec.query})",
            )
        elif node is not None:
            self._check_ranges((*path, "query"), node)
        if isinstance(node, Aggregate) and node.grouping and not node.grouping.without:
            for label in sorted(OWN_LABELS.intersection(node.grouping.labels)):
                wrong = (
                    f"{label} is a label that opsgen sets on every alert, so its groups would fall"
                    " together"
                )
                self._wrong((*path, "query"), wrong, "group by another label")
        if not spec.name[:1].isalpha():
            self._wrong(
                (*path, "name"), f"{spec.name} begins no alert's name", "begin with a letter"
            )
        return BusinessSignal(
            name=spec.name,
            title=spec.title or spec.name,
            description=spec.description or "",
            query=spec.query,
            unit=spec.unit,
            alerts=tuple(
                self._business_alert((*path, "alerts", i), alert)
                for i, alert in enumerate(spec.alerts)
            ),
            place=self.mistakes.place(self._path(*path)),
            matchers=None if spec.match is None else self._matched((*path, "match"), spec.match),
            was=spec.was,
        )

    def _business_alert(
        self, path: tuple[str | int, ...], spec: BusinessAlertSpec
    ) -> BusinessAlert:
        return BusinessAlert(
            place=self.mistakes.place(self._path(*path)),
            below=spec.below,
            above=spec.above,
            drop=spec.drop,
            absent=spec.absent,
            against=spec.against,
            hold=spec.for_,
            severity=spec.severity,
        )

    def _overrides(self) -> dict[str, AlertOverride]:
        return {name: self._override(name, tuning) for name, tuning in self.spec.alerts.items()}

    def _override(self, name: str, tuning: AlertTuning) -> AlertOverride:
        place = self.mistakes.place(self._path("alerts", name), "key")
        return AlertOverride(
            tuning.off, tuning.for_, tuning.keep_firing_for, tuning.severity, place
        )

    # -- what can be said only of the whole --------------------------------------------------------

    def _parsed(self, path: tuple[str | int, ...], text: str) -> Node | None:
        """The tree of a query of the spec, or None after the mistake was noted."""
        try:
            node = parse(text)
        except PromqlError as error:
            self._wrong(path, f"this is no PromQL: {error}", "try it in Prometheus' own query page")
            return None
        newer = too_new(node, self.organisation.platform.prometheus)
        if newer is not None:
            self._wrong(path, *_beyond(newer, self.organisation.platform.prometheus))
            return None
        return node

    def _check_dependencies(self, slos: Iterable[EventSlo]) -> None:
        """An objective above what its dependencies promise together can't be kept by the service
        alone."""
        product = Decimal(1)
        for dependency in self.spec.dependencies:
            if dependency.objective is not None:
                product *= dependency.objective.value
        for index, slo in enumerate(slos):
            if slo.kind == "availability" and slo.objective.value > product:
                at_most = number_text((product * 100).quantize(Decimal("0.001")))
                self._warn(
                    ("slos", index),
                    f"an availability of {slo.objective} is above what its dependencies promise"
                    f" together, {at_most}%",
                )

    def _check_environment(self) -> None:
        """What another environment has in common with the first would be told of twice."""
        first, name = self.environment.first, self.environment.name
        if first is None:
            return
        path = ("environments", name)
        if len(self.name) > SLUG_LENGTH:
            wrong = f"its name would be {self.name}, of {len(self.name)} characters"
            self.mistakes.add(path, wrong, f"shorten both to {SLUG_LENGTH - 1} together")
        place = self.mistakes.place(path, "key")
        for key, words in _SHARED:
            given = getattr(self.spec, key)
            if given and given == getattr(first, key):
                self.warnings.append(f"{place.file}:{place.line}: {name} {words}")

    def _check_platform(self) -> None:
        if not (self.spec.slos or self.spec.uptime or self.spec.business or self.spec.convention):
            right = "write a convention, slos, uptime or business"
            self._wrong((), "there is nothing to watch beside the service's targets", right)

    def _not_yet(self) -> Iterable[str]:
        spec = self.spec
        if spec.resources is not None:
            yield "resources"
        if spec.dependencies:
            yield "dependencies"
        for name in spec.alerts:
            if name in ALERTS_NOT_YET:
                yield f"alerts.{name}"


def matchers_of(match: Match) -> tuple[Matcher, ...]:
    """Label matchers as PromQL has them, in the order in which they are written."""
    return tuple(_matcher(label, spec) for label, spec in match.items())


def _matcher(label: str, spec: MatchSpec) -> Matcher:
    if spec.equals is not None:
        return Matcher(label, "=", spec.equals)
    if spec.regex is not None:
        return Matcher(label, "=~", spec.regex)
    if spec.not_ is not None:
        return Matcher(label, "!=", spec.not_)
    assert spec.not_regex is not None  # the model has one of the four
    return Matcher(label, "!~", spec.not_regex)


def _laid_over(base: ConventionFile, spec: ConventionSpec) -> InlineConvention:
    """A named convention with the parts that the spec writes in their place."""
    given = {name: getattr(spec, name) for name in spec.model_fields_set if name != "use"}
    return base.model_copy(update=given)


def _beyond(newer: TooNew, version: str) -> tuple[str, str]:
    """What is wrong with a query for a newer Prometheus than the project's, and what would be
    right."""
    if newer.since is None:
        return f"{newer.what} needs a feature flag of Prometheus", "write it without"
    wrong = f"{newer.what} needs Prometheus {newer.since}; the project says {version}"
    return wrong, "write it without, or set prometheus.version in opsgen.yaml"


def _neighbours(bound: Decimal, buckets: tuple[Decimal, ...]) -> list[Decimal]:
    below = [bucket for bucket in buckets if bucket < bound]
    above = [bucket for bucket in buckets if bucket > bound]
    return below[-1:] + above[:1]


def _probe_name_candidates(spec: ProbeSpec) -> list[str]:
    """The given name; or the last part of the path, then host and path."""
    if spec.name is not None:
        return [spec.name]
    parts = urlsplit(spec.url)
    host, path = _slug(parts.hostname or ""), _slug(parts.path)
    last = _slug(parts.path.rstrip("/").rsplit("/", 1)[-1])
    return [name for name in (last or host, f"{host}-{path}".strip("-"), _slug(spec.url)) if name]


def _slug(text: str) -> str:
    """Lower-case letters, digits and single hyphens, at most 63 of them."""
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in text.lower()).split()
    return "-".join(words)[:63].strip("-")
