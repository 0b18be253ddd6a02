"""Draws docs/images/board.svg, the board on a simulated morning: ``python -m tests.support.picture``."""

import io
import re
import sys
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import TerminalTheme

from streams.demo.board import Pulse, render
from streams.demo.simulator import Settings, Simulation
from streams.demo.state import BoardState
from tests.support.product import RULES, state_of

START = 1_772_445_600_000  # 2026-03-02 10:00 UTC
TARGET = Path(__file__).parents[2] / "docs" / "images" / "board.svg"
THEME = TerminalTheme(
    (17, 20, 26),
    (205, 210, 218),
    [
        (40, 44, 52),
        (224, 84, 92),
        (126, 190, 110),
        (226, 182, 84),
        (97, 160, 230),
        (190, 130, 210),
        (86, 182, 194),
        (205, 210, 218),
    ],
    [
        (92, 99, 112),
        (240, 110, 116),
        (150, 210, 130),
        (240, 200, 110),
        (120, 180, 245),
        (210, 150, 230),
        (110, 205, 215),
        (245, 247, 250),
    ],
)


# Without the fonts that rich would fetch from a CDN: a picture in a README loads nothing.
SVG = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace(
    "Fira Code, monospace", "monospace"
)


def seeded(minutes: float = 8, seed: int = 6) -> tuple[BoardState, Pulse]:
    """The board's state and moment so many minutes after the doors opened."""
    simulation = Simulation(Settings(f"demo-{seed}-picture", START, RULES, seed=seed))
    emissions = list(simulation.emissions(int(minutes * 60_000)))
    state = state_of(simulation, emissions, every_ms=10_000, ended=False)
    today = sum(emission.time > START for emission in emissions)
    rate = today / (minutes * 6)
    return state, Pulse((simulation.end_ms or START) + 4000, 10, today, rate, rate * 2.3, 0.4)


def draw(width: int, height: int) -> Console:
    """A console with the picture on it."""
    state, pulse = seeded()
    console = Console(
        record=True, width=width, height=height, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(render(state, pulse, width, height))
    return console


if __name__ == "__main__":
    size = (int(sys.argv[1]), int(sys.argv[2])) if len(sys.argv) > 2 else (120, 36)
    path = Path(sys.argv[3]) if len(sys.argv) > 3 else TARGET
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(draw(*size).export_svg(title="make demo", theme=THEME, code_format=SVG))
