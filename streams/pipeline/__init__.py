"""The hall: one stage a key, each a Faust agent over the pure rooms. It reads a batch and writes what they return."""
