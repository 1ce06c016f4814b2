"""Paths go in; the files that may hold rules come out, and those that `opsgen lint` skips although
they do."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from opsgen.judge.rulefile import looks_like_rules, may_hold_rules

# Rule files by their last suffix. `.alerts` and `.rules` are YAML too.
_READ = frozenset({".yaml", ".yml", ".json", ".rules", ".rule", ".alerts", ".alert"})
# Other tools make rules of these; opsgen lints what they make.
_SOURCES = frozenset(
    {
        ".cue",
        ".erb",
        ".gotmpl",
        ".hcl",
        ".j2",
        ".jinja",
        ".jinja2",
        ".jsonnet",
        ".libsonnet",
        ".mustache",
        ".tf",
        ".tmpl",
        ".tpl",
    }
)
_OLD_RULES = re.compile(rb"^\s*ALERT\s+\w+\s*\n?\s*IF\s", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may hold rules; `is_named` if it was given by its own name."""

    path: Path
    is_named: bool


@dataclass(frozen=True, slots=True, order=True)
class Skipped:
    """A file with rules in it that is not read, and why."""

    file: str
    why: str

    def __str__(self) -> str:
        return f"{self.file}: skipped: {self.why}"


def candidates_in(paths: Sequence[Path]) -> Iterator[Candidate]:
    """Each file once, by whatever path it is reached."""
    seen: set[Path] = set()
    for candidate in _all_in(paths):
        real = candidate.path.resolve()
        if real not in seen:
            seen.add(real)
            yield candidate


def _all_in(paths: Iterable[Path]) -> Iterator[Candidate]:
    for path in paths:
        if not path.is_dir():
            yield Candidate(path, True)
            continue
        for folder, folders, names in os.walk(path):
            # os.walk goes where this list says, in its order.
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            found = (Path(folder, name) for name in sorted(names))
            yield from (Candidate(file, False) for file in found if file.suffix in _READ | _SOURCES)


def why_skipped(candidate: Candidate, content: bytes) -> str:
    """Why a file with rules is not read; empty for a file that is, and for one without rules."""
    if _OLD_RULES.search(content):
        return "its rules are in the format of Prometheus 1, which no later release reads"
    if candidate.path.suffix in _SOURCES and not candidate.is_named and looks_like_rules(content):
        return "it is made into rules by another tool; lint what the tool writes"
    return ""


def is_worth_reading(candidate: Candidate, content: bytes) -> bool:
    """A file that was named is read whatever it holds."""
    return candidate.is_named or (candidate.path.suffix in _READ and may_hold_rules(content))
