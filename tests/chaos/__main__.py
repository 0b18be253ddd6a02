"""``python -m tests.chaos --seed 1 [--seeds 20] [--duration 60] [--faults kill,stop] [--json]``."""

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
from rich.live import Live
from rich.table import Table

from streams.base.errors import UserError
from streams.local.text import Terminal
from tests.chaos.audit import Audit
from tests.chaos.faults import NAMES
from tests.chaos.run import NotDrained, Options, State, again, run
from tests.chaos.stories import rfc3339
from tests.support.leftovers import end_with_us

VALUE = 300
"""Characters of a value that a history shows."""
INTERRUPTED = 130
console = Terminal(stderr=True)


def main() -> int:
    """0 when every run was exact, 1 when one differed, 2 for wrong options, 130 when it was interrupted."""
    options = _options()
    logging.basicConfig(level=logging.ERROR)
    for name in ("aiokafka", "asyncio"):  # what clients say of a broker that was killed on purpose
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if options.audit is not None:
        return _once_more(options.audit)
    exact = True
    results = []
    for seed in range(options.seed, options.seed + options.seeds):
        chosen = Options(seed, options.duration, options.faults, options.rate, options.keep)
        try:
            result = asyncio.run(_one(chosen))
        except (KeyboardInterrupt, asyncio.CancelledError):
            console.print(f"seed {seed}: stopped, its broker and workers too", style="bold red", highlight=False)
            return INTERRUPTED
        results.append(result)
        exact = exact and result["exact"]
        if not exact and not options.go_on:
            break
    if options.json:
        line = results[0] if len(results) == 1 else {"exact": exact, "seeds": len(results), "runs": results}
        sys.stdout.write(orjson.dumps(line, option=orjson.OPT_NON_STR_KEYS).decode() + "\n")
    return 0 if exact else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="The whole product under faults.")
    parser.add_argument("--seed", type=int, default=1, help="decides on load and faults (default 1)")
    parser.add_argument("--seeds", type=int, default=1, help="how many runs, with seeds in turn")
    parser.add_argument("--duration", type=float, default=60.0, help="seconds of load of each run (default 60)")
    parser.add_argument("--faults", default=",".join(NAMES), help=f"of {', '.join(NAMES)}; default: all")
    parser.add_argument("--rate", type=float, default=150.0, help="events per second, about (default 150)")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line on stdout")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the workers' logs in any case")
    parser.add_argument("--audit", type=Path, help="no run: audit the folder that an earlier one left once more")
    parser.add_argument("--go-on", action="store_true", help="do not stop at the first seed that differs")
    options = parser.parse_args()
    options.faults = [name for name in options.faults.split(",") if name]
    if unknown := [name for name in options.faults if name not in NAMES]:
        parser.error(f"no such fault: {', '.join(unknown)}; there are {', '.join(NAMES)}")
    return options


def _once_more(folder: Path) -> int:
    audit = again(folder)
    console.print(audit.facts)
    if not audit.exact:
        _explain(0, audit, folder)
    return 0 if audit.exact else 1


async def _one(options: Options) -> dict[str, Any]:
    state, began = State(options.seed), time.monotonic()
    if (task := asyncio.current_task()) is not None:  # as Ctrl-C does: nothing of the run must outlive it
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    result: dict[str, Any] = {"exact": False, "seed": options.seed, "seconds": 0.0}

    def say(text: str) -> None:
        console.print(f"seed {options.seed} {time.monotonic() - began:6.1f} s  {text}", highlight=False)

    try:
        async with _shown(state, began):
            audit, folder = await run(options, state, say)
    except (NotDrained, UserError) as error:
        console.print(f"seed {options.seed}: {error}", style="bold red", highlight=False)
        return result | {"error": str(error), "faults": dict(state.faults)}
    result |= {"exact": audit.exact, "seconds": round(time.monotonic() - began, 1), "faults": dict(state.faults)}
    result |= audit.facts | {"phases": state.phases, "differences": len(audit.differences)}
    if options.keep or not audit.exact:
        result["folder"] = str(folder)
    if audit.exact:
        say(f"exact: {result}")
    else:
        _explain(options.seed, audit, folder)
        result["first"] = audit.differences[0].what
    return result


@contextlib.asynccontextmanager
async def _shown(state: State, began: float) -> AsyncIterator[None]:
    """A line that says how the run goes on, while it does."""

    def line() -> Table:
        table = Table.grid(padding=(0, 2))
        publisher = state.publisher
        sent = f"{publisher.acknowledged:,} in, {publisher.waiting} waiting" if publisher else ""
        lag = "" if state.lag is None else f"lag {state.lag:,}"
        table.add_row(
            f"seed {state.seed}", f"{time.monotonic() - began:.0f} s", state.phase, sent, lag,
            f"{sum(state.faults.values())} faults",
        )  # fmt: skip
        return table

    if not console.is_terminal:
        yield
        return
    watching = asyncio.create_task(_watch(state))
    try:
        with Live(get_renderable=line, console=console, refresh_per_second=2, transient=True):
            yield
    finally:
        watching.cancel()


async def _watch(state: State) -> None:
    while True:
        state.lag = await state.fleet.lag() if state.fleet else None
        await asyncio.sleep(1)


def _explain(seed: int, audit: Audit, folder: Path) -> None:
    """The first difference with its history, and how many there are by level."""
    first = audit.differences[0]
    say = console.file.write
    levels: dict[str, int] = {}
    for each in audit.differences:
        levels[each.level] = levels.get(each.level, 0) + 1
    say(f"\nseed {seed} is NOT exact: {levels}\nThe first difference ({first.level}): {first.what}\n")
    if first.record is not None:
        say(
            f"at {first.record.topic}-{first.record.partition}, offset {first.record.offset}, key {first.record.key!r}\n"
        )
    say(f"History of {', '.join(first.about) or 'nothing in particular'}:\n")
    for rec in audit.logs.history(first.about):
        value = (rec.value or b"null")[:VALUE].decode(errors="replace")
        say(f"  {rfc3339(rec.timestamp)} {rec.topic}-{rec.partition} @{rec.offset} {rec.key!r} {value}\n")
    for each in audit.differences[1:10]:
        say(f"also ({each.level}): {each.what}\n")
    say(f"Workers' logs: {folder}\nOnce more: python -m tests.chaos --seed {seed}\n")


if __name__ == "__main__":
    end_with_us()
    sys.exit(main())
