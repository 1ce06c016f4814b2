"""The resolved project file: what all services of a repository share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from opsgen.model.oncall import Channel, Policy, Team, Watchdog
from opsgen.model.platform import Platform
from opsgen.model.service import BurnRate
from opsgen.quantities import Duration


@dataclass(frozen=True)
class RunbookPolicy:
    """What is required of runbooks: the tiers whose runbooks must be complete, and how often
    somebody reviews them."""

    complete: tuple[int, ...] = ()
    review_after: Duration | None = None


@dataclass(frozen=True)
class Organisation:
    """The teams with their policies, the platform, and the URLs.

    `file` is the project file as the user typed it; None if there is none. `origins` says where
    each value comes from, by its dotted path.
    """

    teams: Mapping[str, Team]
    platform: Platform
    slo_window: Duration
    min_bad_events: int
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
    warnings: tuple[str, ...] = ()
