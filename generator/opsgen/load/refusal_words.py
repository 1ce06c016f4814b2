"""An error of pydantic goes in; what is wrong and what would be right comes out, in plain words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from pydantic.fields import FieldInfo

from opsgen.load.refusals import Refusal, closest, kind_of
from opsgen.load.shown import listed, shown
from opsgen.quantities import number_text

# What is wrong, and what would be right.
Words = tuple[str, str]


def words_of(refusal: Refusal) -> Words:
    """What is wrong, and what would be right."""
    if refusal.value is None and refusal.kind not in ("missing", "extra_forbidden"):
        return "has no value", "write one, or leave the key out"
    return _SENTENCES.get(refusal.kind, _in_pydantics_words)(refusal)


def is_quoted(refusal: Refusal) -> bool:
    """Whether the words are pydantic's or a validator's; those may repeat the value."""
    return refusal.kind == "opsgen" or refusal.kind not in _SENTENCES


def _missing(found: Refusal) -> Words:
    field = found.fields.get(found.name)
    examples = _examples(field) if field else []
    example = f", for example {found.name}: {examples[0]}" if examples else ""
    return f"{found.name} is missing", f"add it{example}"


def _examples(field: FieldInfo) -> list[Any]:
    """The field's own examples, or those that its type has in the JSON Schema."""
    schemas = (getattr(extra, "json_schema", None) for extra in field.metadata)
    known = (schema for schema in schemas if isinstance(schema, dict))
    of_type = (schema["examples"] for schema in known if "examples" in schema)
    return field.examples or next(of_type, [])


def _unknown_key(found: Refusal) -> Words:
    if found.meant:
        return "unknown key", f"did you mean '{found.meant}'?"
    if found.fields:
        return "unknown key", f"write one of {listed(found.fields)}"
    return "unknown key", "leave it out"


def _expected(what: str, instead: str = "") -> Callable[[Refusal], Words]:
    def words(found: Refusal) -> Words:
        return f"{what} was expected, found {kind_of(found.value)}", instead

    return words


def _expected_text(found: Refusal) -> Words:
    if isinstance(found.value, dict | list | str):
        return f"a text was expected, found {kind_of(found.value)}", ""
    if found.hidden:
        return f"a text was expected, found {kind_of(found.value)}", "put it in quotes"
    raw, quoted = shown(found.raw), f'quote it: "{shown(found.raw)}"'
    if isinstance(found.value, bool):
        return f"`{raw}` is a yes/no value to YAML", quoted
    what = "nothing" if found.value is None else "the number"
    return f"a text was expected, found {what} {raw}", quoted


def _expected_mapping(found: Refusal) -> Words:
    wrong = f"a mapping was expected, found {kind_of(found.value)}"
    if found.fields:
        return wrong, f"write a mapping with {listed(found.fields)}"
    return wrong, "write `key: value` lines"


def _expected_whole_number(found: Refusal) -> Words:
    return f"a whole number was expected, found {kind_of(found.value)} ({found.echo})", ""


def _not_one_of(found: Refusal) -> Words:
    allowed = str(found.context.get("expected", ""))
    choices = re.findall(r"'((?:[^'\\]|\\.)*)'", allowed)
    known = listed(choices) or allowed
    if isinstance(found.value, dict | list):
        return f"{kind_of(found.value)} is not allowed here", f"write one of {known}"
    close = closest(found.raw, choices)
    meant = f"did you mean '{close}'? " if close and not found.hidden else ""
    one = "write" if len(choices) == 1 else "write one of"
    return f"{found.echo} is not allowed here", f"{meant}{one} {known}"


def _pattern(found: Refusal) -> Words:
    right = f"write a text that matches {found.context['pattern']}"
    return f"{found.echo} does not have the right form", right


_COUNTED = {True: ("character", "characters"), False: ("entry", "entries")}  # of a text or not


def _count_of(bound: str, words: str) -> Callable[[Refusal], Words]:
    def sentence(found: Refusal) -> Words:
        number = found.context[bound]
        one, many = _COUNTED[isinstance(found.value, str)]
        wrong = "is too short" if bound == "min_length" else "is too long"
        return wrong, f"{words} {number} {one if number == 1 else many}"

    return sentence


def _limit(bound: str, wrong: str, right: str) -> Callable[[Refusal], Words]:
    def sentence(found: Refusal) -> Words:
        return f"{found.echo} {wrong}", f"write {right} {_number(found.context[bound])}"

    return sentence


def _number(number: Any) -> str:
    return number_text(number) if hasattr(number, "as_tuple") else str(number)


def _tag(found: Refusal) -> Words:
    return "this is not of a known kind", f"write one of {found.context.get('expected_tags', '')}"


def _no_tag(found: Refusal) -> Words:
    discriminator = str(found.context.get("discriminator", "a key")).strip("'")
    return f"{discriminator} is missing", "add it: it says which kind this is"


def _our_own(found: Refusal) -> Words:
    return str(found.context["wrong"]), str(found.context["right"])


def _in_pydantics_words(found: Refusal) -> Words:
    message = found.details["msg"]
    for theirs in ("Value error, ", "Assertion failed, "):
        message = message.removeprefix(theirs)
    return message[:1].lower() + message[1:], ""


_LIST = _expected("a list", "write [a, b], or a line that begins with `- ` for each")
_YES_NO = _expected("true or false")
_NUMBER = _expected("a number")

# By pydantic's type of error: what is wrong and what would be right.
_SENTENCES: dict[str, Callable[[Refusal], Words]] = {
    "opsgen": _our_own,
    "missing": _missing,
    "extra_forbidden": _unknown_key,
    "string_type": _expected_text,
    "int_type": _expected_whole_number,
    "int_parsing": _expected_whole_number,
    "int_from_float": _expected_whole_number,
    "int_parsing_size": _expected_whole_number,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "decimal_type": _NUMBER,
    "decimal_parsing": _NUMBER,
    "bool_type": _YES_NO,
    "bool_parsing": _YES_NO,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
    "dict_type": _expected_mapping,
    "mapping_type": _expected_mapping,
    "model_type": _expected_mapping,
    "model_attributes_type": _expected_mapping,
    "dataclass_type": _expected_mapping,
    "literal_error": _not_one_of,
    "enum": _not_one_of,
    "string_pattern_mismatch": _pattern,
    "string_too_short": _count_of("min_length", "write at least"),
    "string_too_long": _count_of("max_length", "write at most"),
    "too_short": _count_of("min_length", "write at least"),
    "too_long": _count_of("max_length", "write at most"),
    "greater_than": _limit("gt", "is too small", "a number above"),
    "greater_than_equal": _limit("ge", "is too small", "at least"),
    "less_than": _limit("lt", "is too large", "a number below"),
    "less_than_equal": _limit("le", "is too large", "at most"),
    "multiple_of": _limit("multiple_of", "is not a multiple", "a multiple of"),
    "union_tag_invalid": _tag,
    "union_tag_not_found": _no_tag,
}
