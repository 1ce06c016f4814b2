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

    deploy: Annotated[Text | None, Field(description="The command that deploys.")] = None
    rollback: Annotated[
        Text | None, Field(description="The command that goes back to the version before.")
    ] = None
    restart: Annotated[Text | None, Field(description="The command that restarts.")] = None
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

    name: Annotated[EnvVarName, Field(description="Its name.", examples=["DATABASE_URL"])]
    type: Annotated[
        Text, Field(description="What it holds.", examples=["string", "url", "duration"])
    ] = "string"
    description: Annotated[Text | None, Field(description="What it is for, in a sentence.")] = None
    required: Annotated[
        YesNo, Field(description="Whether the service does not start without it.")
    ] = False
    secret: Annotated[YesNo, Field(description="Whether nobody may see its value.")] = False
    default: Annotated[
        Text | None, Field(description="Its value where none is set; no secret has one.")
    ] = None

    @model_validator(mode="after")
    def _no_secret_value(self) -> EnvironmentVariableSpec:
        if self.secret and self.default is not None:
            raise mistake(
                "a secret has a default value in the spec",
                "leave out default: a secret belongs elsewhere",
            )
        return self
