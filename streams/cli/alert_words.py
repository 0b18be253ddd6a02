"""What people say of alerts: ``contact-streams alerts ack``, ``assign``, ``silence`` and the like."""

import asyncio
import getpass
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.common import AsJson, Prefix, err, load
from streams.local.text import echo, shown

if TYPE_CHECKING:
    from streams.desk.words import Speaker

SOURCE = "/contact-streams/cli"
ANSWERED_WITHIN = 15.0
"""Seconds to wait for what a worker makes of a command."""
Name = Annotated[
    str, typer.Argument(metavar="ALERT", help="As `alerts list` names it, its episode, or the beginning of its digest.")
]
By = Annotated[str | None, typer.Option(help="Who says so. Default: the user of this machine.")]
Note = Annotated[str | None, typer.Option(help="What is to be said with it.")]
For = Annotated[str | None, typer.Option("--for", metavar="DURATION", help="So long from now: 30m, 2h, 1d.")]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="Until then: 2026-03-02T11:00:00Z.")]


def ack(alert: Name, note: Note = None, by: By = None, as_json: AsJson = False, topic_prefix: Prefix = None) -> None:
    """Take an alert in hand: it is not escalated any more for want of an answer.

    [bold]Example[/]: contact-streams alerts ack 5d1f0c7a --note "on it"
    """
    _command(alert, _Told("acknowledge", note=note), by, as_json=as_json, topic_prefix=topic_prefix)


def assign(
    alert: Name,
    to: Annotated[str, typer.Option(help="To whom.")],
    note: Note = None,
    by: By = None,
    as_json: AsJson = False,
    topic_prefix: Prefix = None,
) -> None:
    """Say whose an alert is."""
    _command(alert, _Told("assign", to=to, note=note), by, as_json=as_json, topic_prefix=topic_prefix)


def comment(
    alert: Name,
    note: Annotated[str, typer.Option(help="What is to be said.")],
    by: By = None,
    as_json: AsJson = False,
    topic_prefix: Prefix = None,
) -> None:
    """Say something of an alert; it stands in its history."""
    _command(alert, _Told("comment", note=note), by, as_json=as_json, topic_prefix=topic_prefix)


def escalate(
    alert: Name, note: Note = None, by: By = None, as_json: AsJson = False, topic_prefix: Prefix = None
) -> None:
    """Take the next step of escalation at once."""
    _command(alert, _Told("escalate", note=note), by, as_json=as_json, topic_prefix=topic_prefix)


def snooze(  # noqa: PLR0913, PLR0917 - each is an option
    alert: Name,
    lasts: For = None,
    until: Until = None,
    note: Note = None,
    by: By = None,
    as_json: AsJson = False,
    topic_prefix: Prefix = None,
) -> None:
    """Be told nothing of one alert for a while, but that it is over.

    [bold]Example[/]: contact-streams alerts snooze 5d1f0c7a --for 30m
    """
    told = _Told("snooze", until=_end(lasts, until), note=note)
    _command(alert, told, by, as_json=as_json, topic_prefix=topic_prefix)


def close(alert: Name, note: Note = None, by: By = None, as_json: AsJson = False, topic_prefix: Prefix = None) -> None:
    """End an alert, whatever its condition says."""
    _command(alert, _Told("close", note=note), by, as_json=as_json, topic_prefix=topic_prefix)


