"""The texts of a build, and the parts of them that several judges read."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

TextsByPath = Mapping[str, str]

# What it raises to read a document that is not of the form that opsgen writes.
NOT_OF_THE_FORM = (
    AttributeError,
    IndexError,
    KeyError,
    StopIteration,
    TypeError,
    ValueError,
    yaml.YAMLError,
)
_HOURS = ("mute_time_intervals", "active_time_intervals")


def parsed_yaml(text: str) -> Any:
    """Raises yaml.YAMLError."""
    return yaml.load(text, Loader=yaml.CSafeLoader)


def groups_of_file(text: str) -> list[Any]:
    """The groups of a rule file."""
    groups: list[Any] = parsed_yaml(text)["groups"]
    return groups


def panels_in(part: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The panels of a dashboard, including those in rows."""
    for panel in part.get("panels") or ():
        yield panel
        yield from panels_in(panel)


def undefined(route: Mapping[str, Any], receivers: set[str], hours: set[str]) -> Iterator[str]:
    """Receivers and hours that a route, or one below it, names but nothing defines."""
    if route.get("receiver") not in {None, *receivers}:
        yield f"a route notifies {route['receiver']}, which does not exist"
    for key in _HOURS:
        for name in route.get(key) or ():
            if name not in hours:
                yield f"a route names the hours {name}, which do not exist"
    for child in route.get("routes") or ():
        yield from undefined(child, receivers, hours)


def beside(path: str, name: str) -> str:
    """The file that `name` leads to from the folder of `path`."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), name))


def files_in(folder: str, texts: TextsByPath) -> list[str]:
    return [path for path in texts if posixpath.dirname(path) == folder]


def folders_of(texts: TextsByPath) -> set[str]:
    return {posixpath.dirname(path) for path in texts}
