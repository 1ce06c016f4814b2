"""What judges artifacts and runbooks: closure, the real programs, the linter of any rule file."""
