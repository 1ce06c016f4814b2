"""A channel that `option_check` has accepted goes in; its Alertmanager receiver comes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opsgen.channels.kinds import KINDS
from opsgen.channels.options import Fields, Option
from opsgen.model.oncall import Channel
from opsgen.model.texts import go_text

PLACEHOLDER_KIND = "placeholder"
PLACEHOLDER = Channel("placeholder-no-channel-configured", PLACEHOLDER_KIND, {})
# The receiver of the root route. It notifies nobody, and its name says so where people look: on
# Alertmanager's pages.
CATCH_ALL = "nobody-is-told"


def receiver(channel: Channel) -> dict[str, Any]:
    """The Alertmanager receiver of a checked channel. The placeholder's has no integration."""
    if channel.kind == PLACEHOLDER_KIND:
        return {"name": channel.name}
    kind = KINDS[channel.kind]
    integration = {"send_resolved": True, **_rendered(kind.fields, channel.options), **kind.message}
    return {"name": channel.name, kind.key: [integration]}


def _rendered(fields: Fields, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options in the order of the table, so that two equal channels give the same bytes."""
    return {
        key: _rendered_value(option, options[key])
        for key, option in fields.options.items()
        if key in options and option.sent
    }


def _rendered_value(option: Option, value: Any) -> Any:
    if not isinstance(option.value, Fields):
        return go_text(value) if option.value.templated else value
    if option.value.many:
        return [_rendered(option.value, item) for item in value]
    return _rendered(option.value, value)
