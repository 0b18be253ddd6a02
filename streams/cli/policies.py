"""``contact-streams policies``: how customers are served, and what recorded days come to under each policy."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from streams.cli.common import Prefix, err, load, with_broker
from streams.local.text import Terminal

if TYPE_CHECKING:
    from streams.inspect.recorded import Query
    from streams.policies.record import Record
    from streams.rules import Rules
    from streams.settings import Settings

policies_app = typer.Typer(
    no_args_is_help=True,
    help="Policies: how customers are served, what it costs and keeps. list, show, compare on recorded days.",
)


@policies_app.command("list")
def list_() -> None:
    """List the policies that are shipped, and those in the folder policies of the rules.

    [bold]Example[/]: contact-streams policies list
    """
    from streams import rules
    from streams.inspect.policy_pages import listed
    from streams.rules import policies

    settings = load()
    known, mine = rules.known(rules.of(settings)), policies.own(settings.rules_dir)
    names = sorted({*policies.shipped(), *mine})
    found = [(name, policies.policy(name, known, settings.rules_dir)) for name in names]
    listed(((name, "own" if name in mine else "shipped", each) for name, each in found), Terminal())


@policies_app.command()
def show(name: Annotated[str, typer.Argument(help="A policy's name, or a file, *.yaml.")]) -> None:
    """Show what a policy says: services, routes, costs, what customers are worth.

    [bold]Examples[/]: contact-streams policies show tiered; contact-streams policies show mine.yaml
    """
    from streams import rules
    from streams.inspect.policy_pages import shown
    from streams.rules import policies

    settings = load()
    known = rules.known(rules.of(settings))
    policy = policies.policy(name, known, settings.rules_dir)
    shown(name, policy, Terminal())
    if found := policies.warning(name, policy, known.tiers, settings.rules_dir):
        err.note(f"warning: {found}")


@policies_app.command()
def compare(  # noqa: PLR0913, PLR0917 - each is an option
    names: Annotated[list[str], typer.Argument(help="Two or more: names, or files, *.yaml. The first is the base.")],
    first: Annotated[str, typer.Option("--from", help="First date, or a date-time.")],
    last: Annotated[str, typer.Option("--to", help="Last date, inclusive; or the date-time at which to end.")],
    line: Annotated[str, typer.Option(help="live, or a replay's id.")] = "live",
    promises: Annotated[
        str | None, typer.Option(help="Judge all by the promises of this policy; default: each by its own.")
    ] = None,
    how: Annotated[Literal["table", "json", "csv"], typer.Option("--format", help="How to show it.")] = "table",
    topic_prefix: Prefix = None,
) -> None:
    """Replay the contacts that began in a span under each policy: service, cost, value at risk, break-even.

    Dates are days of the business time zone. It reads contact.interactions, which keeps a week unless told otherwise.

    [bold]Examples[/]:

    contact-streams policies compare one-size-fits-all tiered --from 2026-03-02 --to 2026-03-06

    contact-streams policies compare tiered mine.yaml --from 1999-02-01 --to 1999-02-07 --line week-5 --format json

    contact-streams policies compare tiered premium-for-all --from 2026-03-02 --to 2026-03-02 --promises tiered
    """
    from streams import rules
    from streams.inspect.policies import Comparison
    from streams.inspect.policies import show as shown
    from streams.inspect.readings import QueryError, span
    from streams.inspect.recorded import Query
    from streams.policies.compare import Incomparable, one_currency
    from streams.policies.figures import outcome
    from streams.rules import policies

    settings = load(topic_prefix=topic_prefix)
    decided = rules.of(settings)
    if len(names) < 2 or len(set(names)) < len(names):
        raise QueryError(
            f"{', '.join(names)}: name two or more policies, each once; `policies list` says which there are"
        )
    known = rules.known(decided)
    chosen = [(name, policies.policy(name, known, settings.rules_dir)) for name in names]
    judge = None if promises is None else policies.policy(promises, known, settings.rules_dir)
    try:
        currency = one_currency(chosen)
    except Incomparable as error:
        raise QueryError(str(error)) from None
    if line == "all":
        raise QueryError("--line all: a queue is one of one line; give live, or a replay's id")
    start, end = span(first, last, decided.kpis.time_zone)
    if end <= start:
        raise QueryError(f"from {first} to {last} is no time: --to lies before --from")
    query = Query(start, end, "" if line == "live" else line)
    record = _recorded(settings, query, decided)
    satisfied = decided.kpis.csat.satisfied_from * 1000
    found = tuple(outcome(record, name, policy, satisfied, judge) for name, policy in chosen)
    shown(Comparison(query, currency, found, promises), how, Terminal())


def _recorded(settings: "Settings", query: "Query", decided: "Rules") -> "Record":
    """What the topics hold of the span."""
    from streams.inspect.recorded import collect
    from streams.kafka.connection import connection_of
    from streams.kafka.reading import read_to_end

    settings, _ = with_broker(settings, start=False)
    connection = connection_of(settings)
    with err.status("reading …") as status:  # on a terminal alone
        return asyncio.run(
            collect(
                lambda topic: read_to_end(connection, [settings.topic_prefix + topic]),
                query,
                decided.customers.contacts,
                lambda topic, count: status.update(f"reading {topic}: {count:,} records"),
            )
        )
