"""Run W on our engine: ``python -m tests.bench.ours --bootstrap HOST:PORT --prefix P --app A --threads N``.

``--threads`` is the number of processes; each is a worker of its own in one group.
"""

import argparse
import asyncio
import gc
import signal
import subprocess
import sys

import faust
import uvloop

from streams.engine import Options
from streams.engine.app import engine_app
from streams.engine.connection import Connection
from tests.bench.ours.pipeline import inlets


async def worker(bootstrap: str, prefix: str, app_id: str, name: str) -> None:
    """One worker until SIGTERM."""
    app, source = engine_app(
        app_id,
        Connection(bootstrap),
        inlets(prefix),
        # Handlers of a few microseconds: large batches do not stop the event loop for long, small ones are affordable.
        Options(worker=name, max_records=20_000, max_partition_fetch_bytes=4 << 20, shortest_interval=0.01),
        outputs=[f"{prefix}.{topic}" for topic in ("interactions", "measurements", "kpis", "alerts", "dead")],
    )

    async def work(batches: faust.StreamT) -> None:  # type: ignore[type-arg]
        async for batch in batches:
            await batch.process()

    for inlet in ("ingest", "track", "measure"):
        app.agent(source.channel(inlet), name=inlet, concurrency=4)(work)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await app.start()
    await stop.wait()
    await app.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description="the reference workload W on our engine")
    for option in ("--bootstrap", "--prefix", "--app"):
        parser.add_argument(option, required=True)
    parser.add_argument("--threads", type=int, default=1, help="processes")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.threads == 1 or given.worker is not None:
        # As in the product's worker: batches make many short-lived objects and few cycles.
        gc.set_threshold(500_000, 20, 100)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(worker(given.bootstrap, given.prefix, given.app, f"worker-{given.worker or 0}"))
        return
    command = [sys.executable, "-m", "tests.bench.ours", *sys.argv[1:]]
    started = [subprocess.Popen([*command, "--worker", str(number)]) for number in range(given.threads)]
    signal.signal(signal.SIGTERM, lambda *_: [each.terminate() for each in started])
    sys.exit(max(each.wait() for each in started))


if __name__ == "__main__":
    main()
