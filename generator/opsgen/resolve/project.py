"""The project file goes in; the organisation comes out: what all services share, with every default
filled in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from opsgen.load.project_spec import BurnRateSpec, ProjectSpec
from opsgen.model.artifact_kinds import RUNBOOK
from opsgen.model.oncall import Channel, Watchdog
from opsgen.model.organisation import Organisation, RunbookPolicy
from opsgen.model.service import BurnRate
from opsgen.model.targets import TARGETS
from opsgen.quantities import Duration, number_text
from opsgen.resolve.mistakes import Mistakes, Positions
from opsgen.resolve.objectives import check_window
from opsgen.resolve.open_incidents import open_incidents
from opsgen.resolve.policies import channels_of, known_channel, policies_of
from opsgen.resolve.servers import platform_of
from opsgen.resolve.teams import team_of_project

_SLO_WINDOW = Duration.of("30d")  # The Site Reliability Workbook's own
# By a model of counted requests, fewer page on ordinary errors: 3 make 1.4 false pages a month at
# 50 requests an hour that fail at the sustainable 0.1%, 5 make none.
_MIN_BAD_EVENTS = 5
_WATCHDOG_EVERY = Duration.of("1m")

# Where the defaults come from.
_DEFAULTS = {
    ("slo", "window"): "the SRE workbook's 30 days",
    ("slo", "min_bad_events"): "so few do not page by chance",
    ("slo", "burn_rates"): "the SRE workbook's, scaled to the window",
    ("prometheus", "version"): "the oldest that is supported",
    ("prometheus", "scrape_interval"): "30s",
    ("prometheus", "evaluation_interval"): "30s",
    ("prometheus", "retention"): "Prometheus' own",
    ("prometheus", "external_labels"): "none",
    ("prometheus", "pushed"): "Prometheus scrapes every series",
    ("alertmanager", "version"): "the oldest that is supported",
    ("blackbox", "address"): "the exporter's name and port in most installations",
}


def resolve_project(spec: ProjectSpec, document: Positions | None) -> Organisation:
    """The project file with every default filled in; raises InputError with all of its mistakes."""
    mistakes = Mistakes(document)
    platform = platform_of(spec, mistakes)
    channels = channels_of(spec, mistakes)
    policies = policies_of(spec, channels, platform.timings["page"].repeat, mistakes)
    organisation = Organisation(
        teams={
            name: team_of_project(name, team, policies, mistakes)
            for name, team in spec.teams.items()
        },
        platform=platform,
        slo_window=spec.slo.window or _SLO_WINDOW,
        min_bad_events=spec.slo.min_bad_events or _MIN_BAD_EVENTS,
        burn_rates=_burn_rates(spec, platform.scrape_interval, mistakes),
        grafana_url=(spec.grafana.url or "").rstrip("/"),
        grafana_folder=spec.grafana.folder,
        runbook_url=spec.runbooks.url or RUNBOOK.path_of("{service}"),
        blackbox_module=spec.blackbox.module,
        out=spec.out,
        templates=spec.templates,
        file=None if document is None else document.file,
        policies=policies,
        catch_all=known_channel(("catch_all",), spec.catch_all, channels, mistakes),
        watchdog=_watchdog(spec, channels, mistakes),
        runbook_policy=RunbookPolicy(spec.runbooks.complete, spec.runbooks.review_after),
        origins=_origins(spec, mistakes),
        not_yet=tuple(_not_yet(spec)),
        warnings=tuple(open_incidents(spec, channels, mistakes)),
    )
    _check_targets(spec, mistakes)
    check_window(("slo", "window"), organisation.slo_window, mistakes)
    mistakes.raise_any()
    return organisation


def _origins(spec: ProjectSpec, mistakes: Mistakes) -> dict[str, str]:
    origins = {}
    for (section, key), default in _DEFAULTS.items():
        is_given = key in getattr(spec, section).model_fields_set
        place = mistakes.place((section, key))
        origins[f"{section}.{key}"] = str(place) if is_given else f"default: {default}"
    return origins


def _check_targets(spec: ProjectSpec, mistakes: Mistakes) -> None:
    """Notes a target whose required part of the project file is missing."""
    for index, name in enumerate(spec.targets):
        for asked in TARGETS[name].asks:
            if getattr(spec, asked.key) is None:
                mistakes.add(("targets", index), asked.wrong, asked.right)


def _watchdog(
    project: ProjectSpec, channels: Mapping[str, Channel], mistakes: Mistakes
) -> Watchdog | None:
    spec = project.watchdog
    if spec is None:
        return None
    channel = known_channel(("watchdog", "notify"), spec.notify, channels, mistakes)
    return Watchdog(channel, spec.every or _WATCHDOG_EVERY) if channel else None


def _burn_rates(
    spec: ProjectSpec, scrape: Duration, mistakes: Mistakes
) -> tuple[BurnRate, ...] | None:
    given = spec.slo.burn_rates
    if given is None:
        return None
    return tuple(_burn_rate(index, one, scrape, mistakes) for index, one in enumerate(given))


def _burn_rate(index: int, spec: BurnRateSpec, scrape: Duration, mistakes: Mistakes) -> BurnRate:
    path = ("slo", "burn_rates", index)
    short = spec.short or spec.long // 12
    if spec.factor < 1:
        wrong = f"a burn rate of {number_text(spec.factor)} never spends the budget"
        mistakes.add((*path, "factor"), wrong, "write 1 or more")
    if short >= spec.long:
        wrong = f"{short} is not shorter than {spec.long}"
        mistakes.add((*path, "short"), wrong, "write 1/12 of the long window")
    if short < scrape * 4:
        wrong = f"a short window of {short} holds too few samples"
        mistakes.add(path, wrong, f"the scrape interval is {scrape}: write {scrape * 4} or more")
    return BurnRate(spec.severity, spec.factor, spec.long, short)


def _not_yet(spec: ProjectSpec) -> Iterable[str]:
    for name, team in spec.teams.items():
        if team.email is not None:
            yield f"teams.{name}.email"
