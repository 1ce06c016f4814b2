"""Prints: text for people to stderr, coloured on a terminal, and answers to stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from opsgen.errors import Mistake
    from opsgen.model.findings import Finding

_T = TypeVar("_T")

_NOTES = ("warning:", "not yet generated:", "left behind:", "to do:")


# With so many specs or files a command takes a second or more.
MANY = 50


def say_notes(notes: Iterable[str]) -> None:
    """Prints lines, and colours the first words if they name the kind of note."""
    for note in notes:
        kind = next((kind for kind in _NOTES if note.startswith(kind)), "")
        rest = note.removeprefix(kind)
        say(click.style(kind, fg="yellow") + rest if kind else note)


def say_mistakes(mistakes: Iterable[Mistake]) -> None:
    for mistake in mistakes:
        place = click.style(f"{mistake.file}:{mistake.line}:{mistake.column}:", bold=True)
        rest = str(mistake).removeprefix(f"{mistake.file}:{mistake.line}:{mistake.column}:")
        say(f"{place}{rest}")


def print_mistakes(mistakes: Iterable[Mistake]) -> None:
    found = list(mistakes)
    say_mistakes(found)
    counted = "1 mistake" if len(found) == 1 else f"{len(found)} mistakes"
    say(click.style(f"{counted}; nothing was written.", fg="red"))


def say_lines(lines: Iterable[str]) -> None:
    for line in lines:
        say(line)


def say(text: str = "") -> None:
    """Prints to stderr; without colours if it is not a terminal, or if NO_COLOR is set."""
    click.echo(text, err=True, color=None if _colours_wanted() else False)


def print_json(answer: Any) -> None:
    """An answer for programs, to stdout."""
    click.echo(json.dumps(answer, indent=2, ensure_ascii=False))


def print_findings(findings: Iterable[Finding], form: str) -> None:
    from opsgen.model.findings import FORMATS

    click.echo(FORMATS[form](findings), nl=False)


def print_lines(lines: Iterable[str]) -> None:
    """An answer for people, to stdout, a line at a time."""
    for line in lines:
        click.echo(line)


def _colours_wanted() -> bool:
    import os

    return not os.environ.get("NO_COLOR")


def progress(files: Iterable[Path]) -> Iterable[Path]:
    """Shows a progress bar for a large fleet on a terminal."""
    files = list(files)
    if len(files) < MANY:
        return files
    return watched(files, len(files), "Building")


def watched(items: Iterable[_T], number: int, label: str) -> Iterable[_T]:
    """The items, with a progress bar on a terminal."""
    if not sys.stderr.isatty():
        yield from items
        return
    with click.progressbar(items, length=number, label=label, file=sys.stderr) as bar:
        yield from bar
