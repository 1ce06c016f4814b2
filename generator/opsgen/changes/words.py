"""Changes go in; words come out: for people, for a comment on a pull request, and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from opsgen.changes.compare import Change, Changes, Difference
from opsgen.render.markdown import Markdown, code

# GitHub takes 65,536 characters for a comment, and fails above; GitLab takes more.
LONGEST_COMMENT = 60_000
# By which a pipeline finds its earlier comment, to write that one anew.
MARKER = "<!-- opsgen diff -->"
_LONGEST = 160
_MOST_FILES = 20
_MOST_NAMES = 8
# How much of what two texts have in common is left before that in which they differ.
_KEPT = 30
_FOLLOWING = frozenset({"section", "recording rule"})
_FOLLOWING_A_SERVICE = frozenset({"panel"})
_SIGNS = {"added": "+", "removed": "-", "renamed": "~", "changed": "~"}


def as_text(found: Changes) -> Iterator[str]:
    """Lines for a terminal."""
    for service, changes in _by_service(found):
        yield service
        for line in _lines(changes):
            yield f"  {_SIGNS[line.verb]} {line.what}"
            yield from (f"      {_plain(one)}" for one in line.differences)
    yield from _bytes_alone(found)
    yield _summary(found)


def as_markdown(found: Changes) -> str:
    """One comment, shorter than what GitHub takes."""
    text = f"{MARKER}\n### What changes for on-call\n\n{_summary(found)}\n"
    alone = "".join(f"\n{line}\n" for line in _bytes_alone(found))
    left_out = 0
    for service, changes in _by_service(found):
        part = _markdown_of(service, changes)
        if len(text) + len(part) + len(alone) > LONGEST_COMMENT:
            left_out += 1
        else:
            text += part
    more = f"\nand {left_out} more services: `opsgen diff` shows all of them\n" if left_out else ""
    return text + more + alone


def as_json(found: Changes) -> dict[str, Any]:
    return {
        "changed": bool(found.changes),
        "changes": [_json_of(change) for change in found.changes],
        "bytes_alone": list(found.bytes_alone),
    }


def _json_of(change: Change) -> dict[str, Any]:
    differences = [
        {"what": one.what, "before": one.before or None, "after": one.after or None}
        for one in change.differences
    ]
    return {
        "service": change.service or None,
        "kind": change.kind,
        "change": change.verb,
        "name": change.name,
        "differences": differences,
    }


def _by_service(found: Changes) -> Iterator[tuple[str, list[Change]]]:
    for service, changes in groupby(found.changes, key=lambda change: change.service):
        yield service or "the whole fleet", list(changes)


@dataclass(frozen=True)
class _Line:
    """One line of the report: one change, or many of one kind that follow from others."""

    verb: str
    what: Markdown
    differences: tuple[Difference, ...] = ()


def _lines(changes: Sequence[Change]) -> Iterator[_Line]:
    """The lines. Changes of sections and recording rules follow from alerts and objectives, those
    of panels from a new or a removed service: they are named together."""
    is_whole_service = {change.verb for change in changes} in ({"added"}, {"removed"})
    following = _FOLLOWING | _FOLLOWING_A_SERVICE if is_whole_service else _FOLLOWING
    together: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        if change.kind in following:
            together.setdefault((change.kind, change.verb), []).append(change)
        else:
            yield _line_of(change)
    for (kind, verb), many in together.items():
        yield _line_of_many(kind, verb, many)


def _line_of(change: Change) -> _Line:
    renamed = " renamed" if change.verb == "renamed" else ""
    what = Markdown(f"{change.kind} {code(change.name)}{renamed}")
    return _Line(change.verb, what, change.differences)


def _line_of_many(kind: str, verb: str, many: Sequence[Change]) -> _Line:
    names = dict.fromkeys(change.name for change in many)
    shown = _first([code(name) for name in names], _MOST_NAMES)
    differences = (one for change in many for one in change.differences)
    numbers = dict.fromkeys(one for one in differences if one.what == "number")
    return _Line(verb, Markdown(f"{_many(kind, len(many))} {verb}: {shown}"), tuple(numbers))


def _plain(one: Difference) -> str:
    if not one.before or not one.after:
        return f"{one.what}: {_short(one.before or one.after)}"
    before, after = _apart(one.before, one.after)
    return f"{one.what}: {before} -> {after}"


def _markdown_of(service: str, changes: list[Change]) -> str:
    lines = [f"\n<details><summary>{service}: {_counted(changes)}</summary>\n"]
    for line in _lines(changes):
        verb = "" if line.verb in line.what else f"**{line.verb}** "
        lines.append(f"- {verb}{line.what}")
        lines += [f"  - {one.what}: {_markdown_of_values(one)}" for one in line.differences]
    return "\n".join([*lines, "\n</details>\n"])


def _markdown_of_values(one: Difference) -> str:
    if not one.before or not one.after:
        return code(_short(one.before or one.after))
    before, after = _apart(one.before, one.after)
    return f"{code(before)} → {code(after)}"


def _apart(before: str, after: str) -> tuple[str, str]:
    """Two texts without their common beginning, where that is long."""
    one, other = " ".join(before.split()), " ".join(after.split())
    pairs = enumerate(zip(one, other, strict=False))
    common = next((at for at, (a, b) in pairs if a != b), 0)
    start = one.rfind(" ", 0, max(common - _KEPT, 0)) + 1
    head = "…" if start else ""
    return _short(head + one[start:]), _short(head + other[start:])


def _counted(changes: Iterable[Change]) -> str:
    counted = Counter((change.kind, change.verb) for change in changes)
    return ", ".join(f"{_many(kind, number)} {verb}" for (kind, verb), number in counted.items())


def _many(kind: str, number: int) -> str:
    return f"{number} {kind}{'' if number == 1 or kind == 'hours' else 's'}"


def _summary(found: Changes) -> str:
    if not found.changes:
        return "Nothing changes in meaning."
    services = len({change.service for change in found.changes if change.service})
    where = f"{services} service{'' if services == 1 else 's'}" if services else "the whole fleet"
    return f"{where}: {_counted(found.changes)}."


def _bytes_alone(found: Changes) -> Iterator[str]:
    files = found.bytes_alone
    if files:
        yield f"Files that changed but mean the same: {_first(files, _MOST_FILES)}"


def _first(names: Sequence[str], most: int) -> str:
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _short(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= _LONGEST else f"{one_line[: _LONGEST - 1]}…"
