"""``contact-streams alerts``: how alerts stand, why, and what people say of them."""

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli import alert_words
from streams.cli.alert_words import Name, moment
from streams.cli.common import AsJson, Prefix, err, load, stopping
from streams.local.text import Terminal, echo

if TYPE_CHECKING:
    from streams.desk.board import Filter
    from streams.settings import Settings

alerts_app = typer.Typer(no_args_is_help=True, help="How alerts stand, why, and what is to be done with them.")

WATCH_SECONDS = 1.0
Line = Annotated[str, typer.Option(help="live, a replay's id, or all.")]


@alerts_app.command("list")
def list_command(  # noqa: PLR0913, PLR0917 - each is an option
    rule: Annotated[list[str] | None, typer.Option(help="Of this rule; may be given again.")] = None,
    severity: Annotated[list[str] | None, typer.Option(help="critical, warning, info.")] = None,
    state: Annotated[
        list[str] | None, typer.Option(help="pending, firing, …, or all. Default: all that are not over.")
    ] = None,
    customer: Annotated[str | None, typer.Option(help="An owner, or a customer's id.")] = None,
    queue: Annotated[str | None, typer.Option()] = None,
    tier: Annotated[str | None, typer.Option()] = None,
    since: Annotated[str | None, typer.Option(help="Began then or later: a time, or how long ago: 2h.")] = None,
    line: Line = "live",
    limit: Annotated[int, typer.Option(min=1, max=50_000, help="At most so many, the latest.")] = 100,
    watch: Annotated[bool, typer.Option("--watch", help="Go on; with --json an alert a line, as it changes.")] = False,
    as_json: AsJson = False,
    topic_prefix: Prefix = None,
) -> None:
    """List the alerts that are not over, or those asked for; the most severe first.

    [bold]Examples[/]: contact-streams alerts list --severity critical --queue cards

    contact-streams alerts list --state all --since 2h --json
    """
    from streams.desk import page, reading

    found = _filter(rule, severity, state, (customer, queue, tier), since, line)
    settings = load(broker=True, topic_prefix=topic_prefix)
    if watch:
        with stopping("stopped"):
            asyncio.run(_watch(settings, found, limit, as_json=as_json))
        return
    board = asyncio.run(reading.board(settings))
    alerts = page.ordered(board.select(found, limit))
    if as_json:
        echo(json.dumps({"alerts": [each.doc for each in alerts]}))
        return
    Terminal().print(page.table(alerts, reading.now_ms()))
    if board.unreadable:
        err.note(f"{board.unreadable} records of another version of the contract are left out")
    if not alerts:
        err.note("no alert is like that")


def _filter(
    rule: list[str] | None, severity: list[str] | None, state: list[str] | None,
    about: tuple[str | None, str | None, str | None], since: str | None, line: str,
) -> "Filter":  # fmt: skip
    from streams.desk.board import SEVERITIES, STATES, Filter, checked, customer_of

    states = checked(state or (), STATES, "--state", ("all",))
    customer, queue, tier = about
    return Filter(
        rules=frozenset(rule or ()),
        severities=checked(severity or (), SEVERITIES, "--severity"),
        states=frozenset(STATES) if "all" in states else states,
        customer=None if customer is None else customer_of(customer),
        queue=queue,
        tier=tier,
        since=None if since is None else moment(since, "--since", -1),
        line=None if line == "all" else "" if line == "live" else line,
    )


