"""Reads what people write. YAML files go in; checked models of the spec, the project file, packs
and conventions come out."""

import os

# Looking for pydantic plugins imports importlib.metadata and reads every installed package: a third
# of a short run.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
