"""The runtimes that need no pack, as one table for specs, schema, docs and runbooks."""

from __future__ import annotations

from typing import Literal, get_args

Runtime = Literal["kubernetes", "host", "process"]
RUNTIMES: tuple[Runtime, ...] = get_args(Runtime)
