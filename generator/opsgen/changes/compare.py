"""Two output trees go in; the changes of meaning from the first to the second come out: what was
added, removed, renamed or changed, and which of its facts differ."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from typing import Literal

from opsgen.changes.meaning import ITEM_KINDS, Item, meaning
from opsgen.errors import InputError
from opsgen.model import pages

Verb = Literal["added", "removed", "renamed", "changed"]

# A number of an expression, with its unit where it has one; never a part of a name.
_NUMBER = re.compile(r"(?<![\w.:])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?:ms|[smhdwy])?(?![\w:])")
_TEXT_LINES = 3
# The facts that a new or a lost thing is told with.
_SHOWN = ("expression", "lasting", "told", "url", "queries")


@dataclass(frozen=True)
class Difference:
    """One fact that changed, from `before` to `after`; empty where it was or is not there."""

    what: str
    before: str
    after: str


@dataclass(frozen=True)
class Change:
    """What became of one thing of a service, or of the fleet where `service` is empty.

    `name` is its present name, or its last one where it is gone. A thing that was added or removed
    has its most important facts as its differences.
    """

    service: str
    kind: str
    verb: Verb
    name: str
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class Changes:
    """Every change of meaning, by service and kind, and the files of which only the bytes
    changed."""

    changes: tuple[Change, ...]
    bytes_alone: tuple[str, ...]


def compare(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Changes:
    """What changes in meaning between two trees, given as files by path."""
    changes = sorted(_changes(meaning(before), meaning(after)), key=_order)
    services = {change.service for change in changes}
    # The fleet's files follow from the services': where one of these means something else, so do
    # they.
    explained = services | {""} if services else services
    others = [path for path in before.keys() | after.keys() if _folder(path) not in explained]
    alone = [path for path in sorted(others) if not _same(before.get(path), after.get(path))]
    return Changes(tuple(changes), tuple(alone))


def _folder(path: str) -> str:
    return path.partition("/")[0] if "/" in path else ""


def _order(change: Change) -> tuple[str, int, str, str]:
    return change.service, ITEM_KINDS.index(change.kind), change.name, change.verb


def _same(before: bytes | None, after: bytes | None) -> bool:
    """Whether two files are the same; of a page that people write on, only opsgen's blocks
    count."""
    if before is None or after is None or before == after:
        return before == after
    try:
        old, new = _bodies(before), _bodies(after)
    except (InputError, UnicodeDecodeError):
        return False
    return bool(old) and old == new


def _bodies(content: bytes) -> list[tuple[str, str]]:
    """The blocks of a page by their ids."""
    page = pages.parse_page(content.decode(), "")
    return [(part.block.id, part.block.body) for part in page.parts]


def _changes(before: Iterable[Item], after: Iterable[Item]) -> Iterator[Change]:
    old = {(item.service, item.kind, item.key): item for item in before}
    new = {(item.service, item.kind, item.key): item for item in after}
    for key in old.keys() & new.keys():
        yield from _changed(old[key], new[key])
    removed = [item for key, item in old.items() if key not in new]
    added = [item for key, item in new.items() if key not in old]
    for one, other in _pairs(removed, added):
        yield from _changed(one, other)
        removed.remove(one)
        added.remove(other)
    yield from (_whole(item, "removed") for item in removed)
    yield from (_whole(item, "added") for item in added)


def _pairs(removed: Iterable[Item], added: Iterable[Item]) -> Iterator[tuple[Item, Item]]:
    """Pairs things that have a new key: first those with another severity, then those with another
    name and the same expression."""
    for same in (_of_one_group, _of_one_expression):
        waiting: dict[object, list[Item]] = defaultdict(list)
        for item in removed:
            waiting[same(item)].append(item)
        for item in list(added):
            what = same(item)
            if what is not None and waiting[what]:
                yield waiting[what].pop(0), item


def _of_one_group(item: Item) -> object:
    return item.service, item.kind, item.group


def _of_one_expression(item: Item) -> object:
    if item.kind != "alert":
        return None
    facts = item.facts
    return item.service, facts["expression"], facts["severity"], facts["lasting"]


def _changed(old: Item, new: Item) -> Iterator[Change]:
    if old.group != new.group:
        renamed = Difference("name", old.group, new.group)
        yield Change(new.service, new.kind, "renamed", new.name, (renamed, *_differences(old, new)))
    elif old.facts != new.facts:
        yield Change(new.service, new.kind, "changed", new.name, tuple(_differences(old, new)))


def _differences(old: Item, new: Item) -> Iterator[Difference]:
    for what in dict.fromkeys([*old.facts, *new.facts]):
        before, after = old.facts.get(what, ""), new.facts.get(what, "")
        if before == after:
            continue
        if what in ("expression", "queries"):
            yield from _in_numbers(what, before, after)
        elif what == "text":
            yield _in_lines(before, after)
        else:
            yield Difference(what, before, after)


def _in_numbers(what: str, before: str, after: str) -> Iterator[Difference]:
    """The numbers, where two texts differ only in these: a threshold, a window, a bucket."""
    if _NUMBER.sub("#", before) != _NUMBER.sub("#", after):
        yield Difference(what, before, after)
        return
    pairs = zip(_NUMBER.findall(before), _NUMBER.findall(after), strict=True)
    for one, other in dict.fromkeys(pairs):
        if one != other:
            yield Difference("number", one, other)


def _in_lines(before: str, after: str) -> Difference:
    """The first lines that differ."""
    lines = list(unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))[2:]
    gone = [line[1:] for line in lines if line.startswith("-")]
    come = [line[1:] for line in lines if line.startswith("+")]
    return Difference("text", _joined(gone), _joined(come))


def _joined(lines: list[str]) -> str:
    shown = (line.strip() for line in lines[:_TEXT_LINES])
    return " / ".join(line for line in shown if line)


def _whole(item: Item, verb: Literal["added", "removed"]) -> Change:
    """A thing that was added or removed, with its most important facts."""
    facts = [(what, item.facts[what]) for what in _SHOWN if item.facts.get(what)]
    if verb == "removed":
        differences = [Difference(what, fact, "") for what, fact in facts]
    else:
        differences = [Difference(what, "", fact) for what, fact in facts]
    return Change(item.service, item.kind, verb, item.name, tuple(differences))
