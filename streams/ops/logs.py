"""Structured logs of a worker: JSON lines, or columns on a terminal; everything that logs goes through it."""

import logging
import sys

import structlog

from streams.settings import Settings

QUIET = ("aiokafka", "faust", "mode", "kafka")
"""Libraries of which only warnings and worse are shown: their debug and info records are per request or about
themselves.
"""


def configure(settings: Settings) -> None:
    """Send the logs of this process to stderr in the format and from the level that the settings name."""
    columns = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    shared: list[structlog.types.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer = structlog.dev.ConsoleRenderer() if columns else structlog.processors.JSONRenderer()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(worker=settings.worker_name)
