"""A Faust app whose agents read from the engine's `Source` instead of Faust's own consumer."""

from collections.abc import Iterable
from typing import Any

import faust
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer
from faust.types.transports import ConsumerT
from mode import ServiceT

from streams.engine.connection import Connection
from streams.engine.inlet import Inlet
from streams.engine.observer import Observer
from streams.engine.source import Options, Source


class _UnusedConsumer(Consumer):
    """Faust's streams ask the app for a consumer, which is never started; without an event loop of its own there is
    nothing to clean up.
    """

    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return AIOKafkaConsumerThread(self, loop=self.loop, thread_loop=self.loop, beacon=self.beacon)


class EngineApp(faust.App):
    """A Faust app without what only its own consumer and tables need: a thread's event loop, a data folder."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.beside: list[ServiceT] = []
        """Services that begin before all others and stop after them."""

    async def on_first_start(self) -> None:
        """No data folder: state lives in Kafka."""

    async def on_start(self) -> None:
        """No consumer to attach the topics to."""
        self.finalize()

    def _new_consumer(self) -> ConsumerT:
        return _UnusedConsumer(
            self.transport,
            callback=self.topics.on_message,
            on_partitions_revoked=self._on_partitions_revoked,
            on_partitions_assigned=self._on_partitions_assigned,
            beacon=self.beacon,
        )


def engine_app(
    app_id: str,
    connection: Connection,
    inlets: Iterable[Inlet],
    options: Options,
    *,
    observer: Observer | None = None,
    outputs: Iterable[str] = (),
) -> tuple[EngineApp, Source]:
    """An app and its source. Agents are declared with ``@app.agent(source.channel(inlet))``; ``options`` go to
    `Source`.

    Faust keeps what it is good at (agents, supervision, timers, sensors); its Kafka consumer, producer, tables and
    leader election are not started.
    """
    app = EngineApp(
        app_id,
        # For its logs only: nothing of Faust connects.
        broker=f"kafka://{connection.servers.replace(',', ';kafka://')}",
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
    )
    source = Source(app, connection, inlets, options, observer=observer, outputs=outputs)

    class EngineBoot(app.BootStrategy):  # type: ignore[name-defined]
        enable_kafka = False

        def server(self) -> Iterable[ServiceT]:
            """Sensors, then agents, then the source: it stops first, so that agents still finish what is in flight."""
            return self._chain(app.beside, self.sensors(), self.agents(), [source])  # type: ignore[no-any-return]

    app.boot_strategy = EngineBoot(app)
    return app, source
