"""Topics of a Kafka cluster: what they have to be like, reading them, waiting for what is unread."""
