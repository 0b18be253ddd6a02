"""Draws docs/images/rooms.svg, the rooms of the code and who imports whom: ``python -m tests.support.rooms [--check]``.

Everything on it is read from the code and from the import contracts in pyproject.toml: a room is a package or module
directly in `streams`, or `schemas`; an arrow is at least one import between two rooms, one for types alone included;
the floors are the layers of the contract. Only where a room stands on its floor is chosen here, so that few lines cross.
"""

import argparse
import ast
import itertools
import random
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TARGET = ROOT / "docs" / "images" / "rooms.svg"
CONTRACT = "schemas"  # stands below every floor of `streams`
COLUMNS, STARTS = 8, 20
LEFT, TOP, STEP_X, STEP_Y, WIDTH, HEIGHT = 20, 92, 178, 82, 142, 44
PURE, SHELL, WIRE = (
    ("#e6f0ea", "#3f7d58", "#1f4d33"),
    ("#dfe8f7", "#2f5597", "#1f3864"),
    ("#fdf3df", "#b7791f", "#5f3f0f"),
)
HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    ' font-family="Helvetica, Arial, sans-serif" role="img">'
)
TIP = (
    '  <defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="6" markerHeight="6" orient="auto">'
    '<path d="M0,0 L10,5 L0,10 z" fill="#4a5568"/></marker></defs>'
)

Arrow = tuple[str, str]
Places = dict[str, tuple[int, int]]  # room → (column, floor); floor 0 is at the top


@dataclass(frozen=True)
class House:
    """What was read: files and lines of each room, and which room imports which."""

    files: Mapping[str, int]
    lines: Mapping[str, int]
    arrows: frozenset[Arrow]
    floors: Sequence[Sequence[str]]
    pure: frozenset[str]

    def upwards(self) -> list[Arrow]:
        """Arrows that do not go down: to a floor above, or along a floor."""
        floor = {room: number for number, rooms in enumerate(self.floors) for room in rooms}
        return sorted((a, b) for a, b in self.arrows if floor[a] >= floor[b])

    def needed(self) -> set[Arrow]:
        """The arrows that no way over other rooms stands for: between them and the others nothing differs in reach."""
        after: dict[str, set[str]] = {}
        for room in reversed([room for rooms in self.floors for room in rooms]):
            direct = {b for a, b in self.arrows if a == room}
            after[room] = direct.union(*(after.get(b, set()) for b in direct))
        return {
            (a, b) for a, b in self.arrows if not any((a, c) in self.arrows and b in after[c] for c in after if c != b)
        }


