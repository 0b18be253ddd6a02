"""The contact domain: pure functions over records; no I/O, no clock, no Kafka."""
