"""``contact-streams rules backtest``: what alert rules would have raised in recorded events."""

import asyncio
import gc
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.common import AsJson, Prefix, err, fail, load, stopping, with_broker
from streams.local.text import Terminal, as_json, echo

if TYPE_CHECKING:
    from streams.inspect.raw_events import Raw
    from streams.settings import Settings

FIRST, LAST = "1970-01-02", "2100-01-01"


def backtest(  # noqa: PLR0913, PLR0917 - each is an option
    first: Annotated[
        str | None, typer.Option("--from", help="First date, or a date-time; default: of the first event.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", help="Last date, inclusive; or the date-time at which to end; default: all.")
    ] = None,
    rules_dir: Annotated[
        Path | None, typer.Option("--rules", help="Folder of the rules to try; they are held against those in force.")
    ] = None,
    line: Annotated[str | None, typer.Option(help="live, or a replay's id; default: live, and all of a file.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="In place of the topics: a call log, or CloudEvents as JSON lines.")
    ] = None,
    mapping: Annotated[str, typer.Option(help="Of a call log: a YAML file, or a shipped one.")] = "bank.yaml",
    most_share: Annotated[
        float, typer.Option(min=0, max=1, help="A rule that fires for more of its subjects is refused.")
    ] = 0.25,
    listed: Annotated[list[str] | None, typer.Option("--list", help="List the alerts of this rule.")] = None,
    every: Annotated[bool, typer.Option("--alerts", help="List the alerts of all rules.")] = False,
    processes: Annotated[int, typer.Option(min=1, max=16, help="Processes that judge.")] = 2,
    as_data: AsJson = False,
    topic_prefix: Prefix = None,
) -> None:
    """Say how often alert rules would have fired in recorded events, for how long and for whom.

    It reads the raw topics (what was recorded before the span is known, too), and runs the agents without a broker.
    With --rules it says what changes against the rules in force. A rule that fires for more than a share of its
    subjects ends it with 1, unless the rule says for_everybody: true.

    [bold]Examples[/]:

    contact-streams rules backtest --from 2026-03-02 --to 2026-03-08 --rules my-rules

    contact-streams rules backtest --file calls.tsv --list high-tier-wait
    """
    from streams import rules
    from streams.inspect import backtest as tests
    from streams.inspect.backtest_page import Report, as_plain, show
    from streams.inspect.raw_events import is_log
    from streams.inspect.readings import QueryError, span
    from streams.replay.mapping import load_mapping

    local = load_mapping(mapping).time_zone if file is not None and is_log(file) else None
    settings = load(topic_prefix=topic_prefix, time_zone=local)
    in_force, sets = rules.of(settings), list[rules.Rules]()
    if rules_dir is not None:
        sets.append(rules.of(load(topic_prefix=topic_prefix, time_zone=local, rules_dir=rules_dir)))
    sets.append(in_force)
    zone = sets[0].kpis.time_zone
    start, end = span(first or FIRST, last or LAST, zone)
    if end <= start:
        raise QueryError(f"from {first} to {last} is no time: --to lies before --from")
    rule_names = [rule.name for rule in sets[0].customers.alerts.file.enabled]
    if unknown := sorted({*(listed or ())} - {*rule_names}):
        raise QueryError(f"--list {unknown[0]}: no rule in force is called so; there are {', '.join(rule_names)}")
    with stopping("stopped; nothing was changed"), err.status("reading …") as status:
        events, source = _events(settings, file, mapping, line, end, status.update)
        if not events:
            raise QueryError(f"{source}: no event of {line or 'the live line'} before {last or 'now'}")
        start = events[0].time if first is None else start
        end = events[-1].at + 1 if last is None else end
        gc.freeze()  # nothing of it goes; the rest as a worker has it
        gc.set_threshold(500_000, 20, 100)
        started = time.monotonic()
        tested = tests.backtested(
            events, (start, end), sets, settings, processes,
            lambda what, done, of: status.update(f"{what}: {done:,} of {of:,} events"),
        )  # fmt: skip
    report = Report(source, start, end, zone, tested, most_share, time.monotonic() - started)
    if as_data:
        echo(as_json(as_plain(report)))
    else:
        show(report, Terminal(), rule_names if every else listed or ())
    if many := report.for_everybody:
        raise fail(
            "\n".join(
                f"{each.rule}: fires for {each.subjects:,} of {each.of:,}, more than {most_share:.0%}; give it another "
                "bound or a scope, or say for_everybody: true"
                for each in many
            )
        )


def _events(
    settings: "Settings", file: Path | None, mapping: str, line: str | None, end: int, say: Callable[[str], None]
) -> "tuple[Sequence[Raw], str]":
    """What was recorded, and where."""
    from streams.inspect.raw_events import TOPICS, of_file, of_topics
    from streams.kafka.connection import connection_of
    from streams.kafka.reading import read_to_end
    from streams.replay.console import show_read

    if file is not None:
        asked = "" if line == "live" else line
        events, log = of_file(file, mapping, asked, end)
        if log is not None:
            show_read(err, log)
        return events, str(file)
    settings, _ = with_broker(settings, start=False)
    prefix, connection = settings.topic_prefix, connection_of(settings)
    read = partial(read_to_end, connection, [prefix + topic for topic in TOPICS])
    name = "" if line in (None, "live") else str(line)
    events = asyncio.run(of_topics(read, prefix, name, end, lambda count: say(f"reading: {count:,} events")))
    return events, name or "live"
