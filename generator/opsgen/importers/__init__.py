"""Specs of other tools go in; service specs come out, with notes on what was not imported."""
