"""The matchers of a service."""

from __future__ import annotations

from pathlib import Path

from opsgen.promql import Matcher
from tests.resolve.mistakes import LEAST
from tests.specs import derived


def test_matchers_have_the_four_forms_of_promql(tmp_path: Path) -> None:
    spec = f"{LEAST}match: {{a: x, b: {{regex: 'y|z'}}, c: {{not: w}}, d: {{not_regex: 'v.*'}}}}\n"

    assert derived(tmp_path, spec).service.matchers == (
        Matcher("a", "=", "x"),
        Matcher("b", "=~", "y|z"),
        Matcher("c", "!=", "w"),
        Matcher("d", "!~", "v.*"),
    )
