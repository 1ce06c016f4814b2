"""The project file, resolved: teams with their policies, channels, the platform, and where things
are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from opsgen.channels.providers import PROVIDERS, Provider, divided, of_provider, providers
from opsgen.channels.receivers import PLACEHOLDER, check_channel
from opsgen.load.escalation_spec import EscalationCase, EscalationChoice, HoursSpec, StepSpec
from opsgen.load.project_spec import BurnRateSpec, ChannelSpec, ProjectSpec, TimingSpec
from opsgen.model.service import (
    SEVERITIES,
    BurnRate,
    Channel,
    Cluster,
    Hours,
    OnCall,
    Platform,
    Policy,
    PolicyCase,
    RunbookPolicy,
    Severity,
    Step,
    Team,
    Timing,
    Watchdog,
)
from opsgen.quantities import Duration, number_text
from opsgen.resolve.mistakes import KeyPath, Mistakes, Positions, suggest

SCRAPE_INTERVAL = Duration.of("30s")
EVALUATION_INTERVAL = Duration.of("30s")
SLO_WINDOW = Duration.of("30d")  # The Site Reliability Workbook's own

# How long Alertmanager remembers what it has sent, unless told otherwise (--data.retention): later
# it would repeat.
_LONGEST_REPEAT = Duration.of("120h")

WATCHDOG_EVERY = Duration.of("1m")

TIMINGS: Mapping[Severity, Timing] = {
    # Long enough for the alerts of one outage to arrive together, too short to matter; repeated
    # within a shift.
    "page": Timing(Duration.of("10s"), Duration.of("5m"), Duration.of("4h")),
    # Nobody gets up: a page that explains the ticket has the time to inhibit it. Repeated once a
    # day until it is done.
    "ticket": Timing(Duration.of("5m"), Duration.of("5m"), Duration.of("24h")),
    # To be read, not to be acted on.
    "info": Timing(Duration.of("5m"), Duration.of("30m"), Duration.of("72h")),
}

# Where the values come from that the project file does not give.
_DEFAULTS = {
    ("slo", "window"): "the SRE workbook's 30 days",
    ("slo", "burn_rates"): "the SRE workbook's, scaled to the window",
    ("prometheus", "version"): "the oldest that is supported",
    ("prometheus", "scrape_interval"): "30s",
    ("prometheus", "evaluation_interval"): "30s",
    ("alertmanager", "version"): "the oldest that is supported",
    ("blackbox", "address"): "the exporter's name and port in most installations",
}

_OLDEST_PROMETHEUS = (2, 42)  # keep_firing_for
_OLDEST_ALERTMANAGER = (0, 25)  # every *_file field that opsgen writes by default
# The rates of the recorded five minutes want four samples or more.
_SLOWEST_SCRAPE = Duration.of("1m")
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class Organisation:
    """What every service of a repository shares."""

    teams: Mapping[str, Team]
    platform: Platform
    slo_window: Duration
    burn_rates: tuple[BurnRate, ...] | None
    grafana_url: str
    grafana_folder: str
    runbook_url: str
    blackbox_module: str
    out: str
    templates: str | None
    file: str | None
    origins: Mapping[str, str]
    policies: Mapping[str, Policy]
    catch_all: Channel | None
    watchdog: Watchdog | None
    runbook_policy: RunbookPolicy
    not_yet: tuple[str, ...] = ()


def default_policy() -> Policy:
    """What stands in where nobody has said who is told: one plainly named channel that tells
    nobody."""
    return Policy("placeholder", (Step(Duration(0), (PLACEHOLDER,), None),))


def resolve_project(spec: ProjectSpec, document: Positions | None) -> Organisation:
    """The project file with every default filled in; raises InputError with all of its mistakes."""
    return _Resolver(spec, document).organisation()


def version_tuple(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


class _Resolver:
    def __init__(self, spec: ProjectSpec, document: Positions | None) -> None:
        self.spec = spec
        self.mistakes = Mistakes(document)
        self.file = document.file if document is not None else None

    def organisation(self) -> Organisation:
        spec = self.spec
        platform = self._platform()
        channels = self._channels()
        hours = {name: self._hours(name, hours) for name, hours in spec.hours.items()}
        policies = {name: self._policy(name, channels, hours, platform) for name in spec.escalation}
        self._ways_in(policies)
        teams = {name: self._team(name, policies) for name in spec.teams}
        catch_all = self._channel(("catch_all",), spec.catch_all, channels)
        if "grafana" in spec.targets and spec.catch_all is None:
            wrong = "Grafana's policies begin with somebody to tell"
            self.mistakes.add(
                ("targets", spec.targets.index("grafana")), wrong, "write catch_all: with a channel"
            )
        watchdog = self._watchdog(channels)
        burn_rates = self._burn_rates(platform)
        self._slo_window()
        self.mistakes.raise_any()
        return Organisation(
            teams=teams,
            platform=platform,
            slo_window=spec.slo.window or SLO_WINDOW,
            burn_rates=burn_rates,
            grafana_url=(spec.grafana.url or "").rstrip("/"),
            grafana_folder=spec.grafana.folder,
            runbook_url=spec.runbooks.url or "{service}/runbook.md",
            blackbox_module=spec.blackbox.module,
            out=spec.out,
            templates=spec.templates,
            file=self.file,
            policies=policies,
            catch_all=catch_all,
            watchdog=watchdog,
            runbook_policy=RunbookPolicy(spec.runbooks.complete, spec.runbooks.review_after),
            origins={
                ".".join(path): self._origin(path, default) for path, default in _DEFAULTS.items()
            },
            not_yet=tuple(self._not_yet()),
        )

    def _origin(self, path: tuple[str, str], default: str) -> str:
        section = getattr(self.spec, path[0])
        return (
            str(self.mistakes.place(path))
            if path[1] in section.model_fields_set
            else f"default: {default}"
        )

    def _platform(self) -> Platform:
        spec = self.spec
        self._at_least(("prometheus", "version"), spec.prometheus.version, _OLDEST_PROMETHEUS)
        self._at_least(("alertmanager", "version"), spec.alertmanager.version, _OLDEST_ALERTMANAGER)
        scrape = spec.prometheus.scrape_interval or SCRAPE_INTERVAL
        if scrape > _SLOWEST_SCRAPE:
            self.mistakes.add(
                ("prometheus", "scrape_interval"),
                f"{scrape} is too slow for rates over five minutes",
                f"scrape every {_SLOWEST_SCRAPE} or faster",
            )
        return Platform(
            prometheus=spec.prometheus.version,
            alertmanager=spec.alertmanager.version,
            scrape_interval=scrape,
            evaluation_interval=spec.prometheus.evaluation_interval or EVALUATION_INTERVAL,
            blackbox_address=spec.blackbox.address,
            targets=spec.targets,
            cluster=Cluster(
                spec.kubernetes.namespace or "",
                spec.kubernetes.labels,
                spec.kubernetes.dashboards,
                spec.kubernetes.grafana,
            ),
            timings={
                severity: self._timing(severity, default) for severity, default in TIMINGS.items()
            },
        )

    def _timing(self, severity: Severity, default: Timing) -> Timing:
        spec: TimingSpec = getattr(self.spec.alertmanager, severity)
        path = ("alertmanager", severity)
        timing = Timing(
            default.wait if spec.group_wait is None else spec.group_wait,
            spec.group_interval or default.interval,
            spec.repeat_interval or default.repeat,
        )
        if timing.repeat < timing.interval:
            wrong = f"it would repeat every {timing.repeat}, and send only every {timing.interval}"
            self.mistakes.add(path, wrong, "write a repeat_interval of a group_interval or more")
        if timing.repeat > _LONGEST_REPEAT:
            wrong = f"{timing.repeat} is longer than Alertmanager remembers what it has sent"
            self.mistakes.add((*path, "repeat_interval"), wrong, f"write {_LONGEST_REPEAT} or less")
        return timing

    def _at_least(self, path: tuple[str, str], version: str, oldest: tuple[int, int]) -> None:
        if version_tuple(version) < oldest:
            wanted = ".".join(str(part) for part in oldest)
            self.mistakes.add(path, f"version {version} is not supported", f"use {wanted} or later")

    def _channels(self) -> dict[str, Channel]:
        channels = {}
        for name, spec in self.spec.channels.items():
            for path, wrong, right in check_channel(
                name, spec.kind, spec.options, self.spec.alertmanager.version
            ):
                self.mistakes.add(("channels", name, *path), wrong, right)
            options = {key: value for key, value in spec.options.items() if key != "on_call"}
            channels[name] = Channel(name, spec.kind, options, self._on_call(name, spec))
        return channels

    def _on_call(self, name: str, spec: ChannelSpec) -> OnCall | None:
        """Whom the provider tells; None also where that is written wrongly, which is noted by
        then."""
        written = spec.options.get("on_call")
        if not isinstance(written, Mapping) or len(written) != 1 or spec.kind not in PROVIDERS:
            return None
        if "terraform" not in self.spec.targets:
            wrong = f"{PROVIDERS[spec.kind].title} learns of it by the target terraform alone"
            self.mistakes.add(
                ("channels", name, spec.kind, "on_call"),
                wrong,
                "add it to targets, or leave this out",
            )
        ((kind, who),) = written.items()
        return OnCall(kind, str(who))

    def _channel(
        self, path: KeyPath, name: str | None, channels: Mapping[str, Channel]
    ) -> Channel | None:
        if name is not None and name not in channels:
            self.mistakes.add(
                path, f"there is no channel {name!r}", suggest(name, channels, "channels")
            )
        return channels.get(name or "")

    def _watchdog(self, channels: Mapping[str, Channel]) -> Watchdog | None:
        spec = self.spec.watchdog
        if spec is None:
            return None
        channel = self._channel(("watchdog", "notify"), spec.notify, channels)
        return Watchdog(channel, spec.every or WATCHDOG_EVERY) if channel else None

    def _hours(self, name: str, spec: HoursSpec) -> Hours:
        days = tuple(
            filter(None, (self._days(name, index, text) for index, text in enumerate(spec.days)))
        )
        if spec.from_ == spec.to or spec.from_ == "24:00":
            right = 'write from: "00:00" and to: "24:00" for the whole day'
            self.mistakes.add(
                ("hours", name, "to"), f"there is no time from {spec.from_} to {spec.to}", right
            )
        if not _is_timezone(spec.timezone):
            self.mistakes.add(
                ("hours", name, "timezone"),
                f"{spec.timezone!r} is no time zone",
                "write one such as Europe/Berlin",
            )
        return Hours(
            name, days, ((spec.from_, spec.to),), spec.timezone, tuple(sorted(set(spec.holidays)))
        )

    def _days(self, name: str, index: int, text: str) -> str:
        first, _, last = text.lower().partition(" to ")
        ends = [first.strip(), *([last.strip()] if last else [])]
        unknown = [day for day in ends if day not in _DAYS]
        if unknown:
            self.mistakes.add(
                ("hours", name, "days", index),
                f"{unknown[0]!r} is no day",
                "write monday to friday",
            )
        return ":".join(ends)

    def _policy(
        self,
        name: str,
        channels: Mapping[str, Channel],
        hours: Mapping[str, Hours],
        platform: Platform,
    ) -> Policy:
        spec = self.spec.escalation[name]
        path = self.mistakes.written(("escalation", name), "steps")
        steps: list[Step] = []
        for index, step in enumerate(spec.steps):
            steps.append(self._step((*path, index), step, channels, hours))
            if index > 1 and step.after and steps[index - 1].after >= step.after:
                wrong = (
                    f"it comes {step.after} after the alert began to fire, as step {index} has by"
                    " then"
                )
                right = f"write more than {steps[index - 1].after}, or tell both in one step"
                self.mistakes.add((*path, index, "after"), wrong, right)
        if spec.repeat is not None and spec.repeat > _LONGEST_REPEAT:
            wrong = f"{spec.repeat} is longer than Alertmanager remembers what it has sent"
            self.mistakes.add(
                ("escalation", name, "repeat"), wrong, f"write {_LONGEST_REPEAT} or less"
            )
        for kind in providers(tuple(steps)):
            self._handed_over(path, kind, steps)
        return divided(name, tuple(steps), spec.repeat, platform.timings["page"].repeat)

    def _handed_over(self, path: KeyPath, kind: str, steps: Sequence[Step]) -> None:
        """Notes what a provider cannot do of what it is asked for."""
        provider = PROVIDERS[kind]
        taken = [(index, step) for index, step in enumerate(steps) if of_provider(kind, step)]
        first = before = taken[0][1]
        for index, step in taken:
            if provider.targets is not None and len(of_provider(kind, step)) > provider.targets:
                wrong = f"{provider.title} tells at most {provider.targets} in one step"
                self.mistakes.add((*path, index, "notify"), wrong, "divide them into several steps")
            if step is not first:
                self._delay(
                    (*path, index, "after"),
                    provider,
                    step.after - before.after,
                    step.after - first.after,
                )
                if step.during:
                    wrong = f"{provider.title} has no hours for a step that it takes"
                    right = "leave it out, and put the hours in its schedule"
                    self.mistakes.add((*path, index, "during"), wrong, right)
            before = step

    def _delay(
        self,
        path: KeyPath,
        provider: Provider,
        since_before: Duration,
        since_start: Duration,
    ) -> None:
        delay, whence = (
            (since_start, "the first")
            if provider.since_start
            else (since_before, "the step before")
        )
        if delay < provider.shortest or delay.milliseconds % provider.whole.milliseconds:
            wrong = f"{provider.title} can't wait for {delay} after {whence}"
            self.mistakes.add(
                path, wrong, f"write whole minutes, {provider.shortest} later or more"
            )
        elif provider.longest is not None and delay > provider.longest:
            wrong = (
                f"{provider.title} waits no longer than {provider.longest}, and this is {delay}"
                f" after {whence}"
            )
            self.mistakes.add(path, wrong, "write less")

    def _ways_in(self, policies: Mapping[str, Policy]) -> None:
        """A channel leads into one escalation of its provider, and to that by the kind of key that
        can be routed."""
        first: dict[str, str] = {}
        for policy in policies.values():
            for entry in (handover.entry for handover in policy.handovers):
                title = PROVIDERS[entry.kind].title
                if entry.name in first:
                    wrong = (
                        f"{entry.name} leads into {title} for the policy {first[entry.name]}"
                        " already"
                    )
                    self.mistakes.add(
                        ("escalation", policy.name), wrong, "begin with a channel of its own"
                    )
                first.setdefault(entry.name, policy.name)
                if entry.kind == "pagerduty" and "routing_key_file" not in entry.options:
                    wrong = "an event orchestration has a routing key, and no service key"
                    self.mistakes.add(
                        ("channels", entry.name, entry.kind), wrong, "write routing_key_file"
                    )

    def _step(
        self,
        path: KeyPath,
        spec: StepSpec,
        channels: Mapping[str, Channel],
        hours: Mapping[str, Hours],
    ) -> Step:
        told = [
            self._channel((*path, "notify", position), name, channels)
            for position, name in enumerate(spec.notify)
        ]
        if spec.during is not None and spec.during not in hours:
            right = suggest(spec.during, hours, "hours")
            self.mistakes.add((*path, "during"), f"there are no hours {spec.during!r}", right)
        if path[-1] == 0 and spec.after:
            self.mistakes.add((*path, "after"), "the first step has no delay", "leave it out")
        if path[-1] != 0 and not spec.after:
            self.mistakes.add(path, "a later step needs its delay", "write after: 15m")
        during = hours.get(spec.during) if spec.during else None
        return Step(
            spec.after or Duration(0), tuple(channel for channel in told if channel), during
        )

    def _team(self, name: str, policies: Mapping[str, Policy]) -> Team:
        spec = self.spec.teams[name]
        path: KeyPath = ("teams", name, "escalation")
        chosen = chosen_policies(spec.escalation, path, policies, self.mistakes)
        told: dict[Severity, Policy] = {}
        before = default_policy()
        for (
            severity
        ) in SEVERITIES:  # what has no policy of its own is told as the next more urgent one
            before = told[severity] = chosen.get(severity, before)
        cases = policy_cases(spec.escalation, path, policies, self.mistakes)
        return Team(name, spec.slack or "", told, cases, spec.owners)

    def _burn_rates(self, platform: Platform) -> tuple[BurnRate, ...] | None:
        if self.spec.slo.burn_rates is None:
            return None
        return tuple(
            self._burn_rate(index, spec, platform)
            for index, spec in enumerate(self.spec.slo.burn_rates)
        )

    def _burn_rate(self, index: int, spec: BurnRateSpec, platform: Platform) -> BurnRate:
        path = ("slo", "burn_rates", index)
        short = spec.short or spec.long // 12
        if spec.factor < 1:
            self.mistakes.add(
                (*path, "factor"),
                f"a burn rate of {number_text(spec.factor)} never spends the budget",
                "write 1 or more",
            )
        if short >= spec.long:
            self.mistakes.add(
                (*path, "short"), f"{short} is no shorter than {spec.long}", "write 1/12 of it"
            )
        if short < platform.scrape_interval * 4:
            right = (
                f"scraping every {platform.scrape_interval}, the shortest is"
                f" {platform.scrape_interval * 4}"
            )
            self.mistakes.add(path, f"a short window of {short} holds too few samples", right)
        return BurnRate(spec.severity, spec.factor, spec.long, short)

    def _slo_window(self) -> None:
        window = self.spec.slo.window
        if window is not None and not Duration.of("1d") <= window <= Duration.of("365d"):
            self.mistakes.add(
                ("slo", "window"), f"{window} is no period for an SLO", "write 1d to 365d"
            )

    def _not_yet(self) -> Iterable[str]:
        for name, team in self.spec.teams.items():
            if team.email is not None:
                yield f"teams.{name}.email"


def _is_timezone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return True


def chosen_policies(
    spec: EscalationChoice | EscalationCase,
    path: KeyPath,
    policies: Mapping[str, Policy],
    mistakes: Mistakes,
) -> dict[Severity, Policy]:
    """The policies that are named there, by severity; one that there is not is noted as a
    mistake."""
    found: dict[Severity, Policy] = {}
    for severity in SEVERITIES:
        name: str | None = getattr(spec, severity)
        if name is not None and name in policies:
            found[severity] = policies[name]
        elif name is not None:
            right = suggest(name, policies, "policies")
            mistakes.add((*path, severity), f"there is no policy {name!r}", right)
    return found


def policy_cases(
    spec: EscalationChoice,
    path: KeyPath,
    policies: Mapping[str, Policy],
    mistakes: Mistakes,
) -> tuple[PolicyCase, ...]:
    """The cases of a choice, in their order; one that names nothing special is noted as a
    mistake."""
    cases = []
    for index, case in enumerate(spec.where):
        here = (*path, "where", index)
        if not case.environment and not case.tier:
            mistakes.add(
                here, "it fits every service", "write environment or tier, or leave where out"
            )
        cases.append(
            PolicyCase(case.environment, case.tier, chosen_policies(case, here, policies, mistakes))
        )
    return tuple(cases)


def team_without_project(name: str) -> Team:
    """A team that no project file knows: all of its alerts go to the placeholder."""
    return replace(
        Team(name, "", {}),
        policies={severity: default_policy() for severity in ("page", "ticket", "info")},
    )
