"""A simulated contact centre, its own book-keeping, and a live board of what the pipeline makes of it."""
