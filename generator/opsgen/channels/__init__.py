"""The table of channels: where a notification can go, which options each takes, and what opsgen
writes to it."""
