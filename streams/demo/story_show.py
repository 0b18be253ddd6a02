"""The story on a terminal, or as JSON: each step with the records that prove it, or with what was found instead."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from rich.padding import Padding
from rich.status import Status
from rich.text import Text

from streams.demo.story_parts import Act, Step
from streams.demo.story_records import Shown, text
from streams.demo.story_run import ActResult, Check, StepResult
from streams.local.text import Terminal

LIVE = "live"


class Waiting:
    """What is waited for, on a terminal that shows it and takes it away again."""

    def __init__(self, console: Terminal) -> None:
        self._status = Status("", console=console) if console.is_terminal else None

    def __call__(self, says: str) -> None:
        if self._status:
            self._status.update(f"waiting: {says}")
            self._status.start()

    def over(self) -> None:
        """Nothing is waited for."""
        if self._status:
            self._status.stop()


class Watched:
    """What both ways of showing it have: what is waited for is shown until it came, or until the story breaks off."""

    def __init__(self, console: Terminal) -> None:
        self._console, self._waiting = console, Waiting(console)

    def waits(self, says: str) -> None:
        """Something is waited for."""
        self._waiting(says)

    def over(self) -> None:
        """Nothing is waited for any more, and the terminal is as it was."""
        self._waiting.over()


class Printed(Watched):
    """For people."""

    def begins(self, number: int, of: int, step: Step) -> None:
        """A step begins."""
        self._console.print(Text(f"\n{number}/{of}  {step.title}", "bold"))

    def acted(self, result: ActResult) -> None:
        """What followed from an act."""
        self.over()
        self._console.print(
            Padding(Text.assemble(result.act.says, (f"  ({_told(result.act)})", "grey62")), (0, 0, 0, 5))
        )
        for check in result.checks:
            self._check(check)

    def ends(self, result: StepResult) -> None:
        """A step is over."""
        if not result.proved:
            self._console.print(Padding(Text(f"not proved, after {result.seconds:.0f} s", "bold red"), (0, 0, 0, 5)))

    def _check(self, check: Check) -> None:
        found = check.finding
        mark = ("✓ ", "green") if found.holds else ("✗ ", "bold red")
        self._console.print(Padding(Text.assemble(mark, (check.says, "" if found.holds else "red")), (0, 0, 0, 5)))
        if found.said:
            about = Text(found.said, "grey62") if found.holds else Text(f"found instead: {found.said}", "red")
            self._console.print(Padding(about, (0, 0, 0, 9)))
        for shown in found.shown:
            self._console.print(Padding(_line(shown), (0, 0, 0, 9)))

    def summary(self, results: Sequence[StepResult]) -> None:
        """How many steps are proved, and which are not."""
        seconds = sum(each.seconds for each in results)
        said = f"{proved(results)} of {len(results)} steps proved by records of the output topics, in {seconds:.0f} s"
        missing = [f"{each.number} {each.step.title}" for each in results if not each.proved]
        self._console.print()
        if missing:
            self._console.print(f"✗ {said}; not: {', '.join(missing)}", style="bold red")
        else:
            self._console.print(f"✓ {said}", style="bold green")


class Lines(Watched):
    """For programs: a line a step, and one that counts. What is waited for is shown on ``console``, which is stderr."""

    def __init__(self, console: Terminal, write: Callable[[str], None]) -> None:
        super().__init__(console)
        self._write = write

    def begins(self, number: int, of: int, step: Step) -> None:
        """A step begins."""

    def acted(self, result: ActResult) -> None:
        """What followed from an act."""
        self.over()

    def ends(self, result: StepResult) -> None:
        """A step is over."""
        self._write(json.dumps(as_json(result)))

    def summary(self, results: Sequence[StepResult]) -> None:
        """The last line."""
        self._write(json.dumps({"steps": len(results), "proved": proved(results)}))


def proved(results: Sequence[StepResult]) -> int:
    """How many are."""
    return sum(each.proved for each in results)


def as_json(result: StepResult) -> dict[str, Any]:
    """A step with all that was found."""
    return {
        "step": result.number,
        "title": result.step.title,
        "proved": result.proved,
        "seconds": round(result.seconds, 1),
        "acts": [
            {
                "says": each.act.says,
                "line": each.act.line,
                "events": len(each.act.events),
                "checks": [_check(check) for check in each.checks],
            }
            for each in result.acts
        ],
    }


def _check(check: Check) -> dict[str, Any]:
    found = check.finding
    records = [
        {
            "topic": each.record.topic,
            "partition": each.record.partition,
            "offset": each.record.offset,
            "key": each.record.key,
            "value": each.part,
        }
        for each in found.shown
    ]
    return {"says": check.says, "proved": found.holds, "said": found.said, "records": records}


def _told(act: Act) -> str:
    count = len(act.events)
    events = "no event" if not count else f"{count} event{'s' if count > 1 else ''}"
    return f"{events}, replay {act.line}" if act.line else f"{events}, {LIVE}"


def _line(shown: Shown) -> Text:
    record = shown.record
    part = "no value: it is gone" if shown.part is None else text(shown.part)
    return Text.assemble(
        (f"{record.topic}-{record.partition}@{record.offset} ", "cyan"), f"{record.key} ", (part, "grey62")
    )
