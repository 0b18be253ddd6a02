"""``contact-streams customer``: all that is known of one."""

import asyncio
import json
from typing import Annotated

import typer

from streams.cli.common import AsJson, Prefix, err, load
from streams.cli.state import progress_on
from streams.local.text import Terminal, echo, shown

customer_app = typer.Typer(no_args_is_help=True, help="All that is known of one customer.")


@customer_app.command()
def show(
    identifier: Annotated[
        str, typer.Argument(help="phone:+442079460123, customer:cust-1001, an owner as it is printed, a customer's id.")
    ],
    line: Annotated[str, typer.Option(help="live, or a replay's id.")] = "live",
    as_json: AsJson = False,
    topic_prefix: Prefix = None,
) -> None:
    """Show on one screen whom an identifier stands for and by which links, and of that customer tier, type and score
    with their reasons, journeys, what is recommended, open alerts and promises. --json has all that is published.

    It is personal data, as the topics have it. Exit code 1 when nothing is known.

    [bold]Example[/]: contact-streams customer show phone:+442079460123
    """
    from streams import rules
    from streams.inspect import customer, customer_page, erasures

    settings = load(broker=True, topic_prefix=topic_prefix)
    with progress_on(f"looking for {shown(identifier)}") as tell:
        of = "" if line == "live" else line
        found = asyncio.run(customer.collect(settings, rules.of(settings), identifier, of, tell))
    if as_json:
        echo(customer.as_json(found))
    else:
        customer_page.show(found, Terminal())
    if not found.known:
        said = customer.nothing(found) + ("" if found.elsewhere else erasures.unknown(settings, found.owner))
        err.print(said if not found.erased else f"{said} since", highlight=False, soft_wrap=True)
        raise typer.Exit(1)


@customer_app.command()
def export(
    customer: Annotated[str, typer.Argument(help="The customer's id, or customer:<id>.")],
    topic_prefix: Prefix = None,
) -> None:
    """Print as JSON all that is held of one customer: rows, published records, and raw events as long as they are kept.

    It is personal data. Exit code 1 when nothing is held.

    [bold]Example[/]: contact-streams customer export cust-1001 > cust-1001.json
    """
    from streams import rules
    from streams.inspect import erasures, exporting

    settings = load(broker=True, topic_prefix=topic_prefix)
    with progress_on(f"looking for {shown(customer)}") as tell:
        held = asyncio.run(exporting.collect(settings, rules.of(settings), customer, tell))
    echo(exporting.as_json(held))
    for each in held.erased:
        err.print(erasures.sentence(held.customer, each), highlight=False, soft_wrap=True)
    if held.older:
        err.print(erasures.older(held.erased, held.older), highlight=False, soft_wrap=True)
    if not (held.rows or held.published or held.events):
        said = f"nothing is held of {shown(held.customer)}{erasures.unknown(settings, held.customer)}"
        err.print(said, highlight=False, soft_wrap=True)
        raise typer.Exit(1)


@customer_app.command()
def proof(
    customer: Annotated[str, typer.Argument(help="The customer's id, or customer:<id>.")],
    topic_prefix: Prefix = None,
) -> None:
    """Print the proof that a customer was erased, as JSON: by when nothing is left. Exit code 1 when there is none.

    It takes the erasure key: without it a proof names nobody.

    [bold]Example[/]: contact-streams customer proof cust-1001
    """
    from streams import rules
    from streams.inspect import erasures

    settings = load(broker=True, topic_prefix=topic_prefix)
    found = asyncio.run(erasures.proofs(settings, rules.of(settings), customer))
    for each in found:
        echo(json.dumps(each))
    if not found:
        err.print(f"no erasure of {shown(customer)} is proved", highlight=False)
        raise typer.Exit(1)
