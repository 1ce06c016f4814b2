"""Runs all stages over many specs: load, make, build, with a cache and on all cores."""
