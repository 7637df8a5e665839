"""Measurements against bounds and peers, on real hosts. Each module runs as `python -m bench.NAME`."""
