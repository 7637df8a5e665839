"""The use cases: what the command line, the API and the pages call, and nothing else of vmferry."""
