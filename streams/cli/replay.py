"""``contact-streams replay``: a tabular call log to contact events."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from schemas import routing
from schemas.fields import LINE_NAME, NOT_LINES
from streams import settings as settings_module
from streams.base.errors import OpsError
from streams.kafka.connection import connection_of
from streams.local.bootstrap import resolve_bootstrap
from streams.local.text import Terminal
from streams.replay.console import Display, plain, show_read, show_report, show_verdict
from streams.replay.errors import InputError, ReplayError
from streams.replay.mapping import load_mapping, shipped_names
from streams.replay.publish import ReplayPublisher
from streams.replay.reader import CallLog, read_log
from streams.replay.refused import Door, Refused, Target, Verdict, positions, taken_before, too_late, verdict
from streams.replay.run import Report, parse_speed, replay_log
from streams.settings import SettingsError

FAULTY = 2
"""Exit code when rows were unreadable or refused, and more of them than are tolerated."""
Tolerate = Annotated[
    int, typer.Option(min=0, help="End with 0 though so many rows are unreadable or refused; else with 2.")
]


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

    Raises ReplayError of every kind, before anything is published except for PublishError.
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
    except (OpsError, ReplayError) as error:
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


def replay(
    file: Annotated[Path, typer.Argument(help="Call log: CSV or TSV with a header line.")],
    mapping: Annotated[
        str, typer.Option(help=f"Mapping: a YAML file, or a shipped one ({', '.join(shipped_names())}).")
    ],
    speed: Annotated[str, typer.Option(help="max, or how many times real time.")] = "max",
    replay_id: Annotated[
        str | None, typer.Option(help="Name of the time line; by default made from the contents of file and mapping.")
    ] = None,
    topic_prefix: Annotated[str | None, typer.Option(help="Put before every topic's name.")] = None,
    tolerate: Tolerate = 0,
) -> None:
    """Publish a call log as contact events, in event-time order, on a time line of its own.

    Ends with 2 when rows were unreadable, or refused by the workers.

    [bold]Example[/]: contact-streams replay calls.tsv --mapping bank.yaml --speed 60
    """
    try:
        settings = settings_module.load(topic_prefix=topic_prefix)

        def find_target() -> Target:
            found = settings
            if not found.bootstrap_servers:
                found = found.model_copy(update={"bootstrap_servers": resolve_bootstrap(start=False).servers})
            return Target(connection_of(found), found.topic_prefix, found.group)

        report, found = replay_file(file, mapping, speed, find_target, replay_id=replay_id)
    except (OpsError, SettingsError) as error:
        Terminal(stderr=True).fail(f"replay: {error}")
        raise typer.Exit(1) from None
    except ReplayError as error:
        Terminal(stderr=True).fail(f"replay: {error}")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        Terminal(stderr=True).print("replay: stopped; the line stays open until the same replay is run to its end")
        raise typer.Exit(130) from None
    show_verdict(Terminal(), report, found)
    show_report(Terminal(), report)
    if is_faulty(report, found, tolerate):
        raise typer.Exit(FAULTY)
