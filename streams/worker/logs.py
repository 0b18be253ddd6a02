"""Structured logs of a worker: JSON lines, or columns on a terminal; everything that logs goes through it."""

import logging
import sys
import time
from collections.abc import Callable

import structlog

from streams.local.text import LAYOUT, shown
from streams.settings import Settings

QUIET = ("aiohttp", "aiokafka", "faust", "mode", "kafka")
"""Libraries of which only warnings and worse are shown: their debug and info records are per request or about
themselves.
"""
REPEAT_SECONDS = 10.0
MAX_KNOWN = 1000


class Repeats(logging.Filter):
    """What a library says again and again is shown every 10 s, with how often it came meanwhile.

    While a broker is away the Kafka client says so hundreds of times a second.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._known: dict[tuple[str, int, str], tuple[float, int]] = {}
        """(logger, level, message without its values) → when it was shown, how often it was not since then."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Is it shown? One that is says how many were not."""
        if record.name.partition(".")[0] not in QUIET:
            return True
        said, now = (record.name, record.levelno, str(record.msg)), self._clock()
        shown, hidden = self._known.get(said, (now - REPEAT_SECONDS, 0))
        if now - shown < REPEAT_SECONDS:
            self._known[said] = shown, hidden + 1
            return False
        if hidden:
            record.msg, record.args = f"{record.getMessage()} ({hidden} more like it in {now - shown:.0f} s)", ()
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[said] = now, 0
        return True


def _as_text(_: object, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """On a terminal nothing that is logged is obeyed; JSON escapes it by itself."""
    return {name: shown(each, LAYOUT) if isinstance(each, str) else each for name, each in event.items()}


def configure(settings: Settings) -> None:
    """Send the logs of this process to stderr in the format and from the level that the settings name."""
    columns = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    shared: list[structlog.types.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    rendered: list[structlog.types.Processor] = (
        [_as_text, structlog.dev.ConsoleRenderer()] if columns else [structlog.processors.JSONRenderer()]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendered],
        )
    )
    handler.addFilter(Repeats())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(worker=settings.worker_name)
