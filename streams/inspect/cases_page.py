"""What came of cases, for a person, and as JSON."""

from collections.abc import Iterable
from typing import Any

from rich.text import Text

from streams.inspect.cases import Outcome
from streams.local.text import Terminal, as_json, echo


def show(outcomes: Iterable[Outcome], count: int, console: Terminal) -> int:
    """Each as it is done; how many failed."""
    failed = 0
    with console.status(f"0 of {count} cases") as status:
        for done, outcome in enumerate(outcomes, 1):
            mark = ("failed", "bold red") if outcome.problems else ("passed", "green")
            console.print(Text.assemble(mark, "  ", outcome.case.name), soft_wrap=True)
            for problem in outcome.problems:
                console.print(Text(f"        {problem}"), soft_wrap=True)
            failed += bool(outcome.problems)
            status.update(f"{done} of {count} cases")
    console.print(f"{count - failed} passed, {failed} failed", highlight=False)
    return failed


def data(outcomes: Iterable[Outcome]) -> int:
    """All of them as one document."""
    found = list(outcomes)
    echo(as_json({"cases": [_data(each) for each in found]}))
    return sum(bool(each.problems) for each in found)


def _data(outcome: Outcome) -> dict[str, Any]:
    return {
        "name": outcome.case.name,
        "passed": not outcome.problems,
        "problems": outcome.problems,
        "steps": [each.doc for each in outcome.steps],
    }
