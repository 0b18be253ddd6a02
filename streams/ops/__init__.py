"""Running the system: the embedded broker, topics, metrics, health, replay, repair. Adapters only; what it decides is
in ``streams.domain``.
"""
