"""A service and its alerts go in; the later steps of their escalation come out, as alerts that fire
once another one has fired for too long, and the series that remembers since when it has.

Alertmanager has no delayed escalation of its own. A step's alert has the labels of the alert that
it escalates and the number of the step, and is routed to the step's channels. A silence or an
inhibition of the alert covers it, since it has all of its labels.

A step fires while three things hold. Its alert fires. The alert has been firing and bad for as long
as the step waits. It is bad now: an alert also fires for its `keep_firing_for` and through its slow
windows, half an hour after a short outage is over. The time comes from a recorded series and not
from `for`, because Prometheus begins every `for` below its grace period (10 minutes) anew when it
is restarted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from opsgen.model.oncall import Policy
from opsgen.model.service import Service
from opsgen.model.signal import Alert, Escalated, Record, alert_labels
from opsgen.promql import Aggregate, Grouping, Matcher, Matching, Node, Selector
from opsgen.promql.rewrite import all_of, any_of, binary, call, number, ranged, selector
from opsgen.quantities import Duration

# What Prometheus adds to its series of alerts, and the alert does not have.
_STATE = "alertstate"
STEP_LABEL = "step"
FIRING_SINCE = "alert:firing_since:timestamp_seconds"
# A pause up to this length belongs to one outage: Prometheus was away, or it was better for a
# moment; a series cannot tell which. Prometheus' own grace period for its alerts is as long.
_LONGEST_PAUSE = Duration.of("10m")
# A pause is at least so many evaluations long: the last sample is then surely within it, though it
# may be late, and though Prometheus 3 leaves out one that is exactly as old as a range.
_EVALUATIONS_IN_PAUSE = 3


def escalation_rules(service: Service, alerts: Iterable[Alert]) -> Iterator[Record | Escalated]:
    """For every alert with later steps: the series that remembers it, and then its steps."""
    for alert in alerts:
        steps = tuple(_of_alert(service, alert))
        if steps:
            yield _remembered(service, alert, steps[0].after)
            yield from steps


def escalations(service: Service, alerts: Iterable[Alert]) -> tuple[Escalated, ...]:
    """One for every alert and later step of its policy, in their order."""
    return tuple(found for alert in alerts for found in _of_alert(service, alert))


def has_steps(policy: Policy | None) -> bool:
    """Whether the policy has later steps."""
    return policy is not None and len(policy.steps) > 1


def _of_alert(service: Service, alert: Alert) -> Iterator[Escalated]:
    policy = service.team.policies.get(alert.severity)
    for number_of_step, step in enumerate(policy.steps[1:] if policy else (), start=2):
        told = tuple(dict.fromkeys(channel.name for channel in step.notify))
        expr = _still_bad_after(service, alert, step.after)
        yield Escalated(alert, number_of_step, step.after, told, expr)


def _still_bad_after(service: Service, alert: Alert, after: Duration) -> Node:
    elapsed = binary("-", call("time"), _since(service, alert))
    long_enough = binary(">=", elapsed, number(after.seconds))
    firing = _alerts(service, alert, alertstate="firing")
    return all_of([long_enough, firing, _bad_now(alert)], _same_series(service, alert))


def _remembered(service: Service, alert: Alert, first_after: Duration) -> Record:
    """When the alert began to fire, in seconds since 1970, as long as it is active and bad.

    What was recorded before goes on to hold, also while the alert is only pending, as it is after a
    restart. The time of a first sample is that of the alert's own evaluation, which may be one
    interval ago.
    """
    before = call("last_over_time", ranged(_since(service, alert), _pause(service, first_after)))
    same = _same_series(service, alert)
    going_on = all_of([before, _alerts(service, alert)], same)
    firing = call("timestamp", _alerts(service, alert, alertstate="firing"))
    began = Aggregate("max", firing, Grouping((_STATE,), without=True))
    expr = all_of([any_of([going_on, began]), _bad_now(alert)], same)
    return Record(FIRING_SINCE, expr, tuple(_identity(service, alert).items()))


def _pause(service: Service, first_after: Duration) -> Duration:
    """The longest pause that does not end an outage; shorter than the first delay, so that two
    short outages do not make a long one."""
    least = service.platform.evaluation_interval * _EVALUATIONS_IN_PAUSE
    return max(least, min(_LONGEST_PAUSE, first_after))


def _bad_now(alert: Alert) -> Node:
    return alert.expr if alert.still_bad is None else alert.still_bad


def _same_series(service: Service, alert: Alert) -> Matching:
    """A series of the alert has the labels that its expression gives, and beside them only these:
    what the rule and Prometheus add."""
    return Matching(("alertname", _STATE, *alert_labels(service, alert)), on=False)


def _identity(service: Service, alert: Alert) -> dict[str, str]:
    """The labels that no two alerts share."""
    return {
        "alertname": alert.name,
        "service": service.name,
        "environment": service.environment,
        "severity": alert.severity,
        "signal": alert.signal,
    }


def _since(service: Service, alert: Alert) -> Selector:
    return selector(FIRING_SINCE, **_identity(service, alert))


def _alerts(service: Service, alert: Alert, **state: str) -> Selector:
    """The alert's series while it is active, but not those of its own escalation."""
    wanted = {**_identity(service, alert), **state, STEP_LABEL: ""}
    return Selector("ALERTS", tuple(Matcher(label, "=", value) for label, value in wanted.items()))
