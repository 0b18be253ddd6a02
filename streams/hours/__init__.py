"""Opening hours: when a queue is open, and how much time passes while it is."""
