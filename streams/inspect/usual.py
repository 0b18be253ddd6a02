"""What was usual in each queue, as ``quality.yaml`` says it: read from the records of the topic ``contact.quality``."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from math import ceil
from typing import Any

import msgspec

from streams.base.errors import UserError
from streams.base.times import to_ms

TOPIC = "contact.quality"
PERCENTILES = (10, 25, 50, 75, 90)
LEAST = 50
"""Contacts of a queue from which on something is usual."""
MAX_TRANSFERS = 10


class _Side(msgspec.Struct):
    score: float | None = None


class _Record(msgspec.Struct):
    line: str
    queue: str
    began_at: str
    time_ms: int
    transfers: int
    business: _Side


class NothingUsual(UserError):
    """No queue has enough contacts."""


_decode = msgspec.json.Decoder(_Record).decode


async def usual(records: AsyncIterator[Any], first: int, last: int, line: str) -> str:
    """The file, for contacts of a line that began in a span (ms, end exclusive) and whose need anybody can tell of.
    Queues with fewer than ``LEAST`` of them are named in a comment. Raises `NothingUsual`.
    """
    newest: dict[bytes | None, tuple[str, int, int]] = {}
    async for record in records:
        newest.pop(record.key, None)
        told = None if record.value is None else _decode(record.value)
        if told and told.line == line and first <= to_ms(told.began_at) < last and told.business.score is not None:
            newest[record.key] = told.queue, told.time_ms, told.transfers
    queues: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for queue, took, transfers in newest.values():
        queues[queue].append((took, transfers))
    if not any(len(each) >= LEAST for each in queues.values()):
        raise NothingUsual(f"no queue has {LEAST} contacts in that span on that line: nothing is usual yet")
    return "\n".join(_lines(queues)) + "\n"


def _lines(queues: dict[str, list[tuple[int, int]]]) -> Iterator[str]:
    yield "queues:"
    for queue, contacts in sorted(queues.items()):
        name = msgspec.json.encode(queue).decode()
        if len(contacts) < LEAST:
            yield f"  # {name}: only {len(contacts)} contacts"
            continue
        yield f"  {name}:  # {len(contacts)} contacts"
        yield f"    time: {{{', '.join(_times(sorted(took for took, _ in contacts)))}}}"
        yield f"    transfers: [{', '.join(_shares([transfers for _, transfers in contacts]))}]"


def _times(took: list[int]) -> Iterator[str]:
    """Percentiles by nearest rank; each longer than the one before."""
    before = 0
    for percentile in PERCENTILES:
        found = took[ceil(percentile / 100 * len(took)) - 1]
        if found > before:
            yield f"{percentile}: {found}ms"
            before = found


def _shares(transfers: list[int]) -> Iterator[str]:
    """Percent with at most none, one, …"""
    for most in range(min(max(transfers) + 1, MAX_TRANSFERS)):
        yield f"{100 * sum(count <= most for count in transfers) / len(transfers):.2f}"
