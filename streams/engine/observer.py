"""What the engine tells about itself; the metrics of a worker implement it."""

from dataclasses import dataclass

from streams.engine.errors import UnreadableRecord


@dataclass(frozen=True, slots=True)
class BatchDone:
    """What a committed batch took; seconds of wall time unless they say CPU."""

    records: int
    size: int
    """Bytes of the records' values."""
    seconds: float
    """From hand-over to commit."""
    transaction_seconds: float
    handle_cpu_seconds: float
    """CPU of the handler, the processor's `finish` and the encoding of its outputs; not of Kafka's client."""


class Observer:
    """Every method does nothing here; override those of interest. They are called on the hot path once per batch,
    never per record.
    """

    def batch_committed(self, inlet: str, partition: int, done: BatchDone) -> None:
        """A batch is in Kafka."""

    def record_failed(self, inlet: str) -> None:
        """A record's handling raised; it went to the dead letters."""

    def unreadable(self, inlet: str, kind: type[UnreadableRecord], places: int) -> None:
        """Records, or whole record batches, could not be taken apart; they went to the dead letters."""

    def row_set_aside(self, inlet: str, table: str, rows: int) -> None:
        """Rows of a table were at fault; they went to the dead letters."""

    def finish_failed(self, inlet: str, partition: int, error: BaseException) -> None:
        """The end of a batch was left out: time stands for this task until it passes."""

    def task_lost(self, inlet: str, partition: int, error: BaseException) -> None:
        """A commit failed; the task will be taken over again."""

    def task_ready(self, inlet: str, partition: int) -> None:
        """A task is restored and gets records."""

    def task_closed(self, inlet: str, partition: int) -> None:
        """A task was given away, lost, or the worker stops."""

    def restoring(self, inlet: str, partition: int, done: int, total: int) -> None:
        """A changelog is being read: records so far, and offsets to read in all."""

    def rebalanced(self, assigned: int) -> None:
        """A new assignment has come, with so many partitions."""
