"""``contact-streams rules``."""

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.common import err, load
from streams.local.text import echo

rules_app = typer.Typer(
    no_args_is_help=True,
    help="Check the rules: tiers, alerts, KPIs, tracking, opening hours, values for nobody, policies.",
)


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
