"""What people write, and how it is read: the models of spec, project file, packs and
conventions."""

import os

# Looking for pydantic plugins imports importlib.metadata and reads every installed package: a third
# of a short run.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
