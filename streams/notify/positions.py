"""A target's position in a partition: where to go on, and what lies behind that but is not delivered yet.

Kafka keeps an offset with a short text. The offset is the first record that is not done. What was read beyond it and is
done must not go out again after a restart, so the text has how far was read, and which records up to there are not
done: their distances, in hexadecimal.
"""

from collections.abc import Iterable
from dataclasses import dataclass

VERSION = "1"


@dataclass(frozen=True, slots=True)
class Position:
    """Of one partition: everything below ``read_to`` is done but ``undone``, which are ascending."""

    read_to: int
    undone: tuple[int, ...] = ()

    @property
    def offset(self) -> int:
        """The first that is not done."""
        return self.undone[0] if self.undone else self.read_to

    def is_done(self, offset: int) -> bool:
        """Was this record delivered, or not this target's?"""
        return offset < self.read_to and offset not in self.undone

    def text(self) -> str:
        """What is kept beside the offset."""
        if not self.undone:
            return ""
        steps = _steps(self.offset, (*self.undone[1:], self.read_to))
        return " ".join((VERSION, *(f"{step:x}" for step in steps)))


def position(offset: int, text: str) -> Position:
    """Of what Kafka kept; a text that is none of ours is passed over: then records may come twice, none is lost."""
    version, *steps = text.split(" ")
    if version != VERSION or not steps:
        return Position(offset)
    found, at = [offset], offset
    try:
        for step in steps:
            at += int(step, 16)
            found.append(at)
    except ValueError:
        return Position(offset)
    return Position(found[-1], tuple(found[:-1]))


def _steps(at: int, offsets: Iterable[int]) -> Iterable[int]:
    for offset in offsets:
        yield offset - at
        at = offset
