"""The command line: ``contact-streams COMMAND``."""

import asyncio
import json
import logging
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.table import Table
from rich.text import Text

from streams import settings as settings_module
from streams.base.errors import OpsError
from streams.local.bootstrap import resolve_bootstrap
from streams.local.text import Terminal, echo
from streams.settings import Settings, SettingsError

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Event streaming for customer contact: journeys, segments, KPIs and alerts from contact events, exactly once.",
)
topics_app = typer.Typer(no_args_is_help=True, help="Create, list and alter the topics.")
rules_app = typer.Typer(no_args_is_help=True, help="Check the rules: tiers, alerts, KPIs, tracking, values for nobody.")
app.add_typer(topics_app, name="topics")
app.add_typer(rules_app, name="rules")

err = Terminal(stderr=True)

Prefix = Annotated[str | None, typer.Option("--topic-prefix", help="Put before every topic's name.")]


def fail(message: object) -> typer.Exit:
    """Say why on stderr; raise the result."""
    err.fail(f"contact-streams: {message}")
    return typer.Exit(1)


def load(*, broker: bool = False, **overrides: object) -> Settings:
    """The settings; with ``broker`` and none named, a local one is looked for."""
    try:
        settings = settings_module.load(**overrides)
        if broker and not settings.bootstrap_servers:
            settings = settings.model_copy(update={"bootstrap_servers": resolve_bootstrap(start=False).servers})
        return settings
    except (SettingsError, OpsError) as error:
        raise fail(error) from None


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


@app.command()
def worker(
    name: Annotated[str | None, typer.Option(help="Stable name of this worker; partitions are placed by it.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port of /metrics, /healthz, /readyz; the next free one when taken.")
    ] = None,
    topic_prefix: Prefix = None,
) -> None:
    """Run a worker until it is told to stop (SIGTERM, Ctrl-C). Start more of them to share the partitions.

    [bold]Example[/]: contact-streams worker --name $(hostname)-1
    """
    from streams.worker.process import run

    raise typer.Exit(run(load(broker=True, worker_name=name, web_port=port, topic_prefix=topic_prefix)))


