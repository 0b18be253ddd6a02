"""``contact-streams worker``."""

from typing import Annotated

import typer

from streams.cli.common import Prefix, fail, load, with_broker


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
    from streams.worker.build import check
    from streams.worker.process import run

    settings = load(worker_name=name, web_port=port, topic_prefix=topic_prefix)
    check(settings)
    code, why = run(with_broker(settings, start=False)[0])
    if why:  # all that stops has been logged: the reason is the last line
        raise fail(why, code)
    raise typer.Exit(code)
