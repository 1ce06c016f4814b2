"""What a runbook is told of a service: commands, links, environment variables."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from opsgen.load.forms import Strict
from opsgen.load.name_fields import (
    EnvVarName,
)
from opsgen.load.scalars import YesNo, mistake
from opsgen.load.text_fields import Text


class RunbookSpec(Strict):
    """Commands and links for the runbook."""

    deploy: Annotated[Text | None, Field(description="The command that deploys the service.")] = (
        None
    )
    rollback: Annotated[
        Text | None, Field(description="The command that goes back to the previous version.")
    ] = None
    restart: Annotated[Text | None, Field(description="The command that restarts the service.")] = (
        None
    )
    scale: Annotated[Text | None, Field(description="The command that adds capacity.")] = None
    logs: Annotated[
        Text | None, Field(description="A link to the logs, or a command that shows them.")
    ] = None


class EnvironmentVariableSpec(Strict):
    """One environment variable that the service reads."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"secret": {"const": True}}, "required": ["secret"]},
            "then": {"not": {"required": ["default"]}},
        }
    )

    name: Annotated[
        EnvVarName, Field(description="The variable's name.", examples=["DATABASE_URL"])
    ]
    type: Annotated[
        Text,
        Field(
            description="What kind of value it holds, in a word.",
            examples=["string", "url", "duration"],
        ),
    ] = "string"
    description: Annotated[Text | None, Field(description="What it is for, in a sentence.")] = None
    required: Annotated[
        YesNo, Field(description="true if the service does not start without it.")
    ] = False
    secret: Annotated[
        YesNo, Field(description="true if the value is a secret. A secret has no default.")
    ] = False
    default: Annotated[
        Text | None, Field(description="The value that the service uses if none is set.")
    ] = None

    @model_validator(mode="after")
    def _no_secret_value(self) -> EnvironmentVariableSpec:
        if self.secret and self.default is not None:
            raise mistake(
                "a secret can't have a default value in the spec",
                "leave default out: a spec must not hold secrets",
            )
        return self
