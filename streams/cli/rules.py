"""``contact-streams rules``."""

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.common import load
from streams.local.text import echo

rules_app = typer.Typer(
    no_args_is_help=True, help="Check the rules: tiers, alerts, KPIs, tracking, values for nobody, policies."
)


@rules_app.command()
def check(
    directory: Annotated[
        Path | None, typer.Argument(help="Folder with the YAML files; default: the shipped ones.")
    ] = None,
) -> None:
    """Check rules as a worker would at its start, and the policies; errors name file, line and field."""
    from streams import rules
    from streams.rules import policies

    folder = directory or load().rules_dir
    policies.check(rules.load(folder).tiers, folder)
    echo("rules are fine")
