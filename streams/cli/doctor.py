"""``contact-streams doctor``: what is wrong with this machine, and what to do about it."""

import typer

from streams.cli.common import load
from streams.local.text import Terminal


def doctor() -> None:
    """Check Python, Java, Maven, Docker, broker, topics and clock, and say what to do about each failure."""
    from rich.table import Table
    from rich.text import Text

    from streams.inspect import machine

    styles = {machine.Status.OK: "green", machine.Status.NOTE: "yellow", machine.Status.FAILED: "bold red"}
    table = Table("check", "", "found", "what to do")
    for column in table.columns:
        column.overflow = "fold"
    findings = machine.diagnosis(load())
    for finding in findings:
        status = Text(finding.status, styles[finding.status])
        table.add_row(finding.check, status, finding.found, finding.advice)
    Terminal().print(table)
    if any(finding.status is machine.Status.FAILED for finding in findings):
        raise typer.Exit(1)
