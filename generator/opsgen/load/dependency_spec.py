"""What a service needs."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from opsgen.load.forms import Strict, exactly_one, refuse_all_but_one
from opsgen.load.match_spec import Match
from opsgen.load.name_fields import (
    Slug,
)
from opsgen.load.quantity_fields import (
    ObjectiveField,
)

DEPENDENCY_KINDS = (
    "postgresql",
    "mysql",
    "redis",
    "memcached",
    "mongodb",
    "elasticsearch",
    "kafka",
    "rabbitmq",
    "service",
    "external",
)


class DependencySpec(Strict):
    """Something that the service needs: one kind with its name."""

    model_config = ConfigDict(json_schema_extra=exactly_one(*DEPENDENCY_KINDS))

    postgresql: Annotated[Slug | None, Field(description="A PostgreSQL database by its name.")] = (
        None
    )
    mysql: Annotated[Slug | None, Field(description="A MySQL database by its name.")] = None
    redis: Annotated[Slug | None, Field(description="A Redis by its name.")] = None
    memcached: Annotated[Slug | None, Field(description="A memcached by its name.")] = None
    mongodb: Annotated[Slug | None, Field(description="A MongoDB database by its name.")] = None
    elasticsearch: Annotated[
        Slug | None, Field(description="An Elasticsearch cluster by its name.")
    ] = None
    kafka: Annotated[Slug | None, Field(description="A Kafka cluster by its name.")] = None
    rabbitmq: Annotated[Slug | None, Field(description="A RabbitMQ by its name.")] = None
    service: Annotated[Slug | None, Field(description="Another service of this fleet.")] = None
    external: Annotated[Slug | None, Field(description="Something outside of this fleet.")] = None
    match: Annotated[Match, Field(description="Label matchers of its series.")] = Field(
        default_factory=dict
    )
    objective: Annotated[
        ObjectiveField | None, Field(description="The availability that it promises.")
    ] = None

    @model_validator(mode="after")
    def _one(self) -> DependencySpec:
        refuse_all_but_one(self, DEPENDENCY_KINDS, "a dependency")
        return self

    @property
    def kind(self) -> str:
        return next(kind for kind in DEPENDENCY_KINDS if getattr(self, kind) is not None)

    @property
    def name(self) -> str:
        name: str = getattr(self, self.kind)
        return name
