"""Replay: tabular call logs to contact events, on a time line of their own.

``read_log`` turns a file into events by a declarative mapping, ``ReplayPublisher`` publishes events of a time line with
its control events, ``replay_file`` does both. ``streams.cli.replay.replay`` is the command.
"""

from streams.base.errors import TopicMissing
from streams.replay.contacts import cloud_event
from streams.replay.errors import InputError, MappingError, PublishError, ReplayError
from streams.replay.mapping import load_mapping, parse_mapping, shipped_names
from streams.replay.model import Mapping
from streams.replay.publish import ReplayPublisher
from streams.replay.reader import CallLog, read_log
from streams.replay.run import Report, replay_log

__all__ = [
    "CallLog",
    "InputError",
    "Mapping",
    "MappingError",
    "PublishError",
    "ReplayError",
    "ReplayPublisher",
    "Report",
    "TopicMissing",
    "cloud_event",
    "load_mapping",
    "parse_mapping",
    "read_log",
    "replay_log",
    "shipped_names",
]
