"""A service and its signals in; its runbook, the page that a person at 3 a.m. reads, out."""
