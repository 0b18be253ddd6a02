"""``contact-streams hours``: when a queue is open, and the business time between two times."""

import time
from typing import Annotated

import typer

from streams.cli.common import load
from streams.local.text import echo

MOST_DAYS = 400


def hours(
    queue: Annotated[str, typer.Argument(help="Name of the queue.")],
    channel: Annotated[str, typer.Option(help="Its channel.")] = "voice",
    first: Annotated[str | None, typer.Option("--from", help="First date, or a date-time; default: today.")] = None,
    last: Annotated[
        str | None, typer.Option("--to", help="Last date, inclusive; or a date-time; default: a week.")
    ] = None,
) -> None:
    """Show the opening hours of a queue, day by day, and the business time of the whole span.

    Dates and times without an offset are those of the queue's time zone.

    [bold]Example[/]: contact-streams hours sales --from 2026-03-27T17:00 --to 2026-03-30T10:00
    """
    from datetime import timedelta

    from schemas.data import CHANNELS
    from streams import rules
    from streams.base.times import local_date
    from streams.hours.calendars import WEEKDAYS, text
    from streams.inspect.readings import QueryError, span

    if channel not in CHANNELS:
        raise QueryError(f"--channel {channel}: expected one of {', '.join(CHANNELS)}")
    found = rules.of(load()).kpis.hours
    name, clock = found.name(channel, queue), found.clock(channel, queue)
    if name is None or clock is None:
        echo(f"{queue} on {channel} has no opening hours: calendar time alone is measured")
        return
    calendar = found.calendars[name]
    zone, now = calendar.time_zone, round(time.time() * 1000)
    today = first or local_date(now, zone).isoformat()
    start = span(today, today, zone)[0]
    end = span(today, last, zone)[1] if last else span(today, f"{local_date(start, zone) + timedelta(days=6)}", zone)[1]
    if not start < end:
        raise QueryError(f"from {today} to {last} is no time: --to lies before --from")
    day, until = local_date(start, zone), local_date(end - 1, zone)
    if (until - day).days >= MOST_DAYS:
        raise QueryError(f"from {day} to {until} are more than {MOST_DAYS} days: ask for fewer")
    echo(f"{queue} on {channel} goes by {name}, {zone.key}")
    while day <= until:
        why = "" if calendar.day(day) else f" ({holiday})" if (holiday := calendar.holiday(day)) else ""
        open_at = ", ".join(map(text, calendar.day(day))) or "closed"
        echo(f"{day} {WEEKDAYS[day.weekday()]:9} {open_at}{why}")
        day += timedelta(days=1)
    echo(f"business time: {_long(clock.between(start, end))} of {_long(end - start)}")


def _long(ms: int) -> str:
    minutes, rest = divmod(ms, 60_000)
    return f"{minutes // 60} h {minutes % 60:02} min" + (f" {rest / 1000:g} s" if rest else "")
