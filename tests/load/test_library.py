"""Claims about the user's own folder of templates: every file in it is read, and is told by its
name."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from opsgen.cli.main import main

CONVENTION = """\
convention: ours
title: Ours
source: us
requests: ours_total
samples: {request: [ours_total 12]}
"""
SPEC = "service: shop\nteam: web\nconvention: ours\n"


def _build(folder: Path, files: dict[str, str]) -> tuple[int, list[str]]:
    """The exit code of a build with these files of the user's own, and the mistakes that it
    tells."""
    own = folder / "own"
    for name, text in files.items():
        (own / name).parent.mkdir(parents=True, exist_ok=True)
        (own / name).write_text(text)
    (folder / "opsgen.yaml").write_text("templates: own\n")
    (folder / "shop.yaml").write_text(SPEC)
    result = CliRunner().invoke(main, ["build", str(folder / "shop.yaml")])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    told = [line for line in result.stderr.splitlines() if line.startswith(f"{own}/")]
    return result.exit_code, [line.replace(f"{own}/", "") for line in told]


def test_two_conventions_of_one_name_are_a_mistake(tmp_path: Path) -> None:
    other = CONVENTION.replace("ours_total", "other_total")

    assert _build(tmp_path, {"conventions/a.yaml": CONVENTION, "conventions/b.yaml": other}) == (
        2,
        [
            "conventions/b.yaml:1:13: convention: the convention 'ours' is already in"
            " conventions/a.yaml; give one of them another name"
        ],
    )


def test_a_convention_of_ones_own_may_replace_a_shipped_one(tmp_path: Path) -> None:
    grpc = CONVENTION.replace("ours", "grpc")

    assert _build(
        tmp_path, {"conventions/ours.yaml": CONVENTION, "conventions/grpc.yaml": grpc}
    ) == (0, [])


def test_a_build_refuses_a_convention_that_its_samples_contradict(tmp_path: Path) -> None:
    wrong = CONVENTION.replace("[ours_total 12]", "[theirs_total 12]")

    assert _build(tmp_path, {"conventions/ours.yaml": wrong}) == (
        2,
        [
            "conventions/ours.yaml:5:21: samples.request[0]: requests does not count this line,"
            " which is marked request; correct the mark, or requests"
        ],
    )


@pytest.mark.parametrize(
    ("name", "folder", "right"),
    [
        ("conventions/other.yml", "conventions", "name it other.yaml"),
        ("conventions/other.YAML", "conventions", "name it other.yaml"),
        ("conventions/http/other.yaml", "conventions", "move it to conventions/"),
        ("packs/other.yml", "packs", "name it other.yaml"),
        ("packs/texts.yml", "packs", "name it texts.yaml"),
        ("packs/db/other.yaml", "packs", "move it to packs/"),
    ],
)
def test_a_file_that_is_not_read_is_a_mistake(
    tmp_path: Path, name: str, folder: str, right: str
) -> None:
    code, told = _build(tmp_path, {"conventions/ours.yaml": CONVENTION, name: "what: ever"})

    assert code == 2
    assert told == [
        f"{name}:1:1: opsgen reads only files named *.yaml that are directly in {folder}/; {right}"
    ]


def test_files_that_are_no_yaml_or_hidden_may_stand_beside(tmp_path: Path) -> None:
    files = {"conventions/ours.yaml": CONVENTION, "conventions/README.md": "#", "packs/notes": ""}
    in_a_volume = {"conventions/..2026_11/ours.yaml": CONVENTION}

    assert _build(tmp_path, files | in_a_volume) == (0, [])
