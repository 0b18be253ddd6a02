"""``contact-streams state``: what the tables hold of a key, how large they are, and whether they are right.

All of it is read from the changelogs, so it works while workers run and while none does.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar
from zlib import crc32

import msgspec
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from schemas.data import CHANNELS
from streams import settings as settings_module
from streams.base.claims import mark_of
from streams.base.errors import OpsError
from streams.base.records import LIVE, SEP, contact_key
from streams.base.times import iso
from streams.engine import EngineError, version_of
from streams.inspect import verify as checks
from streams.inspect.changelogs import SPECS, Contents, StateError, Tell, inputs, partitions, read, spec_of
from streams.local.bootstrap import resolve_bootstrap
from streams.local.text import Terminal, echo, shown
from streams.metrics.tables import TABLE_TYPES
from streams.settings import Settings

state_app = typer.Typer(
    no_args_is_help=True, help="Look into the tables: one key, their sizes, whether they are right."
)
err = Terminal(stderr=True)
T = TypeVar("T")

OWNED = ("customers", "firing")
"""Tables whose keys are owners."""
_TIMES = range(10**12, 4 * 10**12)
"""Whole numbers that are times in ms: 2001 to 2096."""


@dataclass
class Found:
    """A row, and where it lies."""

    agent: str
    table: str
    partition: int
    key: str
    offset: int
    """Of its newest record in the changelog."""
    size: int
    """Bytes of its value."""
    version: int
    value: Any


@dataclass
class Search:
    """What was looked for, where, and what was there."""

    looked: list[str] = field(default_factory=list)
    """Tables with their partition, such as ``customers in track-3``."""
    rows: list[Found] = field(default_factory=list)


def owners_of(key: str) -> list[str]:
    """The names under which a key may own something; what a contact owns is found by its row in ``owners`` as well."""
    if _is_owner(key):
        return [key]
    channel, _, contact = key.partition("|")
    return [f"customer:{key}", f"contact:{channel}:{contact}"] if channel in CHANNELS else [f"customer:{key}"]


def contacts_of(key: str) -> list[str]:
    """The contacts that a key may name: ``<channel>|<id>``, or an id on any channel."""
    named = key.partition("|")[0] in CHANNELS and "|" in key
    return [key] if named else [contact_key(channel, key) for channel in CHANNELS]


def _is_owner(key: str) -> bool:
    return key.startswith(("customer:", "anonymous:", "contact:"))


def places(table: str, key: str, count: int, *, asked: bool) -> Iterable[int]:
    """The partitions in which a table may have a key; ``asked``: for this table by name, wherever its rows may be."""
    if table == "owners" and (asked or not _is_owner(key)):
        return {_partition(contact, count) for contact in contacts_of(key)}
    if table in OWNED:
        return {_partition(owner, count) for owner in owners_of(key)}
    if table in TABLE_TYPES and "|" in key:
        return {_partition(key, count)}
    return range(count) if asked else ()


def _partition(key: str, count: int) -> int:
    return crc32(key.encode()) % count


def matches(table: str, row: str, key: str, line: str | None) -> bool:
    """Is this the row of a key (and of a line)?"""
    if table == "owners":
        contact, _, its_line = row.partition(SEP)
        return contact in contacts_of(key) and line in (None, its_line)
    if table == "crowds":
        its_line, _, mark = row.split(SEP)
        return mark == mark_of(key) and line in (None, its_line)
    if table in OWNED:
        return row in owners_of(key)
    if table in TABLE_TYPES:
        its_line, *parts = row.split(SEP)
        return line in (None, its_line) and (key in (row, its_line) or "|".join(parts[:2]) == key)
    return row == key


async def find(settings: Settings, key: str, table: str | None, line: str | None, tell: Tell) -> Search:
    """Rows of a key in every table that may have it; of a contact, its owner's too. Raises `StateError`."""
    known = {spec.name for specs in SPECS.values() for spec in specs}
    if table is not None and table not in known:
        raise StateError(f"--table {table}: there is no such table; there are {', '.join(sorted(known))}")
    counts, search = await partitions(settings), Search()
    await _look(settings, counts, (key, table, line), search, tell)
    owners = {row.value.claim.owner for row in search.rows if row.table == "owners"} - set(owners_of(key))
    if table is None:
        for owner in sorted(owners):
            await _look(settings, counts, (owner, None, line), search, tell)
    return search


