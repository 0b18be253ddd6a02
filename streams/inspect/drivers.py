"""What moves CSAT and NPS: ``contact.quality`` read from the topic or a file, and shown as table or JSON."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

from rich.table import Table

from streams.base.errors import UserError
from streams.base.records import LIVE
from streams.base.times import iso
from streams.drivers.answers import GROUPS, Answers, Book, TooMany
from streams.drivers.models import CONFIDENCE, Untold
from streams.drivers.report import LEVEL, Group, Part, Report, Tested
from streams.inspect.readings import QueryError, no_line
from streams.local import text
from streams.local.text import Terminal

TOPIC = "contact.quality"
EVERY = 5_000
"""Records between two words about how far it is."""
TITLES = {"csat": "CSAT", "nps": "NPS"}
DIGITS = 6

Tell = Callable[[int], object]
"""Told how many records were read."""


class Unreadable(UserError):
    """The file cannot be read."""


class Fetched(Protocol):
    """A record of a topic."""

    key: bytes | None
    value: bytes | None
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Query:
    """Contacts that began in a span in ms (end exclusive), on one line, by which groups."""

    start: int
    end: int
    line: str
    by: tuple[tuple[str, ...], ...]
    min_answers: int


def make_by(given: list[str]) -> tuple[tuple[str, ...], ...]:
    """Breakdowns as they were typed: each one name, or several with commas. Raises QueryError."""
    found = tuple(tuple(name.strip() for name in each.split(",")) for each in given)
    for names in found:
        if wrong := [name for name in names if name not in GROUPS]:
            raise QueryError(f"--by {','.join(names)}: there is no {wrong[0]!r}; there are {', '.join(GROUPS)}")
        if len(set(names)) < len(names):
            raise QueryError(f"--by {','.join(names)}: name each once")
    return tuple(dict.fromkeys(found))


def make_line(line: str) -> str:
    """As it was typed; raises QueryError for all of them."""
    if line == "all":
        raise QueryError("--line all: a replay may hold the same contacts once more; give live, or a replay's id")
    return LIVE if line == "live" else line


async def collect(records: AsyncIterator[Fetched], query: Query, tell: Tell) -> Book:
    """From the topic. Raises QueryError for more answers than can be held."""
    book = Book(query.start, query.end, query.line)
    count = 0
    async for record in records:
        count += 1
        if count % EVERY == 0:
            tell(count)
        _take(book, record.key, record.value, f"{TOPIC}-{record.partition} at offset {record.offset}")
    return book


def read(path: Path, query: Query, tell: Tell) -> Book:
    """From a file: a record's value in each line, or its key, a tab and its value, which may be empty. Raises
    Unreadable, and QueryError as `collect` does.
    """
    book = Book(query.start, query.end, query.line)
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if number % EVERY == 0:
                    tell(number)
                key, tab, value = line.strip(b"\r\n").partition(b"\t")
                keyed = bool(tab) and not key.lstrip().startswith(b"{")
                _take(book, key if keyed else None, value if keyed else line.strip(), f"{path}:{number}")
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}; give a file of records of {TOPIC}, one in each line") from None
    return book


def _take(book: Book, key: bytes | None, value: bytes | None, where: str) -> None:
    try:
        book.take(key, value, where)
    except TooMany as error:
        raise QueryError(str(error)) from None


def answered(book: Book, query: Query) -> Answers:
    """What counts of the records; raises QueryError where that is nothing."""
    found = book.answers()
    if len(found.rows):
        return found
    if query.line not in book.lines | {LIVE}:
        raise QueryError(no_line(query.line, book.lines, "scored contacts"))
    line, span = query.line or "live", f"from {iso(query.start)} to {iso(query.end)}"
    faulty = f"; {unread(book)}" if book.faulty else ""
    raise QueryError(
        f"no contact that began {span} on the line {line} has a score and an answer: {book.contacts} were read{faulty}"
    )


def unread(book: Book) -> str:
    """Of records that cannot be read, in words."""
    more = f" and {book.faulty - len(book.faults)} more" if book.faulty > len(book.faults) else ""
    return f"{book.faulty} record{'s' * (book.faulty != 1)} left out as unreadable: {'; '.join(book.faults)}{more}"


def show(report: Report, book: Book, query: Query, console: Terminal, *, as_json: bool) -> None:
    """Write what was found; JSON for other programs."""
    if as_json:
        console.plain(text.as_json(plain(report, book, query)))
        return
    who = f"{report.answers:,} contacts of {report.customers:,} customers"
    console.print(f"line {query.line or 'live'}: {who} were answered for", highlight=False)
    told = [part for part in report.parts if part.effects]
    for answer, parts in groupby(told, key=lambda part: part.answer):
        console.print(as_table(answer, list(parts)))
    for sentence in sentences(report):
        console.print(sentence, highlight=False, soft_wrap=True)
    for sentence in _notes(report) if report.tests else ():
        console.note(sentence)
    if book.faulty:
        console.note(unread(book))


def group_name(group: Group) -> str:
    """``all``, or ``tier gold``; of several ``tier gold, channel voice``."""
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in group) or "all"


def as_table(answer: str, parts: list[Part]) -> Table:
    """The effects on one answer, group by group, the largest first; a star where one stands."""
    title = TITLES[answer]
    found = Table(title=f"What moves {title}", title_justify="left")
    found.add_column("contacts", overflow="fold")
    found.add_column("driver", overflow="fold")
    for name in ("effect", "from", "to", title, "answers", "with it", "customers", "p"):
        found.add_column(name, justify="right", overflow="fold")
    found.add_column("")
    for part in parts:
        for kind, tested in groupby(part.effects, key=lambda each: each.effect.kind):
            for each in tested:
                found.add_row(*_cells(group_name(part.group), kind, each))
            found.add_section()
    return found


def _cells(group: str, kind: str, each: Tested) -> Iterator[str]:
    effect = each.effect
    yield group
    yield f"{effect.driver}, a tenth" if kind == "dimension" else effect.driver
    yield from (f"{value:+.2f}" for value in (effect.effect, effect.low, effect.high))
    yield f"{effect.points:+.1f}"
    yield f"{effect.answers:,}"
    yield "" if effect.shown is None else f"{effect.shown:,}"
    yield f"{effect.customers:,}"
    yield "<0.001" if each.corrected < 0.001 else f"{each.corrected:.3f}"
    yield "*" if each.stands else ""


def sentences(report: Report) -> Iterator[str]:
    """What moves most, then what is not told and why; a line for each answer and group."""
    for part in report.parts:
        if part.effects:
            yield f"{_head(part)}: {_most(part)}."
    for part in report.parts:
        if part.untold:
            yield f"{_head(part)}: not told: {'; '.join(_reasons(part.untold))}."
    for group in report.alike:
        yield f"{group_name(group)}: that is all contacts, so it has no rows of its own."


def _head(part: Part) -> str:
    return f"{TITLES[part.answer]}, {group_name(part.group)}"


def _most(part: Part) -> str:
    found = []
    for kind, named in (("dimension", "of the dimensions"), ("behaviour", "of the behaviours")):
        if any(each.effect.kind == kind for each in part.effects):
            most = part.most(kind)
            found.append(f"{named} " + (_mostly(most) if most else "none moves it for sure"))
    return ", ".join(found)


def _mostly(most: Tested) -> str:
    return f"{most.effect.driver} moves it most ({most.effect.effect:+.2f})"


def _reasons(untold: tuple[Untold, ...]) -> Iterator[str]:
    for each in untold:
        yield each.why if each.driver is None else f"{each.driver}: {each.why}"


def _notes(report: Report) -> Iterator[str]:
    yield (
        "Effect: points of the answer, for a tenth of a score, or for contacts with a behaviour against those without. "
        f"From, to: the interval of {CONFIDENCE:.0%} of that row alone. The columns CSAT and NPS: the metric's points."
    )
    yield (
        f"p is corrected for all {report.tests} effects of this report (Holm): in 19 of 20 reports no star (p "
        f"below {LEVEL}) is there by chance. What goes together need not be the cause: docs/drivers.md says more."
    )


def plain(report: Report, book: Book, query: Query) -> dict[str, Any]:
    """All of it, for JSON."""
    return {
        "from": iso(query.start),
        "to": iso(query.end),
        "line": query.line,
        "answers": report.answers,
        "customers": report.customers,
        "unreadable": book.faulty,
        "min_answers": query.min_answers,
        "confidence": CONFIDENCE,
        "correction": "holm",
        "level": LEVEL,
        "tests": report.tests,
        "groups": [_part(part) for part in report.parts],
        "alike": [dict(group) for group in report.alike],
    }


def _part(part: Part) -> dict[str, Any]:
    most = {kind: part.most(kind) for kind in ("dimension", "behaviour")}
    return {
        "answer": part.answer,
        "group": dict(part.group),
        "answers": part.answers,
        "moves_most": {kind: each.effect.driver if each else None for kind, each in most.items()},
        "effects": [_effect(each) for each in part.effects],
        "not_told": [{"kind": each.kind, "driver": each.driver, "why": each.why} for each in part.untold],
    }


def _effect(each: Tested) -> dict[str, Any]:
    found = {**asdict(each.effect), "p_corrected": each.corrected, "stands": each.stands}
    found["with_it"] = found.pop("shown")
    return {name: float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value for name, value in found.items()}
