"""What the story reads, and what it holds against it: each expectation says what must be found in the records, and
shows the records that prove it, or what was found instead. Pure: records in, a finding out.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

Value = Mapping[str, Any]
SHOWN = 5
"""Records that are shown where many were found instead."""


@dataclass(frozen=True)
class Record:
    """A record of an output topic, named without the prefix; ``value`` None = its key is gone."""

    topic: str
    partition: int
    offset: int
    key: str
    value: Value | None

    def names(self, name: str) -> bool:
        """Is it found in the key or anywhere in the value?"""
        return name in self.key or (self.value is not None and name in orjson.dumps(self.value).decode())


@dataclass
class Seen:
    """All that was read so far, in the order in which it came, and where that stood at the moments to remember."""

    records: list[Record] = field(default_factory=list)
    moments: dict[str, int] = field(default_factory=dict)

    def remember(self, moment: str) -> None:
        """What was read up to now is known as this from now on."""
        self.moments[moment] = len(self.records)

    def at(self, moment: str) -> "Seen":
        """What had been read at that moment; nothing when it never came."""
        return Seen(self.records[: self.moments.get(moment, 0)])

    def on(self, topic: str) -> list[Record]:
        """All records of a topic."""
        return [record for record in self.records if record.topic == topic]

    def newest(self, topic: str) -> dict[str, Record]:
        """Key → its newest record, which may say that the key is gone."""
        return {record.key: record for record in self.on(topic)}


@dataclass(frozen=True)
class Shown:
    """A record, and of its value what matters."""

    record: Record
    part: Any


@dataclass(frozen=True)
class Finding:
    """Whether an expectation holds; ``shown``: the records that prove it, or were found instead; ``said``: what was
    found, where records alone do not say it.
    """

    holds: bool
    shown: tuple[Shown, ...] = ()
    said: str = ""


class Expectation(Protocol):
    """``says``: what has to be found, in words."""

    @property
    def says(self) -> str: ...
    def check(self, seen: Seen) -> Finding:
        """Hold it against what was read."""


def fits(expected: Any, found: Any) -> bool:
    """Does a value say all that is expected? Fields that nobody asks for are not looked at; a list is as long."""
    if isinstance(expected, Mapping):
        return isinstance(found, Mapping) and all(
            key in found and fits(each, found[key]) for key, each in expected.items()
        )
    if isinstance(expected, list | tuple):
        return isinstance(found, list | tuple) and len(expected) == len(found) and all(map(fits, expected, found))
    return bool(expected == found)


def picked(expected: Any, found: Any) -> Any:
    """Of a value that which is asked for."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        return {key: picked(each, found[key]) for key, each in expected.items() if key in found}
    if isinstance(expected, list | tuple) and isinstance(found, list | tuple) and expected:
        return [picked(expected[min(place, len(expected) - 1)], each) for place, each in enumerate(found)]
    return found


@dataclass(frozen=True)
class Newest:
    """The newest record of a key says this; ``also`` looks at its value as a whole and says what is wrong with it;
    ``shows``: fields that nobody can foretell, and that are shown all the same.
    """

    says: str
    topic: str
    key: str
    fields: Value
    also: Callable[[Value], str] | None = None
    shows: Sequence[str] = ()

    def check(self, seen: Seen) -> Finding:
        """Hold it against what was read."""
        record = seen.newest(self.topic).get(self.key)
        if record is None:
            return Finding(False, (), f"no record of {self.key} on {self.topic}")
        if record.value is None:
            return Finding(False, (Shown(record, None),), f"{self.key} is gone from {self.topic}")
        more = {name: record.value[name] for name in self.shows if name in record.value}
        shown = (Shown(record, {**picked(self.fields, record.value), **more}),)
        if not fits(self.fields, record.value):
            return Finding(False, shown, f"expected {text(self.fields)}")
        wrong = self.also(record.value) if self.also else ""
        return Finding(not wrong, shown, wrong)


@dataclass(frozen=True)
class Told:
    """The records of a topic that are meant by ``among`` are exactly these, in this order."""

    says: str
    topic: str
    among: Value
    fields: Sequence[Value]

    def check(self, seen: Seen) -> Finding:
        """Hold it against what was read."""
        meant = [record for record in seen.on(self.topic) if fits(self.among, record.value)]
        values = [record.value for record in meant]
        asked = [*self.fields, *[self.fields[-1] if self.fields else self.among] * len(meant)]
        shown = tuple(
            Shown(record, picked(fields, record.value)) for record, fields in zip(meant, asked, strict=False)
        )[-max(SHOWN, len(self.fields)) :]
        if fits(list(self.fields), values):
            return Finding(True, shown, "" if shown else f"none of {len(seen.on(self.topic))} records on {self.topic}")
        expected = " then ".join(map(text, self.fields)) or "none"
        return Finding(False, shown, f"{len(meant)} records of {text(self.among)} on {self.topic}, expected {expected}")


