"""The command line: an edge. It reads arguments, calls one use case, and shows what came out."""
