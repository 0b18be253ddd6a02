"""``contact-streams kpis``: the published readings of a span of time, and what each KPI means."""

import asyncio
from pathlib import Path
from typing import Annotated, Literal

import typer

from streams.cli.common import Prefix, load, readings_of
from streams.local.text import Terminal

kpis_app = typer.Typer(
    invoke_without_command=True, short_help="The KPIs of a span of time; `kpis explain NAME`: what one means."
)
File = Annotated[Path | None, typer.Option(help="Readings from a file, a record a line, not the topic.")]


@kpis_app.callback()
def kpis(  # noqa: PLR0913, PLR0917 - each is an option
    context: typer.Context,
    first: Annotated[str | None, typer.Option("--from", help="First date, or a date-time.")] = None,
    last: Annotated[
        str | None, typer.Option("--to", help="Last date, inclusive; or the date-time at which to end.")
    ] = None,
    by: Annotated[str, typer.Option(help="Dimensions of the rows: channel,queue,tier.")] = "channel,queue",
    line: Annotated[str, typer.Option(help="live, a replay's id, or all: each line on its own.")] = "all",
    how: Annotated[Literal["table", "json", "csv"], typer.Option("--format", help="How to show them.")] = "table",
    file: File = None,
    topic_prefix: Prefix = None,
) -> None:
    """Show the KPIs of a span of time, read from the topic kpis. Dates are days of each queue's time zone.

    [bold]Examples[/]:

    contact-streams kpis --from 1999-02-01 --to 1999-02-07 --by queue,tier --line all

    contact-streams kpis explain service_level
    """
    if context.invoked_subcommand is not None:
        return
    from streams import rules
    from streams.inspect.readings import QueryError, collect, make_query, show

    if first is None or last is None:
        raise QueryError("say which span: --from DATE --to DATE; or `kpis explain NAME` says what a KPI means")
    settings = load(topic_prefix=topic_prefix)
    policy = rules.of(settings).kpis
    query = make_query(first, last, by, line, policy.time_zone)
    show(asyncio.run(collect(readings_of(settings, file), query, policy)), query, how, Terminal())


@kpis_app.command()
def explain(name: Annotated[str, typer.Argument(help="Of a KPI, such as service_level.")]) -> None:
    """Say what a KPI means: definition, variants, formula, example, windows, when it is final, source.

    [bold]Example[/]: contact-streams kpis explain speed_of_answer
    """
    from streams import rules
    from streams.inspect import catalogue

    catalogue.explain(name, rules.of(load()).kpis, Terminal())


@kpis_app.command()
def catalogue() -> None:
    """Print the page docs/kpi-catalogue.md: every KPI, by the shipped rules.

    [bold]Example[/]: contact-streams kpis catalogue > docs/kpi-catalogue.md
    """
    from streams import rules
    from streams.inspect.catalogue import page

    Terminal().plain(page(rules.load().kpis).rstrip("\n"))
