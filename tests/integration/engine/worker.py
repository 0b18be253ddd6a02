"""A worker of the test pipeline as a process of its own: ``python -m tests.integration.engine.worker BOOTSTRAP PREFIX
NAME``.

It dies at once at a record ``poison``, without a chance to clean up.
"""

import asyncio
import os
import signal
import sys

from streams.engine import Outputs, Record
from tests.integration.engine.harness import Count, Pipeline


class Dies(Count):
    def handle(self, record: Record, out: Outputs) -> None:
        if record.value == b"poison":
            os._exit(9)
        super().handle(record, out)


async def main(bootstrap: str, prefix: str, name: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with Pipeline(bootstrap, prefix).run(name, Dies):
        print("started", flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
