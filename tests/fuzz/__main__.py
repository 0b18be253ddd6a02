"""``make fuzz``: stories by seed until the time is over, or one that was saved once more."""

import argparse
import logging
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table

from tests.fuzz.check import kind, problems
from tests.fuzz.examples import load, save, shorter
from tests.fuzz.stories import Raw
from tests.fuzz.themes import tell

console = Console(stderr=True)
SHORTEN_SECONDS = 120.0


def main() -> int:
    """0 when nothing is wrong, 1 when something is."""
    options = _options()
    logging.disable(logging.CRITICAL)  # what the agents say of odd events
    if options.example is not None:
        found = problems(load(options.example))
        _say(found or ["nothing is wrong with it"])
        return 1 if found else 0
    began, seed, records, failed = time.monotonic(), options.seed, 0, 0
    with Live(console=console, refresh_per_second=2, transient=True) as shown:
        while seed == options.seed or time.monotonic() - began < options.minutes * 60:
            story = tell(seed, options.size)
            shown.update(_line(seed, time.monotonic() - began, options.minutes * 60, records, failed))
            if found := problems(story, seed):
                failed += 1
                _report(seed, story, found, options.out)
                if not options.go_on:
                    return 1
            records += len(story)
            seed += 1
    console.print(f"{seed - options.seed} stories, {records:,} records, {failed} with problems", highlight=False)
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Odd events through all agents.")
    parser.add_argument("--seed", type=int, default=1, help="the first story (default 1)")
    parser.add_argument("--minutes", type=float, default=5.0, help="how long to go on (default 5)")
    parser.add_argument("--size", type=float, default=0.3, help="of the largest parts of stories, 0 to 1 (default 0.3)")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for examples that fail (default: this one)")
    parser.add_argument("--example", type=Path, help="a file with an example: only that, once more")
    parser.add_argument("--go-on", action="store_true", help="do not stop at the first story with a problem")
    return parser.parse_args()


def _line(seed: int, seconds: float, most: float, records: int, failed: int) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_row(f"story {seed}", f"{seconds:.0f} of {most:.0f} s", f"{records:,} records", f"{failed} with problems")
    return table


def _report(seed: int, story: list[Raw], found: list[str], folder: Path) -> None:
    """Say what is wrong, make the story shorter, and write it down."""
    console.print(f"story {seed} ({len(story)} records):", style="bold red", highlight=False)
    _say(found)
    kinds = {kind(each) for each in found}
    short = shorter(story, lambda part: bool(kinds & {kind(each) for each in problems(part)}), SHORTEN_SECONDS)
    path = folder / f"fuzz-{seed}.json"
    save(path, short, {"seed": seed, "problems": problems(short, seed) or found})
    console.print(
        f"{len(short)} records of it are enough: --example {path}", highlight=False, markup=False, emoji=False
    )


def _say(found: list[str]) -> None:
    for each in found:
        console.print(f"  {each}", highlight=False, markup=False, emoji=False)


if __name__ == "__main__":
    sys.exit(main())
