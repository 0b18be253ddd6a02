"""What a person can mend: one root, so that a command has one way to fail.

::

    UserError               what was given, what was expected, what to do
    ├── SettingsError       a setting is wrong (`streams.settings`)
    ├── RulesError          the rules are not usable (`streams.rules`)
    ├── BrokerError         no broker can be reached or started
    │   └── OpenTransaction a transaction does not end (`streams.kafka.reading`)
    ├── TopicMissing        a topic is not on the broker
    ├── TopicsError         topics cannot be read, created or altered (`streams.kafka.topics`)
    ├── ReplayError         a replay cannot begin, or did not end (`streams.replay.errors`)
    ├── StateError          what the tables hold cannot be read (`streams.inspect.changelogs`)
    │   and others of a command, beside what raises them
    └── of the engine       those for which a worker does not start, or ends (`streams.engine.errors`)

The contract stands alone: its ``RegistryError`` is none of these, and commands end alike with it
(`streams.cli.common`). Everything else that is raised is a fault of this program, and shows as one: with its traceback.
"""


class UserError(Exception):
    """Something that a person can mend; the message says what was given, what was expected, and what to do."""


class BrokerError(UserError):
    """No broker can be reached or started; the message says what to install or where to look."""


class TopicMissing(UserError):
    """A topic to read or to publish to is not on the broker."""
