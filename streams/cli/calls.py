"""``contact-streams calls``: a call log through the whole pipeline, and its figures read back from what came out."""

import asyncio
import json
import uuid
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.common import FAULTY, Tolerate, load, with_broker
from streams.local.text import Terminal, echo


def calls(
    file: Annotated[Path, typer.Option("--file", help="Call log: CSV or TSV with a header line.")],
    workers: Annotated[int, typer.Option(min=1, max=16, help="Worker processes.")] = 1,
    mapping: Annotated[str, typer.Option(help="Mapping: a YAML file, or a shipped one.")] = "bank.yaml",
    keep: Annotated[bool, typer.Option("--keep", help="Keep the topics, to look at what came out.")] = False,
    tolerate: Tolerate = 0,
) -> None:
    """Send a call log through the whole pipeline and print its figures, read back from the output topics, as JSON.

    Starts a broker when there is none. Topics have a prefix of their own, so that nothing else is touched. Ends with 2
    when rows were unreadable, or refused by the workers.

    [bold]Example[/]: contact-streams calls --file calls.tsv --workers 2
    """
    from streams.inspect.calls import nothing, run
    from streams.replay.console import show_read, show_verdict
    from streams.replay.file import is_faulty
    from streams.replay.mapping import load_mapping
    from streams.replay.reader import read_log
    from streams.replay.refused import Verdict

    console = Terminal(stderr=True)
    read = load_mapping(mapping)
    log = read_log(file, read)
    show_read(console, log)
    settings = load(topic_prefix=f"calls-{uuid.uuid4().hex[:6]}.", time_zone=read.time_zone)
    if log.first_time is None:
        counted, found = nothing(log), Verdict()
    else:
        settings, started = with_broker(settings, say=console.note)
        try:
            counted, found = asyncio.run(run(log, settings, workers, keep, console))
        finally:
            if started is not None and not keep:
                started.stop()
    if keep:
        console.print(
            f"topics are kept under the prefix {settings.topic_prefix}; for example:\n"
            f"  CONTACT_STREAMS_TOPIC_PREFIX={settings.topic_prefix} CONTACT_STREAMS_TIME_ZONE={read.time_zone} "
            "contact-streams kpis --from … --to … --by queue,tier",
            highlight=False,
            soft_wrap=True,
        )
    show_verdict(console, log, found)
    echo(json.dumps(counted))
    if is_faulty(log, found, tolerate):
        raise typer.Exit(FAULTY)
