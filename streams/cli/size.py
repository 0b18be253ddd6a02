"""``contact-streams size``: how large a deployment has to be."""

from typing import Annotated

import typer

from streams.cli.common import load
from streams.local.text import Terminal, echo


def size(
    events_per_second: Annotated[float, typer.Option(min=1, help="Live events, of all channels together.")],
    customers: Annotated[int, typer.Option(min=0, help="Customers with a journey that is kept.")],
    partitions: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Of each topic; default: as many as it takes.")
    ] = None,
    identifiers: Annotated[
        float, typer.Option(min=0, help="Of a customer, lost cookies and strangers' included; 0: none are given.")
    ] = 4,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with every coefficient and its source.")] = False,
) -> None:
    """Workers, partitions, memory, disk and brokers for a load, and what runs out first.

    Arithmetic from measured coefficients; the duplicate horizon, the commit interval and the contacts' horizon of the
    settings and rules count in.

    [bold]Example[/]: contact-streams size --events-per-second 1000 --customers 1000000
    """
    from rich.table import Table

    from streams import rules
    from streams.base.times import DAY_MS
    from streams.inspect import sizing

    settings = load()
    horizon_d = rules.of(settings).customers.contacts.horizon / DAY_MS
    horizon_h, interval_ms = settings.dedup_horizon_h, settings.commit_interval_ms
    asked = sizing.Load(events_per_second, customers, partitions, horizon_h, interval_ms, horizon_d, identifiers)
    found = sizing.plan(asked)
    if as_json:
        echo(sizing.as_json(asked, found))
        return
    table = Table(show_header=False)
    for what, how_much in sizing.rows(found):
        table.add_row(what, how_much)
    Terminal().print(table)
