"""``contact-streams demo``: broker, topics, a worker, the simulated centre and the board, in one go."""

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from streams import rules as rule_files
from streams import settings as settings_module
from streams.base.errors import OpsError
from streams.demo.run import Options, run
from streams.kafka import topics
from streams.kafka.connection import connection_of
from streams.kafka.drain import wait_drained
from streams.local.bootstrap import resolve_bootstrap
from streams.local.processes import WorkerFailed, workers
from streams.local.text import Terminal
from streams.replay.errors import ReplayError
from streams.settings import Settings, SettingsError


def demo(
    duration: Annotated[float, typer.Option(min=1, help="Seconds.")] = 120,
    speed: Annotated[float, typer.Option(min=0.1, max=1000, help="How many times real time.")] = 10,
    seed: Annotated[int, typer.Option(help="The same seed gives the same morning.")] = 7,
    plain: Annotated[bool, typer.Option("--plain", help="Lines instead of the board.")] = False,
) -> None:
    """Show a simulated contact centre on a live board, and check the pipeline's figures against the simulation at the
    end. Starts a broker when there is none, creates the topics, and runs a worker meanwhile.
    """
    console, err = Terminal(), Terminal(stderr=True)
    try:
        settings, started = _settings(console)
        rules = rule_files.load(
            settings.rules_dir, {"kpis.time_zone": settings.time_zone} if settings.time_zone else {}
        )
        code = asyncio.run(_demo(settings, Options(rules, duration, speed, seed, plain)))
    except (SettingsError, OpsError, ReplayError, topics.TopicsError, rule_files.RulesError, WorkerFailed) as error:
        err.fail(f"demo: {error}")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        err.print("demo: stopped")
        raise typer.Exit(130) from None
    if started:
        said = "\nThe broker runs on, for these commands; stop it with: contact-streams broker stop"
        console.print(said, soft_wrap=True)
    raise typer.Exit(code)


def _settings(console: Terminal) -> tuple[Settings, bool]:
    """The settings with a broker that answers, and whether it was started for this."""
    settings = settings_module.load()
    if settings.bootstrap_servers:
        return settings, False
    found = resolve_bootstrap(say=lambda text: console.print(text, style="grey62", highlight=False, soft_wrap=True))
    return settings.model_copy(update={"bootstrap_servers": found.servers}), found.started is not None


async def _demo(settings: Settings, options: Options) -> int:
    connection = connection_of(settings)
    await topics.create(connection, topics.wanted(settings))
    logs = Path(tempfile.mkdtemp(prefix="contact-streams-demo-"))
    return await run(
        options,
        connection,
        settings.topic_prefix,
        lambda: workers(settings, 1, logs),
        lambda seconds: wait_drained(settings, seconds),
    )
