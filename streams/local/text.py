"""Names of others shown as text, and as nothing else: on a terminal, in CSV, in JSON.

A queue's name may hold what a terminal takes for a command, rich for markup, a spreadsheet for a formula. Every command
writes through here; a test holds that none writes past it.
"""

import json
import os
import re
from collections.abc import Iterable
from typing import IO
from unicodedata import category

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.highlighter import JSONHighlighter
from rich.segment import Segment
from rich.text import Text

LAYOUT = "\n\t"
"""What our own sentences may hold besides what can be seen."""
PLAIN_WIDTH = 240
"""Columns where there is no terminal whose width one has to keep to."""

_JOINERS = "\u200c\u200d"
"""Invisible, and part of emoji and of Persian and Indic words."""
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
"""Controls, formats (bidi among them), halves of surrogate pairs, line and paragraph separators."""
_FORMULA = re.compile(r"^(?=[\t\n])|(?:^|(?<=[;\t\n]))(?= *[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""Where a spreadsheet would begin to compute: at the start of a cell, or behind what it may take for a separator."""


def shown(text: str, keep: str = "") -> str:
    """A name with what cannot be seen escaped: ``\\x9b``, ``\\u202e``, ``\\n``; what is to be kept is not."""
    if text.isprintable():
        return text
    return "".join(c if c in keep or not _hidden(c) else c.encode("unicode_escape").decode() for c in text)


def _hidden(character: str) -> bool:
    return category(character) in _UNSEEN and character not in _JOINERS


def cell(value: object) -> object:
    """A value for CSV: a text that a spreadsheet would take for a formula gets an apostrophe before it."""
    return _FORMULA.sub("'", shown(value, LAYOUT)) if isinstance(value, str) else value


def as_json(value: object, indent: int | None = 2) -> str:
    """JSON in which letters stay as they are, and what cannot be seen is escaped."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    if text.isprintable():
        return text
    return "".join(c if c == "\n" or not _hidden(c) else json.dumps(c)[1:-1] for c in text)


class Terminal(Console):
    """A console on which a string is text: no markup, no emoji by name, and nothing that a terminal would obey. Where
    it is piped there is no width to keep to.
    """

    def __init__(self, *, stderr: bool = False, width: int | None = None, file: IO[str] | None = None) -> None:
        super().__init__(stderr=stderr, width=width, file=file, markup=False, emoji=False)
        if width is None and not self.is_terminal and "COLUMNS" not in os.environ:
            self.width = PLAIN_WIDTH

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Of whatever is printed, cells of tables included: what is hidden in it is shown."""
        if isinstance(renderable, str):
            renderable = shown(renderable, LAYOUT)
        elif isinstance(renderable, Text) and (plain := shown(renderable.plain, LAYOUT)) != renderable.plain:
            renderable = Text(plain, renderable.style, justify=renderable.justify, overflow=renderable.overflow)
        for segment in super().render(renderable, options):
            text = segment.text if segment.control else shown(segment.text, LAYOUT)
            yield segment if text is segment.text else Segment(text, segment.style)

    def json(self, value: object) -> None:
        """Print a value as coloured JSON."""
        self.print(JSONHighlighter()(Text(as_json(value))), soft_wrap=True)

    def plain(self, text: str) -> None:
        """A text as it is, for other programs: no width, no style."""
        self.file.write(shown(text, LAYOUT) + "\n")

    def note(self, sentence: str) -> None:
        """A remark beside the answer, in grey and in one piece."""
        self.print(sentence, style="grey62", highlight=False, soft_wrap=True)

    def fail(self, sentence: str) -> None:
        """What went wrong, in red and in one piece."""
        self.print(sentence, style="red", highlight=False, soft_wrap=True)


def echo(sentence: object, *, err: bool = False) -> None:
    """A line, or several, without a terminal's width or style: for people and programs alike."""
    typer.echo(shown(str(sentence), LAYOUT), err=err)
