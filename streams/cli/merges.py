"""``contact-streams merges``: which contacts became somebody else's."""

import asyncio
from typing import Annotated, Literal

import typer

from streams.cli.common import Prefix, load, with_broker
from streams.local.text import Terminal

FIRST, LAST = "1970-01-01", "2100-01-01"


def merges(
    first: Annotated[str, typer.Option("--from", help="First date, or a date-time, of the evidence.")] = FIRST,
    last: Annotated[str, typer.Option("--to", help="Last date, inclusive; or the date-time at which to end.")] = LAST,
    line: Annotated[str, typer.Option(help="live, a replay's id, or all.")] = "all",
    rule: Annotated[str | None, typer.Option(help="Only what this rule decided or refused.")] = None,
    how: Annotated[
        Literal["table", "json"], typer.Option("--format", help="How to show them; json has every contact.")
    ] = "table",
    topic_prefix: Prefix = None,
) -> None:
    """Show which contacts became somebody else's, why, and what was refused; read from the topic identity.changes.

    It shows names and identifiers as the topic has them. Dates are days of the business time zone.

    [bold]Example[/]: contact-streams merges --from 2026-03-02 --to 2026-03-02 --rule other-source
    """
    from streams import rules
    from streams.inspect.merges import TOPIC, collect, make_query, show
    from streams.kafka.connection import connection_of
    from streams.kafka.reading import values_of

    settings = load(topic_prefix=topic_prefix)
    query = make_query(first, last, line, rule, rules.of(settings).kpis.time_zone)
    settings, _ = with_broker(settings, start=False)
    values = values_of(connection_of(settings), settings.topic_prefix + TOPIC)
    show(asyncio.run(collect(values, query)), query, how, Terminal())
