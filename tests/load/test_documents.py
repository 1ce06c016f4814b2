"""Claims about models made from documents: every mistake at its own place, in plain words, without
secrets."""

from __future__ import annotations

import json
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from opsgen.errors import InputError, Mistake
from opsgen.load.documents import validate
from opsgen.load.name_fields import Slug
from opsgen.load.quantity_fields import DurationField, NumberField, ObjectiveField
from opsgen.load.scalars import mistake
from opsgen.load.text_fields import HttpUrl, Text
from opsgen.load.yaml_reader import parse_document


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Color(Enum):
    RED = "red"
    GREEN = "green"


class _Slo(_Strict):
    objective: ObjectiveField
    window: DurationField | None = None
    for_: Annotated[DurationField | None, Field(alias="for")] = None
    title: Text = "x"


class _Cat(_Strict):
    kind: Literal["cat"]
    lives: int


class _Dog(_Strict):
    kind: Literal["dog"]
    name: Text


class _Window(_Strict):
    start: int
    end: int

    @model_validator(mode="after")
    def _ordered(self) -> _Window:
        if self.end < self.start:
            raise mistake("the end is before the start", "write a later end", ("end",))
        return self


def _label(value: Any) -> str | None:
    return "cat" if isinstance(value, dict) and "lives" in value else "dog"


class _Spec(_Strict):
    service: Annotated[Slug, Field(examples=["checkout"])] = "x"
    tier: Annotated[int, Field(ge=1, le=4)] = 1
    ratio: Annotated[float, Field(gt=0, lt=1)] = 0.5
    number: NumberField | None = None
    runtime: Literal["kubernetes", "host"] = "host"
    color: _Color = _Color.RED
    code: Annotated[str, Field(pattern=r"^[a-z]+$", max_length=5, min_length=2)] = "ab"
    flag: bool = False
    slos: tuple[_Slo, ...] = ()
    names: Annotated[list[Slug], Field(min_length=1, max_length=2)] = ["a"]
    labels: dict[Slug, Text] = {}
    more: dict[str, _Slo] | None = None
    widened: Annotated[
        _Slo | None, BeforeValidator(lambda v: {"objective": v} if isinstance(v, str) else v)
    ] = None
    pet: Annotated[_Cat | _Dog | None, Field(discriminator="kind")] = None
    pets: list[
        Annotated[Annotated[_Cat, Tag("cat")] | Annotated[_Dog, Tag("dog")], Discriminator(_label)]
    ] = []
    count: int | Literal["all"] = "all"
    window: _Window | None = None
    url: HttpUrl | None = None
    api_token: Slug | None = None
    password: Annotated[str | None, Field(pattern="^x+$")] = None
    even: int = 0

    @field_validator("even")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError(f"{value} is odd")
        return value


def _found(text: str) -> tuple[Mistake, ...]:
    try:
        validate(parse_document(text.encode(), "service.yaml"), _Spec)
    except InputError as error:
        return error.mistakes
    return ()


def _mistakes(text: str) -> tuple[Mistake, ...]:
    found = _found(text)
    assert found
    return found


def _mistake(text: str) -> str:
    (only,) = _mistakes(text)
    return str(only).removeprefix("service.yaml:")


def test_a_right_document_is_its_model() -> None:
    spec = validate(
        parse_document(b"service: checkout\nslos: [{objective: 99.9%, for: 5m}]", "service.yaml"),
        _Spec,
    )

    assert spec.service == "checkout"
    assert str(spec.slos[0].objective) == "99.9%"


def test_a_mistake_prints_as_file_line_column_path_wrong_and_right() -> None:
    (only,) = _mistakes("service: checkout\nslos:\n  - objektive: 99%\n")

    assert (
        str(only) == "service.yaml:3:5: slos[0].objektive: unknown key; did you mean 'objective'?"
    )


