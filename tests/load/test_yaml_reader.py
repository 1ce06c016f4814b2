"""Claims about reading YAML text: what is plain data, where each part stands, and what is
refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from opsgen.errors import InputError, Mistake
from opsgen.load.yaml_reader import (
    DEEPEST,
    LARGEST_BYTES,
    MOST_NODES,
    Document,
    parse_document,
    read_document,
)


def _read(text: str | bytes) -> Document:
    return parse_document(text.encode() if isinstance(text, str) else text, "service.yaml")


def _mistakes(text: str | bytes) -> tuple[Mistake, ...]:
    with pytest.raises(InputError) as caught:
        _read(text)
    return caught.value.mistakes


def _mistake(text: str | bytes) -> str:
    (only,) = _mistakes(text)
    return str(only).removeprefix("service.yaml:")


def _outcome(text: bytes) -> Document | tuple[Mistake, ...]:
    try:
        return parse_document(text, "x.yaml")
    except InputError as error:
        return error.mistakes


def test_a_document_is_plain_data() -> None:
    document = _read("a: 1\nb: [x, 2.5, true, ~]\nc: {d: '3'}\n")

    assert document.value == {"a": 1, "b": ["x", 2.5, True, None], "c": {"d": "3"}}
    assert document.file == "service.yaml"


def test_every_key_and_value_has_a_place() -> None:
    document = _read("a: 1\nslos:\n  - name: x\n    objective: 99%\n")

    assert document.position((), "value") == (1, 1)
    assert document.position(("a",), "key") == (1, 1)
    assert document.position(("a",), "value") == (1, 4)
    assert document.position(("slos", 0), "value") == (3, 5)
    assert document.position(("slos", 0, "objective"), "key") == (4, 5)
    assert document.position(("slos", 0, "objective"), "value") == (4, 16)


def test_what_is_not_there_stands_where_its_nearest_ancestor_does() -> None:
    document = _read("slos:\n  - name: x\n")

    assert document.position(("slos", 0, "window", 3), "key") == (2, 5)
    assert document.position(("nothing",), "value") == (1, 1)


def test_columns_count_characters_not_bytes() -> None:
    assert _read("äöü🔥: x").position(("äöü🔥",), "value") == (1, 7)


def test_a_byte_order_mark_is_accepted_and_counts_for_nothing() -> None:
    document = _read(b"\xef\xbb\xbfa: 1")

    assert document.value == {"a": 1}
    assert document.position(("a",), "key") == (1, 1)


def test_an_empty_value_is_none_and_stands_at_its_key() -> None:
    document = _read("a: 1\nb:\nc: x\n")

    assert document.value == {"a": 1, "b": None, "c": "x"}
    assert document.position(("b",), "value") == (2, 1)


@pytest.mark.parametrize("word", ["true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"])
def test_every_yaml_1_1_spelling_of_true_is_true_and_keeps_its_text(word: str) -> None:
    document = _read(f"a: {word}")

    assert document.value == {"a": True}
    assert document.raw(("a",)) == word


@pytest.mark.parametrize("word", ["false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"])
def test_every_yaml_1_1_spelling_of_false_is_false_and_keeps_its_text(word: str) -> None:
    document = _read(f"a: {word}")

    assert document.value == {"a": False}
    assert document.raw(("a",)) == word


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("0", 0),
        ("-12", -12),
        ("+7", 7),
        ("99.90", 99.9),
        ("1e3", 1000.0),
        ("1.5e-3", 0.0015),
        (".5", 0.5),
        ("2.", 2.0),
    ],
)
def test_numbers_are_decimal_and_keep_their_text(written: str, value: float) -> None:
    document = _read(f"a: {written}")

    assert document.value["a"] == value
    assert type(document.value["a"]) is type(value)
    assert document.raw(("a",)) == written


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-01",
        "2024-01-01T10:00:00Z",
        "1.2.3.4",
        "09:00",
        "1.2-rc1",
        "99.9%",
        "30s",
        "y",
        "n",
        "=",
        "a:b",
    ],
)
def test_what_only_resembles_a_number_stays_a_text(text: str) -> None:
    assert _read(f"a: {text}").value == {"a": text}


@pytest.mark.parametrize("quoted", ['"on"', "'3:20'", '"0777"', "'~'", '".inf"'])
def test_a_quoted_scalar_is_a_text(quoted: str) -> None:
    assert _read(f"a: {quoted}").value == {"a": quoted[1:-1]}


def test_lists_and_mappings_have_no_raw_text() -> None:
    document = _read("a: [1]")

    assert document.raw(("a",)) is None
    assert document.raw(("b",)) is None


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "3:20",
            (
                'YAML 1.1 reads 3:20 as 200, a number in base 60; quote it: "3:20", or write a'
                " duration: 200s"
            ),
        ),
        (
            "1:30:00",
            (
                'YAML 1.1 reads 1:30:00 as 5400, a number in base 60; quote it: "1:30:00", or'
                " write a duration: 5400s"
            ),
        ),
        ("-1:30", 'YAML 1.1 reads -1:30 as -90, a number in base 60; quote it: "-1:30"'),
        ("1:30.5", 'YAML 1.1 reads 1:30.5 as a number in base 60; quote it: "1:30.5"'),
        ("0777", '0777 is an octal number to YAML; write it in decimal, or quote it: "0777"'),
        ("0o17", '0o17 is an octal number to YAML; write it in decimal, or quote it: "0o17"'),
        ("0x1F", '0x1F is a hexadecimal number to YAML; write it in decimal, or quote it: "0x1F"'),
        ("0b101", '0b101 is a binary number to YAML; write it in decimal, or quote it: "0b101"'),
        (".inf", '.inf is not a finite number; write a finite one, or quote it: ".inf"'),
        ("-.Inf", '-.Inf is not a finite number; write a finite one, or quote it: "-.Inf"'),
        (".NaN", '.NaN is not a finite number; write a finite one, or quote it: ".NaN"'),
    ],
)
def test_a_surprising_scalar_is_a_mistake_that_says_what_to_write(written: str, said: str) -> None:
    assert _mistake(f"a:\n  b: {written}\n") == f"2:6: a.b: {said}"


@pytest.mark.parametrize(
    "written",
    ["1_000", "1_000.5", "1e400", "0.1234567890123456789", "9" * 50, "1e999999999999999999999"],
)
def test_a_number_that_readers_disagree_on_is_a_mistake(written: str) -> None:
    assert "quote it" in _mistake(f"a: {written}")


def test_all_scalar_mistakes_are_raised_together() -> None:
    found = _mistakes("a: 3:20\nb: [0777, .nan]\nb: 1\non: x\nc: !!binary x\n")

    assert [(one.line, one.column) for one in found] == [
        (1, 4),
        (2, 5),
        (2, 11),
        (3, 1),
        (4, 1),
        (5, 4),
    ]


def test_scalar_mistakes_are_told_together_with_the_syntax_error_after_them() -> None:
    assert [one.line for one in _mistakes("a: 3:20\nb: [1\n")] == [1, 2]


def test_a_value_that_may_be_a_secret_is_not_repeated() -> None:
    said = _mistake("channels: {a: {api_token: 12:34}}")

    assert said.startswith("1:27: channels.a.api_token: YAML does not read the value")
    assert "12:34" not in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"a: b\nc: \xff\n", "2:4: the byte 0xff is not UTF-8; save the file as UTF-8"),
        (b"\xef\xbb\xbfa\xc3", "1:2: the byte 0xc3 is not UTF-8; save the file as UTF-8"),
        ("", "1:1: the file is empty; write at least one `key: value`"),
        ("# nothing\n\n# here\n", "1:1: the file is empty; write at least one `key: value`"),
        ("---\n", "2:1: the document is empty; write at least one `key: value`"),
        ("a:\n\tb: 1\n", "2:1: a tab is used for indentation; use spaces"),
        ("a:\n  b: 1\n  \tc: 2\n", "3:3: a tab is used for indentation; use spaces"),
        ("a: 1\n---\nb: 2\n", "2:1: the file has a second document, which would never be read;"
                              " write one document per file, without a second ---"),
        ("a: 1\nb: 2\na: 3\n", ("3:1: the key a is written twice; the first is at 1:1: leave one of them"
            " out")),
        ("x: {a: 1, 'a': 2}", ("1:11: x: the key a is written twice; the first is at 1:5: leave one of"
            " them out")),
        ("on: 1\n", '1:1: the key `on` is a yes/no value to YAML; quote it: "on"'),
        ("404: 1\n", '1:1: the key `404` is a number to YAML; quote it: "404"'),
        ("~: 1\n", '1:1: the key `~` is null to YAML; quote it: "~"'),
        ("?\n: 1\n", "1:2: a key is missing before the colon; write one"),
        ("[a]: 1\n", "1:1: a key must be a text, not a list, mapping or alias; write a plain word as the key"),
        ("a: &x b\n*x : 1\n", "2:1: a key must be a text, not a list, mapping or alias; write a plain word as the key"),
        ("a: !!python/object:os.system x", "1:4: a: the tag tag:yaml.org,2002:python/object:os.system "
         "is not supported; leave it out; quote the value if it is a text"),
        ("a: !!binary eA==", "1:4: a: the tag tag:yaml.org,2002:binary is not supported; "
         "leave it out; quote the value if it is a text"),
        ("a: &x {b: 1}\nc: {<<: *x}\n", "2:5: c: merge keys (<<) are not supported; write the keys out"),
        ("a: *nowhere", "1:4: a: the alias *nowhere is not defined; define it earlier with &;"
                        " quote the value if it is a text that begins with *"),
        ("a: &x [1, *x]", ("1:11: a[1]: the alias *x refers to a value that contains it; write the"
            " value out")),
        ("a: &x {b: {c: *x}}", ("1:15: a.b.c: the alias *x refers to a value that contains it; write the"
            " value out")),
        ("a: b\x00c", "1:5: the character U+0000 is a control character; remove it"),
        ("a: 1\nb: \x1b[31m", "2:4: the character U+001B is a control character; remove it"),
        ("a: x\u2028b: y", "1:5: the character U+2028 is a control character; remove it"),
        ('a: "\\e[31m"', "1:4: a: the text has the control character U+001B; leave it out"),
        ('"a\\0b": 1', "1:1: the text has the control character U+0000; leave it out"),
    ],
)  # fmt: skip
def test_what_is_refused_says_where_and_what_would_be_right(text: str | bytes, said: str) -> None:
    assert _mistake(text) == said


@pytest.mark.parametrize(
    ("text", "place", "word"),
    [
        ("a: @x", "1:4", "`@`"),
        ("a: %x", "1:4", "`%`"),
        ("a: b: c", "1:5", "colon"),
        ("a: 1\nb\n", "2:1", "has no colon"),
        ("- a\nb: 1", "2:1", "list"),
        ("a: 1\n- b", "2:1", "mapping"),
        ("a: [1, 2", "1:4", "not closed"),
        ("a: {b: 1", "1:4", "not closed"),
        ("a: 'x\nb: 1", "1:4", "quote"),
        ("a: 'x\n---\nb: 1", "1:4", "quote"),
        ('a: "\\q"', "1:5", "backslash"),
        ('a: "\\xZZ"', "1:7", "hexadecimal"),
        ('a: "\\ud800"', "1:7", "Unicode"),
        ("a: - b", "1:4", "list"),
        ("a: ]", "1:4", "bracket"),
        ("a: *", "1:5", "alias"),
        ("a: |x\n b", "1:5", "block"),
        ("a: |0\n b", "1:5", "0"),
        ("a: 1\n...\nb", "3:1", "ended"),
        ("%YAML 3.0\n---\na: 1", "1:1", "version"),
        ("%FOO\na: 1", "1:1", "%"),
        ("a: !q!x 1", "1:4", "tag"),
        ("a: !%ed%a0%80 x", "1:1", "tag"),
    ],
)
def test_a_syntax_error_is_told_in_plain_words(text: str, place: str, word: str) -> None:
    said = _mistake(text)

    assert said.startswith(f"{place}: ")
    assert word in said
    assert "not valid YAML:" not in said  # each of these has words of its own


def test_an_alias_is_what_it_names_and_stands_where_that_was_written() -> None:
    document = _read("a: &x\n  b: 1\nc: *x\n")

    assert document.value == {"a": {"b": 1}, "c": {"b": 1}}
    assert document.position(("c",), "key") == (3, 1)
    assert document.position(("c", "b"), "value") == (2, 6)


def test_an_anchor_may_be_defined_again() -> None:
    assert _read("a: &x 1\nb: *x\nc: &x 2\nd: *x\n").value == {"a": 1, "b": 1, "c": 2, "d": 2}


def test_a_billionfold_expansion_by_aliases_is_refused() -> None:
    levels = ["l0: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 9)]

    assert f"more than {MOST_NODES:,} values" in _mistake("\n".join(levels))


def test_too_many_plain_values_are_refused() -> None:
    assert f"more than {MOST_NODES:,} values" in _mistake(f"[{'x,' * MOST_NODES}]")


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "{? ", "[? "])
def test_absurd_nesting_is_refused_whatever_it_is_made_of(opening: str) -> None:
    assert f"deeper than {DEEPEST} levels" in _mistakes(opening * 20_000)[-1].wrong


def test_nesting_through_aliases_counts() -> None:
    deep = f"a: &a {'[' * 40}{']' * 40}\nb: {'[' * 40}*a{']' * 40}"

    assert f"deeper than {DEEPEST} levels" in _mistake(deep)


def test_nesting_up_to_the_limit_is_read() -> None:
    assert _read("[" * DEEPEST + "]" * DEEPEST).value is not None


def test_a_large_file_is_refused() -> None:
    assert "larger than 1024 KiB" in _mistake(b"#" * (LARGEST_BYTES + 1))


def test_a_file_is_read_under_the_name_it_is_shown_as(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("a: 1\n", encoding="utf-8")

    assert read_document(file, "specs/x.yaml") == parse_document(b"a: 1\n", "specs/x.yaml")


def test_a_file_that_cannot_be_read_is_a_mistake(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.yaml"):
        with pytest.raises(InputError, match=r"^x\.yaml:1:1: the file can't be read: "):
            read_document(path, "x.yaml")


_PIECES = st.sampled_from(
    [*"abc01 \n\t:-?[]{},&*!|>'\"%@`#~<=.\\_+\r\0\ufeff\u2028", "\n  ", "\n- ", ": ", "? ", "<<: ", "&a ", "*a ", "a: ",
     "!!str ", "!%ff ", "!<x> ", "---\n", "...\n", "%YAML 1.1\n", "3:20", "0x1", "0o7", "1_0", "1e9", ".inf", "on",
     "null", "'", '"\\x41"', '"\\e"', "|2\n", ">-\n", "[" * 70, "{a: " * 70, "ü", "🔥"]
)  # fmt: skip


@settings(max_examples=600, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(
        st.binary(max_size=200),
        st.lists(_PIECES, max_size=60).map(lambda pieces: "".join(pieces).encode()),
    )
)
@example(b"? " * 500)
@example(b"&a [*a]")
@example(b"!%ed%a0%80 x")
@example(b"1e" + b"9" * 100)
@example(b"9" * 10_000)
@example(b"1" + b"_" * 100_000 + b"x")
@example(b"1" + b":1" * 50_000)
def test_any_bytes_are_a_document_or_an_input_error(text: bytes) -> None:
    outcome = _outcome(text)

    if isinstance(outcome, Document):
        assert min(outcome.position(())) >= 1
    else:
        assert all(one.line >= 1 and one.column >= 1 and str(one).isprintable() for one in outcome)
