"""Claims about single values: what each type reads, to which exact value, and what it says of
anything else."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, get_origin

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from opsgen.load import name_fields, quantity_fields, scalars, text_fields
from opsgen.load.quantity_fields import LatencyObjective
from opsgen.quantities import Duration, Ratio

_TYPES = {
    name: value
    for module in (quantity_fields, name_fields, text_fields, scalars)
    for name, value in vars(module).items()
    if get_origin(value) is Annotated
}


@cache
def _type(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(_TYPES[name])


def _read(name: str, value: Any) -> Any:
    return _type(name).validate_python(value)


def _said(name: str, value: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        _read(name, value)
    (error,) = caught.value.errors()
    assert error["type"] == "opsgen", error
    return error["msg"]


@pytest.mark.parametrize(
    ("name", "written", "value"),
    [
        ("DurationField", "0s", Duration(0)),
        ("DurationField", "1h30m", Duration.of("90m")),
        ("PositiveDurationField", "1500ms", Duration(1500)),
        ("PercentField", "0%", Ratio(Decimal(0))),
        ("PercentField", "100%", Ratio(Decimal(1))),
        ("PercentField", "2.5 %", Ratio(Decimal("0.025"))),
        ("ObjectiveField", "99.999%", Ratio(Decimal("0.99999"))),
        (
            "LatencyObjectiveField",
            "99% under 300ms",
            LatencyObjective(Ratio(Decimal("0.99")), Duration(300)),
        ),
        ("NumberField", 3, Decimal(3)),
        ("NumberField", 0.1, Decimal("0.1")),
        ("NumberField", "99.90", Decimal("99.9")),
        ("NumberField", "1e3", Decimal(1000)),
        ("NumberField", "-0.5", Decimal("-0.5")),
        ("NumberField", "0e50", Decimal(0)),
        ("Slug", "a", "a"),
        ("Slug", "9-lives", "9-lives"),
        ("Slug", "a" * 63, "a" * 63),
        ("LabelName", "_a1", "_a1"),
        ("MetricName", "slo:errors:increase5m", "slo:errors:increase5m"),
        ("EnvVarName", "DATABASE_URL", "DATABASE_URL"),
        ("Text", "two\nlines\twith `{{` | <b> 🔥 אב", "two\nlines\twith `{{` | <b> 🔥 אב"),
        (
            "HttpUrl",
            "https://shop.example.com:8443/a?b=c%20d#e",
            "https://shop.example.com:8443/a?b=c%20d#e",
        ),
        ("HttpUrl", "http://[::1]:9090", "http://[::1]:9090"),
        ("HttpUrl", "https://example.com?mail=a@b", "https://example.com?mail=a@b"),
        ("TimeOfDay", "00:00", "00:00"),
        ("TimeOfDay", "24:00", "24:00"),
        ("WholeNumber", 3, 3),
        ("YesNo", True, True),
    ],
)
def test_what_people_write_is_read_exactly(name: str, written: Any, value: Any) -> None:
    read = _read(name, written)

    assert read == value
    assert str(read) == str(value)


@pytest.mark.parametrize(
    ("name", "written", "said"),
    [
        ("DurationField", 30, "30 has no unit; write 30ms, 30s or 30m"),
        ("DurationField", "30", "30 has no unit; write 30ms, 30s or 30m"),
        ("DurationField", 0.5, ("'0.5' is not a valid duration; write whole numbers and units: 30s, 1h30m,"
            " 1500ms")),
        ("DurationField", "1.5h", ("'1.5h' is not a valid duration; write whole numbers and units: 30s,"
            " 1h30m, 1500ms")),
        ("DurationField", "soon", "'soon' is not a valid duration; write a number and a unit,"
                                  " largest unit first: 30s, 5m, 1h30m, 30d"),
        ("DurationField", "11y", "'11y' is longer than ten years; write a shorter duration"),
        ("PositiveDurationField", "0s", "a duration of 0 is not allowed here; write a longer one: 30s, 5m, 1h30m"),
        ("PercentField", 99.9, "'99.9' is not a valid percentage; write it with its sign: 99.9%"),
        ("PercentField", 0.999, ("'0.999' is not a valid percentage; write it with its sign: 99.9%")),
        ("PercentField", "2", "'2' is not a valid percentage; write it with its sign: 2%"),
        ("PercentField", "150%", "150% is more than 100%; write a percentage from 0% to 100%"),
        ("ObjectiveField", "100%", "an objective of 100% leaves no error budget; write for example 99.99%"),
        ("ObjectiveField", "0%", "an objective of 0% is not possible; write a percentage between"
                                 " 0% and 100%, for example 99.9%"),
        ("LatencyObjectiveField", "99%", "'99%' is not a valid latency objective; write a share"
                                         " and a threshold: 99% under 300ms"),
        ("LatencyObjectiveField", 99, ("'99' is not a valid latency objective; write a share and a threshold: 99%"
            " under 300ms")),
        ("LatencyObjectiveField", "99 under 300ms", ("'99' is not a valid percentage; write it with its sign: 99%")),
        ("LatencyObjectiveField", "99% under 300", "300 has no unit; write 300ms, 300s or 300m"),
        ("NumberField", "much", "'much' is not a number; write a plain decimal number: 0.5"),
        ("NumberField", "1e30", "1e30 is out of range; write a number between 1e-18 and 1e18"),
        ("NumberField", "nan", "'nan' is not a number; write a plain decimal number: 0.5"),
        ("NumberField", float("inf"), "'inf' is not a number; write a plain decimal number: 0.5"),
        ("Slug", "Über Shop!", "'Über Shop!' is not a valid name here; use lowercase letters,"
                                " digits and inner hyphens, at most 63: uber-shop"),
        ("Slug", "../../etc", "'../../etc' is not a valid name here; use lowercase letters,"
                              " digits and inner hyphens, at most 63: etc"),
        ("Slug", "-", "'-' is not a valid name here; use lowercase letters, digits and inner"
                      " hyphens, at most 63: checkout"),
        ("LabelName", "a-b ", ("'a-b ' is not a valid label name; use at most 200 characters,"
            " without spaces around them: a_b")),
        ("LabelName", "", ("'' is not a valid label name; use at most 200 characters, without spaces"
            " around them: namespace")),
        ("LabelName", "a\u0007b", ("'a�b' is not a valid label name; use at most 200 characters,"
            " without spaces around them: a_b")),
        ("LabelName", "__name__", "'__name__' is not a valid label name (names that begin with"
                                  " __ are reserved); use at most 200 characters, without spaces"
                                  " around them: name"),
        ("MetricName", "a.b", ("'a.b' is not a valid metric name; use letters, digits and _, and begin"
            " with no digit: a_b")),
        ("EnvVarName", "9A", ("'9A' is not a valid name of an environment variable; use letters, digits"
            " and _, and begin with no digit")),
        ("Text", "", "the text is empty; write one, or leave the key out"),
        ("Text", " \n", "the text is empty; write one, or leave the key out"),
        ("Text", "a\x1b[31m", "the text has the control character U+001B; leave it out"),
        ("Text", "a\rb", "the text has the control character U+000D; leave it out"),
        ("Text", "ü" * 10_001, "the text is longer than 20,000 bytes; shorten it"),
        ("HttpUrl", "shop.example.com/a", "'shop.example.com/a' is not an http or https URL;"
                                          " write https://shop.example.com/a"),
        ("HttpUrl", "ftp://x", ("'ftp://x' is not an http or https URL; write for example"
            " https://shop.example.com/healthz")),
        ("HttpUrl", "https:///a", ("'https:///a' has no host; write for example"
            " https://shop.example.com/healthz")),
        ("HttpUrl", "https://[x", ("'https://[x' is not a valid URL; write for example"
            " https://shop.example.com/healthz")),
        ("HttpUrl", "https://x:99999", "'https://x:99999' is not a valid URL; write for example"
                                       " https://shop.example.com/healthz"),
        ("HttpUrl", "https://a b", "the URL has a character that must be escaped in URLs; "
         "write %20 for a space, and so on"),
        ("TimeOfDay", "9:00", "'9:00' is not a valid time of day; write \"09:00\""),
        ("TimeOfDay", "24:01", ('\'24:01\' is not a valid time of day; write hours and minutes, "00:00" to'
            ' "24:00"')),
    ],
)  # fmt: skip
def test_anything_else_is_told_with_what_would_be_right(name: str, written: Any, said: str) -> None:
    assert _said(name, written) == said


def test_credentials_in_a_url_are_refused_and_not_repeated() -> None:
    said = _said("HttpUrl", "https://user:hunter2@example.com/")

    assert "credentials" in said
    assert "hunter2" not in said


@pytest.mark.parametrize("name", sorted(set(_TYPES) - {"YesNo"}))
def test_a_yes_or_no_is_no_value_of_any_other_type(name: str) -> None:
    with pytest.raises(ValidationError):
        _read(name, True)


@pytest.mark.parametrize("name", sorted(_TYPES))
@pytest.mark.parametrize("value", [None, [], {}, ["30s"]])
def test_none_lists_and_mappings_are_no_scalars(name: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        _read(name, value)


def test_a_text_of_twenty_kilobytes_is_accepted() -> None:
    assert len(_read("Text", "x" * 20_000)) == 20_000


@given(st.decimals(min_value=-1000, max_value=1000, allow_nan=False, places=6))
def test_a_number_is_the_same_whether_yaml_made_a_float_of_it_or_not(number: Decimal) -> None:
    assert _read("NumberField", float(number)) == _read("NumberField", str(number)) == number


@pytest.mark.parametrize("name", sorted(_TYPES))
def test_every_type_has_a_schema_whose_examples_it_reads(name: str) -> None:
    schema = _type(name).json_schema()

    jsonschema.Draft202012Validator.check_schema(schema)
    for written in schema.get("examples", []):
        jsonschema.validate(written, schema)
        _read(name, written)


_NEAR = st.text(st.sampled_from("0123456789smhdwy.% under-_:/AZaz\n"), min_size=1, max_size=14)
_NARROWER_SCHEMAS = sorted(set(_TYPES) - {"NumberField", "WholeNumber", "YesNo", "Text", "HttpUrl"})


@pytest.mark.parametrize("name", _NARROWER_SCHEMAS)
@given(
    written=st.one_of(
        _NEAR, st.from_regex(re.compile(r"[0-9]{1,3}(ms|[smhdwy%])", re.ASCII), fullmatch=True)
    )
)
def test_an_editor_accepts_all_that_is_read(name: str, written: str) -> None:
    try:
        _read(name, written)
    except ValidationError:
        return
    jsonschema.validate(written.strip(), _type(name).json_schema())
