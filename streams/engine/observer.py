"""What the engine tells about itself; the metrics of a worker implement it."""


class Observer:
    """Every method does nothing here; override those of interest. They are called on the hot path once per batch,
    never per record.
    """

    def batch_committed(
        self, inlet: str, partition: int, records: int, size: int, seconds: float, transaction_seconds: float
    ) -> None:
        """A batch is in Kafka: records read, bytes of their values, seconds from hand-over to commit and of the
        transaction alone.
        """

    def record_failed(self, inlet: str) -> None:
        """A record's handling raised; it went to the dead letters."""

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
