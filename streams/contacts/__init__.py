"""One contact: which events make it, and what it has gone through. Pure."""
