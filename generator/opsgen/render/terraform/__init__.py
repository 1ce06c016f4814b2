"""Escalation as the providers' own resources: one module for each provider, and what they have in
common."""