async def _look(
    settings: Settings, counts: dict[str, int], wanted: tuple[str, str | None, str | None], search: Search, tell: Tell
) -> None:
    key, table, line = wanted
    for agent, specs in SPECS.items():
        where: dict[int, list[str]] = {}
        for spec in specs:
            if table in (None, spec.name):
                for partition in places(spec.name, key, counts[agent], asked=table is not None):
                    where.setdefault(partition, []).append(spec.name)
        for partition, tables in sorted(where.items()):

            def keep(name: str, row: str, tables: list[str] = tables) -> bool:
                return name in tables and matches(name, row, key, line)

            contents = await read(settings, agent, partition, keep=keep, tell=tell)
            search.looked += [f"{name} in {contents.name}" for name in tables]
            search.rows += _decoded(contents, line)


def _decoded(contents: Contents, line: str | None) -> Iterator[Found]:
    for (table, key), (offset, data) in sorted(contents.rows.items()):
        try:
            value = spec_of(contents.agent, table).load(data)
        except (msgspec.MsgspecError, ValueError, EngineError) as error:
            raise StateError(f"{contents.name}, offset {offset}, table {table}, key {key!r}: {error}") from error
        if table == "customers" and line is not None:
            lines = {name: each for name, each in value.lines.items() if name == line}
            if not lines:
                continue
            value = msgspec.structs.replace(value, lines=lines)
        version = version_of(data)
        yield Found(contents.agent, table, contents.partition, key, offset, len(data), version, value)


def plain(value: Any, *, times: bool) -> Any:
    """A decoded row as JSON with the names of its fields; ``times``: ms since the epoch as text. What a field has by
    default is left out.
    """
    if isinstance(value, msgspec.Struct):
        return {
            each.name: plain(item, times=times)
            for each in msgspec.structs.fields(value)
            if (item := getattr(value, each.name)) != each.default and (item or each.required)
        }
    if isinstance(value, dict):
        return {str(name): plain(item, times=times) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item, times=times) for item in value]
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if times and isinstance(value, int) and value in _TIMES:
        return iso(value)
    return value


@dataclass
class TableStats:
    """One table of one partition; sizes in bytes of the values."""

    rows: int = 0
    bytes: int = 0
    largest: int = 0
    largest_key: str | None = None
    versions: dict[int, int] = field(default_factory=dict)
    """Version → rows that have it."""


@dataclass
class PartitionStats:
    """One partition of an agent's state. ``lag``: records of its inputs behind the position."""

    agent: str
    partition: int
    changelog_end: int
    position: dict[str, int]
    lag: int
    tables: dict[str, TableStats]


async def statistics(settings: Settings, tell: Tell) -> list[PartitionStats]:
    """Every partition of every agent. Raises `StateError`."""
    found = []
    async with inputs(settings) as behind:
        for agent, count in (await partitions(settings)).items():
            for partition in range(count):
                contents = await read(settings, agent, partition, tell=tell)
                lag = await behind.unread(agent, partition, contents.position)
                tables = _sizes(contents)
                found.append(PartitionStats(agent, partition, contents.end, contents.position, lag, tables))
    return found


def _sizes(contents: Contents) -> dict[str, TableStats]:
    tables = {spec.name: TableStats() for spec in SPECS[contents.agent]}
    for (table, key), (_, data) in contents.rows.items():
        stats = tables.setdefault(table, TableStats())
        stats.rows += 1
        stats.bytes += len(data)
        stats.versions[version_of(data)] = stats.versions.get(version_of(data), 0) + 1
        if len(data) > stats.largest:
            stats.largest, stats.largest_key = len(data), key
    return tables


