"""A Faust app whose agents read from the engine's `Source` instead of Faust's own consumer."""

from collections.abc import Iterable
from typing import Any

import faust
from mode import ServiceT

from streams.engine.inlet import Inlet
from streams.engine.source import Source


def engine_app(app_id: str, bootstrap: str, inlets: Iterable[Inlet], **options: Any) -> tuple[faust.App, Source]:
    """An app and its source. Agents are declared with ``@app.agent(source.channel(inlet))``; ``options`` go to `Source`.

    Faust keeps what it is good at (agents, supervision, timers, sensors); its Kafka consumer, producer, tables and leader election are
    not started.
    """
    app = faust.App(
        app_id,
        broker=f"kafka://{bootstrap.replace(',', ';kafka://')}",
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
    )
    source = Source(app, bootstrap, inlets, **options)

    class EngineBoot(app.BootStrategy):  # type: ignore[name-defined,misc]
        enable_kafka = False

        def server(self) -> Iterable[ServiceT]:
            """Sensors, then agents, then the source: it stops first, so that agents still finish what is in flight."""
            return self._chain(self.sensors(), self.agents(), [source])  # type: ignore[no-any-return]

    app.boot_strategy = EngineBoot(app)
    return app, source
