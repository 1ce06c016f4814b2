"""How long opsgen takes: whole processes from outside, and the stages of a large build from
inside."""
