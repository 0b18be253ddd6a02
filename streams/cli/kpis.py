"""``contact-streams kpis``: the published readings of a span of time."""

import asyncio
from typing import Annotated, Literal

import typer

from streams.cli.common import Prefix, load, with_broker
from streams.local.text import Terminal


def kpis(
    first: Annotated[str, typer.Option("--from", help="First date, or a date-time.")],
    last: Annotated[str, typer.Option("--to", help="Last date, inclusive; or the date-time at which to end.")],
    by: Annotated[str, typer.Option(help="Dimensions of the rows: channel,queue,tier.")] = "channel,queue",
    line: Annotated[str, typer.Option(help="live, a replay's id, or all: each line on its own.")] = "all",
    how: Annotated[Literal["table", "json", "csv"], typer.Option("--format", help="How to show them.")] = "table",
    topic_prefix: Prefix = None,
) -> None:
    """Show the KPIs of a span of time, read from the topic kpis. Dates are days of each queue's time zone.

    [bold]Example[/]: contact-streams kpis --from 1999-02-01 --to 1999-02-07 --by queue,tier --line all
    """
    from streams import rules
    from streams.inspect.readings import TOPIC, collect, make_query, show
    from streams.kafka.connection import connection_of
    from streams.kafka.reading import values_of

    settings = load(topic_prefix=topic_prefix)
    policy = rules.of(settings).kpis
    query = make_query(first, last, by, line, policy.time_zone)
    settings, _ = with_broker(settings, start=False)
    values = values_of(connection_of(settings), settings.topic_prefix + TOPIC)
    show(asyncio.run(collect(values, query, policy)), query, how, Terminal())
