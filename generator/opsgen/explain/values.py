"""`opsgen explain`: a service and its signals in, every resolved value with its origin and every
alert in words out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opsgen.channels.providers import Told, told
from opsgen.model.oncall import Policy
from opsgen.model.service import Service, Setting
from opsgen.model.signal import Alert, Derived
from opsgen.promql import one_line
from opsgen.quantities import Duration, Ratio, number_text


def explain_text(service: Service, derived: Derived) -> str:
    """For people, on a terminal of 100 columns or so."""
    return "\n".join(_lines(service, derived)) + "\n"


def explain_json(service: Service, derived: Derived) -> dict[str, Any]:
    """For programs: the same, as plain JSON."""
    return {
        "service": service.name,
        "values": [
            {"path": path, "value": value, "origin": origin}
            for path, value, origin in resolved_values(service)
        ],
        "alerts": [_alert_json(alert) for alert in derived.alerts],
        "escalation": {
            severity: _policy_words(policy) for severity, policy in service.team.policies.items()
        },
        "notes": [*service.warnings, *derived.warnings],
        "not_yet_generated": list(service.not_yet),
    }


def resolved_values(service: Service) -> Iterator[tuple[str, str, str]]:
    """Every value that the build uses: its path in the spec, what it is, and where it comes
    from."""
    origins = service.origins
    yield "service", service.name, service.spec_file
    yield "team", service.team.name, origins["team"]
    yield "tier", str(service.tier), origins["tier"]
    yield "environment", service.environment, "the spec's environments, or production"
    yield "runtime", service.runtime, origins["runtime"]
    yield "convention", service.convention.name, origins["convention"]
    yield (
        "match",
        ", ".join(f"{m.label}{m.op}{m.value}" for m in service.matchers),
        origins["match"],
    )
    for index, slo in enumerate(service.slos):
        under = f" under {slo.threshold}" if slo.threshold else ""
        yield (
            f"slos[{index}]",
            f"{slo.name}: {slo.objective}{under} over {slo.window}",
            str(slo.place),
        )
        yield f"slos[{index}].window", str(slo.window), origins[f"slos[{index}].window"]
    for path, setting in service.settings.items():
        yield path, _setting(setting), origins[path]
    for index, probe in enumerate(service.probes):
        words = (
            f"{probe.url} as {probe.name}, every {probe.interval}, timeout {probe.timeout}, slow"
            f" from {probe.slow}"
        )
        certificate = (
            f", certificate {probe.certificate} before its end" if probe.certificate else ""
        )
        yield f"uptime[{index}]", words + certificate, str(probe.place)
    for index, business in enumerate(service.business):
        yield (
            f"business[{index}]",
            f"{business.name}: {' '.join(business.query.split())}",
            str(business.place),
        )
    for name, override in service.overrides.items():
        changed = [f"for {override.hold}"] if override.hold is not None else []
        changed += (
            [f"keep_firing_for {override.keep_firing}"] if override.keep_firing is not None else []
        )
        changed += [f"severity {override.severity}"] if override.severity else []
        yield f"alerts.{name}", "off" if override.off else ", ".join(changed), str(override.place)
    platform = service.platform
    yield "prometheus.version", platform.prometheus, origins["prometheus.version"]
    yield (
        "prometheus.scrape_interval",
        str(platform.scrape_interval),
        origins["prometheus.scrape_interval"],
    )
    yield "alertmanager.version", platform.alertmanager, origins["alertmanager.version"]
    if service.burn_rates is not None:
        yield "slo.burn_rates", f"{len(service.burn_rates)} tiers", origins["slo.burn_rates"]


def _setting(setting: Setting) -> str:
    match setting:
        case None:
            return "none"
        case Duration() | Ratio() | str():
            return str(setting)
        case bool():
            return "yes" if setting else "no"
        case _:
            return number_text(setting)


def _lines(service: Service, derived: Derived) -> Iterator[str]:
    yield f"{service.title} ({service.name}), {service.spec_file}"
    yield ""
    yield "Values"
    rows = list(resolved_values(service))
    wide = max(len(path) for path, _, _ in rows)
    for path, value, origin in rows:
        yield f"  {path:<{wide}}  {value}"
        yield f"  {'':<{wide}}    from {origin}"
    yield ""
    yield "Alerts"
    for alert in derived.alerts:
        yield from _alert_lines(alert)
    yield "Who is told"
    for severity, policy in service.team.policies.items():
        yield f"  {severity:<7} {_policy_words(policy)}"
    for title, notes in (
        ("Notes", [*service.warnings, *derived.warnings]),
        ("Not yet generated", service.not_yet),
    ):
        if notes:
            yield ""
            yield title
            yield from (f"  {note}" for note in notes)


def _alert_lines(alert: Alert) -> Iterator[str]:
    yield f"  {alert.name} ({alert.signal}), {alert.severity}"
    yield f"    {alert.guidance.meaning}"
    for words in _numbers(alert):
        yield f"    {words}"
    yield f"    {one_line(alert.expr)}"
    yield ""


def _numbers(alert: Alert) -> Iterator[str]:
    yield f"Fires once this has held for {alert.hold.in_words}." if alert.hold else "Fires at once."
    if alert.keep_firing:
        yield f"Keeps firing for {alert.keep_firing.in_words} after it stopped."
    if alert.guards:
        yield f"Only with at least {alert.fewest}."


def _alert_json(alert: Alert) -> dict[str, Any]:
    return {
        "name": alert.name,
        "signal": alert.signal,
        "severity": alert.severity,
        "words": alert.guidance.meaning,
        "for": str(alert.hold),
        "keep_firing_for": str(alert.keep_firing),
        "thresholds": [threshold.words for threshold in alert.thresholds],
        "minimum_events": [
            {"events": guard.events, "window": str(guard.window)} for guard in alert.guards
        ],
        "expr": one_line(alert.expr),
    }


def _policy_words(policy: Policy) -> str:
    """`at once payments-primary, after 15m payments-secondary (policy critical)`."""
    return f"{', '.join(map(_told_words, told(policy)))} (policy {policy.name})"


def _told_words(one: Told) -> str:
    when = f"after {one.after}" if one.after else "at once"
    hours = f" during {one.during.name}" if one.during else ""
    by = f" by {one.by}" if one.by else ""
    return f"{when} {' and '.join(channel.name for channel in one.channels)}{by}{hours}"
