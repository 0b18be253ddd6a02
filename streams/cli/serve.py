"""``contact-streams serve``: the HTTP API, and the tokens that it takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from streams.cli.common import Prefix, err, extra, load
from streams.local.text import Terminal, echo, shown

serve_app = typer.Typer(
    invoke_without_command=True, short_help="The HTTP API of alerts; `serve token`: a token for somebody."
)
File = Annotated[Path | None, typer.Option("--tokens", help="File of the tokens. Default: the setting.")]


@contextmanager
def _packages() -> Iterator[None]:
    with extra("api", "the HTTP API takes", fastapi="0.115", uvicorn="0.34", jwt="2.10", starlette="0.45", h11="0.14"):
        yield


@serve_app.callback()
def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen at. Default: 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port. Default: 6080.")] = None,
    tokens: File = None,
    topic_prefix: Prefix = None,
) -> None:
    """Serve the HTTP API until it is told to stop (SIGTERM, Ctrl-C): alerts, their history and journeys, commands,
    silences, a live stream. It reads topics and writes commands, and is no part of a worker.

    [bold]Example[/]: contact-streams serve --tokens tokens.jsonl
    """
    if context.invoked_subcommand is not None:
        return
    with _packages():
        from streams.api.server import run
    settings = load(broker=True, api_host=host, api_port=port, api_tokens=tokens, topic_prefix=topic_prefix)
    run(settings)


@serve_app.command()
def token(
    role: Annotated[
        Literal["viewer", "operator", "admin"],
        typer.Option(help="viewer looks; operator also commands and silences; admin also ends others' silences."),
    ],
    name: Annotated[str, typer.Option(help="Whose it is; commands and audit say so.")],
    days: Annotated[float, typer.Option(min=0.001, max=3650, help="How long it is good.")] = 365,
    tokens: File = None,
) -> None:
    """Make a token, print it once, and append its hash to the file. A server that runs knows it within a second.

    [bold]Example[/]: contact-streams serve token --role operator --name supervisor-2 --tokens tokens.jsonl
    """
    with _packages():
        from streams.api.tokens import make
    from streams.desk.reading import now_ms

    file = _file(tokens)
    made = make(file, name, role, days, now_ms())
    err.note(f"{shown(name)}, {role}, for {days:g} days; its hash is in {file}. The token is shown this once:")
    echo(made)


@serve_app.command()
def revoke(
    name: Annotated[str, typer.Option(help="Whose it is.")],
    tokens: File = None,
) -> None:
    """Take back the tokens of a name. A server that runs lets them in no more within a second."""
    with _packages():
        from streams.api import tokens as known

    if not (count := known.revoke(_file(tokens), name)):
        err.fail(f"contact-streams: there is no token with the name {shown(name)}")
        raise typer.Exit(1)
    echo(f"{count} taken back")


@serve_app.command("tokens")
def list_tokens(tokens: File = None) -> None:
    """List the tokens of the file: names, roles, until when. What they are is kept nowhere."""
    from rich.table import Table

    with _packages():
        from streams.api.tokens import entries

    table = Table("name", "role", "created", "expires", box=None, pad_edge=False)
    for each in entries(_file(tokens)):
        table.add_row(each.name, each.role, each.created, each.expires)
    Terminal().print(table)


def _file(given: Path | None) -> Path:
    from streams.settings import SettingsError, variable

    file = given or load().api_tokens
    if file is None:
        raise SettingsError(f"which file? --tokens FILE, or {variable('api_tokens')}")
    return file
