"""A Jinja template's name and its values go in; Markdown comes out.

What a template prints is escaped as text unless it is Markdown already; a user's own templates too.
They run in the sandbox, and a name or attribute that is not there is a mistake rather than nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from types import TracebackType

from jinja2 import (
    ChoiceLoader,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateSyntaxError,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

from opsgen.errors import InputError, Mistake
from opsgen.render import markdown

# By this prefix a user's template extends or includes the shipped one of its own name.
_SHIPPED = "opsgen"
_FILTERS = (
    markdown.text,
    markdown.prose,
    markdown.code,
    markdown.code_cell,
    markdown.fence,
    markdown.link,
    markdown.anchor,
    markdown.begin,
    markdown.end,
    markdown.table,
    markdown.to_write,
)


def render_template(folders: tuple[Path, ...], name: str, **values: object) -> str:
    """The document, with one line end after its last line.

    `folders` are the folders of templates, the shipped one first; a template in a later folder
    replaces the one in an earlier folder. Raises InputError for a mistake in a user's template. A
    mistake in ours is a bug, and raises any other exception.
    """
    try:
        page = _environment(folders).get_template(name).render(values)
    except Exception as error:
        found = _mistake(error, folders[1:])
        if found is None:
            raise
        raise InputError([found]) from error
    return page.strip("\n") + "\n"


class _MarkdownEnvironment(ImmutableSandboxedEnvironment):
    """`concat` joins what a block or a macro has printed, which is escaped already."""

    @staticmethod
    def concat(parts: Iterable[str]) -> str:
        return markdown.Markdown("".join(parts))


@lru_cache(maxsize=4)
def _environment(folders: tuple[Path, ...]) -> _MarkdownEnvironment:
    """The environment, which reads and compiles each template once."""
    loaders = [FileSystemLoader(folder) for folder in folders]
    env = _MarkdownEnvironment(
        loader=ChoiceLoader([*reversed(loaders), PrefixLoader({_SHIPPED: loaders[0]})]),
        undefined=StrictUndefined,
        finalize=markdown.printed,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        # It would only escape HTML; `finalize` escapes Markdown, of which HTML is a part.
        autoescape=False,
    )
    env.filters |= {function.__name__: function for function in _FILTERS}
    return env


def _mistake(error: Exception, folders: tuple[Path, ...]) -> Mistake | None:
    """The mistake at its line in the user's template; None where the error is elsewhere."""
    places = list(_places(error.__traceback__))
    if isinstance(error, TemplateSyntaxError) and error.filename:
        places.append((error.filename, error.lineno))
    own = [(file, line) for file, line in places if _is_below(Path(file), folders)]
    if not own:
        return None
    file, line = own[-1]
    return Mistake(file, line, 1, "", f"this template can't be filled in: {error}")


def _is_below(file: Path, folders: Iterable[Path]) -> bool:
    return any(file.is_relative_to(folder) for folder in folders)


def _places(traceback: TracebackType | None) -> Iterator[tuple[str, int]]:
    while traceback is not None:
        yield traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
        traceback = traceback.tb_next
