"""The table of channels: where a notification can go, what each takes, and what it is told."""
