"""The HTTP API: what `serve` answers with, built on the same use cases as the command line."""
