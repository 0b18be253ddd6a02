"""``contact-streams demo alerts``: one alert of each kind through its life, with the records that prove it."""

from typing import Annotated

import typer

from streams.cli.common import AsJson, fail, load
from streams.local.text import Terminal


def alerts(
    only: Annotated[
        str, typer.Option("--case", metavar="TEXT", help="Only those with this text in name or rule.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Show one alert of each kind from its first step to its last: events, steps with their reasons, records.

    Plays the cases beside the shipped alert rules (streams/rules/alerts.cases.yaml) through the agents that workers
    run, without a broker: topics and tables are kept in memory, and weeks pass in seconds. Ends with 0 when each comes
    as it is described.

    [bold]Examples[/]: contact-streams demo alerts

    contact-streams demo alerts --case high-tier-wait --json
    """
    from streams import rules
    from streams.inspect import alerts_demo, cases
    from streams.worker.plugins import load_scorer

    settings = load(rules_dir=rules.SHIPPED)
    decided = rules.of(settings)
    _, file = cases.read(None, decided)
    chosen = [case for case in file.cases if only in case.name or only in case.rules]
    if not chosen:
        raise fail(f"no case has {only!r} in its name, and no rule is called so")
    scorer = load_scorer(settings.sentiment_scorer, model=settings.sentiment_model)
    played = (cases.run(case, settings, decided, scorer) for case in chosen)
    known = {rule.name: rule for rule in decided.customers.alerts.file.rules}
    total = alerts_demo.data(played) if as_json else alerts_demo.show(played, known, len(chosen), Terminal())
    if total.failed:
        raise typer.Exit(1)
