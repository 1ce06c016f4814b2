"""A channel of the project file: its options go in, what is wrong with them or an Alertmanager
receiver comes out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, NamedTuple

from opsgen.channels.kinds import KINDS, Fields, Option
from opsgen.model.oncall import Channel
from opsgen.model.texts import go_text

PLACEHOLDER_KIND = "placeholder"
PLACEHOLDER = Channel("placeholder-no-channel-configured", PLACEHOLDER_KIND, {})
# The receiver of the root route. It notifies nobody, and its name says so where people look: on
# Alertmanager's pages.
CATCH_ALL = "nobody-is-told"

_Path = tuple[str | int, ...]


class ChannelMistake(NamedTuple):
    """`path` leads from the channel to the option: `("slack", "api_url")`. The texts never repeat
    an option's value."""

    path: _Path
    wrong: str
    right: str


def check_channel(
    name: str, kind: str, options: Mapping[str, object], alertmanager_version: str
) -> list[ChannelMistake]:
    """Everything that is wrong with one channel, for Alertmanager of that version (`0.25`,
    `0.28.1`)."""
    if name in (CATCH_ALL, PLACEHOLDER.name):
        return [
            ChannelMistake(
                (), f"{name} is the name of a receiver that tells nobody", "choose another name"
            )
        ]
    if kind not in KINDS:
        return [
            ChannelMistake((kind,), f"there is no channel kind {kind!r}", _suggestion(kind, KINDS))
        ]
    if _release(alertmanager_version) < _release(KINDS[kind].since):
        return [_too_new((kind,), KINDS[kind].since, alertmanager_version)]
    return list(_mistakes(KINDS[kind].fields, options, (kind,), alertmanager_version))


def receiver(channel: Channel) -> dict[str, Any]:
    """The Alertmanager receiver of a channel that has been checked; the placeholder's has no
    integration."""
    if channel.kind == PLACEHOLDER_KIND:
        return {"name": channel.name}
    kind = KINDS[channel.kind]
    integration = {"send_resolved": True, **_rendered(kind.fields, channel.options), **kind.message}
    return {"name": channel.name, kind.key: [integration]}


def _mistakes(
    fields: Fields, options: object, path: _Path, version: str
) -> Iterator[ChannelMistake]:
    if fields.many:
        yield from _mistakes_of_each(fields, options, path, version)
        return
    if not isinstance(options, Mapping):
        yield ChannelMistake(
            path, "this holds options", f"write a mapping of {', '.join(fields.options)}"
        )
        return
    for key, value in options.items():
        yield from _mistakes_of_one(fields, str(key), value, (*path, str(key)), version)
    yield from _mistakes_of_groups(fields, frozenset(map(str, options)), path)


def _mistakes_of_each(
    fields: Fields, options: object, path: _Path, version: str
) -> Iterator[ChannelMistake]:
    if not isinstance(options, Sequence) or isinstance(options, str) or not options:
        yield ChannelMistake(
            path, "this holds a list", f"write a list of mappings of {', '.join(fields.options)}"
        )
        return
    for position, item in enumerate(options):
        yield from _mistakes(replace(fields, many=False), item, (*path, position), version)


def _mistakes_of_one(
    fields: Fields, key: str, value: object, here: _Path, version: str
) -> Iterator[ChannelMistake]:
    if key in fields.secrets:
        yield ChannelMistake(
            here, f"{key} would put a secret into a generated file", fields.secrets[key]
        )
        return
    option = fields.options.get(key)
    if option is None:
        yield ChannelMistake(
            here, f"there is no option {key!r} here", _suggestion(key, fields.options)
        )
        return
    if _release(version) < _release(option.since):
        yield _too_new(here, option.since, version)
    if isinstance(option.value, Fields):
        yield from _mistakes(option.value, value, here, version)
    elif not option.value.accepts(value):
        yield ChannelMistake(here, f"{key} cannot hold this value", option.value.right)


def _mistakes_of_groups(
    fields: Fields, given: frozenset[str], path: _Path
) -> Iterator[ChannelMistake]:
    for group in (*fields.one_of, *fields.at_most_one):
        present = [key for key in group if key in given]
        if len(present) > 1:
            yield ChannelMistake(
                (*path, present[1]),
                f"{' and '.join(present)} exclude each other",
                "keep one of them",
            )
    for group in fields.one_of:
        # A secret by value has been reported already, together with the option that would be right.
        if given.isdisjoint(group) and not any(
            f"{key}_file" in group for key in given & fields.secrets.keys()
        ):
            yield ChannelMistake(path, "something is missing here", f"add {' or '.join(group)}")


def _rendered(fields: Fields, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options in the order of the table, so that two channels alike give the same bytes."""
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


def _suggestion(word: str, known: Mapping[str, object]) -> str:
    near = get_close_matches(word, known, n=1)
    return f"did you mean {near[0]}?" if near else f"write one of {', '.join(known)}"


def _too_new(path: _Path, since: str, version: str) -> ChannelMistake:
    return ChannelMistake(
        path,
        f"{path[-1]} works from Alertmanager {since} on, and the project asks for {version}",
        f"set its version to {since} or later, or choose another way",
    )


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])