def test_all_mistakes_are_told_each_at_its_own_place() -> None:
    found = _mistakes("service: A\ntier: 9\nslos:\n  - objective: 100%\n    windw: 1d\n  - {}\n")

    assert [(one.line, one.column, one.path) for one in found] == [
        (1, 10, "service"),
        (2, 7, "tier"),
        (4, 16, "slos[0].objective"),
        (5, 5, "slos[0].windw"),
        (6, 5, "slos[1]"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("slos: [{}]", "1:8: slos[0]: objective is missing; add it, for example objective: 99.9%"),
        ("slos: [{objective: 9%, fro: 1m}]", "1:24: slos[0].fro: unknown key; did you mean 'for'?"),
        ("Service: x", "1:1: Service: unknown key; did you mean 'service'?"),
        ("slos: [{objective: 9%, zzz: 1}]", "1:24: slos[0].zzz: unknown key; "
         "write one of objective, window, for, title"),
        ("more: {a: {objective: 9%, zzz: 1}}", "1:27: more.a.zzz: unknown key; "
         "write one of objective, window, for, title"),
        ("service: on", '1:10: service: `on` is a yes/no value to YAML; quote it: "on"'),
        ("service: 1.10", '1:10: service: a text was expected, found the number 1.10; quote it: "1.10"'),
        ("service: [a]", "1:10: service: a text was expected, found a list"),
        ("service:", "1:1: service: has no value; write one, or leave the key out"),
        ("service: ~", "1:10: service: has no value; write one, or leave the key out"),
        ("slos: [{objective: }]", "1:9: slos[0].objective: has no value; write one, or leave the key out"),
        ("slos: [{objective: yes}]", '1:20: slos[0].objective: `yes` is a yes/no value to YAML; quote it: "yes"'),
        ("tier: one", "1:7: tier: a whole number was expected, found a text ('one')"),
        ("tier: 1.5", "1:7: tier: a whole number was expected, found a number ('1.5')"),
        ("tier: 0", "1:7: tier: '0' is too small; write at least 1"),
        ("tier: 5", "1:7: tier: '5' is too large; write at most 4"),
        ("ratio: 0", "1:8: ratio: '0' is too small; write a number above 0.0"),
        ("ratio: 1", "1:8: ratio: '1' is too large; write a number below 1.0"),
        ("ratio: x", "1:8: ratio: a number was expected, found a text"),
        ("number: yes", "1:9: number: a number was expected, found a yes/no value"),
        ("flag: maybe", "1:7: flag: true or false was expected, found a text"),
        ("flag: []", "1:7: flag: true or false was expected, found a list"),
        ("slos: 99%", "1:7: slos: a list was expected, found a text; "
         "write [a, b], or a line that begins with `- ` for each"),
        ("names: {a: b}", "1:8: names: a list was expected, found a mapping; "
         "write [a, b], or a line that begins with `- ` for each"),
        ("labels: [a]", "1:9: labels: a mapping was expected, found a list; write `key: value` lines"),
        ("slos: [x]", "1:8: slos[0]: a mapping was expected, found a text; "
         "write a mapping with objective, window, for, title"),
        ("runtime: kubernets", "1:10: runtime: 'kubernets' is not allowed here; "
         "did you mean 'kubernetes'? write one of kubernetes, host"),
        ("runtime: 7", "1:10: runtime: '7' is not allowed here; write one of kubernetes, host"),
        ("runtime: [host]", "1:10: runtime: a list is not allowed here; write one of kubernetes, host"),
        ("color: gren", "1:8: color: 'gren' is not allowed here; did you mean 'green'? write one of red, green"),
        ("code: AB", ("1:7: code: 'AB' does not have the right form; write a text that matches"
            " ^[a-z]+$")),
        ("code: a", "1:7: code: is too short; write at least 2 characters"),
        ("code: abcdef", "1:7: code: is too long; write at most 5 characters"),
        ("names: []", "1:8: names: is too short; write at least 1 entry"),
        ("names: [a, b, c]", "1:8: names: is too long; write at most 2 entries"),
        ("labels: {A B: x}", '1:10: labels["A B"]: \'A B\' is not a valid name here; use lowercase'
                             " letters, digits and inner hyphens, at most 63: a-b"),
        ("widened: 100%", "1:10: widened: an objective of 100% leaves no error budget; write for example 99.99%"),
        ("pet: {kind: cat, lives: many}", "1:25: pet.lives: a whole number was expected, found a text ('many')"),
        ("pet: {kind: cow}", "1:6: pet: this is not of a known kind; write one of 'cat', 'dog'"),
        ("pet: {lives: 9}", "1:6: pet: kind is missing; add it: it says which kind this is"),
        ("pets: [{kind: cat, lives: x}]", "1:27: pets[0].lives: a whole number was expected, found a text ('x')"),
        ("pets: [{kind: dog, name: x, zzz: 1}]", "1:29: pets[0].zzz: unknown key; write one of kind, lives, name"),
        ("window: {start: 5, end: 3}", "1:25: window.end: the end is before the start; write a later end"),
        ("even: 3", "1:7: even: 3 is odd"),
    ],
)  # fmt: skip
def test_each_kind_of_mistake_has_a_plain_sentence(text: str, said: str) -> None:
    assert _mistake(text) == said


