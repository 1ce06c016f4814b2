"""`opsgen check --mutate`: plants faults in rules, and counts those that the proofs notice."""
