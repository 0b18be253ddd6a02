"""``contact-streams topics``."""

import asyncio
from typing import Annotated, Literal

import typer

from streams.cli.common import Prefix, err, load
from streams.local.text import Terminal, echo

topics_app = typer.Typer(no_args_is_help=True, help="Create, list and alter the topics.")


@topics_app.command()
def create(
    partitions: Annotated[
        int | None,
        typer.Option(min=1, max=1000, help="Partitions of each topic; default: as those that are there, else 4."),
    ] = None,
    replication: Annotated[int, typer.Option(min=1, max=9, help="Replication factor.")] = 1,
    dry_run: Annotated[bool, typer.Option(help="Only say what would be created.")] = False,
    lost_state: Annotated[
        Literal["go-on", "repeat"] | None,
        typer.Option(help="Where a changelog was deleted: begin where the workers stood, or read everything again."),
    ] = None,
    topic_prefix: Prefix = None,
) -> None:
    """Create the topics that are missing, and say with what of the existing ones a worker would not start, or would
    warn. May be run again at any time.
    """
    from streams.engine.demands import Effect
    from streams.engine.topology import HELP
    from streams.inspect.lost_state import settle
    from streams.kafka import topics
    from streams.kafka.connection import connection_of

    settings = load(broker=True, topic_prefix=topic_prefix)
    report = asyncio.run(
        topics.create(
            connection_of(settings), topics.wanted(settings, partitions), replication, dry_run=dry_run,
            follow=partitions is None,
        )
    )  # fmt: skip
    for name in report.created:
        echo(f"{'would create' if dry_run else 'created'} {name}")
    echo(f"{len(report.created)} {'to create' if dry_run else 'created'}, {len(report.present)} were there")
    for effect, advice in ((Effect.REFUSED, "alter"), (Effect.WARNED, "alter --all")):
        for departure in (found := report.of(effect)):
            err.print(f"{effect}: {departure}", style="yellow", highlight=False, soft_wrap=True)
        if found:
            err.print(f"`contact-streams topics {advice}` mends it", style="yellow", highlight=False)
    for sentence in (*report.counts, *report.shortened):
        err.print(f"{sentence}: {HELP}", style="yellow", highlight=False, soft_wrap=True)
    if not dry_run:
        for changelog in asyncio.run(settle(settings, lost_state)):
            echo(f"{changelog} begins anew: {lost_state}")


@topics_app.command()
def alter(
    every: Annotated[
        bool, typer.Option("--all", help="Those of which workers only warn, too; default: those they refuse.")
    ] = False,
    dry_run: Annotated[bool, typer.Option(help="Only say what would change, and have the broker check it.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    topic_prefix: Prefix = None,
) -> None:
    """Give settings of topics with which workers do not start the values that they have to have. Shows them and asks
    first; every other setting stays as it is, and so do partitions.
    """
    from streams.engine.demands import Effect
    from streams.kafka import topics
    from streams.kafka.altering import alter as change
    from streams.kafka.connection import connection_of

    settings = load(broker=True, topic_prefix=topic_prefix)
    connection, wanted = connection_of(settings), topics.wanted(settings)
    report = asyncio.run(topics.create(connection, wanted, dry_run=True))
    changes = report.departures if every else report.of(Effect.REFUSED)
    for each in changes:
        echo(f"{each.topic}: {each.demand.setting} {each.value} -> {each.mended}  ({each.demand.breaks})")
    if report.untold:
        err.print(f"not known, it takes DESCRIBE_CONFIGS: {', '.join(report.untold)}", style="yellow")
    if not changes or dry_run:
        if changes:
            asyncio.run(change(connection, changes, only_check=True))
        echo(f"{len(changes)} to change")
        return
    if not yes:
        typer.confirm(f"Change {len(changes)} settings at {settings.bootstrap_servers}?", abort=True, err=True)
    asyncio.run(change(connection, changes))
    echo(f"{len(changes)} changed")


@topics_app.command("list")
def list_command(topic_prefix: Prefix = None) -> None:
    """List the topics: who writes, who reads, how long records are kept."""
    from rich.table import Table

    from schemas import registry

    settings = load(topic_prefix=topic_prefix)
    table = Table("topic", "kind", "key", "partitions", "kept", "written by", "read by")
    table.columns[0].no_wrap = True
    for spec in registry.topics().values():
        kept = "newest per key" if spec.compacted else f"{spec.retention_days} d"
        table.add_row(
            settings.topic_prefix + spec.topic, spec.direction, spec.key, str(spec.partitions), kept,
            ", ".join(spec.producers), ", ".join(spec.consumers),
        )  # fmt: skip
    Terminal().print(table)
