"""What Alertmanager does, so that it can be asked without one: which route takes an alert, and when
hours are."""
