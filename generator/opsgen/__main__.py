"""`python -m opsgen` is `opsgen`."""

from opsgen.cli import main

main()
