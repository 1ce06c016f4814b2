"""The text of a rule file goes in; what its comments say of its series comes out, beside what is
assumed of all files.

    # opsgen: pushed
    # opsgen: external-label cluster
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from opsgen.judge.rulefile import Position, Problem
from opsgen.labelflow import Assumptions

_COMMENT = re.compile(r"^[ \t]*#[ \t]*opsgen:[ \t]*(?P<words>.*?)[ \t]*$", re.MULTILINE)
_LABEL = re.compile(r"external-label[ \t]+(?P<label>[A-Za-z_]\w*)", re.ASCII)
_RIGHT = "write `# opsgen: pushed` or `# opsgen: external-label cluster`"


@dataclass(frozen=True, slots=True)
class FileComments:
    """What is assumed of the series of one file, and the comments that say nothing known."""

    assumed: Assumptions
    problems: tuple[Problem, ...] = ()


def read_comments(text: str, assumed: Assumptions) -> FileComments:
    """The assumptions for this file; a comment only takes some away."""
    problems: list[Problem] = []
    for found in _COMMENT.finditer(text):
        words = found["words"]
        label = _LABEL.fullmatch(words)
        if words == "pushed":
            assumed = replace(assumed, scraped=False)
        elif label:
            labels = (*assumed.external_labels, label["label"])
            assumed = replace(assumed, external_labels=labels)
        else:
            problems.append(_unknown(text, found))
    return FileComments(assumed, tuple(problems))


def _unknown(text: str, found: re.Match[str]) -> Problem:
    start = text.index("#", found.start())
    line_start = text.rfind("\n", 0, start) + 1
    place = Position(text.count("\n", 0, start) + 1, start - line_start + 1)
    message = f"the comment `# opsgen: {found['words'][:80]}` says nothing that opsgen knows"
    return Problem("unknown-comment", place, message, _RIGHT)
