"""The render stage: a service and its signals in, artifacts out; one module for each kind, each a
pure function."""
