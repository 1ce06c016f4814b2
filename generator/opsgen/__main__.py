"""`python -m opsgen` is `opsgen`."""

from opsgen.cli.main import main

main()
