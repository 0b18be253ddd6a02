"""The connection to Kafka: every client of this program is made here, and nowhere else."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient

from streams.engine.kafka import MAX_BATCH_BYTES, MAX_REQUEST_BYTES, asked, patient

# What the rooms above the engine call the client's classes.
Consumer: TypeAlias = AIOKafkaConsumer
Producer: TypeAlias = AIOKafkaProducer
Admin: TypeAlias = AIOKafkaAdminClient


@dataclass(frozen=True)
class Connection:
    """Where the brokers are and how they are spoken to. Its clients are not started yet, and have to be made on the
    event loop on which they will run; ``options`` are the client's own.
    """

    servers: str
    """host:port, several with commas between."""

    @property
    def _common(self) -> dict[str, Any]:
        """What every client is given."""
        return {"bootstrap_servers": self.servers}

    def consumer(self, **options: Any) -> Consumer:
        """A consumer."""
        return AIOKafkaConsumer(**self._common, **options)

    def producer(self, **options: Any) -> Producer:
        """A producer without transactions."""
        return AIOKafkaProducer(**self._common, **options)

    def transactional_producer(self, transactional_id: str) -> Producer:
        """A producer whose start fences every earlier one of the same id."""
        producer = self.producer(
            transactional_id=transactional_id,
            transaction_timeout_ms=60_000,
            linger_ms=0,
            compression_type="snappy",
            max_batch_size=MAX_BATCH_BYTES,
            max_request_size=MAX_REQUEST_BYTES,
            # The broker answers a produce request right after a transaction with a retriable error; at the default 100
            # ms each costs 100 ms. A broker that does not answer at all is asked less often, see `patient`.
            retry_backoff_ms=5,
        )
        _own_failures(producer)
        patient(producer.client)
        return producer

    def admin(self) -> Admin:
        """A client that makes, alters and deletes topics, and asks about groups."""
        return AIOKafkaAdminClient(**self._common)

    def client(self, client_id: str) -> AIOKafkaClient:
        """A bare client, for requests that none of the others makes."""
        return AIOKafkaClient(**self._common, client_id=client_id)


def _own_failures(producer: AIOKafkaProducer) -> None:
    """A transaction that fails tells it to each of its batches, and to waiters inside the client that nobody asks."""
    # The client has no public way to its parts.
    transactions, accumulator = producer._txn_manager, producer._message_accumulator  # noqa: SLF001
    error_transaction, fatal_error, fail_all = (
        transactions.error_transaction,
        transactions.fatal_error,
        accumulator.fail_all,
    )

    def may_be_aborted(error: Exception) -> None:
        error_transaction(error)
        asked(transactions._transaction_waiter)  # noqa: SLF001

    def is_fatal(error: Exception) -> None:
        fatal_error(error)
        asked(transactions._transaction_waiter)  # noqa: SLF001

    def fails_all(error: Exception) -> None:
        unsent = [batch for batches in accumulator._batches.values() for batch in batches]  # noqa: SLF001
        fail_all(error)
        for batch in unsent:
            asked(batch._drain_waiter)  # noqa: SLF001

    transactions.error_transaction, transactions.fatal_error = may_be_aborted, is_fatal
    accumulator.fail_all = fails_all
