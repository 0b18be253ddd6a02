"""``contact-streams notify``: alerts out to people."""

import asyncio
import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.common import Prefix, fail, load, with_broker
from streams.local.text import as_json, echo

if TYPE_CHECKING:
    from streams.alerts.matching import Matcher

notify_app = typer.Typer(help="Deliver alerts to webhooks, Slack, Teams, PagerDuty, e-mail and Alertmanager.")

File = Annotated[Path, typer.Option("--config", help="What goes where.")]
Targets = Annotated[list[str] | None, typer.Option("--target", help="Only of this target; may be given again.")]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", help="Only alerts that fit, such as rule=high-tier-wait; may be given again."),
]


@notify_app.callback(invoke_without_command=True)
def notify(
    context: typer.Context,
    config: File = Path("notify.yaml"),
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port of /metrics, /healthz, /readyz; the next free one when taken.")
    ] = 6076,
    topic_prefix: Prefix = None,
) -> None:
    """Deliver alerts until it is told to stop (SIGTERM, Ctrl-C). A second process stands by, or shares the work.

    [bold]Example[/]: contact-streams notify --config notify.yaml
    """
    if context.invoked_subcommand is not None:
        return
    from streams.notify import config as files
    from streams.notify.run import run

    settings = load(topic_prefix=topic_prefix)
    file = files.load(config)
    code, why = run(file, with_broker(settings, start=False)[0], port)
    if why:
        raise fail(why, code)
    raise typer.Exit(code)


@notify_app.command()
def check(
    config: File = Path("notify.yaml"),
    secrets: Annotated[bool, typer.Option(help="See whether the secrets can be read here.")] = True,
) -> None:
    """Check a notify.yaml as the process does at its start; errors name file, line and what is allowed.

    [bold]Example[/]: contact-streams notify check --config notify.yaml
    """
    from streams.notify import config as files

    found = files.load(config, secrets=secrets)
    targets = ", ".join(f"{name} ({each.kind})" for name, each in found.targets.items())
    echo(f"{config} is fine: {targets}")


@notify_app.command()
def schema() -> None:
    """Print the JSON Schema of notify.yaml, for editors that complete and check while you write."""
    from streams.notify.config import NotifyFile
    from streams.rules.describing import schema_of

    echo(as_json(schema_of(NotifyFile, "notify.yaml")))


@notify_app.command()
def letters(
    target: Targets = None,
    where: Where = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON, one letter a line.")] = False,
    topic_prefix: Prefix = None,
) -> None:
    """List the dead letters: what a target refused, or did not take in all attempts, and was not sent again.

    [bold]Example[/]: contact-streams notify letters --target desk
    """
    from streams.notify.letters import chosen, row
    from streams.notify.redelivering import letters as read

    settings = load(broker=True, topic_prefix=topic_prefix)
    found = chosen(asyncio.run(read(settings)).values(), target or (), _matchers(where))
    for letter in found:
        echo(letter.model_dump_json() if json else "  ".join(row(letter)))
    if not json:
        echo(f"{len(found)} dead letters")


@notify_app.command()
def redeliver(
    target: Targets = None,
    where: Where = None,
    by: Annotated[str | None, typer.Option(help="Who asks; default: the user of this system.")] = None,
    topic_prefix: Prefix = None,
) -> None:
    """Have dead letters sent once more, all or some of them; each once, until it fails again.

    The running process delivers them, under the idempotency keys of the first time.

    [bold]Examples[/]: contact-streams notify redeliver

    contact-streams notify redeliver --target desk --where severity=critical
    """
    from streams.notify.letters import row
    from streams.notify.redelivering import redeliver as mark
    from streams.notify.waking import Clock

    settings = load(broker=True, topic_prefix=topic_prefix)
    found = asyncio.run(mark(settings, target or (), _matchers(where), by or _user(), Clock().now()))
    for letter in found:
        echo("  ".join(row(letter)))
    echo(f"{len(found)} dead letters are sent again")


def _matchers(texts: list[str] | None) -> "list[Matcher]":
    from streams.alerts.matching import matcher

    try:
        return [matcher(each) for each in texts or ()]
    except ValueError as error:
        raise fail(f"--where: {error}") from None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
