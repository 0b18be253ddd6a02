"""``contact-streams state``: what the tables hold of a key, how large they are, and whether they are right.

All of it is read from the changelogs, so it works while workers run and while none does.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from streams.base.records import LIVE
from streams.cli.common import AsJson, Prefix, err, load
from streams.local.text import Terminal, echo, shown

state_app = typer.Typer(
    no_args_is_help=True, help="Look into the tables: one key, their sizes, whether they are right."
)


@contextmanager
def progress_on(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr that is gone when the work is done; tell it what is done, and of how much."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@state_app.command()
def show(
    key: Annotated[
        str,
        typer.Argument(
            help="A customer's id, a contact's (voice|call-1), an owner (customer:7), a queue (voice|loans)."
        ),
    ],
    table: Annotated[str | None, typer.Option(help="Only this table; for keys of any other kind.")] = None,
    line: Annotated[str | None, typer.Option(help="Only this replay's line; live: the live one.")] = None,
    as_json: AsJson = False,
    topic_prefix: Prefix = None,
) -> None:
    """Show what is stored for a key. It is personal data, masked as it is stored.

    [bold]Example[/]: contact-streams state show customer:7
    """
    from streams.inspect import rows

    settings = load(broker=True, topic_prefix=topic_prefix)
    with progress_on(f"looking for {shown(key)}") as tell:
        search = asyncio.run(rows.find(settings, key, table, LIVE if line == "live" else line, tell))
    if as_json:
        echo(rows.as_json(key, search))
    else:
        rows.print_rows(search, Terminal())
    if not search.rows:
        err.print(
            f"{shown(key)} is not in {', '.join(search.looked) or 'any table (name one with --table)'}", highlight=False
        )
        raise typer.Exit(1)


@state_app.command()
def stats(as_json: AsJson = False, topic_prefix: Prefix = None) -> None:
    """Rows, bytes, the largest row, versions, position and lag of every table, by partition. Reads every changelog."""
    from streams.inspect import stats as sizes

    settings = load(broker=True, topic_prefix=topic_prefix)
    with progress_on("reading the changelogs") as tell:
        found = asyncio.run(sizes.statistics(settings, tell))
    if as_json:
        echo(sizes.as_json(found))
    else:
        sizes.print_stats(found, Terminal())


@state_app.command()
def verify(
    state_dir: Annotated[
        Path | None, typer.Option(help="Folders of stopped workers instead of running ones: the setting state_dir.")
    ] = None,
    worker: Annotated[
        list[str] | None,
        typer.Option(help="Address of a worker's web, host:port; again for each. Default: those on this machine."),
    ] = None,
    topic_prefix: Prefix = None,
) -> None:
    """Compare what workers hold with what the changelogs say. Exit code 1 on a difference, and when nothing was
    compared.

    A running worker halts each of its tasks for as long as its rows are read: a second for some 300,000.
    """

    from streams.inspect import verify as compare

    settings = load(broker=True, topic_prefix=topic_prefix)
    with progress_on("comparing") as tell:
        if state_dir is not None:
            found = asyncio.run(compare.folders(settings, state_dir, tell))
        else:
            found = asyncio.run(compare.running(settings, worker, tell))
    for name, rows in sorted(found.same.items()):
        echo(f"{name}: {rows:,} rows, the same")
    for text in found.missing:
        echo(f"not compared: {text}")
    for text in found.differences:
        err.fail(text)
    if found.differences or not found.same:
        raise typer.Exit(1)
    echo(f"{len(found.same)} tasks hold what their changelogs say")
