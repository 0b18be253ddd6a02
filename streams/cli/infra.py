"""The commands ``contact-streams broker …`` and ``contact-streams doctor``."""

import asyncio
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from streams.base.errors import BrokerError
from streams.cli import doctor as checks
from streams.inspect.lost_state import StateGone, settle
from streams.kafka.connection import connection_of
from streams.kafka.topics import TopicsError, create, wanted
from streams.local.broker import Broker
from streams.local.text import Terminal, echo
from streams.settings import SettingsError, load

broker_app = typer.Typer(help="The embedded Kafka broker of this checkout.", no_args_is_help=True)

STYLES = {checks.Status.OK: "green", checks.Status.NOTE: "yellow", checks.Status.FAILED: "bold red"}

Name = Annotated[str, typer.Option(help="several brokers can run side by side, each with a name")]


def _say(text: str) -> None:
    """For people: on stderr, so that stdout stays for the answer."""
    echo(text, err=True)


@broker_app.command()
def start(name: Name = "local") -> None:
    """Start it unless it runs; prints its address."""
    try:
        echo(Broker(name, say=_say).start())
    except BrokerError as error:
        raise _fail(error) from error


@broker_app.command()
def stop(
    name: Name = "local",
    delete: Annotated[bool, typer.Option("--delete", help="remove its data as well")] = False,
) -> None:
    """Stop it; its data stay."""
    broker = Broker(name, say=_say)
    was_running = broker.stop()
    if delete:
        broker.destroy()
    echo("stopped" if was_running else "was not running")


@broker_app.command()
def status(name: Name = "local") -> None:
    """Say whether it runs and answers; the exit code is 0 when it does."""
    broker = Broker(name, say=_say)
    running = broker.running()
    if running is None:
        echo("not running")
        raise typer.Exit(1)
    ready = broker.is_ready()
    echo(f"{running.bootstrap} {'answers' if ready else 'does not answer'}, pid {running.pid}, log {broker.log}")
    raise typer.Exit(0 if ready else 1)


def doctor() -> None:
    """Check Python, Java, Maven, Docker, broker, topics and clock, and say what to do about each failure."""
    try:
        settings = load()
    except SettingsError as error:
        raise _fail(error) from error

    def topics(bootstrap: str) -> list[checks.Finding]:
        here = settings.model_copy(update={"bootstrap_servers": bootstrap})
        try:
            report = asyncio.run(create(connection_of(here), wanted(here), dry_run=True))
        except TopicsError as error:
            return [checks.Finding("topics", checks.Status.FAILED, str(error))]
        found = checks.topics(report)
        try:
            if report.present:
                asyncio.run(settle(here, None))
        except StateGone as error:
            gone, _, choices = str(error).partition(" Choose:\n")
            found.append(checks.Finding("state", checks.Status.FAILED, gone, choices.strip()))
        return found

    def clock(bootstrap: str) -> list[checks.Finding]:
        here = settings.model_copy(update={"bootstrap_servers": bootstrap})
        names = [topic.name for topic in wanted(here)]
        ahead = asyncio.run(checks.records_from_the_future(connection_of(here), names, here.future_tolerance_s))
        return [checks.clock(ahead)]

    findings = checks.examine(Broker(), servers=settings.bootstrap_servers, topics=topics, clock=clock)
    table = Table("check", "", "found", "what to do")
    for column in table.columns:
        column.overflow = "fold"
    for finding in findings:
        status = Text(finding.status, STYLES[finding.status])
        table.add_row(finding.check, status, finding.found, finding.advice)
    Terminal().print(table)
    if any(finding.status is checks.Status.FAILED for finding in findings):
        raise typer.Exit(1)


def _fail(error: Exception) -> typer.Exit:
    _say(f"error: {error}")
    return typer.Exit(1)
