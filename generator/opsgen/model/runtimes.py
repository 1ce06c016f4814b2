"""What a service may run on without a pack, as one table: specs, schema, docs and runbooks read
it."""

from __future__ import annotations

from typing import Literal, get_args

Runtime = Literal["kubernetes", "host", "process"]
RUNTIMES: tuple[Runtime, ...] = get_args(Runtime)
