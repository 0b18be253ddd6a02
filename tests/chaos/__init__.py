"""The whole product under faults: `python -m tests.chaos --seed 1`; see docs/chaos.md."""
