"""`python -m vmferry`."""

from vmferry.cli.app import main

main()
