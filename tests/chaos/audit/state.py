"""Level (f): the changelogs: positions at the ends of the inputs, sums and legs as recounted, nothing in the air."""

from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import orjson

from tests.chaos.audit.contacts import World
from tests.chaos.audit.counted import sums
from tests.chaos.audit.figures import DAY, PANE, Dims, Lane
from tests.chaos.audit.logs import BETWEEN, HOPS, INPUTS, Difference, Logs, home

HELD_UNDER = "the state key of a run"
"""The secret by which workers hash what they say they hold."""
READS = dict(zip(HOPS, (INPUTS, *((topic,) for topic in BETWEEN)), strict=True))
SEP = "\x1f"

Rows = dict[tuple[int, str, str], bytes]
"""(partition, table, key) → newest value."""


def rows(logs: Logs, hop: str) -> Rows:
    """The tables of one agent, by its changelog; records of the engine's own have the table ""."""
    found: Rows = {}
    for rec in logs.of(f"{hop}-changelog"):
        table, _, key = (rec.key or b"").decode().partition("\0")
        if rec.value is None:
            found.pop((rec.partition, table, key), None)
        else:
            found[rec.partition, table, key] = rec.value if table == "seen" else row_of(rec.value)
    return found


def row_of(value: bytes) -> bytes:
    """The JSON of a row. One of a later version than the first begins with a byte that says so; one with deadlines has
    them in front, behind four bytes that say how long they are.
    """
    row = value[1:] if value[:1] < b" " and value[:1] != b"\0" else value
    return row[4 + int.from_bytes(row[:4], "big") :] if row[:1] == b"\0" else row


def lines(measure: Rows) -> dict[tuple[int, str], dict[str, Any]]:
    """(partition, line) → how far `measure` has come."""
    return {
        (partition, key): orjson.loads(value) for (partition, table, key), value in measure.items() if table == "lines"
    }


def check_positions(logs: Logs, tables: dict[str, Rows], prefix: str) -> Iterator[Difference]:
    """Every task stands at the end of its inputs: behind it are progress records and transaction markers only."""
    for topic, partition in logs.open:
        yield Difference("changelog", f"{topic}-{partition} ends in an open transaction")
    for hop, inputs in READS.items():
        positions = {
            partition: orjson.loads(value)["offsets"]
            for (partition, table, key), value in tables[hop].items()
            if (table, key) == ("", "position")
        }
        for topic in inputs:
            for rec in logs.of(topic):
                at = positions.get(rec.partition, {}).get(prefix + topic, 0)
                if rec.offset >= at and not (topic in BETWEEN and rec.doc["kind"] == "progress"):
                    what = f"{hop}-{rec.partition} stands at {at} of {topic}-{rec.partition}: {rec.place} was not read"
                    yield Difference("changelog", what, (), rec)
                    break


def check_tables(logs: Logs) -> Iterator[Difference]:
    """What the workers held is what the changelogs say up to where they stood."""
    told = {(task["agent"], task["partition"]) for task in logs.held}
    for hop, inputs in READS.items():
        for partition in range(max(logs.partitions[topic] for topic in inputs)):
            if (hop, partition) not in told:
                yield Difference("tables", f"no worker says what {hop}-{partition} holds")
    for task in logs.held:
        hop, partition = task["agent"], task["partition"]
        kept: dict[tuple[str, str], bytes] = {}
        for rec in logs.of(f"{hop}-changelog"):
            if rec.partition == partition and rec.offset < task["changelog_end"]:
                table, _, key = (rec.key or b"").decode().partition("\0")
                if rec.value is None:
                    kept.pop((table, key), None)
                else:
                    kept[table, key] = rec.value
        for table, said in task["tables"].items():
            own = {key: value for (name, key), value in kept.items() if name == table}
            total = sum(int.from_bytes(_hash(key, value), "big") for key, value in own.items())
            digest = {"rows": len(own), "digest": f"{total % (1 << 128):032x}"}
            if digest != said:
                what = f"{hop}-{partition}, table {table}: the worker holds {said}, the changelog {digest}"
                yield Difference("tables", what)


