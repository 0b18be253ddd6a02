"""``contact-streams demo story``: a scripted story on a real broker, each step proved by records that were read."""

import asyncio
import secrets
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.base.errors import BrokerError
from streams.cli.common import AsJson, fail, load, stopping, with_broker
from streams.local.text import Terminal, echo

if TYPE_CHECKING:
    from streams.demo.story_run import StepResult
    from streams.demo.story_show import Lines, Printed
    from streams.settings import Settings

NO_BROKER = 2
"""Exit code when no broker answers or can be started."""


def story(
    bootstrap_servers: Annotated[
        str | None, typer.Option(help="host:port of a broker. Default: KAFKA_BOOTSTRAP_SERVERS, else a local one.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=16, help="Worker processes.")] = 2,
    patience: Annotated[float, typer.Option(min=1, help="Seconds that a step may wait for its records.")] = 60,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the topics and logs, to look at what came out.")] = False,
    as_json: AsJson = False,
) -> None:
    """Tell a story of a few customers and prove each step by the records that come out.

    An unknown chat, and a sign-in. A shared phone. A wrong merge, and its undoing. An alert, a journey over two
    channels, a silence, an outreach that waits for the morning. An erasure, and older data that come again.

    Starts a broker when there is none. Topics have a prefix of their own and are removed afterwards; the rules are
    those shipped. The logs of the workers go when every step is proved; else they are kept, and named. Ends with 0 when
    every step is proved, with 1 when one is not, with 2 when no broker answers.

    With --json each step is a line, and the last line is {"steps": N, "proved": N}.

    [bold]Examples[/]: contact-streams demo story

    contact-streams demo story --json | tail -1

    contact-streams demo story --bootstrap-servers 127.0.0.1:9092 --workers 1 --keep
    """
    console = Terminal(stderr=as_json)
    try:
        with stopping("stopped"):
            settings, started = with_broker(_settings(bootstrap_servers), say=Terminal(stderr=True).note)
            try:
                _ask(settings)
                results = asyncio.run(_told(settings, workers, keep, _show(console, as_json), patience, console))
            finally:
                if started is not None and not keep:
                    started.stop()
    except BrokerError as error:
        raise fail(error, NO_BROKER) from None
    if keep:
        _look_further(console, settings, started is not None)
    raise typer.Exit(0 if all(each.proved for each in results) else 1)


def _settings(bootstrap_servers: str | None) -> "Settings":
    """Topics of our own, a key for the erasure, and the rules that the story speaks of: the shipped ones."""
    from streams import rules

    return load(
        bootstrap_servers=bootstrap_servers,
        topic_prefix=f"story-{uuid.uuid4().hex[:6]}.",
        rules_dir=Path(rules.__file__).parent,
        store="memory",
        erasure_key=secrets.token_hex(16),
    )


def _ask(settings: "Settings") -> None:
    """Raises BrokerError when nobody answers."""
    from streams.local.probe import answers, demand, silent

    servers = settings.bootstrap_servers
    if not answers(servers):
        raise BrokerError(demand(servers) or silent(servers))


def _show(console: Terminal, as_json: bool) -> "Printed | Lines":
    from streams.demo import story_show

    return story_show.Lines(console, echo) if as_json else story_show.Printed(console)


async def _told(
    settings: "Settings", count: int, keep: bool, show: "Printed | Lines", patience: float, console: Terminal
) -> "list[StepResult]":
    """Topics, workers, and the story from its first act to its last."""
    from streams.demo import story as script
    from streams.demo import story_run
    from streams.demo.story_wire import KafkaWire
    from streams.inspect.calls import temporary_topics
    from streams.kafka.connection import connection_of
    from streams.kafka.drain import wait_drained
    from streams.local.processes import workers

    connection = connection_of(settings)
    assert settings.erasure_key is not None
    key = settings.erasure_key.get_secret_value().encode()
    console.note(f"{count} worker{'s' if count > 1 else ''} starting")
    with _logs(console) as logs:
        async with temporary_topics(settings, keep), workers(settings, count, logs.folder):
            told = script.story(int(time.time() * 1000), key, settings.nothing_left_ms)
            wire = KafkaWire(connection, settings.topic_prefix, told.lines, lambda left: wait_drained(settings, left))
            try:
                async with wire:
                    results = await story_run.Telling(wire, show).tell(told, patience)
            finally:
                show.over()
        show.summary(results)
        logs.wanted = keep or not all(each.proved for each in results)
    return results


@dataclass
class _Logs:
    """Where the workers log; ``wanted``: somebody will want to read it."""

    folder: Path
    wanted: bool = True


@contextmanager
def _logs(console: Terminal) -> Iterator[_Logs]:
    """A folder of our own, which is removed when nobody wants it; else it is named."""
    logs = _Logs(Path(tempfile.mkdtemp(prefix="contact-streams-story-")))
    try:
        yield logs
    finally:
        if logs.wanted:
            console.note(f"the logs of the workers are kept in {logs.folder}")
        else:
            shutil.rmtree(logs.folder, ignore_errors=True)


def _look_further(console: Terminal, settings: "Settings", started: bool) -> None:
    prefix, servers = settings.topic_prefix, settings.bootstrap_servers
    if started:
        console.note("the broker runs on; stop it with: contact-streams broker stop")
    console.note(
        f"topics are kept under the prefix {prefix}; for example:\n"
        f"  contact-streams merges --topic-prefix {prefix}\n"
        f"  contact-streams customer show phone:+442079460301 --topic-prefix {prefix}\n"
        f"  kcat -C -b {servers} -t {prefix}journeys -e -q"
    )
