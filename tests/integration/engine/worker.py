"""A worker of the test pipeline as a process of its own: ``python -m tests.integration.engine.worker BOOTSTRAP PREFIX
NAME [STATE_DIR]``.

It dies at once at a record ``poison``, without a chance to clean up; at a record ``unlucky FILE`` as often as the file
says, as if somebody had killed it just then.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from streams.engine import Outputs, Record, rocks
from streams.engine.tables import Storage
from tests.support.engine import Count, Pipeline


class Dies(Count):
    def handle(self, record: Record, out: Outputs) -> None:
        if record.value == b"poison":
            os._exit(9)
        if record.value is not None and record.value.startswith(b"unlucky "):
            left = Path(record.value.removeprefix(b"unlucky ").decode())
            if (deaths := int(left.read_text())) > 0:
                left.write_text(str(deaths - 1))
                os.kill(os.getpid(), signal.SIGKILL)
        super().handle(record, out)


async def main(bootstrap: str, prefix: str, name: str, state_dir: str | None = None) -> None:
    pipeline, options = Pipeline(bootstrap, prefix), {}
    if state_dir:
        rocks.FLUSH_SECONDS = 0.2
        options["storage"] = Storage(rocks.RocksStores(Path(state_dir), pipeline.app_id, 8))
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with pipeline.run(name, Dies, **options):
        print("started", flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
