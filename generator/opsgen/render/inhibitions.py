"""A service and its policies go in; the inhibit rules of its alerts come out.

A rule mutes what a firing page explains, and nothing else: of this service, in this environment and
this cluster. The causes of an outage are in the order in which packs and texts name them by
`explained_by`: no target, a failed probe, availability, latency, business.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from opsgen.alertmanager.routing import matcher
from opsgen.model.oncall import Policy, Severity
from opsgen.model.service import Service
from opsgen.signals.causes import Alerts, causes, gone
from opsgen.signals.steps import STEP_LABEL

InhibitRule = dict[str, list[str]]

# Whose alerts of the same service and environment are those of two clusters. An alert without the
# label is equal to another one without it.
_CLUSTER = "cluster"
# What a rule says itself, beside the labels of its expression.
_LABELS_OF_RULES = frozenset(
    ("alertname", "service", "team", "tier", "environment", "severity", "signal", "slo", STEP_LABEL)
)


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
    for cause in causes(service):
        for target in cause.explained:
            yield _rule(service, cause.pages, target, muted)
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
    service: Service, source: Alerts, target: Alerts, muted: Sequence[Severity]
) -> InhibitRule:
    """Only pages mute: an alert that is turned down to a ticket may stay open for days."""
    return {
        "source_matchers": [_of(service), matcher("severity", "page"), *_matchers(source)],
        "target_matchers": [_of(service), _one_of("severity", muted), *_matchers(target)],
        "equal": _equal(service),
    }


def _dependency_rules(service: Service) -> Iterator[InhibitRule]:
    """A service that is gone mutes the alerts that it causes in the services that need it."""
    equal = [label for label in _equal(service) if label != "service"]
    for name in service.depends_on:
        for cause in gone(service):
            for target in cause.explained:
                yield {
                    "source_matchers": [
                        matcher("service", name),
                        matcher("severity", "page"),
                        *_matchers(cause.pages),
                    ],
                    "target_matchers": [_of(service), *_matchers(target)],
                    "equal": equal,
                }


def _matchers(alerts: Alerts) -> Iterator[str]:
    yield _one_of("alertname", alerts.names)
    if alerts.signals:
        yield _one_of("signal", alerts.signals)


def _equal(service: Service) -> list[str]:
    return identity(service.platform.external_labels)


def _of(service: Service) -> str:
    return matcher("service", service.name)


def _one_of(label: str, values: Sequence[str]) -> str:
    """A matcher for one of these values, which need no escape: names of alerts, signals and
    severities."""
    found = list(dict.fromkeys(values))
    return matcher(label, found[0]) if len(found) == 1 else matcher(label, "|".join(found), "=~")
