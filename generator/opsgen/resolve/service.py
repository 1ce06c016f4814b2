"""The resolve stage. A service spec and its organisation go in; a complete `Service` comes out,
with the origin of every value, and the spec's mistakes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from opsgen.load.library import Library
from opsgen.load.service_spec import ServiceSpec
from opsgen.load.tuning_spec import AlertTuning
from opsgen.model import links
from opsgen.model.organisation import Organisation
from opsgen.model.service import (
    AlertOverride,
    Dependency,
    EnvironmentVariable,
    Scrape,
    Service,
)
from opsgen.model.targets import target_that_reads
from opsgen.promql import Matcher
from opsgen.promql.tree import exact_value
from opsgen.resolve.business import business_signals
from opsgen.resolve.context import Context
from opsgen.resolve.convention import service_convention
from opsgen.resolve.dependencies import service_dependencies, services_needed
from opsgen.resolve.environments import (
    check_environment,
    environments_of,
    laid_over_spec,
    overlaid_keys,
)
from opsgen.resolve.match import service_matchers
from opsgen.resolve.mistakes import Mistakes, Positions
from opsgen.resolve.objectives import service_objectives, warn_of_dependencies
from opsgen.resolve.pack_settings import pack_settings, service_process, service_runtime
from opsgen.resolve.probes import service_probes
from opsgen.resolve.settings import service_settings
from opsgen.resolve.sound import Resolved, resolved
from opsgen.resolve.teams import service_team, warn_of_silence

# Alerts that the spec may already name, of packs that are not shipped yet.
_ALERTS_NOT_YET = frozenset(
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
    library: Library,
    spec_file: str,
    environment: str | None = None,
) -> Resolved:
    """Resolves a spec in one environment: fills in every default, and collects all of the spec's
    mistakes.

    `spec_file` is the name of the spec in outputs. It is the same on every machine, while the
    document's name is as the user typed it. `environment` is one of `environments_of`; None means
    the first.
    """
    first, *_ = environments_of(spec)
    here = environment or first
    context = Context(
        spec=laid_over_spec(spec, here),
        environment=here,
        first=None if here == first else laid_over_spec(spec, first),
        overlaid=overlaid_keys(spec, here),
        document=document,
        organisation=organisation,
        library=library,
        mistakes=Mistakes(document),
        origins=dict(organisation.origins),
    )
    return _resolved(context, spec_file)


def _resolved(context: Context, spec_file: str) -> Resolved:
    spec, organisation, name = context.spec, context.organisation, context.name
    convention = service_convention(context)
    matchers = service_matchers(context)
    dependencies = service_dependencies(context)
    title = context.given("title", spec.title or spec.service, "default: the service's name")
    if context.suffix:
        title = f"{title} ({context.environment})"
    service = Service(
        name=name,
        title=title,
        description=spec.description or "",
        convention=convention,
        matchers=matchers,
        slos=service_objectives(context, convention, matchers),
        settings=service_settings(context, convention),
        probes=service_probes(context),
        business=business_signals(context),
        team=service_team(context),
        tier=context.given("tier", spec.tier, "default: wakes people for what users notice"),
        environment=context.environment,
        runtime=service_runtime(context),
        spec_file=spec_file,
        origins=context.origins,
        overrides=_overrides(context),
        burn_rates=organisation.burn_rates,
        platform=organisation.platform,
        runbook_commands=_runbook_commands(spec),
        runbook_url=organisation.runbook_url.replace("{service}", name),
        dashboard_url=_dashboard_url(context),
        folder=organisation.grafana_folder,
        environment_variables=_environment_variables(spec),
        spec_name=spec.service,
        scrape=_scrape(context, matchers),
        process=service_process(context),
        dependencies=dependencies,
        depends_on=services_needed(context, dependencies),
        pack_settings=pack_settings(context),
        explanations=context.library.explanations,
        not_yet=tuple(_not_yet(context, dependencies)),
    )
    warn_of_dependencies(context, service.slos)
    _check_watched(context)
    check_environment(context)
    warn_of_silence(context, service.team)
    return resolved(context, replace(service, warnings=tuple(context.warnings)))


def _overrides(context: Context) -> dict[str, AlertOverride]:
    return {name: _override(context, name, spec) for name, spec in context.spec.alerts.items()}


def _override(context: Context, name: str, tuning: AlertTuning) -> AlertOverride:
    return AlertOverride(
        off=tuning.off,
        hold=tuning.for_,
        keep_firing=tuning.keep_firing_for,
        severity=tuning.severity,
        place=context.place("alerts", name, of="key"),
    )


def _runbook_commands(spec: ServiceSpec) -> dict[str, str]:
    runbook = spec.runbook
    if runbook is None:
        return {}
    commands = {key: getattr(runbook, key) for key in type(runbook).model_fields}
    return {key: command for key, command in commands.items() if command is not None}


def _dashboard_url(context: Context) -> str:
    url = context.organisation.grafana_url
    return f"{url}/d/{links.dashboard_uid(context.name)}" if url else ""


def _environment_variables(spec: ServiceSpec) -> tuple[EnvironmentVariable, ...]:
    return tuple(
        EnvironmentVariable(
            name=variable.name,
            type=variable.type,
            description=variable.description or "",
            required=variable.required,
            secret=variable.secret,
            default=variable.default,
        )
        for variable in spec.environment_variables
    )


def _scrape(context: Context, matchers: Iterable[Matcher]) -> Scrape | None:
    spec = context.spec.scrape
    if spec is None:
        return None
    reader = target_that_reads("scrape")
    if reader not in context.organisation.platform.targets:
        context.warn(("scrape",), f"this has no effect without the target {reader}")
    return Scrape(
        of="pods" if spec.services is None else "services",
        selector=spec.services or spec.pods or {},
        namespace=spec.namespace or exact_value(matchers, "namespace"),
        port=spec.port,
        path=spec.path,
        scheme=spec.scheme,
    )


def _not_yet(context: Context, dependencies: Iterable[Dependency]) -> Iterable[str]:
    spec = context.spec
    if spec.resources is not None:
        yield "resources"
    if any(one.kind not in context.library.packs for one in dependencies):
        yield "dependencies"
    for name in spec.alerts:
        if name in _ALERTS_NOT_YET:
            yield f"alerts.{name}"


def _check_watched(context: Context) -> None:
    spec = context.spec
    if not (spec.slos or spec.uptime or spec.business or spec.convention):
        right = "write a convention, slos, uptime or business"
        context.wrong((), "there is nothing to watch except the service's targets", right)
