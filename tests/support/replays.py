"""A call log replayed into a system, and the figures that came of it."""

from typing import Any

from rich.console import Console

from streams.inspect.calls import read_outputs, summary
from streams.kafka.connection import connection_of
from streams.replay.file import publish_log
from streams.replay.reader import CallLog
from streams.replay.refused import Target
from tests.support.system import System


async def replay(system: System, log: CallLog) -> None:
    target = Target(connection_of(system.settings), system.settings.topic_prefix)
    await publish_log(log, log.replay_id, None, target, Console(quiet=True))


async def found(system: System, log: CallLog) -> dict[str, Any]:
    figures = summary(await read_outputs(system.settings, log.replay_id, log.channel), 0)
    del figures["events_per_second"]
    return figures
