"""A call log from its first row to what the workers refused of it."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

from schemas import routing
from schemas.fields import LINE_NAME, NOT_LINES
from streams.base.errors import UserError
from streams.local.text import Terminal
from streams.replay.console import Display, plain, show_read
from streams.replay.errors import InputError, ReplayError
from streams.replay.mapping import load_mapping
from streams.replay.publish import ReplayPublisher
from streams.replay.reader import CallLog, read_log
from streams.replay.refused import Door, Refused, Target, Verdict, positions, taken_before, too_late, verdict
from streams.replay.run import Report, parse_speed, replay_log


def replay_file(
    file: Path,
    mapping: str,
    speed: str,
    find_target: Callable[[], Target],
    *,
    replay_id: str | None = None,
    console: Terminal | None = None,
) -> tuple[Report, Verdict]:
    """Read ``file`` with the mapping ``mapping``, publish its events, and wait until the workers have read them;
    ``speed`` as on the command line. The target is asked for only when there is something to publish.

    Raises ReplayError of every kind and TopicMissing, before anything is published except for PublishError.
    """
    console = console or Terminal()
    pace = parse_speed(speed)
    if replay_id is not None and (replay_id in NOT_LINES or not re.match(LINE_NAME, replay_id)):
        words = " or ".join(NOT_LINES)
        raise InputError(
            f"replay id {replay_id!r}: expected 1 to 100 lower-case letters, digits or hyphens, and not {words}"
        )
    log = read_log(file, load_mapping(mapping))
    show_read(console, log)
    line = replay_id or log.replay_id
    if log.first_time is None:
        report = Report(line, log.rows, 0, dict(log.left_out), log.unreadable, 0.0, None, None, log.replayed)
        return report, Verdict()
    target = find_target()
    topic = routing.channels()[log.channel]
    begins = asyncio.run(positions(target, [topic]))
    late: list[Refused] = []
    if replay_id is not None:  # a name of its own follows from the contents: what it published before is the same
        with console.status("looking for an earlier replay of this name …"):
            late = too_late(log, line, asyncio.run(taken_before(target, topic, line)))
    report = asyncio.run(publish_log(log, line, pace, target, console))

    async def ask() -> Verdict:
        async with Door(target, line, begins) as door:
            unread, watched = await door.wait()
            return verdict(log, [*late, *await door.refused()], unread, watched=watched)

    try:
        with console.status("waiting until the workers have read it …"):
            return report, asyncio.run(ask())
    except KeyboardInterrupt:
        plain(console, "not waited for: whether events are refused shows in contacts.dead-letters")
        return report, verdict(log, late)
    except UserError as error:
        raise ReplayError(f"all is published, but what is refused is not known: {error}") from error


def is_faulty(log: CallLog | Report, found: Verdict, tolerate: int) -> bool:
    """Were more rows unreadable or refused than are tolerated, or markers of the replay, without which none counts?"""
    return log.unreadable + found.rows > tolerate or any(refusal.line is None for refusal in found.refusals)


async def publish_log(log: CallLog, line: str, pace: float | None, target: Target, console: Terminal) -> Report:
    """Publish a log that holds at least one event on the line ``line``, showing its progress. Raises PublishError,
    TopicMissing.
    """
    publisher = ReplayPublisher(
        target.connection,
        target.topic_prefix,
        line,
        [routing.channels()[log.channel]],
        started_at=(log.first_time or 0) - 1,
    )
    with Display(console, line, len(log.planned)) as display:
        async with publisher:
            return await replay_log(log, publisher, pace, display)
