"""`python -m homemon` is `homemon`."""

from homemon.cli.main import main

main()
