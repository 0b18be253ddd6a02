"""``contact-streams broker``: the embedded one."""

from typing import Annotated

import typer

from streams.local.broker import Broker
from streams.local.text import echo

broker_app = typer.Typer(help="The embedded Kafka broker of this checkout.", no_args_is_help=True)

Name = Annotated[str, typer.Option(help="several brokers can run side by side, each with a name")]


def _broker(name: str) -> Broker:
    """What it does meanwhile it says on stderr: stdout is for the answer."""
    return Broker(name, say=lambda text: echo(text, err=True))


@broker_app.command()
def start(name: Name = "local") -> None:
    """Start it unless it runs; prints its address."""
    echo(_broker(name).start())


@broker_app.command()
def stop(
    name: Name = "local",
    delete: Annotated[bool, typer.Option("--delete", help="remove its data as well")] = False,
) -> None:
    """Stop it; its data stay."""
    broker = _broker(name)
    was_running = broker.stop()
    if delete:
        broker.destroy()
    echo("stopped" if was_running else "was not running")


@broker_app.command()
def status(name: Name = "local") -> None:
    """Say whether it runs and answers; the exit code is 0 when it does."""
    broker = _broker(name)
    running = broker.running()
    if running is None:
        echo("not running")
        raise typer.Exit(1)
    ready = broker.is_ready()
    echo(f"{running.bootstrap} {'answers' if ready else 'does not answer'}, pid {running.pid}, log {broker.log}")
    raise typer.Exit(0 if ready else 1)
