"""A service and its policies go in; the inhibit rules of its alerts come out.

A rule mutes what a firing page explains, and nothing else: of this service, in this environment and
this cluster. The causes of an outage are in the order in which packs and texts name them by
`explained_by`: no target, a failed probe, availability, latency, business.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from opsgen.alertmanager.routing import matcher
from opsgen.model.explanations import (
    AVAILABILITY,
    DEPENDENCIES,
    LATENCY,
    PROBES,
    ExplainedBeside,
    Pages,
)
from opsgen.model.oncall import Policy, Severity
from opsgen.model.service import Service
from opsgen.signals.business import alert_name, kind_of_alert
from opsgen.signals.slo_alerts import BURN_ALERT
from opsgen.signals.steps import STEP_LABEL

InhibitRule = dict[str, list[str]]

# Whose alerts of the same service and environment are those of two clusters. An alert without the
# label is equal to another one without it.
_CLUSTER = "cluster"
# What a rule says itself, beside the labels of its expression.
_LABELS_OF_RULES = frozenset(
    ("alertname", "service", "team", "tier", "environment", "severity", "signal", "slo", STEP_LABEL)
)
_SLO_CAUSES = (AVAILABILITY, LATENCY)


@dataclass(frozen=True)
class _Alerts:
    """Alerts by their names, of some signals, or of any where there is none."""

    names: tuple[str, ...]
    signals: tuple[str, ...] = ()

    @property
    def matchers(self) -> Iterator[str]:
        yield _one_of("alertname", self.names)
        if self.signals:
            yield _one_of("signal", self.signals)


def identity(external_labels: Iterable[str] = ()) -> list[str]:
    """The labels that tell the same alerts of two installations apart: a group of notifications
    holds alerts of one, and an alert mutes others of the same. Prometheus adds an external label to
    an alert only where the rule has no label of this name."""
    others = (label for label in external_labels if label not in _LABELS_OF_RULES)
    return list(dict.fromkeys(("service", "environment", _CLUSTER, *others)))


def inhibit_rules(service: Service, policies: Mapping[Severity, Policy]) -> Iterator[InhibitRule]:
    """Every rule that mutes alerts of the service."""
    muted = [severity for severity in policies if _is_told_as_often(policies, "page", severity)]
    yield from _same_alert(service, policies)
    for source, targets in _causes(service):
        for target in targets:
            yield _rule(service, source, target, muted)
    yield from _dependency_rules(service)


def _is_told_as_often(
    policies: Mapping[Severity, Policy], source: Severity, target: Severity
) -> bool:
    """Whether somebody is told of the source whenever somebody would be told of the target. An
    alert that waits for its hours must not mute one that need not wait: Alertmanager mutes without
    a look at the clock."""
    hours = policies[source].steps[0].during
    return hours is None or hours == policies[target].steps[0].during


def _same_alert(service: Service, policies: Mapping[Severity, Policy]) -> Iterator[InhibitRule]:
    """An alert mutes its own milder severities."""
    milder: Mapping[Severity, tuple[Severity, ...]] = {
        "page": ("ticket", "info"),
        "ticket": ("info",),
    }
    for severity, others in milder.items():
        muted = [other for other in others if _is_told_as_often(policies, severity, other)]
        if muted:
            yield {
                "source_matchers": [_of(service), matcher("severity", severity)],
                "target_matchers": [_of(service), _one_of("severity", muted)],
                "equal": [*_equal(service), "alertname", "signal"],
            }


def _rule(
    service: Service, source: _Alerts, target: _Alerts, muted: Sequence[Severity]
) -> InhibitRule:
    """Only pages mute: an alert that is turned down to a ticket may stay open for days."""
    return {
        "source_matchers": [_of(service), matcher("severity", "page"), *source.matchers],
        "target_matchers": [_of(service), _one_of("severity", muted), *target.matchers],
        "equal": _equal(service),
    }


# -- causes ----------------------------------------------------------------------------------------


def _causes(service: Service) -> Iterator[tuple[_Alerts, list[_Alerts]]]:
    """Pages, and the alerts that they explain."""
    explanations = service.explanations
    for pages in explanations.causes:
        yield _Alerts(pages.alerts, (pages.signal,)), list(_explained(service, pages.signal))
    # One probe of several may fail by itself: it explains nothing of the service's other alerts.
    if len(service.probes) == 1:
        for pages in explanations.probes:
            source = _Alerts(pages.alerts, (f"{pages.signal}-{service.probes[0].name}",))
            yield source, list(_explained(service, PROBES))
    for cause in _SLO_CAUSES:
        signals = _slo_signals(service, [cause])
        if signals:
            yield _Alerts((BURN_ALERT,), signals), list(_explained(service, cause))
    for beside in explanations.beside:
        yield from _beside(service, beside)


def _explained(service: Service, cause: str) -> Iterator[_Alerts]:
    """The alerts of the service that a cause explains: by name where all of a name are, else by
    their signals too."""
    explanations = service.explanations
    kinds = explanations.kinds("slo", cause)
    names = [*explanations.alerts(cause), *_business_alerts(service, cause)]
    if kinds == explanations.all_kinds("slo"):
        names.append(BURN_ALERT)
    if names:
        yield _Alerts(tuple(dict.fromkeys(sorted(names))))
    signals = () if BURN_ALERT in names else _slo_signals(service, kinds)
    if signals:
        yield _Alerts((BURN_ALERT,), signals)


def _slo_signals(service: Service, kinds: Iterable[str]) -> tuple[str, ...]:
    wanted = frozenset(kinds)
    return tuple(sorted(f"slo-{slo.name}" for slo in service.slos if slo.kind in wanted))


def _business_alerts(service: Service, cause: str) -> Iterator[str]:
    kinds = service.explanations.kinds("business", cause)
    for business in service.business:
        for alert in business.alerts:
            if kind_of_alert(alert) in kinds:
                yield alert_name(business.name, kind_of_alert(alert))


def _beside(service: Service, one: ExplainedBeside) -> Iterator[tuple[_Alerts, list[_Alerts]]]:
    """What the pages of an instance explain of this instance: one probe says nothing of another."""
    for name in _instances(service, one):
        yield _of_instance(one.pages, name), [_of_instance(one.explained, name)]


def _instances(service: Service, one: ExplainedBeside) -> Iterator[str]:
    """The names of the instances of its pack; of a pack that has one, no name."""
    if one.of == "probe":
        yield from (probe.name for probe in service.probes)
    elif one.of == "dependency":
        yield from (found.name for found in service.dependencies if found.kind == one.pack)
    elif one.pack in (service.runtime, service.process):
        yield ""


def _of_instance(pages: Pages, name: str) -> _Alerts:
    return _Alerts(pages.alerts, (f"{pages.signal}-{name}" if name else pages.signal,))


# -- dependencies ----------------------------------------------------------------------------------


def _dependency_rules(service: Service) -> Iterator[InhibitRule]:
    """A service that is gone mutes the alerts that it causes in the services that need it. One of
    its probes that fails says less: it may be a page that nobody else reads."""
    explanations = service.explanations
    targets = [*_explained(service, DEPENDENCIES)]
    gone = [_Alerts(pages.alerts, (pages.signal,)) for pages in explanations.gone]
    gone.append(_Alerts((BURN_ALERT,), (f"slo-{AVAILABILITY}",)))
    for name in service.depends_on:
        for source in gone:
            for target in targets:
                yield {
                    "source_matchers": [
                        matcher("service", name),
                        matcher("severity", "page"),
                        *source.matchers,
                    ],
                    "target_matchers": [_of(service), *target.matchers],
                    "equal": [one for one in _equal(service) if one != "service"],
                }


def _equal(service: Service) -> list[str]:
    return identity(service.platform.external_labels)


def _of(service: Service) -> str:
    return matcher("service", service.name)


def _one_of(label: str, values: Sequence[str]) -> str:
    """A matcher for one of these values, which need no escape: names of alerts, signals and
    severities."""
    found = list(dict.fromkeys(values))
    return matcher(label, found[0]) if len(found) == 1 else matcher(label, "|".join(found), "=~")
