"""Which alerts are not sent while another one explains them. They are the same for every service,
so all services share Alertmanager's inhibition rules."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Explanation:
    """While a page of `signal` with one of these names fires, pages of `explained` are not sent."""

    signal: str
    alerts: tuple[str, ...]
    explained: tuple[str, ...]


@dataclass(frozen=True)
class Outage:
    """A page that says that a service is down, which explains alerts of the services that need it.
    `signal` is empty if each instance of the pack has a signal of its own."""

    alert: str
    signal: str


@dataclass(frozen=True)
class Explanations:
    """Which alerts explain which others. No outage of a dependency explains the alerts in
    `of_its_own`."""

    within: tuple[Explanation, ...] = ()
    outages: tuple[Outage, ...] = ()
    of_its_own: tuple[str, ...] = ()
