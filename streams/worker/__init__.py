"""One process of the pipeline: its parts, its metrics and its web, its start and its end."""