Prefix = Annotated[str | None, typer.Option("--topic-prefix", help="Put before every topic's name.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


@contextmanager
def progress(what: str) -> Iterator[Tell]:
    """A bar on stderr that is gone when the work is done."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _run(topic_prefix: str | None, work: Callable[[Settings], Coroutine[Any, Any, T]]) -> T:
    """Settings with a broker that answers, and the work on them; what a person can do something about ends with 1."""
    try:
        settings = settings_module.load(topic_prefix=topic_prefix)
        if not settings.bootstrap_servers:
            servers = resolve_bootstrap(start=False).servers
            settings = settings.model_copy(update={"bootstrap_servers": servers})
        return asyncio.run(work(settings))
    except (OpsError, EngineError, settings_module.SettingsError) as error:
        err.fail(f"contact-streams: {error}")
        raise typer.Exit(1) from None


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
    wanted = LIVE if line == "live" else line

    async def work(settings: Settings) -> Search:
        with progress(f"looking for {shown(key)}") as tell:
            return await find(settings, key, table, wanted, tell)

    search = _run(topic_prefix, work)
    if as_json:
        rows = [{**vars(row), "value": plain(row.value, times=False)} for row in search.rows]
        echo(json.dumps({"key": key, "looked": search.looked, "rows": rows}, indent=1))
    else:
        _print_rows(search)
    if not search.rows:
        err.print(
            f"{shown(key)} is not in {', '.join(search.looked) or 'any table (name one with --table)'}", highlight=False
        )
        raise typer.Exit(1)


def _print_rows(search: Search) -> None:
    console = Terminal()
    for row in search.rows:
        where = f" in {row.agent}-{row.partition} {_key(row.key)}"
        about = f" (version {row.version}, {row.size:,} bytes, offset {row.offset})"
        console.print(Text.assemble((row.table, "bold"), where, about))
        console.json(plain(row.value, times=True))


def _key(key: str) -> str:
    return shown(key.replace(SEP, " ␟ "))


@state_app.command()
def stats(as_json: AsJson = False, topic_prefix: Prefix = None) -> None:
    """Rows, bytes, the largest row, versions, position and lag of every table, by partition. Reads every changelog."""

    async def work(settings: Settings) -> list[PartitionStats]:
        with progress("reading the changelogs") as tell:
            return await statistics(settings, tell)

    found = _run(topic_prefix, work)
    if as_json:
        echo(json.dumps([asdict(each) for each in found], indent=1))
        return
    console, table = Terminal(), Table("task", "table", "rows", "bytes", "largest", "its key", "versions")
    where = Table("task", "changelog ends at", "unread", "position")
    for each in found:
        name = f"{each.agent}-{each.partition}"
        where.add_row(
            name, f"{each.changelog_end:,}", f"{each.lag:,}",
            ", ".join(f"{topic} {offset:,}" for topic, offset in sorted(each.position.items()) if offset),
        )  # fmt: skip
        for title, one in each.tables.items():
            if one.rows:
                key = _key(one.largest_key or "")
                versions = ", ".join(f"{version}: {rows:,}" for version, rows in sorted(one.versions.items()))
                table.add_row(name, title, f"{one.rows:,}", f"{one.bytes:,}", f"{one.largest:,}", key, versions)
    console.print(table)
    console.print(where)


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

    async def work(settings: Settings) -> checks.Verified:
        with progress("comparing") as tell:
            if state_dir is not None:
                return await checks.folders(settings, state_dir, tell)
            return await checks.running(settings, worker, tell)

    found = _run(topic_prefix, work)
    for name, rows in sorted(found.same.items()):
        echo(f"{name}: {rows:,} rows, the same")
    for text in found.missing:
        echo(f"not compared: {text}")
    for text in found.differences:
        err.fail(text)
    if found.differences or not found.same:
        raise typer.Exit(1)
    echo(f"{len(found.same)} tasks hold what their changelogs say")