def silence(  # noqa: PLR0913, PLR0917 - each is an option
    matchers: Annotated[
        list[str], typer.Argument(metavar="MATCHER…", help="All of them: queue=cards, tier!=gold, rule=~high-*|queue-*")
    ],
    reason: Annotated[str, typer.Option(help="Why.")],
    lasts: For = None,
    until: Until = None,
    starts: Annotated[str | None, typer.Option(metavar="TIME", help="Default: at once.")] = None,
    silence_id: Annotated[str | None, typer.Option("--id", help="Of one that this one replaces.")] = None,
    by: By = None,
    as_json: AsJson = False,
    topic_prefix: Prefix = None,
) -> None:
    """Be told nothing of the alerts that match, for a while; that they are over is told.

    [bold]Example[/]: contact-streams alerts silence queue=cards --for 2h --reason "the line is being repaired"
    """
    from streams.desk import reading, words
    from streams.desk.asking import send
    from streams.desk.telling import matched

    asked = {
        "matchers": matchers, "ends": _end(lasts, until), "starts": starts, "reason": reason, "silence_id": silence_id
    }  # fmt: skip
    event = words.silenced(asked, _speaker(by), reading.now_ms())
    settings = load(broker=True, topic_prefix=topic_prefix)

    async def say() -> int:
        board = await reading.board(settings)
        await send(settings, event)
        return matched(matchers, board)

    found = asyncio.run(say())
    if as_json:
        echo(json.dumps({"event": event, "matches": found}))
        return
    data = event["data"]
    echo(f"{data['silence_id']} holds until {data['ends']}; {found} alerts match that are not over")


def unsilence(
    silence_id: Annotated[str, typer.Argument(metavar="SILENCE", help="As `alerts silences` names it.")],
    reason: Annotated[str | None, typer.Option(help="Why.")] = None,
    by: By = None,
    topic_prefix: Prefix = None,
) -> None:
    """End a silence before its time."""
    from streams.desk import reading, words
    from streams.desk.asking import send

    settings = load(broker=True, topic_prefix=topic_prefix)

    async def say() -> None:
        known = (await reading.silences(settings)).find(silence_id)
        await send(settings, words.ended(known, reason, _speaker(by), reading.now_ms()))

    asyncio.run(say())
    echo(f"{shown(silence_id)} is over")


@dataclass(frozen=True)
class _Told:
    """A command as it was typed."""

    action: str
    until: str | None = None
    to: str | None = None
    note: str | None = None


def _command(name: str, told: _Told, by: str | None, *, as_json: bool, topic_prefix: str | None) -> None:
    from streams.desk import page, reading, words
    from streams.desk.asking import Answer, ask

    settings = load(broker=True, topic_prefix=topic_prefix)

    async def say() -> Answer:
        held = (await reading.board(settings)).find(name)
        asked = words.Asked(told.action, told.until, told.to, told.note)
        return await ask(settings, words.commanded(held, asked, _speaker(by), reading.now_ms()), ANSWERED_WITHIN)

    answer = asyncio.run(say())
    if as_json:
        echo(json.dumps({"event": answer.event, "step": answer.step}))
    elif answer.step is not None:
        echo(next(page.steps([answer.step])))
    if answer.step is None:
        err.fail(
            f"contact-streams: the command is published ({answer.event['id']}), and nothing answered in "
            f"{ANSWERED_WITHIN:g} s; it counts as soon as a worker reads it. Does one run?"
        )
        raise typer.Exit(1)


def _speaker(by: str | None) -> "Speaker":
    from streams.desk.words import Speaker

    return Speaker(by or getpass.getuser(), SOURCE)


def _end(lasts: str | None, until: str | None) -> str | None:
    from streams.base.times import iso
    from streams.desk.errors import CannotAsk

    if (lasts is None) == (until is None):
        raise CannotAsk("say when it ends: --for DURATION, or --until TIME")
    return until if lasts is None else iso(moment(lasts, "--for", 1))


def moment(text: str, option: str, sign: int) -> int:
    """A time, or a span from now on (``sign`` 1) or back (-1). Raises `CannotAsk`."""
    from pydantic import TypeAdapter, ValidationError

    from streams.base.times import to_ms
    from streams.base.units import Span
    from streams.desk.errors import CannotAsk
    from streams.desk.reading import now_ms

    try:
        return now_ms() + sign * int(TypeAdapter(Span).validate_python(text))
    except ValidationError:
        pass
    expected = f"{option} {text!r}: expected a duration such as 30m or 2h"
    if option == "--for":
        raise CannotAsk(expected)
    try:
        return to_ms(text)
    except ValueError:
        raise CannotAsk(f"{expected}, or a time such as 2026-03-02T09:15:00Z") from None
