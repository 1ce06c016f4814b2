"""From one short service spec: rules, dashboards, probes, escalation and a runbook, each proven."""

__version__ = "0.1.0"
