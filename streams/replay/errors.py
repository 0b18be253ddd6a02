"""What can go wrong with a replay.

ReplayError
├── InputError       the file, a column or the speed is not what it should be
├── MappingError     the mapping is missing or wrong; the text names file and line
└── PublishError     the broker did not take the events

A topic that is not there is `streams.base.errors.TopicMissing`. Bad rows are no errors: they are counted, with their
line numbers, and the replay goes on.
"""

from streams.base.errors import UserError


class ReplayError(UserError):
    """Base of every error of a replay; its text says what to do."""


class InputError(ReplayError):
    """The file cannot be read as the mapping says."""


class MappingError(ReplayError):
    """The mapping cannot be found or is not valid."""


class PublishError(ReplayError):
    """The broker cannot be reached or did not take the events."""
