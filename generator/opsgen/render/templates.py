"""The Jinja environment of the documents: sandboxed, strict, with the user's own templates before the shipped ones."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from opsgen.render import markdown


@lru_cache(maxsize=4)
def environment(folders: tuple[Path, ...]) -> ImmutableSandboxedEnvironment:
    """`folders` are those of templates, the shipped one first; templates are compiled once."""
    env = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader([str(folder) for folder in reversed(folders)]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # the documents are Markdown: its own filters escape
    )
    env.filters |= {
        name: getattr(markdown, name) for name in ("text", "prose", "code", "cell", "code_cell", "fence", "link")
    }
    return env
