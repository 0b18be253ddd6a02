"""``contact-streams replay``: a tabular call log to contact events."""

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.common import FAULTY, Prefix, Tolerate, load, stopping, with_broker
from streams.local.text import Terminal


def replay(
    file: Annotated[Path, typer.Argument(help="Call log: CSV or TSV with a header line.")],
    mapping: Annotated[str, typer.Option(help="Mapping: a YAML file, or a shipped one (bank.yaml).")],
    speed: Annotated[str, typer.Option(help="max, or how many times real time.")] = "max",
    replay_id: Annotated[
        str | None, typer.Option(help="Name of the time line; by default made from the contents of file and mapping.")
    ] = None,
    topic_prefix: Prefix = None,
    tolerate: Tolerate = 0,
) -> None:
    """Publish a call log as contact events, in event-time order, on a time line of its own.

    Ends with 2 when rows were unreadable, or refused by the workers.

    [bold]Example[/]: contact-streams replay calls.tsv --mapping bank.yaml --speed 60
    """
    from streams.kafka.connection import connection_of
    from streams.replay.console import show_report, show_verdict
    from streams.replay.file import is_faulty, replay_file
    from streams.replay.refused import Target

    settings = load(topic_prefix=topic_prefix)

    def find_target() -> Target:
        found, _ = with_broker(settings, start=False)
        return Target(connection_of(found), found.topic_prefix, found.group)

    with stopping("stopped; the line stays open until the same replay is run to its end"):
        report, found = replay_file(file, mapping, speed, find_target, replay_id=replay_id)
    show_verdict(Terminal(), report, found)
    show_report(Terminal(), report)
    if is_faulty(report, found, tolerate):
        raise typer.Exit(FAULTY)
