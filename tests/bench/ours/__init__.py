"""The reference workload W on our engine, as a user of the engine would write it."""
