"""What the tables hold of a key, wherever that may be: read from the changelogs, so while workers run and while none
does.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any
from zlib import crc32

import msgspec
from rich.text import Text

from schemas.data import CHANNELS
from streams.base.claims import mark_of
from streams.base.records import SEP, contact_key
from streams.base.times import iso
from streams.engine import EngineError, TableSpec, version_of
from streams.inspect.changelogs import Contents, StateError, Tell, partitions, read, spec_of
from streams.local.text import Terminal, shown
from streams.pipeline.tables import TABLES
from streams.settings import Settings

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


def places(table: TableSpec[Any], key: str, count: int, *, asked: bool) -> Iterable[int]:
    """The partitions in which a table may have a key; ``asked``: for this table by name, wherever its rows may be."""
    match table.keys:
        case "contact" if asked or not _is_owner(key):
            return {_partition(contact, count) for contact in contacts_of(key)}
        case "owner":
            return {_partition(owner, count) for owner in owners_of(key)}
        case "queue" if "|" in key:
            return {_partition(key, count)}
    return range(count) if asked else ()


def _partition(key: str, count: int) -> int:
    return crc32(key.encode()) % count


def matches(table: TableSpec[Any], row: str, key: str, line: str | None) -> bool:
    """Is this the row of a key (and of a line)? A table says of what kind its keys are (``TableSpec.keys``):

    - ``contact``: a contact, and of a replay its line
    - ``owner``: an owner
    - ``mark``: a line, a day, the mark of an identifier
    - ``queue``: a line, a channel, a queue and more
    - others: only the whole key
    """
    match table.keys:
        case "contact":
            contact, _, its_line = row.partition(SEP)
            return contact in contacts_of(key) and line in (None, its_line)
        case "owner":
            return row in owners_of(key)
        case "mark":
            its_line, _, mark = row.split(SEP)
            return mark == mark_of(key) and line in (None, its_line)
        case "queue":
            its_line, *parts = row.split(SEP)
            return line in (None, its_line) and (key in (row, its_line) or "|".join(parts[:2]) == key)
    return row == key


async def find(settings: Settings, key: str, table: str | None, line: str | None, tell: Tell) -> Search:
    """Rows of a key in every table that may have it; of a contact, its owner's too. Raises `StateError`."""
    known = {spec.name for specs in TABLES.values() for spec in specs}
    if table is not None and table not in known:
        raise StateError(f"--table {table}: there is no such table; there are {', '.join(sorted(known))}")
    counts, search = await partitions(settings), Search()
    await _look(settings, counts, (key, table, line), search, tell)
    owners = {row.value.owner for row in search.rows if row.table == "owners"} - set(owners_of(key))
    if table is None:
        for owner in sorted(owners):
            await _look(settings, counts, (owner, None, line), search, tell)
    return search


async def _look(
    settings: Settings, counts: dict[str, int], wanted: tuple[str, str | None, str | None], search: Search, tell: Tell
) -> None:
    key, table, line = wanted
    for agent, specs in TABLES.items():
        where: dict[int, dict[str, TableSpec[Any]]] = {}
        for spec in specs:
            if table in (None, spec.name):
                for partition in places(spec, key, counts[agent], asked=table is not None):
                    where.setdefault(partition, {})[spec.name] = spec
        for partition, tables in sorted(where.items(), key=itemgetter(0)):

            def keep(name: str, row: str, tables: Mapping[str, TableSpec[Any]] = tables) -> bool:
                return name in tables and matches(tables[name], row, key, line)

            contents = await read(settings, agent, partition, keep=keep, tell=tell)
            search.looked += [f"{name} in {contents.name}" for name in tables]
            search.rows += decoded(contents, line)


def decoded(contents: Contents, line: str | None) -> Iterator[Found]:
    """The rows of a partition; ``line``: of customers that line alone. Raises `StateError`."""
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


def as_json(key: str, search: Search) -> str:
    """``{key, looked, rows}``; times are ms."""
    rows = [{**vars(row), "value": plain(row.value, times=False)} for row in search.rows]
    return json.dumps({"key": key, "looked": search.looked, "rows": rows}, indent=1)


def print_rows(search: Search, console: Terminal) -> None:
    """Each row with where it lies; times as text."""
    for row in search.rows:
        where = f" in {row.agent}-{row.partition} {readable(row.key)}"
        about = f" (version {row.version}, {row.size:,} bytes, offset {row.offset})"
        console.print(Text.assemble((row.table, "bold"), where, about))
        console.json(plain(row.value, times=True))


def readable(key: str) -> str:
    """A row's key with its separators to be seen."""
    return shown(key.replace(SEP, " ␟ "))
