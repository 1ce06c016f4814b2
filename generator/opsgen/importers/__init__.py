"""Specs of other tools in, service specs out, and what could not be carried over."""
