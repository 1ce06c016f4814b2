"""Which alerts are not sent while a page fires that explains them.

What packs and texts say is the same for every service. A cause is named as `explained_by` names it:
by the signal of a pack for services, by `probes`, by the kind of an SLO, or by `dependencies`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

# Causes that are no signals of a pack: all probes of the service fail, ...
PROBES = "probes"
# ... the page of an SLO of this kind fires, ...
AVAILABILITY = "availability"
LATENCY = "latency"
# ... or a service that this one needs is gone.
DEPENDENCIES = "dependencies"
OTHER_CAUSES = (PROBES, AVAILABILITY, LATENCY, DEPENDENCIES)

Source = Literal["pack", "slo", "business"]


@dataclass(frozen=True)
class Pages:
    """The pages of one signal of a pack. Where the pack is for probes or dependencies, every
    instance of it has a signal of its own, with the instance's name behind this one."""

    signal: str
    alerts: tuple[str, ...]


@dataclass(frozen=True)
class Explained:
    """An alert and the causes that explain it. One of an SLO or of a business signal differs by its
    `kind`."""

    alert: str
    by: tuple[str, ...]
    of: Source = "pack"
    kind: str = ""


@dataclass(frozen=True)
class ExplainedBeside:
    """While the pages of an instance fire, the alerts of another signal of the same instance are
    explained. `pack` names the pack of both, `of` says what it is for."""

    of: str
    pack: str
    pages: Pages
    explained: Pages


@dataclass(frozen=True)
class Explanations:
    """`causes` are the signals of packs for services that explain others. `probes` are the pages
    that say of a probe that it fails, and `gone` those that say that no instance of a service is
    left."""

    causes: tuple[Pages, ...] = ()
    probes: tuple[Pages, ...] = ()
    gone: tuple[Pages, ...] = ()
    beside: tuple[ExplainedBeside, ...] = ()
    explained: tuple[Explained, ...] = ()

    def alerts(self, cause: str) -> tuple[str, ...]:
        """The alerts of packs that a cause explains on every signal that has them: Alertmanager
        tells them by their names."""
        of_packs = [one for one in self.explained if one.of == "pack"]
        not_always = {one.alert for one in of_packs if cause not in one.by}
        return tuple(sorted({one.alert for one in of_packs} - not_always))

    def kinds(self, of: Source, cause: str) -> frozenset[str]:
        """The kinds of SLOs or of business alerts that a cause explains."""
        return frozenset(self._kinds(of, cause))

    def all_kinds(self, of: Source) -> frozenset[str]:
        return frozenset(one.kind for one in self.explained if one.of == of)

    def _kinds(self, of: Source, cause: str) -> Iterator[str]:
        return (one.kind for one in self.explained if one.of == of and cause in one.by)
