"""``contact-streams rules``."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from streams.cli import rules_apply
from streams.cli.backtest import backtest
from streams.cli.common import Prefix, err, fail, load, with_broker
from streams.local.text import Terminal, as_json, echo

rules_app = typer.Typer(
    no_args_is_help=True,
    help="Check the rules: tiers, alerts, KPIs, tracking, opening hours, values for nobody, policies.",
)

rules_app.command()(backtest)


@rules_app.command()
def check(
    directory: Annotated[
        Path | None,
        typer.Argument(
            help="Folder with the YAML files; default: that of CONTACT_STREAMS_RULES_DIR, else the shipped rules."
        ),
    ] = None,
) -> None:
    """Check rules and the policy as a worker would at its start, and all policies; errors name file, line and field."""
    from streams import rules
    from streams.rules import policies

    settings = load(rules_dir=directory)
    decided = rules.of(settings)
    policies.check(rules.known(decided), settings.rules_dir)
    for warning in rules.warnings(settings, decided):
        err.note(f"warning: {warning}")
    echo("rules are fine")


@rules_app.command()
def schema(
    file: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="Which: alerts.yaml, or alerts; policy: any policy.")
    ] = None,
    to: Annotated[Path | None, typer.Option(help="Write all here; default: the folder of the shipped.")] = None,
    only_check: Annotated[bool, typer.Option("--check", help="Change nothing; fail when out of date.")] = False,
) -> None:
    """Print the JSON Schema of a rule file, for editors that complete and check while you write; or write all of them.

    What hangs on other values or files, only rules check finds.

    [bold]Examples[/]: contact-streams rules schema alerts.yaml

    contact-streams rules schema --to my-rules/schema
    """
    from streams.rules import describing

    if file is not None:
        name = file.removesuffix(".yaml")
        if name not in describing.TYPES:
            raise fail(f"{file!r} is no rule file; there are {', '.join(describing.TYPES)}")
        echo(as_json(describing.schema(name)))
        return
    directory = to or describing.EXPORT
    if not only_check:
        for change in describing.write(directory):
            echo(f"{change}: written")
        return
    if stale := describing.stale(directory):
        raise fail(f"not current: {', '.join(stale)}; run contact-streams rules schema{f' --to {to}' if to else ''}")
    echo("The schemas of the rule files are current.")


@rules_app.command()
def fields(
    subject: Annotated[
        str | None, typer.Argument(help="Of which: contact, customer, journey, queue, kpi, connector or system.")
    ] = None,
    as_data: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    as_page: Annotated[bool, typer.Option("--page", help="All of them, as the page docs/alert-fields.md.")] = False,
) -> None:
    """Say what alert rules may look at: each field with its unit, its parameters and an example.

    [bold]Examples[/]: contact-streams rules fields customer

    contact-streams rules fields --page > docs/alert-fields.md
    """
    from streams.inspect import alert_fields

    if as_page:
        Terminal().plain(alert_fields.page().rstrip("\n"))
        return
    found = alert_fields.rows(subject)
    if as_data:
        echo(as_json(alert_fields.as_data(found)))
    else:
        alert_fields.show(found, Terminal())


@rules_app.command("test")
def try_cases(
    directory: Annotated[
        Path | None,
        typer.Argument(
            help="Folder with alerts.cases.yaml and rules; default: of CONTACT_STREAMS_RULES_DIR, else the shipped."
        ),
    ] = None,
    only: Annotated[str, typer.Option("--case", metavar="TEXT", help="Only those with this text in their name.")] = "",
    as_data: Annotated[bool, typer.Option("--json", help="As JSON: each case with every step that came.")] = False,
) -> None:
    """Play the cases beside the alert rules, without a broker, and compare the steps that alerts take.

    Exits with 1 where one fails. How a case is written: docs/alert-rules.md.

    [bold]Examples[/]: contact-streams rules test

    contact-streams rules test my-rules --case "gold customer"
    """
    from streams import rules
    from streams.inspect import cases, cases_page
    from streams.worker.plugins import load_scorer

    settings = load(rules_dir=directory)
    decided = rules.of(settings)
    _, file = cases.read(settings.rules_dir, decided)
    chosen = [case for case in file.cases if only.lower() in case.name.lower()]
    if not chosen:
        raise fail(f"no case has {only!r} in its name; there are {', '.join(case.name for case in file.cases)}")
    scorer = load_scorer(settings.sentiment_scorer, model=settings.sentiment_model)
    outcomes = (cases.run(case, settings, decided, scorer) for case in chosen)
    console = Terminal()
    failed = cases_page.data(outcomes) if as_data else cases_page.show(outcomes, len(chosen), console)
    if failed:
        raise typer.Exit(1)


@rules_app.command()
def usual(
    first: Annotated[str, typer.Option("--from", help="First date, or a date-time, on which contacts began.")],
    last: Annotated[str, typer.Option("--to", help="Last date, inclusive; or the date-time at which to end.")],
    line: Annotated[str, typer.Option(help="live, or a replay's id.")] = "live",
    topic_prefix: Prefix = None,
) -> None:
    """Print what was usual in each queue, as quality.yaml says it; read from the topic contact.quality.

    [bold]Example[/]: contact-streams rules usual --from 2026-03-02 --to 2026-03-29 > my-rules/quality.yaml
    """
    from streams import rules
    from streams.inspect import usual as usually
    from streams.inspect.readings import span
    from streams.kafka.connection import connection_of
    from streams.kafka.reading import read_to_end

    settings = load(topic_prefix=topic_prefix)
    begin, end = span(first, last, rules.of(settings).kpis.time_zone)
    settings, _ = with_broker(settings, start=False)
    records = read_to_end(connection_of(settings), [settings.topic_prefix + usually.TOPIC])
    echo(asyncio.run(usually.usual(records, begin, end, "" if line == "live" else line)).rstrip())


for _command in (rules_apply.apply, rules_apply.applied):
    rules_app.command()(_command)
