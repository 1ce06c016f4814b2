"""Computes from an Alertmanager configuration which receivers get an alert, by the alert's labels.

Reads only what opsgen writes: `matchers` with double-quoted values. Ignores time intervals, which
`time_intervals` reads: outside of its hours an alert still has its route, and waits there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple

Operator = Literal["=", "!=", "=~", "!~"]

# Both of Alertmanager's matcher parsers read these: the classic one, and the UTF-8 one since 0.27.
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n"}
_UNESCAPES = {escaped[1]: plain for plain, escaped in _ESCAPES.items()}
_MATCHER = re.compile(
    r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\[\\"n])*)"\s*', re.DOTALL
)


class _Matcher(NamedTuple):
    label: str
    operator: str
    value: str

    def holds(self, labels: Mapping[str, str]) -> bool:
        """A missing label counts as empty."""
        value = labels.get(self.label, "")
        # Alertmanager anchors both sides, and its RE2 has ASCII classes.
        same = (
            bool(re.fullmatch(self.value, value, re.ASCII))
            if "~" in self.operator
            else value == self.value
        )
        return same is not self.operator.startswith("!")


def matcher(label: str, value: str, operator: Operator = "=") -> str:
    """One line of `matchers`, with its value quoted: `service="checkout"`."""
    return f'{label}{operator}"{"".join(_ESCAPES.get(char, char) for char in value)}"'


def parts_of(text: str) -> tuple[str, str, str]:
    """Label, operator and value of a line of `matchers`; raises ValueError."""
    found = _parsed(text)
    return found.label, found.operator, found.value


def receivers_reached(config: Mapping[str, Any], labels: Mapping[str, str]) -> tuple[str, ...]:
    """The receivers that get an alert, in the order of the tree.

    `config` is a parsed Alertmanager configuration. Raises ValueError for a matcher that opsgen
    would not write.
    """
    return tuple(route["receiver"] for route in routes_reached(config, labels))


def routes_reached(
    config: Mapping[str, Any], labels: Mapping[str, str]
) -> tuple[Mapping[str, Any], ...]:
    """As `receivers_reached`, but gives the routes, each with its receiver."""
    root = config["route"]
    return tuple(_routes_reached(root, root["receiver"], labels))


def concerning(alertmanager: Mapping[str, Any], service: str) -> dict[str, Any]:
    """The fleet's configuration with only the routes that an alert of the service can take.

    In a large fleet, trying the routes of all other services for every alert would double the time
    of a check.
    """
    route = alertmanager["route"]
    own = matcher("service", service)
    routes = [child for child in route.get("routes", ()) if _can_match(child, own)]
    return {**alertmanager, "route": {**route, "routes": routes}}


def _can_match(route: Mapping[str, Any], own: str) -> bool:
    """Whether the route names no service, or this one by its own matcher."""
    matchers = route.get("matchers", ())
    names_a_service = any(text.startswith("service=") for text in matchers)
    return own in matchers or not names_a_service


def is_inhibited(
    config: Mapping[str, Any], target: Mapping[str, str], sources: Iterable[Mapping[str, str]]
) -> bool:
    """Whether one of the firing alerts `sources` mutes the alert `target` by an inhibit rule."""
    firing = tuple(sources)
    return any(
        _inhibits(rule, source, target)
        for rule in config.get("inhibit_rules") or ()
        for source in firing
    )


def _routes_reached(
    route: Mapping[str, Any], inherited_receiver: str, labels: Mapping[str, str]
) -> list[Mapping[str, Any]]:
    """The deepest matching routes below this one; this route if no child matches; nothing if it
    does not match itself."""
    if not _all_hold(route.get("matchers") or (), labels):
        return []
    receiver = route.get("receiver") or inherited_receiver
    reached: list[Mapping[str, Any]] = []
    for child in route.get("routes") or ():
        below = _routes_reached(child, receiver, labels)
        reached += below
        if below and not child.get("continue", False):
            break
    return reached or [{**route, "receiver": receiver}]


def _inhibits(
    rule: Mapping[str, Any], source: Mapping[str, str], target: Mapping[str, str]
) -> bool:
    """If both sides of a rule match both alerts, neither mutes the other (Alertmanager 0.17)."""
    causes, effects = rule["source_matchers"], rule["target_matchers"]
    if not (_all_hold(causes, source) and _all_hold(effects, target)):
        return False
    if _all_hold(causes, target) and _all_hold(effects, source):
        return False
    return all(source.get(label, "") == target.get(label, "") for label in rule.get("equal") or ())


def _all_hold(matchers: Iterable[str], labels: Mapping[str, str]) -> bool:
    return all(_parsed(text).holds(labels) for text in matchers)


@lru_cache(maxsize=65_536)
def _parsed(text: str) -> _Matcher:
    match = _MATCHER.fullmatch(text)
    if not match:
        raise ValueError(f'{text!r} is no matcher as opsgen writes them; write label="value"')
    label, operator, quoted = match.groups()
    value = re.sub(r"\\(.)", lambda escape: _UNESCAPES[escape.group(1)], quoted, flags=re.DOTALL)
    return _Matcher(label, operator, value)
