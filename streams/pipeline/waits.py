"""Contacts whose events wait until identifiers have said whom they stand for: the rows ``waiting`` and ``hurried``."""

from collections.abc import Mapping

import msgspec

from streams.base.links import Again, Hurried
from streams.base.records import SEP, Line
from streams.engine import Outputs, Table
from streams.identity.waiting import Waiting
from streams.pipeline.ends import line_of

MAX_WAITING_BYTES = 400_000
"""JSON bytes of a contact's events that wait; with more, they are placed by what is known."""
MAX_WAITING_MS = 5_000
"""How long an answer is waited for."""
HOLD_MS = 1000
"""So long stream time stands at most because something waits; then it goes as far as what waits lets it."""

encode = msgspec.json.Encoder().encode


class Waits:
    """``rows``: key of a contact → its events; ``hurried``: → (the earliest event time of those that come again, ms;
    how often they are yet to come).
    """

    def __init__(self, rows: Table[Waiting], hurried: Table[tuple[int, int]], links: str) -> None:
        self.rows, self.hurried, self.links = rows, hurried, links
        self.pausing: Mapping[str, int] = {}
        """Line that stands because something waits → since when, by the clock, ms."""

    def __contains__(self, key: str) -> bool:
        return key in self.rows or key in self.hurried

    def overdue(self, now: int) -> list[str]:
        """Contacts whose answers do not come: who gives them may have failed."""
        return [key for key, held in self.rows.items() if now - held.asked_at >= MAX_WAITING_MS]

    def hurry(self, key: str, out: Outputs) -> None:
        """What waits comes again, each event in a record of its own, so that one that cannot be placed is a dead letter
        and holds up nobody's time. Stream time waits for them: they may lie unread for a while.
        """
        held = self.rows.pop(key)
        for event in held.events:
            out.send(self.links, contact_of(key), encode(Again(event, held.labels)))
        since, times = self.hurried.get(key) or (held.since, 0)
        self.hurried[key] = min(since, held.since), times + 1
        out.send(self.links, contact_of(key), encode(Hurried(key)))

    def came(self, told: Hurried) -> None:
        """All that came again of a contact was read."""
        since, times = self.hurried.get(told.contact) or (0, 0)
        if times > 1:
            self.hurried[told.contact] = since, times - 1
        elif times:
            del self.hurried[told.contact]

    def oldest(self) -> dict[str, int]:
        """Line → the earliest time of what waits on it, ms."""
        found: dict[str, int] = {}
        waits = [(key, held.since) for key, held in self.rows.items()]
        for key, since in waits + [(key, since) for key, (since, _) in self.hurried.items()]:
            line = line_of(key)
            found[line] = min(found.get(line, since), since)
        return found

    def reached(self, lines: dict[str, Line], now: int) -> dict[str, Line]:
        """How far the lines have come: what waits is still to come. A line on which something waits is told again when
        nothing does, as a rule in a moment; or, where there always is something, how far that lets it come.
        """
        oldest = self.oldest()
        self.pausing = {line: min(self.pausing.get(line, now), now) for line in oldest}
        found = {line: reached for line, reached in lines.items() if line not in oldest}
        for line, since in oldest.items():
            if line in lines and now - self.pausing[line] >= HOLD_MS:
                found[line] = Line(min(lines[line].watermark, since - 1))
        return found

    def forget(self, line: str) -> None:
        """Everything of a line."""
        for rows in (self.rows, self.hurried):
            for key in [key for key in rows if line_of(key) == line]:
                del rows[key]


def contact_of(key: str) -> bytes:
    """The key of a record for the contact of a row, as its events have it."""
    return key.partition(SEP)[0].encode()
