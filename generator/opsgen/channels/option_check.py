"""The options of a channel go in; everything that is wrong with them comes out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import NamedTuple

from opsgen.channels.kinds import KINDS
from opsgen.channels.options import Fields
from opsgen.channels.receivers import CATCH_ALL, PLACEHOLDER

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
        wrong = f"{name} is the name of opsgen's own receiver that tells nobody"
        return [ChannelMistake((), wrong, "choose another name")]
    if kind not in KINDS:
        wrong = f"there is no channel kind {kind!r}"
        return [ChannelMistake((kind,), wrong, _suggestion(kind, KINDS))]
    if _release(alertmanager_version) < _release(KINDS[kind].since):
        return [_too_new((kind,), KINDS[kind].since, alertmanager_version)]
    return list(_mistakes(KINDS[kind].fields, options, (kind,), alertmanager_version))


def _mistakes(
    fields: Fields, options: object, path: _Path, version: str
) -> Iterator[ChannelMistake]:
    if fields.many:
        yield from _mistakes_of_each(fields, options, path, version)
        return
    if not isinstance(options, Mapping):
        right = f"write a mapping of {', '.join(fields.options)}"
        yield ChannelMistake(path, "this must be a mapping of options", right)
        return
    for key, value in options.items():
        yield from _mistakes_of_one(fields, str(key), value, (*path, str(key)), version)
    yield from _mistakes_of_groups(fields, frozenset(map(str, options)), path)


def _mistakes_of_each(
    fields: Fields, options: object, path: _Path, version: str
) -> Iterator[ChannelMistake]:
    if not isinstance(options, Sequence) or isinstance(options, str) or not options:
        right = f"write a list of mappings of {', '.join(fields.options)}"
        yield ChannelMistake(path, "this must be a list", right)
        return
    for position, item in enumerate(options):
        yield from _mistakes(replace(fields, many=False), item, (*path, position), version)


def _mistakes_of_one(
    fields: Fields, key: str, value: object, here: _Path, version: str
) -> Iterator[ChannelMistake]:
    if key in fields.secrets:
        wrong = f"{key} would put a secret into a generated file"
        yield ChannelMistake(here, wrong, fields.secrets[key])
        return
    option = fields.options.get(key)
    if option is None:
        wrong = f"there is no option {key!r} here"
        yield ChannelMistake(here, wrong, _suggestion(key, fields.options))
        return
    if _release(version) < _release(option.since):
        yield _too_new(here, option.since, version)
    if isinstance(option.value, Fields):
        yield from _mistakes(option.value, value, here, version)
    elif not option.value.accepts(value):
        yield ChannelMistake(here, f"this is not a valid value of {key}", option.value.right)


def _mistakes_of_groups(
    fields: Fields, given: frozenset[str], path: _Path
) -> Iterator[ChannelMistake]:
    for group in (*fields.one_of, *fields.at_most_one):
        present = [key for key in group if key in given]
        if len(present) > 1:
            wrong = f"{' and '.join(present)} can't be used together"
            yield ChannelMistake((*path, present[1]), wrong, "keep one of them")
    # A secret by value was reported already, together with the option that would be right.
    reported = {f"{key}_file" for key in given & fields.secrets.keys()}
    for group in fields.one_of:
        if given.isdisjoint(group) and reported.isdisjoint(group):
            yield ChannelMistake(path, "a required option is missing", f"add {' or '.join(group)}")


def _suggestion(word: str, known: Mapping[str, object]) -> str:
    near = get_close_matches(word, known, n=1)
    return f"did you mean {near[0]}?" if near else f"write one of {', '.join(known)}"


def _too_new(path: _Path, since: str, version: str) -> ChannelMistake:
    return ChannelMistake(
        path,
        f"{path[-1]} needs Alertmanager {since} or later, but the project says {version}",
        f"set alertmanager.version to {since} or later, or leave this out",
    )


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])
