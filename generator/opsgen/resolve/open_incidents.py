"""The policies of a project file go in; out comes a warning for each step that may leave an
incident open at a provider.

Alertmanager tells nothing outside of a step's hours, the end of an alert no more than its beginning
(alertmanager#2496). Chat shows a message too many then; a provider keeps an incident.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from opsgen.channels.providers import PROVIDERS
from opsgen.load.project_spec import ProjectSpec
from opsgen.model.oncall import Channel
from opsgen.resolve.mistakes import KeyPath, Mistakes


def open_incidents(
    spec: ProjectSpec, channels: Mapping[str, Channel], mistakes: Mistakes
) -> Iterator[str]:
    """`opsgen.yaml:12: ...`, for every step with hours that tells a provider."""
    for name, policy in spec.escalation.items():
        path = mistakes.written(("escalation", name), "steps")
        for index, step in enumerate(policy.steps):
            keepers = _keepers(step.notify, channels)
            if step.during is not None and keepers:
                yield _warning((*path, index, "during"), step.during, keepers, mistakes)


def _keepers(names: tuple[str, ...], channels: Mapping[str, Channel]) -> dict[str, str]:
    """The channels that keep incidents, each with the name of its provider."""
    known = [channels[name] for name in names if name in channels]
    return {one.name: PROVIDERS[one.kind].title for one in known if one.kind in PROVIDERS}


def _warning(path: KeyPath, hours: str, keepers: Mapping[str, str], mistakes: Mistakes) -> str:
    place = mistakes.place(path)
    titles = " and ".join(dict.fromkeys(keepers.values()))
    return (
        f"{place}: {' and '.join(keepers)} hears nothing outside of the hours {hours}, the end of"
        f" an alert neither: an incident that ends then stays open; leave during out, and set the"
        f" hours in {titles}"
    )