def _hash(key: str, value: bytes) -> bytes:
    secret = blake2b(HELD_UNDER.encode(), digest_size=32).digest()
    return blake2b(key.encode() + b"\0" + value, digest_size=16, key=secret).digest()


Sums = dict[tuple[Dims, int], Counter[str]]
"""(where it counts, start) → sums."""


def check_sums(logs: Logs, measure: Rows, found: dict[Dims, Lane]) -> Iterator[Difference]:
    """Panes, and days with the panes they do not hold yet, against the recounted facts."""
    known = lines(measure)
    panes, days = _sums(measure, "panes"), _sums(measure, "days")
    for dims, lane in found.items():
        task = home(f"{dims[1]}|{dims[2]}".encode(), logs.partitions["contact.measurements"])
        state = known.get((task, dims[0]), {})
        if state.get("ended"):
            continue  # its rows are gone, its last readings are compared
        about, where = ("|".join(dims[1:3]),), f"measure-{task}, {'|'.join(dims)}"
        ours = {at: pane for (of, at), pane in panes.items() if of == dims}
        starts = ours.keys() | {time - time % PANE for time in lane.times}
        for at in sorted(starts - {time - time % PANE for time in lane.ancient}):
            wanted, got = sums(lane.between(at, at + PANE)), ours.get(at, Counter())
            if got != wanted:
                yield Difference("sums", f"{where}, pane at {at}: {dict(got)} instead of {dict(wanted)}", about)
        for start in sorted({time - time % DAY for time in lane.times}):
            got, wanted = Counter(days.get((dims, start), {})), sums(lane.between(start, start + DAY))
            for at, pane in ours.items():
                if max(start, state.get("sealed", 0)) <= at < start + DAY:
                    got.update(pane)
            if +got != +wanted:
                yield Difference("sums", f"{where}, day at {start}: {dict(got)} instead of {dict(wanted)}", about)
    for (dims, at), left in (panes | days).items():
        if dims not in found and left:
            yield Difference(
                "sums", f"{'|'.join(dims)} has {dict(left)} at {at}, and there are no facts of it", (dims[2],)
            )


def _sums(measure: Rows, table: str) -> Sums:
    found: Sums = {}
    for (_, name, key), value in measure.items():
        if name == table:
            line, channel, queue, tier, start = key.split(SEP)
            found[(line, channel, queue, tier), int(start)] = _numbers(orjson.loads(value))
    return found


def _numbers(pane: dict[str, Any]) -> Counter[str]:
    """Its sums, but for those of forecasts: what is later than the lateness judges nobody anew, so that they are no
    function of what is left of the facts (`unit/metrics/test_waits.py` holds them)."""
    numbers = {name: value for name, value in pane.items() if isinstance(value, int) and value}
    return Counter({name: value for name, value in numbers.items() if not name.startswith("forecast_")})


def check_legs(logs: Logs, measure: Rows, world: World) -> Iterator[Difference]:
    """The legs that still wait, by the table and by the raw events."""
    waiting = set()
    for (_, table, key), value in measure.items():
        if table == "legs" and orjson.loads(value).get("opened", 0) > 0 and not orjson.loads(value).get("closed"):
            line, channel, queue, tier, entered, name = key.split(SEP, 5)
            waiting.add((line, channel, queue, tier, int(entered), name))
    ended = {line for (_, line), state in lines(measure).items() if state.get("ended")}
    wanted = set()
    for contact in world.contacts.values():
        closed = {fact.id for fact in contact.facts if fact.fact == "leg_closed"}
        if contact.line in ended:
            continue
        for fact in contact.facts:
            if fact.fact == "leg_opened" and fact.id not in closed:
                wanted.add((fact.line, fact.channel, fact.queue, fact.tier, fact.time, fact.id))
    for leg in sorted(waiting ^ wanted):
        kept = "is in the table" if leg in waiting else "is missing in the table"
        yield Difference("sums", f"leg {leg} {kept} of those that wait", (leg[5].partition("/")[0],))
