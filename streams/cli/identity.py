"""``contact-streams identity``: a person's word on who is who."""

import asyncio
import json
from typing import Annotated, Literal

import typer

from streams.cli.common import AsJson, Prefix, err, load
from streams.local.text import echo, shown

identity_app = typer.Typer(
    no_args_is_help=True, help="Say of two identifiers that they are of one person, or are not; it can be taken back."
)

One = Annotated[
    str, typer.Argument(metavar="A", help="<kind>:<value>: customer, email, phone, social, account, device, cookie.")
]
Other = Annotated[str, typer.Argument(metavar="B", help="The other one.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept with the change.")]
By = Annotated[str | None, typer.Option(help="Who says so. Default: the user of this machine.")]
ANSWERED_WITHIN = 15.0
"""Seconds to wait for what a worker makes of it."""


@identity_app.command()
def link(
    one: One,
    other: Other,
    reason: Reason,
    by: By = None,
    as_json: AsJson = False,
    topic_prefix: Prefix = None,
) -> None:
    """Link two identifiers, whatever was seen of them. `identity cut` takes it back.

    [bold]Example[/]: contact-streams identity link email:a@example.com customer:cust-1001 --reason "said so"
    """
    _say("linked", (one, other), (reason, by), as_json=as_json, topic_prefix=topic_prefix)


@identity_app.command()
def cut(
    one: One,
    other: Other,
    reason: Reason,
    by: By = None,
    as_json: AsJson = False,
    topic_prefix: Prefix = None,
) -> None:
    """Cut the link between two identifiers: everything is as if it had never been. `identity link` takes it back.

    [bold]Example[/]: contact-streams identity cut phone:+442079460123 customer:cust-1001 --reason "given away"
    """
    _say("cut", (one, other), (reason, by), as_json=as_json, topic_prefix=topic_prefix)


def _say(
    what: Literal["linked", "cut"],
    pair: tuple[str, str],
    told: tuple[str, str | None],
    *,
    as_json: bool,
    topic_prefix: str | None,
) -> None:
    from streams.inspect import words

    event = words.word(what, *pair, reason=told[0], by=told[1])
    settings = load(broker=True, topic_prefix=topic_prefix)
    answer = asyncio.run(words.say(settings, event, ANSWERED_WITHIN))
    change = answer.change
    if as_json:
        echo(json.dumps({"event": answer.event, "change": change}))
    elif change is not None:
        moved = "stands for " + change["to"] if change["from"] == change["to"] else f"{change['from']} → {change['to']}"
        echo(f"{shown(change['identifier'])}: {shown(moved)} ({shown(change['reason'])})")
    if change is None:
        err.fail(
            f"contact-streams: the word is published ({event['id']}), and nothing answered in {ANSWERED_WITHIN:g} s; "
            "it counts as soon as a worker reads it. Does one run?"
        )
        raise typer.Exit(1)
