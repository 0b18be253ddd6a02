"""The benchmark against other stream processors: ``python -m tests.bench --only ours,kafka-streams --rounds 3 --json``.

Every system runs the same workload W (`tests.bench.workload`) against the same broker, one at a time, in turns within
each round. A broker is started when there is none.
"""

import argparse
import asyncio
import gc
import json
import logging
import sys
from contextlib import suppress

from rich.console import Console

from streams.local.bootstrap import resolve_bootstrap
from tests.bench import measure
from tests.bench.report import Result, machine, notes, ratios, table
from tests.bench.systems import BUILT, NotInstallable, chosen
from tests.bench.workload import Expected, Generator, Message, customers_of, expected
from tests.support.leftovers import end_with_us

RATE = 2_000
WARM_UP = 200_000
LATENCY_SECONDS = 40.0
DISCARDED_SECONDS = 10.0


class Loads:
    """Inputs by their number of events, made once, with what must come of them."""

    def __init__(self) -> None:
        self.made: dict[int, tuple[list[Message], Expected]] = {}

    def of(self, events: int) -> tuple[list[Message], Expected]:
        """The input of ``events`` events."""
        if events not in self.made:
            messages = list(Generator(customers_of(events)).messages(events))
            self.made[events] = messages, expected(messages)
            gc.freeze()  # millions of objects that stay: looking through them would take CPU from what is measured
        return self.made[events]


class Bench:
    """All rounds of all chosen systems."""

    def __init__(self, bootstrap: str, results: list[Result], rounds: int, console: Console) -> None:
        self.bootstrap, self.results, self.rounds, self.console = bootstrap, results, rounds, console
        self.loads = Loads()

    def prepare(self) -> None:
        """Build what has to be built; a peer that cannot be is left out."""
        for result in self.results:
            with self.console.status(f"{result.system.name}: building"):
                try:
                    result.system.prepare()
                except NotInstallable as error:
                    self._failed(result, str(error))

    def run(self, with_latency: bool) -> None:
        """Round after round; within a round each system has its turn."""
        self._warm_up()
        for number in range(1, self.rounds + 1):
            for result in self.results:
                if result.failure is None:
                    self._throughput(result, number)
            for result in self.results:
                if with_latency and result.failure is None:
                    self._latency(result, number)

    def _warm_up(self) -> None:
        """A run that counts for nobody: the broker's own code is compiled while it works, at the cost of the first."""
        for result in self.results:
            if result.failure is None:
                with self.console.status("warming up the broker"), suppress(Exception):  # its turn will tell
                    messages, want = self.loads.of(min(WARM_UP, result.events))
                    asyncio.run(measure.throughput(self.bootstrap, result.system, messages, want, lambda _: None))
                return

    def _throughput(self, result: Result, number: int) -> None:
        name = f"round {number}/{self.rounds} {result.system.name}"
        with self.console.status(name) as status:
            messages, want = self.loads.of(result.events)
            try:
                found = asyncio.run(
                    measure.throughput(
                        self.bootstrap, result.system, messages, want, lambda text: status.update(f"{name}: {text}")
                    )
                )
            except Exception as error:  # noqa: BLE001 - one peer's failure must not stop the others
                self._failed(result, f"{type(error).__name__}: {error}")
                return
        result.runs.append(found)
        verdict = "exact" if found.difference is None else f"NOT EXACT: {found.difference}"
        figures = found.figures
        broker = "" if figures.broker_cpu is None else f" and broker {figures.broker_cpu:.1f} s"
        speed = f"{result.events:,} events, {figures.events_per_second:,.0f}/s"
        self._say(f"{name}: {speed}, CPU {figures.cpu:.1f} s{broker} per million; {verdict}")

    def _latency(self, result: Result, number: int) -> None:
        if result.system.threads > 1:
            return
        name = f"round {number}/{self.rounds} {result.system.name} latency"
        slowest = min(run.figures.events_per_second for run in result.runs)
        if slowest < RATE:
            self._say(f"{name}: left out, it handles {slowest:,.0f} events/s and {RATE:,} would come")
            return
        with self.console.status(name):
            try:
                answers = asyncio.run(
                    measure.latency(self.bootstrap, result.system, RATE, LATENCY_SECONDS, DISCARDED_SECONDS)
                )
            except Exception as error:  # noqa: BLE001 - the same
                self._failed(result, f"latency: {type(error).__name__}: {error}")
                return
        result.latencies.append(answers)
        self._say(f"{name}: {len(answers.latencies):,} of {answers.measured:,} answered")

    def _failed(self, result: Result, why: str) -> None:
        result.failure = why
        self._say(f"{result.system.name}: {why}")

    def _say(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description="the workload W on this and other systems"
    )
    parser.add_argument("--only", default="", help="systems with commas between, such as ours,kafka-streams or ours-2")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=1_000_000, help="slow systems get fewer, and the output says so")
    parser.add_argument("--latency", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--json", action="store_true", help="the last line on stdout is one JSON object")
    options = parser.parse_args()
    if options.rounds < 1 or options.events < 1:
        parser.error("--rounds and --events must be at least 1")
    # A topic that was made a moment ago has no leader for an instant, which the client calls an error and tries again.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    console = Console(stderr=True)
    try:
        systems = chosen(options.only)
    except LookupError as error:
        parser.error(str(error))
    results = [Result(each, min(options.events, each.most_events or options.events)) for each in systems]
    facts = machine()
    found = resolve_bootstrap(say=lambda text: console.print(text, highlight=False))
    try:
        bench = Bench(found.servers, results, options.rounds, console)
        bench.prepare()
        bench.run(options.latency)
    finally:
        if found.started is not None:
            found.started.stop()
    figures = {result.system.name: result.as_json() for result in results}
    compared = ratios(figures)
    _show(Console(stderr=options.json, width=None if sys.stdout.isatty() else 160), figures, compared)
    report = json.dumps({"machine": facts, "rounds": options.rounds, "systems": figures, "ratios": compared})
    BUILT.mkdir(exist_ok=True)
    (BUILT / "reference.json").write_text(report)
    if options.json:
        print(report)


def _show(console: Console, figures: dict[str, dict[str, object]], compared: list[dict[str, object]]) -> None:
    console.print(table(figures))
    for note in notes(figures):
        console.print(note, markup=False, highlight=False, soft_wrap=True)
    for each in compared:
        verdict = "met" if each["met"] else "NOT MET"
        text = f"{each['figure']} {each['ratio_of']}: {each['ratio']}, target {each['target']}: {verdict}"
        console.print(text, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    end_with_us()
    main()