def imported(source: str) -> Iterator[str]:
    """The full names that a module's text imports; of `from a import b` it is a.b."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (f"{node.module}.{name.name}" for name in node.names)


def _room(parts: Sequence[str], rooms: frozenset[str]) -> str | None:
    if parts[0] == CONTRACT:
        return CONTRACT
    return parts[1] if parts[0] == "streams" and len(parts) > 1 and parts[1] in rooms else None


def read(root: Path) -> House:
    """The house of a checkout.

    Raises:
        ValueError: a room is on no floor of the import contract, or a floor names a room that is not there.
    """
    tools = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    floors = [*_layers(tools), [CONTRACT]]
    rooms = frozenset(room for floor in floors for room in floor)
    files, lines, arrows = dict.fromkeys(rooms, 0), dict.fromkeys(rooms, 0), set()
    for path in sorted(itertools.chain((root / "streams").rglob("*.py"), (root / CONTRACT).rglob("*.py"))):
        parts = path.relative_to(root).with_suffix("").parts
        if parts == ("streams", "__init__"):
            continue
        room = _room(parts, rooms)
        if room is None:
            raise ValueError(f"{'/'.join(parts)}.py is in no room: name it in the layers in pyproject.toml")
        text = path.read_text()
        files[room] += 1
        lines[room] += len(text.splitlines())
        found = {_room(name.split("."), rooms) for name in imported(text)}
        arrows |= {(room, other) for other in found if other not in (None, room)}
    if empty := sorted(room for room, count in files.items() if not count):
        raise ValueError(f"the layers in pyproject.toml name rooms without a file: {', '.join(empty)}")
    pure = next(each for each in tools if each["name"].startswith("pure rooms"))["source_modules"]
    whole = frozenset(module.split(".")[1] for module in pure if module.count(".") == 1)
    return House(files, lines, frozenset(arrows), floors, whole)


def _layers(contracts: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    layers = next(each for each in contracts if each["type"] == "layers" and each["containers"] == ["streams"])[
        "layers"
    ]
    return [[room.strip(" ()") for room in layer.split("|")] for layer in layers]


def place(floors: Sequence[Sequence[str]], arrows: set[Arrow]) -> Places:
    """Where each room stands, the best of a few starts: no line through a room, few that cross, all short."""
    best: tuple[int, Places] | None = None
    for seed in range(STARTS):
        rng = random.Random(seed)
        where = {
            room: (column, number)
            for number, rooms in enumerate(floors)
            for room, column in zip(rooms, rng.sample(range(COLUMNS), len(rooms)), strict=True)
        }
        cost = _settle(where, sorted(arrows))
        if best is None or cost < best[0]:
            best = cost, where
    assert best is not None
    return best[1]


def _settle(where: Places, arrows: Sequence[Arrow]) -> int:
    """Moves rooms along their floors while that makes the drawing better; returns what is left of its cost."""
    cost, better = _cost(where, arrows, set(where)), True
    while better:
        better = False
        for room, column in itertools.product(sorted(where), range(COLUMNS)):
            here, there = where[room], (column, where[room][1])
            if here == there:
                continue
            other = next((each for each, at in where.items() if at == there), None)
            moved = {room, other} if other is not None else {room}
            before = _cost(where, arrows, moved)
            where[room] = there
            if other is not None:
                where[other] = here
            if (now := _cost(where, arrows, moved)) < before:
                cost, better = cost + now - before, True
                continue
            where[room] = here
            if other is not None:
                where[other] = there
    return cost


Line = tuple[int, int, int, int]


def _cost(where: Places, arrows: Sequence[Arrow], rooms: set[str]) -> int:
    """The part of the cost in which some rooms have a share: that of their lines, and of lines through them."""
    lines: dict[bool, list[Line]] = {True: [], False: []}
    for a, b in arrows:
        lines[a in rooms or b in rooms].append((*where[a], *where[b]))
    mine, others = lines[True], lines[False]
    spots, few = list(where.values()), [where[room] for room in rooms]
    cost = sum(3 * abs(x2 - x) + (x2 - x) ** 2 for x, _, x2, _ in mine)
    cost += sum(_through(line, spots) for line in mine) + sum(_through(line, few) for line in others)
    cost += sum(12 for one, two in itertools.combinations(mine, 2) if _cross(one, two))
    return cost + sum(12 for one, two in itertools.product(mine, others) if _cross(one, two))


def _through(line: Line, spots: Iterable[tuple[int, int]]) -> int:
    """Of rooms that a line goes through, or along the edge of."""
    x, y, x2, y2 = line
    cost = 0
    for column, floor in spots:
        if y < floor < y2:
            beside = abs((x - column) * (y2 - y) + (x2 - x) * (floor - y))  # columns, times the floors of the line
            if 100 * beside < 45 * (y2 - y) + 27 * abs(x2 - x):
                cost += 4400 if 2 * STEP_X * beside <= WIDTH * (y2 - y) else 400
    return cost


def _cross(one: Line, two: Line) -> bool:
    (x, y, x2, y2), (u, v, u2, v2) = one, two
    top, end = max(y, v), min(y2, v2)
    if top >= end:
        return False
    # Which of the two is to the left, where both begin and where both end; whole numbers all the way.
    first = (x * (y2 - y) + (x2 - x) * (top - y)) * (v2 - v) - (u * (v2 - v) + (u2 - u) * (top - v)) * (y2 - y)
    last = (x * (y2 - y) + (x2 - x) * (end - y)) * (v2 - v) - (u * (v2 - v) + (u2 - u) * (end - v)) * (y2 - y)
    return first * last < 0


def draw(house: House) -> str:
    """The picture, as SVG."""
    needed = house.needed()
    where = place(house.floors, needed)
    width, height = LEFT * 2 + STEP_X * COLUMNS, TOP + STEP_Y * len(house.floors)
    told = f"{len(house.files)} rooms, {len(house.arrows)} arrows, all downwards, {len(house.floors)} floors"
    out = [
        HEAD.format(width=width, height=height),
        f"  <title>The rooms of the code and which imports which: {told}</title>",
        f'  <rect width="{width}" height="{height}" fill="#ffffff"/>',
        TIP,
        _text((LEFT, 30), f"{told}. An arrow: imports.", 15, "#222222"),
        _text((LEFT, 52), "Pale lines: imports too, of what the arrows reach over other rooms.", 13, "#4a5568"),
    ]
    legend = ((PURE, "pure: values in, values out"), (SHELL, "may read, write, wait"), (WIRE, "the contract"))
    for at, ((fill, line, _), word) in zip((560, 790, 990), legend, strict=True):
        out.append(f'  <rect x="{at}" y="41" width="16" height="14" rx="3" fill="{fill}" stroke="{line}"/>')
        out.append(_text((at + 24, 52), word, 13, "#4a5568"))
    for number in range(0, len(house.floors), 2):
        y = TOP + number * STEP_Y - (STEP_Y - HEIGHT) // 2
        out.append(f'  <rect x="0" y="{y}" width="{width}" height="{STEP_Y}" fill="#f7f9fc"/>')
    out += [_line(where, a, b, (0, 0), 'stroke="#d5dbe6"') for a, b in sorted(house.arrows - needed)]
    ends, strong = _ends(where, needed), 'stroke="#4a5568" stroke-width="1.5" marker-end="url(#tip)"'
    out += [_line(where, a, b, ends[a, b], strong) for a, b in sorted(needed)]
    out += [_box(house, room, at) for room, at in sorted(where.items(), key=lambda each: (each[1][1], each[1][0]))]
    return "\n".join([*out, "</svg>", ""])


def _middle(at: tuple[int, int]) -> int:
    return LEFT + at[0] * STEP_X + STEP_X // 2


def _ends(where: Places, arrows: set[Arrow]) -> dict[Arrow, tuple[int, int]]:
    """How far from the middle of its rooms an arrow leaves and arrives: side by side, in the order of the other ends."""
    found: dict[Arrow, list[int]] = {arrow: [0, 0] for arrow in arrows}
    for side in (0, 1):
        for room in where:
            mine = [arrow for arrow in arrows if arrow[side] == room]
            mine.sort(key=lambda arrow: (where[arrow[1 - side]][0], where[arrow[1 - side]][1], arrow))
            for number, arrow in enumerate(mine):
                found[arrow][side] = (2 * number - len(mine) + 1) * min(20, 110 // max(len(mine), 1)) // 2
    return {arrow: (first, last) for arrow, (first, last) in found.items()}


def _line(where: Places, a: str, b: str, ends: tuple[int, int], style: str) -> str:
    x, y = _middle(where[a]) + ends[0], TOP + where[a][1] * STEP_Y + HEIGHT
    x2, y2 = _middle(where[b]) + ends[1], TOP + where[b][1] * STEP_Y - 1
    return f'  <path d="M{x},{y} L{x2},{y2}" fill="none" {style}/>'


def _box(house: House, room: str, at: tuple[int, int]) -> str:
    fill, line, ink = WIRE if room == CONTRACT else PURE if room in house.pure else SHELL
    x, y = _middle(at) - WIDTH // 2, TOP + at[1] * STEP_Y
    count = house.files[room]
    # In hundreds: the picture need not be drawn anew for each line of code.
    size = f"{count} file{'' if count == 1 else 's'}, ~{max(round(house.lines[room], -2), 100):,} lines"
    return "\n".join(
        (
            f'  <rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="7" fill="{fill}" stroke="{line}"/>',
            _text((_middle(at), y + 19), room, 15, ink, 'text-anchor="middle" font-weight="bold"'),
            _text((_middle(at), y + 36), size, 12, ink, 'text-anchor="middle"'),
        )
    )


def _text(at: tuple[int, int], text: str, size: int, ink: str, style: str = 'text-anchor="start"') -> str:
    return f'  <text x="{at[0]}" y="{at[1]}" font-size="{size}" fill="{ink}" {style}>{escape(text)}</text>'


def main(arguments: Sequence[str] | None = None, root: Path = ROOT, target: Path = TARGET) -> int:
    """Draws, or with --check compares; 1 = an import goes up, or the picture is not current."""
    parser = argparse.ArgumentParser(description="the rooms of the code and their imports, as SVG")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the picture is not current")
    check = parser.parse_args(arguments).check
    house = read(root)
    if found := house.upwards():
        print(*(f"{a} imports {b}, which is not below it" for a, b in found), sep="\n", file=sys.stderr)
        return 1
    drawn = draw(house)
    if not check:
        target.write_text(drawn)
    elif not target.exists() or target.read_text() != drawn:
        print(f"{target.name} is not current: make map", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
