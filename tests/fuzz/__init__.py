"""Whole events made up from the contract's own models, sent through all four agents without a broker."""
