"""A text cut into rows of fields, so that no row is lost when one of them is broken.

The reader of the standard library is told to be strict, and what it gives up is not given up here: a quote that does
not close makes the row bad in which it opens, and the lines behind are read as rows again.
"""

import csv
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections import deque
from collections.abc import Iterator
from io import StringIO
from typing import IO, NamedTuple

from streams.replay.model import FileFormat

MOST_LINES = 1000
"""Lines that one row may take; what opens a quote and does not close it in so many never meant to."""
BOM = "\ufeff"
INSIDE = "has a byte order mark inside, as files have that are joined without a line end between them"
MISREAD_BOMS = {
    "ï»¿": "UTF-8",
    "ÿþ": "UTF-16",
    "þÿ": "UTF-16",
    BOM_UTF16_LE.decode("utf-8", "surrogateescape"): "UTF-16",
    BOM_UTF16_BE.decode("utf-8", "surrogateescape"): "UTF-16",
}
"""What a byte order mark becomes in another encoding; undecodable bytes are lone surrogates."""


class Cut(NamedTuple):
    """One row; ``values`` or ``fault`` is None."""

    line: int
    """Of the file, from 1: where the row begins, or where the quote opens that makes it bad."""
    lines: int
    """How many lines it takes."""
    values: list[str] | None
    fault: str | None


class _TooLong(Exception):
    """A row takes more than `MOST_LINES` lines."""


class _Feed:
    """Gives the csv reader its lines, and remembers those of the row at hand."""

    def __init__(self, text: IO[str]) -> None:
        self.text = text
        self.again: deque[str] = deque()
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.again.popleft() if self.again else next(self.text)
        if not self.taken:  # the start of a file, or of one that was put behind it
            line = line.lstrip(BOM)
        self.taken.append(line)
        if len(self.taken) > MOST_LINES:
            raise _TooLong
        return line


class Cutter:
    """Iterates over the rows of a text that are not blank; line ends of every kind are taken."""

    def __init__(self, text: IO[str], form: FileFormat) -> None:
        self._form = form
        self._feed = _Feed(text)
        self._read = csv.reader(
            self._feed,
            delimiter=form.delimiter,
            quotechar=form.quote,
            escapechar=form.escape,
            quoting=csv.QUOTE_MINIMAL if form.quote else csv.QUOTE_NONE,
            strict=True,
        )
        self._done = 0
        """Lines of the rows so far."""

    def __iter__(self) -> Iterator[Cut]:
        return self

    def __next__(self) -> Cut:
        while True:
            self._feed.taken = []
            try:
                values = next(self._read)
            except (csv.Error, _TooLong) as error:
                return self._broken(error)
            begins, lines = self._done + 1, len(self._feed.taken)
            self._done += lines
            if values and values[0].startswith(BOM):  # written inside the quotes
                values[0] = values[0].lstrip(BOM)
            if any(value and not value.isspace() for value in values):
                return Cut(begins, lines, values, None)

    def inner(self) -> Iterator[list[str]]:
        """The lines behind the first of the row that was cut last, each as a row of its own where it can be one."""
        for line in self._feed.taken[1:]:
            cut = next(Cutter(StringIO(line, newline=""), self._form), None)
            if cut is not None and cut.values is not None:
                yield cut.values

    def take_back(self) -> Cut:
        """The row that was cut last is none: its quote does not close. What comes behind its line is cut again."""
        self._done -= len(self._feed.taken)
        return self._broken(None)

    def _broken(self, error: csv.Error | _TooLong | None) -> Cut:
        taken = self._feed.taken
        at = _opened(taken, self._form) if len(taken) > 1 else 0
        self._feed.again.extendleft(reversed(taken[at + 1 :]))
        self._done += at + 1
        unclosed = len(taken) > 1 or error is None or "unexpected end" in str(error)
        fault = "a quote opens here that is not closed" if unclosed else f"cannot be cut: {error}"
        return Cut(self._done, at + 1, None, fault)


def _opened(lines: list[str], form: FileFormat) -> int:
    """In which of the lines of one row the first value in quotes begins that goes on behind its line; 0: in none.

    A row that breaks may have several such values. Only from the first on is it sure that no line is passed over.
    """
    state, escaped = "start", False
    for index, line in enumerate(lines):
        for character in line:
            if escaped:
                escaped = False
            elif character == form.escape:
                escaped = True
                state = "plain" if state == "start" else state
            elif state == "quoted":
                state = "closed" if character == form.quote else state
            elif character == form.quote and state in ("start", "closed"):
                state = "quoted"
            elif character == form.delimiter or character in "\r\n":
                state = "start"
            elif state == "start":
                state = "plain"
        if state == "quoted":
            return index
    return 0
