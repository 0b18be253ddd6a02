"""Kafka for people and commands: the connection, what topics have to be like, reading them to their end, publishing."""
