"""``contact-streams staff``: how many people the next intervals need for a target."""

import asyncio
import time
from math import isfinite
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.common import AsJson, Prefix, load, readings_of
from streams.local.text import Terminal


def staff(  # noqa: PLR0913, PLR0917 - each is an option
    first: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="When the first one begins; default: the next, or what follows a file.",
        ),
    ] = None,
    hours: Annotated[float, typer.Option(min=0.5, max=168, help="How long to look ahead.")] = 8,
    queue: Annotated[list[str] | None, typer.Option(help="A queue; again for more. Default: all.")] = None,
    service_level: Annotated[
        float | None, typer.Option(help="Percent to answer in time; 80 without any target.")
    ] = None,
    within: Annotated[
        float | None, typer.Option(help="Seconds that are in time; default: the queue's threshold.")
    ] = None,
    asa: Annotated[float | None, typer.Option(help="Mean wait of the answered at most, seconds.")] = None,
    occupancy: Annotated[float | None, typer.Option(help="Percent of agents' time on contacts at most.")] = None,
    shrinkage: Annotated[float, typer.Option(help="Percent of paid time away from contacts.")] = 0,
    patience: Annotated[
        float | None, typer.Option(help="Seconds after which callers give up, on average; default: as measured.")
    ] = None,
    agents: Annotated[
        int | None, typer.Option(min=1, help="Say what so many come to, instead of how many are needed.")
    ] = None,
    weeks: Annotated[int, typer.Option(min=1, max=52, help="Weeks of readings to go by, at most.")] = 4,
    line: Annotated[str, typer.Option(help="live, or a replay's id.")] = "live",
    file: Annotated[Path | None, typer.Option(help="Readings from a file, a record a line, not the topic.")] = None,
    as_json: AsJson = False,
    topic_prefix: Prefix = None,
) -> None:
    """How many people each queue needs in the next half hours: from measured arrivals, handle times and patience (topic
    kpis), by Erlang C (nobody gives up) and Erlang A (callers give up).

    A load that agents cannot carry is "unstable"; what is too little to count on is said in words.

    [bold]Examples[/]:

    contact-streams staff --queue cards --service-level 80 --within 20 --shrinkage 30

    contact-streams staff --from 2026-03-09T08:00 --hours 10 --asa 30 --occupancy 85 --json

    contact-streams staff --queue cards --agents 12

    kcat -C -b 127.0.0.1:19092 -t kpis -e -q > readings.jsonl; contact-streams staff --file readings.jsonl
    """
    from streams import rules
    from streams.base.records import LIVE
    from streams.base.times import HOUR_MS, SECOND_MS
    from streams.inspect.readings import QueryError, moment
    from streams.inspect.staffing import collect, known, reckon, show
    from streams.metrics.staffing import INTERVAL_MS, Plan, Target, interval_of

    settings = load(topic_prefix=topic_prefix)
    policy = rules.of(settings).kpis
    zone = policy.time_zone

    def plan_from(start: int) -> Plan:
        target = Target(_share(service_level), _ms("--within", within), _ms("--asa", asa), _share(occupancy))
        intervals = max(1, round(hours * HOUR_MS / INTERVAL_MS))
        return Plan(start, intervals, zone, target, weeks, shrinkage / 100, _ms("--patience", patience), agents)

    try:
        plan = plan_from(0 if first is None else interval_of(moment(first, zone), INTERVAL_MS, zone))
    except ValueError as error:
        raise QueryError(str(error)) from None
    name = LIVE if line == "live" else line
    if first is None and name == LIVE and file is None:
        plan = plan_from(interval_of(round(time.time() * SECOND_MS), INTERVAL_MS, zone) + INTERVAL_MS)
    elif first is None:
        plan = plan_from(asyncio.run(known(readings_of(settings, file), plan, name)).end)
    history = asyncio.run(collect(readings_of(settings, file), plan, policy, name))
    show(reckon(history, plan, policy, queue or ()), history, plan, as_json, Terminal())


def _share(percent: float | None) -> float | None:
    return None if percent is None else percent / 100


def _ms(name: str, seconds: float | None) -> int | None:
    from streams.inspect.readings import QueryError

    if seconds is None:
        return None
    if not isfinite(seconds):
        raise QueryError(f"{name} {seconds} is no time in seconds")
    return round(seconds * 1000)
