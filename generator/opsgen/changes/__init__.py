"""What changes in meaning between two output trees: alerts, who is told, probes, panels and
sections of runbooks."""
