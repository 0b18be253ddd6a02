"""How large the tables are, and how far each task is, by the changelogs."""

import json
from dataclasses import asdict, dataclass, field

from rich.table import Table

from streams.engine import version_of
from streams.inspect.changelogs import Contents, Tell, inputs, partitions, read
from streams.inspect.rows import readable
from streams.local.text import Terminal
from streams.pipeline.tables import TABLES
from streams.settings import Settings


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
    tables = {spec.name: TableStats() for spec in TABLES[contents.agent]}
    for (table, key), (_, data) in contents.rows.items():
        stats = tables.setdefault(table, TableStats())
        stats.rows += 1
        stats.bytes += len(data)
        stats.versions[version_of(data)] = stats.versions.get(version_of(data), 0) + 1
        if len(data) > stats.largest:
            stats.largest, stats.largest_key = len(data), key
    return tables


def as_json(found: list[PartitionStats]) -> str:
    """A list of them."""
    return json.dumps([asdict(each) for each in found], indent=1)


def print_stats(found: list[PartitionStats], console: Terminal) -> None:
    """A table of the tables, and one of the positions."""
    table = Table("task", "table", "rows", "bytes", "largest", "its key", "versions")
    where = Table("task", "changelog ends at", "unread", "position")
    for each in found:
        name = f"{each.agent}-{each.partition}"
        where.add_row(
            name, f"{each.changelog_end:,}", f"{each.lag:,}",
            ", ".join(f"{topic} {offset:,}" for topic, offset in sorted(each.position.items()) if offset),
        )  # fmt: skip
        for title, one in each.tables.items():
            if one.rows:
                key = readable(one.largest_key or "")
                versions = ", ".join(f"{version}: {rows:,}" for version, rows in sorted(one.versions.items()))
                table.add_row(name, title, f"{one.rows:,}", f"{one.bytes:,}", f"{one.largest:,}", key, versions)
    console.print(table)
    console.print(where)
