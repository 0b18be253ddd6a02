"""The command line: ``contact-streams COMMAND``."""

import logging
from importlib import metadata
from typing import Annotated, Any

import typer

from streams.cli.alerts import alerts_app
from streams.cli.broker import broker_app
from streams.cli.calls import calls
from streams.cli.common import Commands
from streams.cli.customer import customer_app
from streams.cli.demo import demo_app
from streams.cli.doctor import doctor
from streams.cli.drivers import drivers
from streams.cli.hours import hours
from streams.cli.identity import identity_app
from streams.cli.kpis import kpis_app
from streams.cli.merges import merges
from streams.cli.notify import notify_app
from streams.cli.policies import policies_app
from streams.cli.replay import replay
from streams.cli.rules import rules_app
from streams.cli.schemas import schemas_app
from streams.cli.serve import serve_app
from streams.cli.settings import settings
from streams.cli.size import size
from streams.cli.staff import staff
from streams.cli.state import state_app
from streams.cli.topics import topics_app
from streams.cli.worker import worker
from streams.local.text import echo

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Event streaming for customer contact: journeys, segments, KPIs and alerts from contact events, exactly once.",
)
for command in (worker, settings, replay, staff, drivers, hours, merges, calls, doctor, size):
    app.command()(command)
for name, group in (
    ("demo", demo_app),
    ("kpis", kpis_app),
    ("topics", topics_app),
    ("rules", rules_app),
    ("broker", broker_app),
    ("schemas", schemas_app),
    ("state", state_app),
    ("identity", identity_app),
    ("customer", customer_app),
    ("alerts", alerts_app),
    ("serve", serve_app),
    ("policies", policies_app),
    ("notify", notify_app),
):
    app.add_typer(group, name=name)


def _say_version(asked: bool) -> None:
    if asked:
        echo(metadata.version("contact-streams"))
        raise typer.Exit


@app.callback()
def _every_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version and end.")
    ] = False,
) -> None:
    """Options before the command."""


def main() -> Any:
    """Entry point of ``contact-streams``."""
    # What the client says of a broker that does not answer is said by each command in a sentence. A worker sends its
    # logs to a handler of its own, and these too.
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    return app()
