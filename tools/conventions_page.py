"""The shipped conventions in; the page docs/conventions.md out, on standard output."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from opsgen.load.convention_file import ConventionFile
from opsgen.load.library import load_library
from opsgen.quantities import number_text

_HEAD = """\
<!-- `make docs` makes this page from templates/conventions: change the files, not this page. -->
# Conventions

A convention says how an instrumentation names its metrics. A spec names one in
[`convention:`](spec.md#convention). Each is one file in `templates/conventions`. A project can add
files of its own, in its [`templates`](spec.md#out-targets-templates) folder.
"""


def page() -> str:
    """The page as Markdown: an overview, and a section for each convention."""
    conventions = sorted(load_library().conventions.values(), key=lambda one: one.convention)
    overview = [
        "| Convention | Instrumentation |",
        "| --- | --- |",
        *(f"| [`{one.convention}`](#{one.convention}) | {one.title} |" for one in conventions),
    ]
    sections = ("\n".join(_section(one)) for one in conventions)
    return "\n".join((_HEAD, *overview, "", "\n\n".join(sections), ""))


def _section(convention: ConventionFile) -> Iterator[str]:
    yield f"## `{convention.convention}`"
    yield ""
    yield f"{convention.title}."
    yield ""
    yield from (f"- {name}: {value}" for name, value in _facts(convention))
    yield ""
    yield f"Source: {convention.source.strip().removesuffix('.')}."


def _facts(convention: ConventionFile) -> Iterator[tuple[str, str]]:
    if convention.requests is not None:
        yield "Requests", f"`{convention.requests}`"
    if convention.errors is not None:
        yield "Failed requests", f"`{convention.errors}`"
    if convention.latency is not None:
        bounds = ", ".join(number_text(bound) for bound in convention.latency.buckets)
        yield "Latency", f"`{convention.latency.histogram}`, in {convention.latency.unit}"
        yield "Bucket boundaries", bounds or "none by default: state the histogram's own"
    if convention.route is not None:
        yield "Label of the route", f"`{convention.route}`"


if __name__ == "__main__":
    sys.stdout.write(page())
