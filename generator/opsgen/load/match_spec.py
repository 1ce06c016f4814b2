"""The models of label matchers and of the convention, which say which series are the service's."""

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
    """One label matcher: the text that the label equals, or a mapping with one of these keys."""

    model_config = ConfigDict(json_schema_extra=exactly_one("equals", "regex", "not", "not_regex"))

    equals: Annotated[
        Text | None, Field(description="The label is this text.", examples=["checkout"])
    ] = None
    regex: Annotated[
        Text | None,
        Field(
            description="The whole label matches this regular expression.",
            examples=["checkout-.*"],
        ),
    ] = None
    not_: Annotated[Text | None, Field(alias="not", description="The label is not this text.")] = (
        None
    )
    not_regex: Annotated[
        Text | None,
        Field(description="The whole label does not match this regular expression."),
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
    """A convention by name, its metric names written here, or a named one with some parts
    replaced."""

    use: Annotated[
        Slug | None,
        Field(
            description=(
                "The name of a convention. The keys beside `use` replace parts of this convention."
            ),
            json_schema_extra=_shipped_names_as_examples,
        ),
    ] = None
