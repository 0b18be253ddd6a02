"""Exactly-once batches for Faust agents.

The engine replaces the path between Kafka and an agent: it polls partitions, hands each agent *batches*, and commits
every batch as one Kafka transaction of outputs, changelog records and the input position. It knows nothing of contacts.

A reader's way through it: `inlet` (what one agent reads) → `source` (polls, ticks) → `task` (one partition: producer
and tables) → `batch` (the unit of work) → `work` (how it is worked off, and what fails in it) → `takeover` (how a task
comes to life or is lost) → `changelog` (what survives).
"""

from streams.engine.batch import Batch
from streams.engine.connection import Connection
from streams.engine.errors import (
    ChangelogError,
    ConfigurationError,
    Differs,
    EngineError,
    LostState,
    MissingTopics,
    NameTaken,
    NewerState,
    OutputTooLarge,
    RowFault,
    TaskLost,
    TopologyError,
    UnreadableState,
)
from streams.engine.inlet import Failure, Inlet, Processor, Record, Rest, RowFailure, TaskInfo
from streams.engine.lag import Lag
from streams.engine.observer import BatchDone, Observer
from streams.engine.outputs import Outputs
from streams.engine.source import Options, Source
from streams.engine.spec import TableSpec
from streams.engine.table import Table
from streams.engine.trial import KilledWorker

__all__ = [
    "Batch",
    "BatchDone",
    "ChangelogError",
    "ConfigurationError",
    "Connection",
    "Differs",
    "EngineError",
    "Failure",
    "Inlet",
    "KilledWorker",
    "Lag",
    "LostState",
    "MissingTopics",
    "NameTaken",
    "NewerState",
    "Observer",
    "Options",
    "OutputTooLarge",
    "Outputs",
    "Processor",
    "Record",
    "Rest",
    "RowFailure",
    "RowFault",
    "Source",
    "Table",
    "TableSpec",
    "TaskInfo",
    "TaskLost",
    "TopologyError",
    "UnreadableState",
]
