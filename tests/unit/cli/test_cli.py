"""The command line as a whole."""

from importlib import metadata

from typer.testing import CliRunner

from streams.cli.main import app


def test_it_says_its_version() -> None:
    said = CliRunner().invoke(app, ["--version"])
    assert (said.exit_code, said.output) == (0, metadata.version("contact-streams") + "\n")