async def _watch(settings: "Settings", asked: "Filter", limit: int, *, as_json: bool) -> None:
    from rich.live import Live

    from streams.desk import page, reading
    from streams.desk.following import Follower
    from streams.kafka.connection import connection_of

    follower = Follower(connection_of(settings), settings.topic_prefix)
    following = asyncio.create_task(follower.tail.run())
    try:
        with Live(console=Terminal(), auto_refresh=False) as live:
            known = dict[str, int]()
            while True:
                await asyncio.sleep(WATCH_SECONDS)
                if not follower.tail.caught_up.is_set():
                    continue
                alerts = page.ordered(follower.board.select(asked, limit))
                if not as_json:
                    live.update(page.table(alerts, reading.now_ms()), refresh=True)
                    continue
                for each in alerts:
                    if known.get(each.episode_id) != each.revision:
                        echo(json.dumps(each.doc))
                known = {each.episode_id: each.revision for each in alerts}
    finally:
        following.cancel()
        await asyncio.wait((following,))


@alerts_app.command()
def show(alert: Name, as_json: AsJson = False, topic_prefix: Prefix = None) -> None:
    """Show one alert on one screen: how it stands, the value against its bounds and the events that show it, its rule,
    its steps with their reasons, and its customer's journey.

    [bold]Example[/]: contact-streams alerts show high-tier-wait.5d1f0c7a94be32d86e01
    """
    from streams.desk import page, reading

    settings = load(broker=True, topic_prefix=topic_prefix)
    found = asyncio.run(_found(settings, alert))
    if as_json:
        rule = found.rule and vars(found.rule)
        echo(json.dumps({"alert": found.alert, "steps": found.steps, "rule": rule, "journey": found.journey}))
    else:
        page.show(found, Terminal(), reading.now_ms())


async def _found(settings: "Settings", name: str) -> Any:
    from streams.desk import page, reading
    from streams.desk.errors import NoJourney
    from streams.desk.rule_texts import rules_in_force
    from streams.kafka.connection import connection_of

    held = (await reading.board(settings)).find(name)
    connection, prefix = connection_of(settings), settings.topic_prefix
    rules = rules_in_force(settings.rules_dir, await reading.applied(settings))
    found = page.Found(held.doc, rule=rules.get(held.rule))
    found.steps = await reading.steps(connection, prefix, held, all_episodes=False)
    try:
        found.journey = await reading.journey(connection, prefix, held)
    except NoJourney as error:
        found.no_journey = str(error)
    return found


@alerts_app.command()
def history(
    alert: Name,
    every: Annotated[bool, typer.Option("--all", help="Of all episodes, not of the latest one.")] = False,
    as_json: AsJson = False,
    topic_prefix: Prefix = None,
) -> None:
    """Show the steps of an alert, oldest first, as far as the topic keeps them.

    [bold]Example[/]: contact-streams alerts history 5d1f0c7a --all
    """
    from streams.desk import page, reading
    from streams.kafka.connection import connection_of

    settings = load(broker=True, topic_prefix=topic_prefix)

    async def read() -> list[dict[str, Any]]:
        held = (await reading.board(settings)).find(alert)
        return await reading.steps(connection_of(settings), settings.topic_prefix, held, all_episodes=every)

    found = asyncio.run(read())
    if as_json:
        echo(json.dumps({"steps": found}))
    else:
        for said in page.steps(found):
            echo(said)


@alerts_app.command()
def silences(
    every: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    as_json: AsJson = False,
    topic_prefix: Prefix = None,
) -> None:
    """List the silences that hold, or will."""
    from rich.table import Table

    from streams.desk import reading

    settings = load(broker=True, topic_prefix=topic_prefix)
    known = asyncio.run(reading.silences(settings))
    now = reading.now_ms()
    found = [each.doc(now) for each in known.those(now, every=every)]
    if as_json:
        echo(json.dumps({"silences": found}))
        return
    table = Table("silence", "state", "matchers", "starts", "ends", "by", "reason", box=None, pad_edge=False)
    for each in found:
        rest = (each[name] for name in ("starts", "ends", "by", "reason"))
        table.add_row(each["silence_id"], each["state"], " ".join(each["matchers"]), *rest)
    Terminal().print(table)


for _word in ("ack", "assign", "comment", "escalate", "snooze", "close", "silence", "unsilence"):
    alerts_app.command()(getattr(alert_words, _word))
