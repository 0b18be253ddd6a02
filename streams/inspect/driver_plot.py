"""What moves CSAT and NPS, drawn: a column for each group, the drivers below each other, each with its interval."""

import re
import warnings
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from streams.base.errors import UserError
from streams.drivers.models import CONFIDENCE
from streams.drivers.report import Part, Report, Tested
from streams.inspect.drivers import TITLES, group_name
from streams.local.text import shown

SUFFIXES = (".png", ".svg")
MAX_GROUPS = 12
"""Columns; groups of fewer answers are left to the table."""
COLOUR = {"dimension": "#2f5597", "behaviour": "#3f7d58"}
UNITS = {"dimension": "points for a tenth", "behaviour": "points with it"}
KINDS = tuple(UNITS)
LEGEND = f"line: interval of {CONFIDENCE:.0%}; full: stands after the correction for all effects"
DOTS, COLOURS = 100, 32
"""An inch; of a PNG."""
WIDTH, ROW, HEAD, NAMES = 2.1, 0.24, 0.75, 1.6
"""Inches: of a panel, of a driver, around a panel, of the drivers' names."""


class Undrawable(UserError):
    """The plot cannot be made, or not there."""


def checked(path: Path) -> None:
    """Raises Undrawable where no plot may be written."""
    if path.suffix.lower() not in SUFFIXES:
        raise Undrawable(f"--plot {path}: its name must end in {' or '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise Undrawable(f"--plot {path}: there is no folder {path.parent}")


def draw(report: Report, path: Path) -> str | None:
    """Write the plot; what is not on it, in words. The same report makes the same file. Raises Undrawable."""
    groups = sorted({part.group: part.answers for part in report.parts}.items(), key=lambda each: -each[1])
    kept = [group for group, _ in groups[:MAX_GROUPS]]
    columns = [group for group in dict.fromkeys(part.group for part in report.parts) if group in kept]
    parts = {(part.answer, part.group): part for part in report.parts}
    names = {kind: _drivers(report, kind) for kind in KINDS}
    rows = [
        (answer, kind)
        for answer in dict.fromkeys(part.answer for part in report.parts)
        for kind in KINDS
        if any(each.effect.kind == kind for part in report.parts if part.answer == answer for each in part.effects)
    ]
    if not rows:
        raise Undrawable("there is no effect to draw; the table says why")
    heights = [HEAD + ROW * len(names[kind]) for _, kind in rows]
    with mpl.rc_context({"svg.hashsalt": "drivers", "svg.fonttype": "none", "font.size": 8}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=(NAMES + WIDTH * len(columns), sum(heights)), layout="constrained")
        grid = figure.subplots(
            len(rows), len(columns), squeeze=False, sharex="row", sharey="row", height_ratios=heights
        )
        for (answer, kind), panels in zip(rows, grid, strict=True):
            for group, axes in zip(columns, panels, strict=True):
                _panel(axes, parts[answer, group], kind, names[kind])
            panels[0].set_ylabel(TITLES[answer])
        figure.align_ylabels()
        figure.supxlabel(LEGEND, fontsize=8)
        try:
            _save(figure, path)
        except OSError as error:
            raise Undrawable(f"--plot {path}: {error.strerror}") from None
    left = len(groups) - len(kept)
    return f"{left} groups with fewer answers are not on the plot" if left else None


def _save(figure: Figure, path: Path) -> None:
    """PNG in few colours: a third of the size."""
    drawn = BytesIO()
    if path.suffix.lower() == ".svg":
        figure.savefig(drawn, format="svg", metadata={"Date": None})
        path.write_text(_numbered(drawn.getvalue().decode()), encoding="utf-8")
        return
    figure.savefig(drawn, format="png", dpi=DOTS)
    Image.open(drawn).convert("RGB").quantize(COLOURS).save(path)


def _numbered(svg: str) -> str:
    """With ids in their order: matplotlib makes them of where its objects lie in memory, so no two files were equal."""
    names = {name: f"id{number}" for number, name in enumerate(dict.fromkeys(_ID.findall(svg)))}
    return re.sub("|".join(names), lambda found: names[found[0]], svg) if names else svg


_ID = re.compile(r'id="([a-z][0-9a-f]{10})"')


def _drivers(report: Report, kind: str) -> list[str]:
    """In the order of their largest effect on whatever answer of all contacts, the largest at the top."""
    size: dict[str, float] = {}
    for part in report.parts:
        for each in part.effects:
            if each.effect.kind == kind:
                found = abs(each.effect.effect) if not part.group else 0.0
                size[each.effect.driver] = max(size.get(each.effect.driver, 0.0), found)
    return sorted(size, key=lambda name: (-size[name], name))


def _panel(axes: Axes, part: Part, kind: str, names: list[str]) -> None:
    axes.axvline(0, color="#9aa5b1", linewidth=0.8)
    for each in part.effects:
        if each.effect.kind == kind:
            _mark(axes, each, names.index(each.effect.driver), COLOUR[kind])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks(range(len(names)), [shown(name) for name in names])
    axes.set_title(f"{shown(group_name(part.group))}\n{part.answers:,} answers", fontsize=8)
    axes.set_xlabel(UNITS[kind])
    for text in (axes.title, *axes.get_yticklabels()):
        text.set_parse_math(False)
    axes.spines[["top", "right"]].set_visible(False)


def _mark(axes: Axes, each: Tested, row: int, colour: str) -> None:
    """Full where it stands after the correction."""
    effect = each.effect
    axes.plot([effect.low, effect.high], [row, row], color=colour, linewidth=1.2)
    axes.plot(effect.effect, row, "o", color=colour, markersize=4.5, markerfacecolor=colour if each.stands else "white")
