"""markdownlint on everything that is generated and committed, where Node's markdownlint-cli2 is on
the path."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.programs import ROOT


def test_markdownlint_takes_every_generated_page() -> None:
    program = shutil.which("markdownlint-cli2")
    if program is None:
        pytest.skip(
            "markdownlint-cli2 is not on the path; npm install --global markdownlint-cli2"
            " installs it"
        )
    pages = [
        *sorted((ROOT / "out").rglob("*.md")),
        *sorted((ROOT / "tests" / "golden").rglob("*.md")),
    ]
    assert pages

    judged = subprocess.run(
        [program, *map(str, pages)], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert judged.returncode == 0, judged.stdout + judged.stderr
