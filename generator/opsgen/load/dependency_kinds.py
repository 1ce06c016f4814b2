"""What an entry of `dependencies` may have beside the names of packs: the kinds that need no pack,
and the keys of every kind."""

from __future__ import annotations

from collections.abc import Mapping

FLEET = "service"  # another service of the fleet; this kind has no pack

# Kinds that a spec may name already, whose packs are not shipped yet.
KINDS_NOT_YET: Mapping[str, str] = {
    "postgresql": "A PostgreSQL database by its name.",
    "mysql": "A MySQL database by its name.",
    "redis": "A Redis by its name.",
    "memcached": "A memcached by its name.",
    "mongodb": "A MongoDB database by its name.",
    "elasticsearch": "An Elasticsearch cluster by its name.",
    "kafka": "A Kafka cluster by its name.",
    "rabbitmq": "A RabbitMQ by its name.",
    "external": "Something outside of this fleet.",
}

# The keys of a dependency of any kind: the fields of `DependencySpec`.
DEPENDENCY_KEYS = ("match", "objective")
