"""What every service of a repository shares: the project file, resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from opsgen.model.oncall import Channel, Policy, Team, Watchdog
from opsgen.model.platform import Platform
from opsgen.model.service import BurnRate
from opsgen.quantities import Duration


@dataclass(frozen=True)
class RunbookPolicy:
    """What is asked of runbooks: the tiers whose have to be complete, and how often somebody reads
    through them."""

    complete: tuple[int, ...] = ()
    review_after: Duration | None = None


@dataclass(frozen=True)
class Organisation:
    """The teams with their policies, what the artifacts run on, and where things are read.

    `file` is the project file as the user typed it; None where there is none. `origins` says where
    the values came from, by dotted path.
    """

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
