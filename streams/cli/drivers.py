"""``contact-streams drivers``: which dimension of service and which behaviour moves CSAT and NPS."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.common import AsJson, Prefix, err, extra, load, with_broker
from streams.cli.merges import FIRST, LAST
from streams.local.text import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.drivers.answers import Book
    from streams.drivers.report import Report
    from streams.inspect.drivers import Query, Tell
    from streams.settings import Settings


def drivers(  # noqa: PLR0913, PLR0917 - each is an option
    file: Annotated[
        Path | None, typer.Option(help="Records of contact.quality, one in each line, in place of the topic.")
    ] = None,
    first: Annotated[str, typer.Option("--from", help="First date, or a date-time, on which contacts began.")] = FIRST,
    last: Annotated[str, typer.Option("--to", help="Last date, inclusive; or the date-time at which to end.")] = LAST,
    line: Annotated[str, typer.Option(help="live, or a replay's id.")] = "live",
    by: Annotated[
        list[str], typer.Option(help="service_type, tier or channel; several with commas: by all at once.")
    ] = ["service_type", "tier", "channel"],  # noqa: B006 - typer reads it
    min_answers: Annotated[int, typer.Option(min=20, help="Groups with fewer answers are refused.")] = 50,
    plot: Annotated[Path | None, typer.Option(help="Draw it into this file, *.png or *.svg.")] = None,
    json: AsJson = False,
    topic_prefix: Prefix = None,
) -> None:
    """Show which dimension of service and which behaviour moves CSAT and NPS most: effect, interval, answers.

    For all contacts, and for each service type, tier and channel. It reads the topic contact.quality and needs the
    extra `drivers`. Dates are days of the business time zone.

    [bold]Examples[/]:

    contact-streams drivers --from 2026-03-01 --to 2026-03-31 --plot march.png

    contact-streams drivers --by tier --by channel,tier --min-answers 100 --json

    contact-streams drivers --file quality.jsonl --line week-5
    """
    with extra("drivers", "the drivers of satisfaction need", scipy="1.15", matplotlib="3.10", numpy="2.2"):
        from streams.drivers.models import Scale
        from streams.drivers.report import report
        from streams.inspect.drivers import Query, answered, make_by, make_line, show

        draw = _into(plot)
    from streams import rules
    from streams.inspect.readings import QueryError, span

    settings = load(topic_prefix=topic_prefix)
    policy = rules.of(settings).kpis
    start, end = span(first, last, policy.time_zone)
    if end <= start:
        raise QueryError(f"from {first} to {last} is no time: --to lies before --from")
    query = Query(start, end, make_line(line), make_by(by), min_answers)
    scales = Scale("csat", policy.csat.satisfied_from), Scale("nps", 9, 6)
    with err.status("reading …") as status:  # on a terminal alone
        book = _recorded(settings, query, file, lambda count: status.update(f"reading: {count:,} records"))
        answers = answered(book, query)
        status.update(f"{len(answers.rows):,} answers …")
        found = report(answers, scales, query.by, min_answers)
        left = draw(found)
    show(found, book, query, Terminal(), as_json=json)
    if left:
        err.note(left)


def _into(plot: Path | None) -> "Callable[[Report], str | None]":
    """What draws a report into the file, if one is given, and says what is not on it."""
    if plot is None:
        return lambda _: None
    from streams.inspect.driver_plot import checked, draw

    checked(plot)
    return lambda report: draw(report, plot)


def _recorded(settings: "Settings", query: "Query", file: Path | None, tell: "Tell") -> "Book":
    """What the file, or else the topic, holds."""
    from streams.inspect.drivers import TOPIC, collect, read
    from streams.kafka.connection import connection_of
    from streams.kafka.reading import read_to_end

    if file:
        return read(file, query, tell)
    settings, _ = with_broker(settings, start=False)
    return asyncio.run(collect(read_to_end(connection_of(settings), [settings.topic_prefix + TOPIC]), query, tell))
