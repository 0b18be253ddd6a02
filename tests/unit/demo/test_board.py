import io
from functools import cache

import pytest
from rich.console import Console

from streams.demo.board import Pulse, duration, person, render
from streams.demo.check import Check
from streams.demo.state import BoardState
from streams.demo.summary import print_commands, print_summary
from streams.demo.truth import Truth
from tests.support import picture
from tests.support.product import RULES

seeded = cache(picture.seeded)


def screen(state: BoardState, pulse: Pulse, width: int, height: int) -> list[str]:
    console = Console(record=True, width=width, height=height, file=io.StringIO(), force_terminal=True)
    console.print(render(state, pulse, width, height))
    return console.export_text().splitlines()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (200, 60)])
def test_the_board_fills_the_terminal_and_cuts_nothing_that_counts(width: int, height: int) -> None:
    lines = screen(*seeded(), width, height)
    assert len(lines) == height
    assert {len(line) for line in lines} == {width}
    text = "\n".join(lines)
    for word in (
        "Contact Streams",
        "10:08:04",
        "in-person",
        "chat-help",
        "messaging",
        "4 open",
        "gold",
        "C1159",
        "journeys",
    ):
        assert word in text
    assert lines[-1].startswith("╰")


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (20, 5)])
def test_an_empty_board_is_no_error(width: int, height: int) -> None:
    lines = screen(BoardState("demo-1-x"), Pulse(0, 10), width, height)
    assert len(lines) == height
    if width >= 80:
        assert "waiting for the first readings" in "\n".join(lines)


def test_the_figures_of_a_row() -> None:
    state, pulse = seeded()
    row = next(line for line in screen(state, pulse, 80, 24) if "accounts" in line)
    figures = ["19", "13%", "11%", "2:07", "3:36", "6", "2:22", "50%", "–"]
    assert row.strip("│ ").split() == ["voice", "accounts", *figures]


@pytest.mark.parametrize(
    ("ms", "text"),
    [(None, "–"), (0, "0:00"), (59_499, "0:59"), (59_500, "1:00"), (3_599_000, "59:59"), (3_600_000, "1:00:00")],
)
def test_durations(ms: int | None, text: str) -> None:
    assert duration(ms) == text


@pytest.mark.parametrize(
    ("owner", "text"),
    [
        ("customer:C1007", "C1007"),
        ("anonymous:email:guest.512@example.net", "guest …512"),
        ("anonymous:phone:+442079460777", "guest …777"),
        ("anonymous:social:@guest648", "guest …648"),
        ("contact:demo-7-x.voice-9", "guest …e-9"),
        (None, "–"),
    ],
)
def test_people_are_named_short_and_guests_never_in_full(owner: str | None, text: str) -> None:
    assert person(owner) == text


def test_the_summary_names_what_is_wrong() -> None:
    console = Console(record=True, width=140, file=io.StringIO())
    names = ("offered", "abandoned", "legs", "in time", "waiting", "wait ms", "talk ms", "CSAT answers")
    right = [Check(name, ("voice", "cards"), 3000, 3000) for name in names]
    assert print_summary(console, right, Truth(RULES))
    assert not print_summary(console, [*right[1:], Check("offered", ("voice", "cards"), 12, 11)], Truth(RULES))
    text = console.export_text()
    assert "✓ all 8 figures agree" in text
    assert "✗ voice · cards: offered: the simulator says 12, the pipeline 11" in text


def test_the_commands_name_the_broker_the_topics_and_the_days() -> None:
    console = Console(record=True, width=200, file=io.StringIO())
    print_commands(console, "127.0.0.1:9092", "p.", "demo-1-x", (1_772_445_600_000, 1_772_539_200_000))
    text = console.export_text()
    assert (
        "contact-streams kpis --line demo-1-x --from 2026-03-02 --to 2026-03-03 --by channel,queue --topic-prefix p."
        in text
    )
    assert "contact-streams customer show customer:C1000 --line demo-1-x --topic-prefix p." in text
    assert "kcat -b 127.0.0.1:9092 -t p.alerts -C -e -q" in text
