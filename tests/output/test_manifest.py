"""Ownership manifests: what they look like, and what is refused in one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsgen.errors import InputError
from opsgen.model.artifact import MANIFEST, digest
from opsgen.output.manifest import Manifest, parse_manifest, read_index
from opsgen.output.plan import plan
from opsgen.output.write import write
from tests.output.trees import content, snapshot, spoil, wanted

_FACTS = {"title": "Checkout", "team": "payments", "environments": ["production"], "tier": 1}
_DIGEST = "sha256:" + "0" * 64


def _document(**changes: Any) -> dict[str, Any]:
    return {"schema": 1, "folder": "checkout", "files": {"a": _DIGEST}, "service": {}} | changes


def test_a_manifest_lists_each_file_with_its_hash_and_the_facts_one_a_line(tmp_path: Path) -> None:
    write(
        tmp_path, {"checkout": content("checkout", {"b": "2\n", "a": "1\n"}, _FACTS)}, complete=True
    )

    hashes = [hashlib.sha256(text).hexdigest() for text in (b"1\n", b"2\n")]
    expected = f"""{{
  "files": {{
    "a": "sha256:{hashes[0]}",
    "b": "sha256:{hashes[1]}"
  }},
  "folder": "checkout",
  "schema": 1,
  "service": {{
    "environments": [
      "production"
    ],
    "team": "payments",
    "tier": 1,
    "title": "Checkout"
  }}
}}
"""
    assert (tmp_path / "checkout" / MANIFEST).read_text() == expected


def test_the_index_holds_the_facts_of_every_service_whichever_build_wrote_it(
    tmp_path: Path,
) -> None:
    write(tmp_path, {"checkout": content("checkout", {"a": "1\n"}, _FACTS)}, complete=False)
    write(
        tmp_path,
        wanted(payments={"a": "1\n"}) | {"": content("", {"README.md": "1\n"})},
        complete=False,
    )
    spoil(tmp_path, "foreign/notes.md", "mine")

    assert read_index(tmp_path) == {"checkout": _FACTS, "payments": {"name": "payments"}}


def test_a_copied_service_folder_is_not_in_the_index_twice(tmp_path: Path) -> None:
    write(tmp_path, wanted(checkout={"a": "1\n"}), complete=True)
    spoil(tmp_path, f"backup/{MANIFEST}", (tmp_path / "checkout" / MANIFEST).read_text())

    assert list(read_index(tmp_path)) == ["checkout"]


def test_there_is_no_index_of_a_missing_folder(tmp_path: Path) -> None:
    assert read_index(tmp_path / "missing") == {}


@pytest.mark.parametrize(
    "path",
    [
        "../../victim",
        "/etc/passwd",
        "sub/../../victim",
        "a\\b",
        "",
        "./a",
        "a\nb",
        MANIFEST,
        f"sub/{MANIFEST}",
    ],
)
@pytest.mark.parametrize("force", [False, True])
def test_a_path_out_of_its_folder_is_refused_and_never_followed(
    tmp_path: Path, path: str, force: bool
) -> None:
    victim = spoil(tmp_path, "victim", "precious\n")
    out = tmp_path / "out"
    write(out, wanted(checkout={"a": "1\n"}), complete=True)
    spoil(out, f"checkout/{MANIFEST}", json.dumps(_document(files={path: digest(b"precious\n")})))
    before = snapshot(tmp_path)

    for services in (wanted(checkout={"a": "2\n"}), wanted(other={"a": "1\n"})):
        with pytest.raises(InputError) as caught:
            write(out, services, complete=True, force=force)
        assert caught.value.mistakes[0].file == str(out / "checkout" / MANIFEST)

    assert victim.read_text() == "precious\n"
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    ("text", "place", "wrong"),
    [
        ("", "", "not JSON"),
        ("<<<<<<< HEAD\n", "", "not JSON"),
        ("[]", "", "a mapping"),
        ("null", "", "a mapping"),
        ("{}", "schema", "missing"),
        (json.dumps(_document(schema=2)), "schema", "only reads schema 1"),
        (json.dumps(_document(schema=True)), "schema", "wrong type"),
        (json.dumps(_document(schema="1")), "schema", "wrong type"),
        (json.dumps(_document(folder=None)), "folder", "wrong type"),
        (json.dumps(_document(files=[])), "files", "wrong type"),
        (json.dumps(_document(service=[])), "service", "wrong type"),
        (json.dumps(_document(extra=1)), "extra", "no such key"),
        (json.dumps(_document(files={"a": 1})), "files['a']", "not a SHA-256"),
        (json.dumps(_document(files={"a": None})), "files['a']", "not a SHA-256"),
        (json.dumps(_document(files={"a": []})), "files['a']", "not a SHA-256"),
        (json.dumps(_document(files={"a": [_DIGEST, 1]})), "files['a']", "not a SHA-256"),
        (json.dumps(_document(files={"a": "sha256:00"})), "files['a']", "not a SHA-256"),
        (json.dumps(_document(files={"a": _DIGEST + "\n"})), "files['a']", "not a SHA-256"),
        ('{"schema": NaN}', "", "NaN"),
        ("9" * 5000, "", "not JSON"),
        ("[" * 100_000, "", "nested too deeply"),
    ],
)
def test_whatever_opsgen_would_not_have_written_is_an_input_error_at_its_place(
    text: str, place: str, wrong: str
) -> None:
    with pytest.raises(InputError) as caught:
        parse_manifest(text.encode(), "out/checkout/.opsgen.manifest")

    mistake = next(mistake for mistake in caught.value.mistakes if mistake.path == place)
    assert mistake.file == "out/checkout/.opsgen.manifest"
    assert wrong in mistake.wrong
    assert "delete it" in mistake.right


def test_a_merge_conflict_is_reported_at_its_line() -> None:
    with pytest.raises(InputError) as caught:
        parse_manifest(b'{\n  "files": {},\n<<<<<<< HEAD\n', "m")

    assert (caught.value.mistakes[0].line, caught.value.mistakes[0].column) == (3, 1)


def test_bytes_that_are_no_utf_8_are_an_input_error() -> None:
    with pytest.raises(InputError, match="not JSON"):
        parse_manifest(b'{"\xff": 1}', "m")


def _as_link(manifest: Path) -> None:
    manifest.rename(manifest.with_name("elsewhere"))
    manifest.symlink_to("elsewhere")


def _as_folder(manifest: Path) -> None:
    manifest.unlink()
    manifest.mkdir()


@pytest.mark.parametrize("replace", [_as_link, _as_folder])
@pytest.mark.parametrize("complete_without_it", [False, True])
def test_a_manifest_is_a_file(
    tmp_path: Path, replace: Callable[[Path], None], complete_without_it: bool
) -> None:
    write(tmp_path, wanted(checkout={"a": "1\n"}), complete=True)
    replace(tmp_path / "checkout" / MANIFEST)

    with pytest.raises(
        InputError,
        match=r"\.opsgen\.manifest:1:1: the manifest is a (symbolic link|folder); remove it",
    ):
        plan(tmp_path, {} if complete_without_it else wanted(checkout={"a": "1\n"}), complete=True)


def test_every_mistake_in_every_manifest_is_reported_at_once_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    write(tmp_path, wanted(one={"a": "1\n"}, two={"a": "1\n"}, three={"a": "1\n"}), complete=True)
    spoil(tmp_path, f"one/{MANIFEST}", "{")
    spoil(tmp_path, f"three/{MANIFEST}", json.dumps(_document(schema=7, files={"/": 1})))
    before = snapshot(tmp_path)

    with pytest.raises(InputError) as caught:
        write(tmp_path, wanted(one={"a": "2\n"}, two={"a": "2\n"}), complete=True)

    assert [
        (Path(mistake.file).parent.name, mistake.path) for mistake in caught.value.mistakes
    ] == [
        ("one", ""),
        ("three", "files['/']"),
        ("three", "files['/']"),
        ("three", "schema"),
    ]
    assert snapshot(tmp_path) == before


def test_a_deleted_manifest_is_made_anew_where_the_files_are_as_wanted(tmp_path: Path) -> None:
    services = wanted(checkout={"a": "1\n"})
    write(tmp_path, services, complete=True)
    before = snapshot(tmp_path)
    (tmp_path / "checkout" / MANIFEST).unlink()

    write(tmp_path, services, complete=True)

    assert snapshot(tmp_path) == before


_NAMES = st.text("abcé-.", min_size=1).filter(lambda name: name.strip("."))
_DIGESTS = st.frozensets(st.binary().map(digest), min_size=1, max_size=3)
_NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
_JSON = st.recursive(
    st.none() | st.booleans() | _NUMBERS | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: st.lists(children) | st.dictionaries(st.text("ab"), children),
    max_leaves=5,
)


@given(st.dictionaries(_NAMES, _DIGESTS), st.dictionaries(st.text("abc"), _JSON))
def test_a_manifest_is_read_back_as_it_was_written(
    files: dict[str, frozenset[str]], facts: dict[str, Any]
) -> None:
    manifest = Manifest("checkout", files, facts)

    assert parse_manifest(manifest.encoded(), "m") == manifest


@given(st.binary())
def test_any_bytes_are_a_manifest_or_an_input_error(content: bytes) -> None:
    with suppress(InputError):
        parse_manifest(content, "m")


@pytest.mark.parametrize("facts", [{"a": float("nan")}, {"a": "\ud800"}])
def test_facts_that_are_no_json_are_a_bug(facts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Manifest("", {}, facts).encoded()
