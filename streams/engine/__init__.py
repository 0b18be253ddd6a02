"""Exactly-once batches for Faust agents.

The engine replaces the path between Kafka and an agent: it polls partitions, hands each agent *batches*, and commits
every batch as one Kafka transaction of outputs, changelog records and the input position. It knows nothing of contacts.

A reader's way through it: `inlet` (what one agent reads) → `source` (polls, ticks) → `task` (one partition: producer
and tables) → `batch` (the unit of work) → `work` (how it is worked off, and what fails in it) → `life` (the states of a
task) → `takeover` (how it comes to life or is lost) → `changelog` (what survives).

What agents and a worker need is named here. Beside it these modules are open, each to those whose business it is:

- `app`, `offline`: what tasks run in: a worker; a log and no broker;
- `clock`: the time by which a worker goes, for whoever shows it;
- `changelog`, `digest`, `losses`, `rocks`: state as it lies, for whoever inspects or mends it;
- `demands`, `topology`: how topics have to be, for whoever creates or alters them;
- `fetching`, `group`, `kafka`, `metadata`, `telling`: what the Kafka client lacks, for who reads topics or the group.

All others are the engine's own (an import contract holds that).
"""

from streams.engine.batch import Batch
from streams.engine.connection import Connection
from streams.engine.errors import (
    BatchTooLarge,
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
    StoreError,
    TaskLost,
    TopologyError,
    UnreadableRecord,
    UnreadableState,
)
from streams.engine.inlet import (
    Failure,
    Inlet,
    Processor,
    Record,
    Rest,
    RowFailure,
    TaskInfo,
    Unfetchable,
    changelog_of,
)
from streams.engine.lag import Lag
from streams.engine.observer import BatchDone, Observer
from streams.engine.outputs import Outputs
from streams.engine.source import Options, Source
from streams.engine.spec import TableSpec, version_of
from streams.engine.store import MemoryStores, Stores
from streams.engine.table import Table
from streams.engine.tables import LARGE_ROW, Cache, Storage
from streams.engine.trial import KilledWorker

__all__ = [
    "LARGE_ROW",
    "Batch",
    "BatchDone",
    "BatchTooLarge",
    "Cache",
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
    "MemoryStores",
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
    "Storage",
    "StoreError",
    "Stores",
    "Table",
    "TableSpec",
    "TaskInfo",
    "TaskLost",
    "TopologyError",
    "Unfetchable",
    "UnreadableRecord",
    "UnreadableState",
    "changelog_of",
    "version_of",
]
