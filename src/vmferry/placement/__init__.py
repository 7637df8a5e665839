"""Which host: filters that answer with a reason or nothing, and scores."""
