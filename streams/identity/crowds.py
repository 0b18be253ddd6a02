"""Identifiers that gather more contacts in a day than a person has: they name nobody.

Whatever systems send for a withheld number or a form that was left empty, it is common to strangers, and no list of
such values is complete. So contacts are counted by identifier and day of event time (UTC), and one beyond the limit is
not given to the identifier's owner; nor is any of the day after, or the strangers of every morning would be one person.
"""

from collections.abc import MutableMapping
from math import ceil, sqrt

from streams.base.claims import mark_of
from streams.base.records import SEP
from streams.base.times import DAY_MS

MAX_ROWS = 20_000
"""Identifiers counted at once in a task; of more, the half with the fewest contacts begins anew. One with more than a
ten-thousandth of all that was counted is never in that half."""


def share(limit: int, tasks: int) -> int:
    """How many contacts a task takes for an identifier that has ``limit`` of them in all.

    Contacts are spread over the tasks by a hash of their names: a task has n/p of them on average, with a standard
    deviation of √(n/p · (1 − 1/p)) (binomial). Four of these and two contacts more leave an identifier at its limit
    alone in all but one of a thousand cases. With one task it is the limit.
    """
    mean = limit / tasks
    return min(limit, ceil(mean + 4 * sqrt(mean * (1 - 1 / tasks)) + 2))


class Crowds:
    """Counts over rows (a table): "<line>SEP<day>SEP<mark of the identifier>" → contacts.

    What it answers depends on the order of the log alone.
    """

    def __init__(self, rows: MutableMapping[str, int], limit: int) -> None:
        """``limit``: contacts of an identifier and day, in this task."""
        self.rows, self.limit = rows, limit
        self.days: dict[str, int] = {}
        """Line → the day of stream time for which its rows were tidied up."""

    def gather(self, identifier: str, line: str, time: int, now: int | None) -> int:
        """Count one more contact of an identifier ("<kind>:<value>"); returns how many that is beyond the limit: up to
        0 it names somebody. On the day after a day beyond the limit it is none.

        ``time`` of the contact, ``now`` stream time of the line (None = not known yet), ms. What is older than the day
        before stream time's is not counted.
        """
        day = time // DAY_MS
        if now is not None:
            today = now // DAY_MS
            if self.days.get(line) != today:
                self._forget(line, today - 1)
                self.days[line] = today
            if day < today - 1:
                return 0
        mark = mark_of(identifier)
        key = f"{line}{SEP}{day}{SEP}{mark}"
        count = self.rows.get(key, 0) + 1
        if count == 1 and len(self.rows) >= MAX_ROWS:
            self._thin()
        self.rows[key] = count
        return self.over(identifier, line, time)

    def over(self, identifier: str, line: str, time: int) -> int:
        """How many contacts beyond the limit it has: as `gather`, but none is counted."""
        day, mark = time // DAY_MS, mark_of(identifier)
        count = self.rows.get(f"{line}{SEP}{day}{SEP}{mark}", 0)
        return count - (0 if self.rows.get(f"{line}{SEP}{day - 1}{SEP}{mark}", 0) > self.limit else self.limit)

    def undo(self) -> None:
        """Rows may have been put back."""
        self.days.clear()

    def forget(self, line: str) -> None:
        """Everything of a line."""
        self._forget(line, None)
        self.days.pop(line, None)

    def _forget(self, line: str, before: int | None) -> None:
        for key in list(self.rows):
            its_line, day, _ = key.split(SEP)
            if its_line == line and (before is None or int(day) < before):
                del self.rows[key]

    def _thin(self) -> None:
        fewest = sorted(self.rows.items(), key=lambda row: (row[1], row[0]))
        for key, _ in fewest[: len(fewest) // 2]:
            del self.rows[key]