@dataclass(frozen=True)
class Gone:
    """The newest record of each key has no value: it is removed, and subscribers are told so."""

    says: str
    topic: str
    keys: Sequence[str]

    def check(self, seen: Seen) -> Finding:
        """Hold it against what was read."""
        newest = seen.newest(self.topic)
        left = [newest[key] for key in self.keys if key in newest and newest[key].value is not None]
        never = [key for key in self.keys if key not in newest]
        if left or never:
            instead = [f"{record.key} is still there" for record in left] + [f"{key} never was" for key in never]
            return Finding(False, _whole(left), ", ".join(instead))
        return Finding(True, tuple(Shown(newest[key], None) for key in self.keys))


@dataclass(frozen=True)
class Alike:
    """The newest records of keys say what those of other keys say, or what their own said at an earlier moment.

    ``pairs``: (key, other key); ``moment``: of the other one, empty = now.
    """

    says: str
    topic: str
    pairs: Sequence[tuple[str, str]]
    moment: str = ""

    def check(self, seen: Seen) -> Finding:
        """Hold it against what was read."""
        now, then = seen.newest(self.topic), (seen.at(self.moment) if self.moment else seen).newest(self.topic)
        shown, wrong = [], []
        for key, other in self.pairs:
            one, two = now.get(key), then.get(other)
            if one is None or two is None or one.value is None or two.value is None:
                missing = key if one is None or one.value is None else f"{other} {self.moment}".strip()
                wrong.append(f"no record of {missing} on {self.topic}")
                continue
            mine, others = _apart(one.value), _apart(two.value)
            differs = [name for name in sorted({*mine, *others}) if mine.get(name, ...) != others.get(name, ...)]
            wrong += [f"{key}: {name} differs" for name in differs]
            parts = differs or [name for name in ("contacts", "segment", "score") if name in mine]
            shown += [
                Shown(each, _outline({name: (each.value or {}).get(name) for name in parts})) for each in (one, two)
            ]
        return Finding(not wrong, tuple(shown), ", ".join(wrong))


@dataclass(frozen=True)
class Nowhere:
    """No newest record of these topics holds any of these names, neither in its key nor in its value; of keys that are
    gone, nothing is left but that they are.
    """

    says: str
    topics: Sequence[str]
    names: Sequence[str]

    def check(self, seen: Seen) -> Finding:
        """Hold it against what was read."""
        newest = [record for topic in self.topics for record in seen.newest(topic).values()]
        kept = [record for record in newest if record.value is not None]
        found = [(name, record) for record in kept for name in self.names if record.names(name)]
        if not kept:
            return Finding(False, (), "nothing was read that could be searched")
        if found:
            instead = ", ".join(f"{name} in {record.topic} {record.key}" for name, record in found[:SHOWN])
            return Finding(False, _whole(record for _, record in found[:SHOWN]), instead)
        gone = len(newest) - len(kept)
        return Finding(True, (), f"searched: {len(kept)} records; {gone} more keys say that they are gone")


@dataclass(frozen=True)
class NotTold:
    """No record of a line names any of these, on whatever topic."""

    says: str
    line: str
    names: Sequence[str]

    def check(self, seen: Seen) -> Finding:
        """Hold it against what was read."""
        told = [record for record in seen.records if record.value is not None and record.value.get("line") == self.line]
        found = [record for record in told if any(map(record.names, self.names))]
        if not told:
            return Finding(False, (), f"nothing was read of {self.line}")
        return Finding(not found, _whole(found[:SHOWN]), f"{len(found)} of {len(told)} records do")


def contacts(found: Iterable[Mapping[str, Any]]) -> list[str]:
    """The ids of a journey's contacts."""
    return [each["contact_id"] for each in found]


def text(value: Any) -> str:
    """A value in one line."""
    return orjson.dumps(value).decode()


def _whole(records: Iterable[Record]) -> tuple[Shown, ...]:
    return tuple(Shown(record, record.value) for record in records)


def _apart(value: Value) -> dict[str, Any]:
    """Without what tells only how often it was said, on which line, and what was said before."""
    said = {name: each for name, each in value.items() if name not in ("revision", "line", "before", "changed")}
    if "journey_id" in said:
        said["journey_id"] = said["journey_id"].removesuffix(f"~{value['line']}")
    return said


def _outline(value: dict[str, Any]) -> dict[str, Any]:
    """Of contacts their ids are enough to be seen."""
    listed = value.get("contacts")
    return value | {"contacts": contacts(listed)} if isinstance(listed, list) else value
