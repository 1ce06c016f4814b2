"""Artifacts: what may be one, and which may lie side by side."""

from __future__ import annotations

import pytest

from opsgen.model.artifact import Artifact, ArtifactSet

_OUTSIDE = ["", "/etc/passwd", "..", "../up", "a/../b", "a/..", ".", "./a", "a//b", "a/"]
_UNPRINTABLE = ["a\nb", "a\0b", "a\x7f", "a\u202eb", "a\u2028b", "\ud800"]


@pytest.mark.parametrize("path", [*_OUTSIDE, *_UNPRINTABLE, "a\\b"])
def test_a_path_that_could_leave_the_folder_or_hide_in_a_message_is_no_artifact(path: str) -> None:
    with pytest.raises(ValueError, match="the path"):
        Artifact(path, "text\n")


@pytest.mark.parametrize(
    "path",
    ["README.md", "checkout/rules.yaml", "checkout/..rules", "a/b/c/d", "café/menü", ".hidden"],
)
def test_every_plain_relative_path_is_an_artifact(path: str) -> None:
    assert Artifact(path, "text\n").path == path


@pytest.mark.parametrize("text", ["", "text", "text\n\ttail"])
def test_an_artifact_ends_with_a_newline(text: str) -> None:
    with pytest.raises(ValueError, match="newline"):
        Artifact("a", text)


def test_an_artifact_is_written_as_utf_8_with_its_own_line_endings() -> None:
    assert Artifact("a", "π\nb\n").encoded == b"\xcf\x80\nb\n"


@pytest.mark.parametrize("second", ["a/rules.yaml", "a/Rules.yaml", "A/rules.yaml"])
def test_two_artifacts_never_share_a_path_not_even_where_case_does_not_count(second: str) -> None:
    with pytest.raises(ValueError, match="share a path"):
        ArtifactSet((Artifact("a/rules.yaml", "1\n"), Artifact(second, "2\n")))


def test_an_artifact_is_never_the_folder_of_another() -> None:
    with pytest.raises(ValueError, match="the folder of another"):
        ArtifactSet((Artifact("a/b", "1\n"), Artifact("a/b/c", "2\n")))


def test_a_set_keeps_the_order_given() -> None:
    artifacts = (Artifact("b", "1\n"), Artifact("a", "2\n"))

    assert tuple(ArtifactSet(artifacts)) == artifacts
    assert len(ArtifactSet(artifacts)) == 2
