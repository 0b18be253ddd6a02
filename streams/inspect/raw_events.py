"""What was recorded of one line, in the order in which it arrived: from the raw topics, from JSON lines of CloudEvents,
or from a call log. Of a replay and of a file, arrival is the time of the event. All of it is told as of the live line.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import orjson

from schemas import flow, routing
from schemas.envelope import from_binary, is_binary
from streams.base.errors import UserError
from streams.base.records import LIVE
from streams.base.times import to_ms
from streams.replay.mapping import load_mapping
from streams.replay.reader import CallLog, read_log

TOPICS = tuple(topic for topic in flow.inputs("ingest") if not topic.startswith("alert."))
"""What is read: what people said of the alerts that there were is left out, and so are the rules that were applied."""
MOST = 5_000_000
"""Events of a line, some 500 bytes each."""
SHOWN = 5
"""Wrong lines that are named."""
Read = Callable[[], AsyncIterator[Any]]
"""Records of `TOPICS`, as `streams.kafka.reading` has them."""
Tell = Callable[[int], None]


class RecordingError(UserError):
    """It cannot be read, or there is too much; the message says where and what is expected."""


class Raw(NamedTuple):
    """An event as it lay on its topic; ``at``: when it arrived, ``time``: when it was, ms."""

    at: int
    time: int
    topic: str
    key: bytes
    value: bytes


class Identifier(msgspec.Struct, gc=False):
    kind: str
    value: str


class Data(msgspec.Struct):
    """What says whose an event is, and what rules choose by."""

    contact_id: str | None = None
    channel: str | None = None
    customer_id: str | None = None
    identifiers: list[Identifier] | None = None
    tier: str | None = None
    queue: str | None = None
    identifier: str | None = None
    other: str | None = None


class Head(msgspec.Struct):
    """As much of an event as is looked at before it is judged."""

    type: str
    time: str
    source: str
    data: Data
    replayid: str | None = None


head = msgspec.json.Decoder(Head).decode
"""Raises `msgspec.DecodeError` for what the contract refuses as well."""


async def of_topics(read: Read, prefix: str, line: str, end: int, tell: Tell) -> list[Raw]:
    """One line, up to what arrived before ``end`` (ms; of a replay: what is of before); ``prefix``: of the topics.
    Raises `RecordingError`.
    """
    found = list[Raw]()
    async for record in read():
        if record.value is None:
            continue
        value = record.value
        if record.headers and is_binary(record.headers):
            value = _whole(record.headers, value)
        raw = _told(record, record.topic.removeprefix(prefix), value, line)
        if raw is not None and raw.at < end:
            found.append(raw)
            _few(found)
            if len(found) % 10_000 == 0:
                tell(len(found))
    found.sort(key=_arrival)
    return found


def _told(record: Any, topic: str, value: bytes, line: str) -> Raw | None:
    """None: of another line, or a marker. What cannot be read is of the live line, and `ingest` refuses it."""
    try:
        known = head(value)
        time = to_ms(known.time)
    except (msgspec.DecodeError, ValueError):
        return None if line else Raw(record.timestamp, record.timestamp, topic, record.key or b"", value)
    if known.type in routing.MARKERS or (known.replayid or LIVE) != line:
        return None
    if not line:
        return Raw(record.timestamp, time, topic, record.key or b"", value)
    return Raw(time, time, topic, record.key or b"", _live(value))


def _whole(headers: Sequence[tuple[str, bytes | None]], value: bytes) -> bytes:
    """A record in CloudEvents' binary mode as one in its structured mode; as it is, where it is none."""
    try:
        return orjson.dumps(from_binary(headers, orjson.loads(value)))
    except (ValueError, TypeError):
        return value


def _live(value: bytes) -> bytes:
    event = orjson.loads(value)
    event.pop("replayid", None)
    return orjson.dumps(event)


def _arrival(raw: Raw) -> int:
    return raw.at


def _few(found: Sequence[Raw]) -> None:
    if len(found) > MOST:
        raise RecordingError(f"more than {MOST:,} events were recorded before the end; take a file of fewer")


def of_file(path: Path, mapping: str, line: str | None, end: int) -> tuple[list[Raw], CallLog | None]:
    """A file: JSON lines of CloudEvents, of one line where they are of several (None: all), or a call log with its
    mapping. Raises `RecordingError`, `InputError`.
    """
    if is_log(path):
        log = read_log(path, load_mapping(mapping))
        return _ordered(_of_log(log), end), log
    with path.open("rb") as file:
        return _ordered(_of_lines(path, file, line), end), None


def is_log(path: Path) -> bool:
    """Is it a call log, and no JSON? Raises `RecordingError`."""
    try:
        with path.open("rb") as file:
            return not file.read(1024).lstrip().startswith(b"{")
    except OSError as error:
        raise RecordingError(f"{path}: {(error.strerror or 'cannot be read').lower()}") from None


def _ordered(events: Iterable[Raw], end: int) -> list[Raw]:
    found = list[Raw]()
    for each in events:
        if each.time < end:
            found.append(each)
            _few(found)
    found.sort(key=_arrival)
    return found


def _of_log(log: CallLog) -> Iterator[Raw]:
    for time, event in log.events(log.replay_id):
        topic, key = routing.route(event)
        event.pop("replayid", None)
        yield Raw(time, time, topic, key.encode(), orjson.dumps(event))


def _of_lines(path: Path, lines: Iterable[bytes], line: str | None) -> Iterator[Raw]:
    wrong = list[str]()
    for number, each in enumerate(lines, 1):
        if not each.strip():
            continue
        try:
            raw = _of_line(each.strip(), line)
        except ValueError as error:
            wrong.append(f"{path}:{number}: {error}")
            if len(wrong) > SHOWN:
                break
            continue
        if raw is not None and not wrong:
            yield raw
    if wrong:
        more = ["…"] if len(wrong) > SHOWN else []
        raise RecordingError("\n".join([*wrong[:SHOWN], *more]))


def _of_line(text: bytes, line: str | None) -> Raw | None:
    """Raises ValueError, with the field and what is allowed."""
    try:
        known = head(text)
    except msgspec.DecodeError as error:
        raise ValueError(f"is no CloudEvent of the contract: {error}") from None
    if known.type in routing.MARKERS or (line is not None and (known.replayid or LIVE) != line):
        return None
    if known.type not in routing.homes():
        near = get_close_matches(known.type, routing.homes(), n=1)
        hint = f"; did you mean {near[0]}?" if near else "; `contact-streams schemas list` says which there are"
        raise ValueError(f"type: {known.type!r} is no type of the contract{hint}")
    try:
        time = to_ms(known.time)
    except ValueError as error:
        raise ValueError(f"time: {error}") from None
    home = routing.homes()[known.type]
    event = orjson.loads(text)
    topic = home.topic or routing.channels().get(known.data.channel or "")
    if topic is None:
        allowed = ", ".join(routing.channels())
        raise ValueError(f"data.channel: {known.data.channel!r} is no channel; there are {allowed}")
    try:
        key = event["data"][home.key].encode()
    except (KeyError, AttributeError, UnicodeError):
        raise ValueError(f"data.{home.key}: expected a text; it is the key of the record") from None
    value = _live(text) if known.replayid is not None else text
    return Raw(time, time, topic, key, value) if topic in TOPICS else None
