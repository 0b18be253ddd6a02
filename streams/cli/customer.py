"""``contact-streams customer``: all that is known of one."""

import asyncio
from typing import Annotated

import typer

from streams.cli.common import AsJson, Prefix, err, load
from streams.cli.state import progress_on
from streams.local.text import Terminal, echo, shown

customer_app = typer.Typer(no_args_is_help=True, help="All that is known of one customer.")


@customer_app.command()
def show(
    identifier: Annotated[
        str, typer.Argument(help="phone:+442079460123, email:…, customer:cust-1001, or a customer's id.")
    ],
    line: Annotated[str, typer.Option(help="A replay's id; empty: live.")] = "",
    as_json: AsJson = False,
    topic_prefix: Prefix = None,
) -> None:
    """Show whom an identifier stands for and by which links, and what is published of that customer: scores with their
    reasons, journeys, open alerts and more.

    It is personal data, as the topics have it. Exit code 1 when nothing is known.

    [bold]Example[/]: contact-streams customer show phone:+442079460123
    """
    from streams import rules
    from streams.inspect import customer

    settings = load(broker=True, topic_prefix=topic_prefix)
    with progress_on(f"looking for {shown(identifier)}") as tell:
        found = asyncio.run(customer.collect(settings, rules.of(settings), identifier, line, tell))
    if as_json:
        echo(customer.as_json(found))
    else:
        customer.show(found, Terminal())
    if not found.links and not any(found.published.values()):
        err.print(f"nothing is known of {shown(found.identifier)}", highlight=False)
        raise typer.Exit(1)
