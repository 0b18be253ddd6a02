"""What is on the wire: the contract between Contact Streams, its connectors and its subscribers.

Importable on its own: it needs pydantic only (``registry`` and what stands on it also PyYAML).

=================  ===================================================================================
``events``         every event type; ``parse``, ``check``, ``problem_of``
``data``           what each type of contact event says; ``other_data`` the other types
``envelope``       CloudEvents: the envelope, binary mode
``outputs``        what the system publishes; ``dead_letter`` among it
``internal``       the records between our own agents
``fields``         the kinds of value all of them are made of
``problems``       why an event was refused, in plain words
``registry``       the topics, one YAML each under ``topics/``
``routing``        event → topic and key, derived from them
``flow``           who reads and writes what, derived from them
``export``         JSON Schema and AsyncAPI, under ``export/``
``compat``         whether a change breaks a connector or a subscriber; ``baseline/`` is the released contract
=================  ===================================================================================
"""