def test_a_value_that_fits_no_member_of_a_union_is_at_the_values_own_place() -> None:
    assert {(one.column, one.path) for one in _mistakes("count: some")} == {(8, "count")}


def test_a_misspelt_required_key_is_told_once() -> None:
    assert (
        _mistake("slos: [{objectiv: 99%}]")
        == "1:9: slos[0].objectiv: unknown key; did you mean 'objective'?"
    )


def test_a_key_that_is_there_already_is_not_suggested() -> None:
    assert "did you mean" not in _mistake("slos: [{objective: 99%, objectives: 98%}]")


def test_at_most_twelve_keys_are_listed() -> None:
    listed = _mistake("qqq: 1").partition("write one of ")[2]

    assert len(listed.split(", ")) == 13
    assert listed.endswith(", ...")


@pytest.mark.parametrize(
    ("text", "kind"), [("[a]", "a list"), ("x", "a text"), ("3", "a number"), ("~", "nothing")]
)
def test_a_document_that_is_no_mapping_is_refused(text: str, kind: str) -> None:
    assert (
        _mistake(text)
        == f"1:1: the document is {kind}; a mapping was expected; write `key: value` lines"
    )


@pytest.mark.parametrize(
    "text",
    [
        "api_token: Hunter2-Secret",
        "api_token: [Hunter2-Secret]",
        "password: hunter2-secret",
        "url: https://bob:hunter2-secret@example.com",
        "code: https://bob:hunter2-secret@example.com/",
        f"api_token: Hunter2-Secret-{'x' * 100}",
    ],
)
def test_what_may_be_a_secret_is_not_repeated(text: str) -> None:
    assert "hunter2" not in " ".join(map(str, _mistakes(text))).lower()


@pytest.mark.parametrize(
    "key", ["code", "runtime", "service", "widened", "url", "tier", "number", "labels", "color"]
)
def test_a_long_value_is_cut(key: str) -> None:
    assert len(_mistakes(f"{key}: {'Ab1' * 3000}")[0].wrong) < 200


def test_an_invisible_character_is_replaced() -> None:
    found = _mistake("service: 'a\u202eb'\n")

    assert "\u202e" not in found
    assert "a\N{REPLACEMENT CHARACTER}b" in found


def test_a_mistake_in_what_an_alias_stands_for_is_where_that_was_written() -> None:
    found = _mistakes("slos:\n  - &a {objective: 100%}\n  - *a\n")

    assert [(one.line, one.column, one.path) for one in found] == [
        (2, 20, "slos[0].objective"),
        (2, 20, "slos[1].objective"),
    ]


_KEYS = st.one_of(
    st.sampled_from([*_Spec.model_fields, "kind", "lives", "for", "objektive", "[key]"]),
    st.text(max_size=3),
)
_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["99%", "5m", "cat", "1e9"]),
)
_VALUES = st.recursive(
    _LEAVES, lambda below: st.lists(below, max_size=3) | st.dictionaries(_KEYS, below, max_size=4)
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(_KEYS, _VALUES, max_size=5))
def test_any_document_is_a_model_or_an_input_error(value: dict[str, Any]) -> None:
    text = json.dumps(value)  # which is YAML, but for what the reader refuses
    for one in _found(text):
        assert one.line >= 1
        assert one.column >= 1
        assert str(one).isprintable()
