"""What people read: lines, notes and mistakes go to stderr, coloured where that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from opsgen.errors import Mistake


_NOTES = ("warning:", "not yet generated:", "left behind:", "to do:")


# A fleet that takes a second or more is worth a bar.
_MANY_SPECS = 50


def say_notes(notes: Iterable[str]) -> None:
    """Lines, of which the first words are coloured where they say what kind of a note it is."""
    for note in notes:
        kind = next((kind for kind in _NOTES if note.startswith(kind)), "")
        say(f"{click.style(kind, fg='yellow')}{note.removeprefix(kind)}" if kind else note)


def say_mistakes(mistakes: Iterable[Mistake]) -> None:
    for mistake in mistakes:
        place = click.style(f"{mistake.file}:{mistake.line}:{mistake.column}:", bold=True)
        rest = str(mistake).removeprefix(f"{mistake.file}:{mistake.line}:{mistake.column}:")
        say(f"{place}{rest}")


def print_mistakes(mistakes: Iterable[Mistake]) -> None:
    found = list(mistakes)
    say_mistakes(found)
    say(
        click.style(
            f"{len(found)} mistake{'s' if len(found) > 1 else ''}; nothing was written.", fg="red"
        )
    )


def say(text: str = "") -> None:
    """To stderr, without colours where it is no terminal or NO_COLOR asks for none."""
    click.echo(text, err=True, color=None if _colours_wanted() else False)


def _colours_wanted() -> bool:
    import os

    return not os.environ.get("NO_COLOR")


def progress(files: Iterable[Path]) -> Iterable[Path]:
    """A bar on a terminal, for a fleet; nothing otherwise."""
    files = list(files)
    if len(files) < _MANY_SPECS or not sys.stderr.isatty():
        yield from files
        return
    with click.progressbar(files, label="Building", file=sys.stderr) as bar:
        yield from bar
