"""The shipped conventions in; the page docs/conventions.md out, on standard output."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from opsgen.load.convention_file import ConventionFile
from opsgen.load.library import load_library
from opsgen.quantities import number_text

_HEAD = """\
<!-- Made by `make docs` of templates/conventions: change the files there, not this page. -->
# Conventions

How the metrics of an instrumentation are named, for [`convention:`](spec.md#convention) of a spec.
Each is one file of `templates/conventions`; the files of a project's own
[`templates`](spec.md#out-targets-templates) folder stand beside them.
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
