"""`python -m opsgen` is `opsgen`."""

from opsgen.cli.commands import main

main()