@app.command("settings")
def show_settings(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """List every setting: environment variable, value, default, what is allowed, meaning."""
    settings = load()
    if as_json:
        echo(json.dumps(settings.model_dump(mode="json"), indent=1))
        return
    table = Table("variable", "value", "allowed", "meaning")
    table.columns[0].no_wrap = True
    for name, field in Settings.model_fields.items():
        value, default = getattr(settings, name), field.get_default()
        changed = name != "worker_name" and value != default
        shown = "" if value is None else str(value)
        table.add_row(
            settings_module.variable(name),
            Text.assemble((shown, "bold"), f" (default {default})") if changed else shown,
            settings_module.allowed(name),
            field.description,
        )
    Terminal().print(table)
    Terminal().print(
        "From the environment, or from contact-streams.toml (lower-case names); see docs/operations.md", style="grey62"
    )


@topics_app.command("create")
def topics_create(
    partitions: Annotated[
        int | None,
        typer.Option(min=1, max=1000, help="Partitions of each topic; default: as those that are there, else 4."),
    ] = None,
    replication: Annotated[int, typer.Option(min=1, max=9, help="Replication factor.")] = 1,
    dry_run: Annotated[bool, typer.Option(help="Only say what would be created.")] = False,
    lost_state: Annotated[
        Literal["go-on", "repeat"] | None,
        typer.Option(help="Where a changelog was deleted: begin where the workers stood, or read everything again."),
    ] = None,
    topic_prefix: Prefix = None,
) -> None:
    """Create the topics that are missing, and say with what of the existing ones a worker would not start, or would
    warn. May be run again at any time.
    """
    from streams.engine.demands import Effect
    from streams.engine.topology import HELP
    from streams.inspect import lost_state as lost
    from streams.kafka import topics
    from streams.kafka.connection import connection_of

    settings = load(broker=True, topic_prefix=topic_prefix)
    try:
        report = asyncio.run(
            topics.create(
                connection_of(settings), topics.wanted(settings, partitions), replication, dry_run=dry_run,
                follow=partitions is None,
            )
        )  # fmt: skip
    except topics.TopicsError as error:
        raise fail(error) from None
    for name in report.created:
        echo(f"{'would create' if dry_run else 'created'} {name}")
    echo(f"{len(report.created)} {'to create' if dry_run else 'created'}, {len(report.present)} were there")
    for effect, advice in ((Effect.REFUSED, "alter"), (Effect.WARNED, "alter --all")):
        for departure in (found := report.of(effect)):
            err.print(f"{effect}: {departure}", style="yellow", highlight=False, soft_wrap=True)
        if found:
            err.print(f"`contact-streams topics {advice}` mends it", style="yellow", highlight=False)
    for sentence in (*report.counts, *report.shortened):
        err.print(f"{sentence}: {HELP}", style="yellow", highlight=False, soft_wrap=True)
    if not dry_run:
        try:
            for changelog in asyncio.run(lost.settle(settings, lost_state)):
                echo(f"{changelog} begins anew: {lost_state}")
        except lost.StateGone as error:
            raise fail(error) from None


@topics_app.command("alter")
def topics_alter(
    every: Annotated[
        bool, typer.Option("--all", help="Those of which workers only warn, too; default: those they refuse.")
    ] = False,
    dry_run: Annotated[bool, typer.Option(help="Only say what would change, and have the broker check it.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    topic_prefix: Prefix = None,
) -> None:
    """Give settings of topics with which workers do not start the values that they have to have. Shows them and asks
    first; every other setting stays as it is, and so do partitions.
    """
    from streams.engine.demands import Effect
    from streams.kafka import topics
    from streams.kafka.altering import alter
    from streams.kafka.connection import connection_of

    settings = load(broker=True, topic_prefix=topic_prefix)
    connection = connection_of(settings)
    try:
        report = asyncio.run(topics.create(connection, topics.wanted(settings), dry_run=True))
        changes = report.departures if every else report.of(Effect.REFUSED)
        for each in changes:
            echo(f"{each.topic}: {each.demand.setting} {each.value} -> {each.mended}  ({each.demand.breaks})")
        if report.untold:
            err.print(f"not known, it takes DESCRIBE_CONFIGS: {', '.join(report.untold)}", style="yellow")
        if not changes or dry_run:
            if changes:
                asyncio.run(alter(connection, changes, only_check=True))
            echo(f"{len(changes)} to change")
            return
        if not yes:
            typer.confirm(f"Change {len(changes)} settings at {connection.servers}?", abort=True, err=True)
        asyncio.run(alter(connection, changes))
    except topics.TopicsError as error:
        raise fail(error) from None
    echo(f"{len(changes)} changed")


@topics_app.command("list")
def topics_list(topic_prefix: Prefix = None) -> None:
    """List the topics: who writes, who reads, how long records are kept."""
    from schemas import registry

    settings = load(topic_prefix=topic_prefix)
    table = Table("topic", "kind", "key", "partitions", "kept", "written by", "read by")
    table.columns[0].no_wrap = True
    for spec in registry.topics().values():
        kept = "newest per key" if spec.compacted else f"{spec.retention_days} d"
        table.add_row(
            settings.topic_prefix + spec.topic, spec.direction, spec.key, str(spec.partitions), kept,
            ", ".join(spec.producers), ", ".join(spec.consumers),
        )  # fmt: skip
    Terminal().print(table)


@rules_app.command("check")
def rules_check(
    directory: Annotated[
        Path | None, typer.Argument(help="Folder with the YAML files; default: the shipped ones.")
    ] = None,
) -> None:
    """Check rules as a worker would at its start; errors name file, line and field."""
    from streams import rules

    try:
        rules.load(directory or load().rules_dir)
    except rules.RulesError as error:
        raise fail(error) from None
    echo("rules are fine")


def _mount() -> None:
    """Commands that live beside what they do."""
    from streams.cli.calls import calls
    from streams.cli.demo import demo
    from streams.cli.infra import broker_app, doctor
    from streams.cli.kpis import kpis
    from streams.cli.merges import merges
    from streams.cli.replay import replay
    from streams.cli.schemas import schemas_app
    from streams.cli.size import size
    from streams.cli.state import state_app

    app.command()(replay)
    app.command()(kpis)
    app.command()(merges)
    app.command()(calls)
    app.command()(demo)
    app.command()(doctor)
    app.command()(size)
    app.add_typer(broker_app, name="broker")
    app.add_typer(schemas_app, name="schemas")
    app.add_typer(state_app, name="state")


_mount()


def main() -> Any:
    """Entry point of ``contact-streams``."""
    # What the client says of a broker that does not answer is said by each command in a sentence. A worker sends its
    # logs to a handler of its own, and these too.
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    return app()
