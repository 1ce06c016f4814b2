"""Which series are meant: label matchers, and the convention by which they are named."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field, model_validator

from opsgen.load.convention_file import InlineConvention
from opsgen.load.forms import ShortForm, Strict, exactly_one, refuse_all_but_one
from opsgen.load.library import shipped_conventions
from opsgen.load.name_fields import (
    LabelName,
    Slug,
)
from opsgen.load.text_fields import Text


class MatchSpec(Strict):
    """One label matcher: a text that the label equals, or one of these."""

    model_config = ConfigDict(json_schema_extra=exactly_one("equals", "regex", "not", "not_regex"))

    equals: Annotated[
        Text | None, Field(description="The text that the value is.", examples=["checkout"])
    ] = None
    regex: Annotated[
        Text | None,
        Field(
            description="A regular expression that the whole value matches.",
            examples=["checkout-.*"],
        ),
    ] = None
    not_: Annotated[
        Text | None, Field(alias="not", description="A text that the value is not.")
    ] = None
    not_regex: Annotated[
        Text | None, Field(description="A regular expression that the whole value does not match.")
    ] = None

    @model_validator(mode="after")
    def _one(self) -> MatchSpec:
        refuse_all_but_one(self, ("equals", "regex", "not_", "not_regex"), "a matcher")
        return self


Match = dict[LabelName, Annotated[MatchSpec, ShortForm("equals")]]


def _shipped_names_as_examples(schema: dict[str, Any]) -> None:
    """Editors complete the names of the conventions that opsgen ships."""
    schema["examples"] = list(shipped_conventions())


class ConventionSpec(InlineConvention):
    """A named convention, an inline one, or a named one with parts replaced."""

    use: Annotated[
        Slug | None,
        Field(
            description="A convention by name; the parts beside it replace the convention's own.",
            json_schema_extra=_shipped_names_as_examples,
        ),
    ] = None
