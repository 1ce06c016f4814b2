"""What the whole room raises for text that is not PromQL."""

from __future__ import annotations


class PromqlError(ValueError):
    """The text is no PromQL that Prometheus would take; the message says why."""
