"""Computes what Alertmanager does, without running one: which route takes an alert, and in which
hours it notifies."""
