"""``contact-streams demo``: broker, topics, a worker, the simulated centre and the board, in one go."""

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.common import AsJson, extra, load, stopping, with_broker
from streams.cli.demo_alerts import alerts
from streams.cli.story import story
from streams.local.text import Terminal

demo_app = typer.Typer(
    invoke_without_command=True,
    short_help="A simulated contact centre on a live board; `demo story`, `demo alerts`: proved by records.",
)
demo_app.command()(story)
demo_app.command()(alerts)


@demo_app.callback()
def demo(
    context: typer.Context,
    duration: Annotated[float, typer.Option(min=1, help="Seconds.")] = 120,
    speed: Annotated[float, typer.Option(min=0.1, max=1000, help="How many times real time.")] = 10,
    seed: Annotated[int, typer.Option(help="The same seed gives the same morning.")] = 7,
    plain: Annotated[bool, typer.Option("--plain", help="Lines instead of the board.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a simulated contact centre on a live board, and check the pipeline's figures against the simulation at the
    end. Starts a broker when there is none, creates the topics, and runs a worker meanwhile.

    With --json the last line on stdout is {"figures": N, "agree": N, "groups": …, "wrong": […], …}.

    [bold]demo story[/] tells a scripted story instead, and proves each step of it.
    """
    if context.invoked_subcommand is not None:
        return
    from streams import rules
    from streams.kafka import topics
    from streams.kafka.connection import connection_of
    from streams.kafka.drain import wait_drained
    from streams.local.processes import workers

    with extra("demo", "the simulated centre needs", simpy="4.1"):
        from streams.demo.run import Options, run

    console = Terminal(stderr=as_json)
    with stopping("stopped"):
        settings, started = with_broker(load(), say=console.note)
        connection, logs = connection_of(settings), Path(tempfile.mkdtemp(prefix="contact-streams-demo-"))
        options = Options(rules.of(settings), duration, speed, seed, plain, as_json)

        async def show() -> int:
            await topics.create(connection, topics.wanted(settings))
            return await run(
                options,
                connection,
                settings.topic_prefix,
                lambda: workers(settings, 1, logs),
                lambda seconds: wait_drained(settings, seconds),
            )

        code = asyncio.run(show())
    if started:
        said = "\nThe broker runs on, for these commands; stop it with: contact-streams broker stop"
        console.print(said, soft_wrap=True)
    raise typer.Exit(code)
