"""Which alerts are not told while another one explains them: the same for every service, so that
all of them share the rules that Alertmanager has for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Explanation:
    """While a page of `signal` by one of these names fires, `explained` are not told as pages."""

    signal: str
    alerts: tuple[str, ...]
    explained: tuple[str, ...]


@dataclass(frozen=True)
class Outage:
    """A page that says that a service is down, so that it explains what is noticed at those that
    need it. `signal` is empty where each instance of a pack has one of its own."""

    alert: str
    signal: str


@dataclass(frozen=True)
class Explanations:
    """What explains what. `of_its_own` are the alerts that no outage of a dependency explains."""

    within: tuple[Explanation, ...] = ()
    outages: tuple[Outage, ...] = ()
    of_its_own: tuple[str, ...] = ()
