"""The formats: each a pure function from a message to a request, and what notify.yaml may say of it, in one file."""
