"""Trains the shipped sentiment model and measures it: ``python -m tests.bench.sentiment --help``."""
