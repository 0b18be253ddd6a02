"""The live board: how a `BoardState` looks on a terminal. Pure: a state and a moment in, a picture out."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from itertools import islice
from typing import Any

from rich import box
from rich.console import JustifyMethod, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from streams.demo import figures as f
from streams.demo.state import HISTORY_STEP_MS, OVER, BoardState, Pair, Share, milliseconds
from streams.local.text import shown

WIDE = 110
"""Columns from which on there is room for the queues' history and longer words."""
TIER_STYLE = {
    "platinum": "bold black on bright_white",
    "gold": "bold black on yellow",
    "silver": "black on grey62",
    "red": "white on dark_red",
}
_NAME_STYLE = {"platinum": "bold bright_white", "gold": "bold yellow", "silver": "grey74", "red": "red"}
CHANNEL_ORDER = (
    "voice", "chat", "bot", "messaging", "social", "email", "ticket", "task", "in-person", "self-service", "forum",
)  # fmt: skip
BARS = 18
"""Steps of ten seconds in a queue's history."""
_EIGHTHS = "▁▂▃▄▅▆▇█"
_FRAME = "grey37"


@dataclass(frozen=True)
class Pulse:
    """What the demo itself knows at this moment; ``now`` is simulated time in ms since the epoch."""

    now: int
    speed: float
    published: int = 0
    per_second: float = 0.0
    records_per_second: float = 0.0
    behind_s: float | None = None
    zone: tzinfo = UTC


def render(state: BoardState, pulse: Pulse, width: int, height: int) -> RenderableType:
    """The whole board for a terminal of this size; useful from 80 × 24 on."""
    wide = width >= WIDE
    rows = _pairs(state)
    lower = max(height - 3 - min(len(rows) + 4, height - 11), 6)
    layout = Layout()
    layout.split_column(
        Layout(_header(state, pulse, wide), name="header", size=3),
        Layout(_kpis(state, pulse, rows, wide), name="kpis"),
        Layout(name="lower", size=lower),
    )
    layout["lower"].split_row(
        Layout(_alerts(state, pulse, lower - 2, wide), name="alerts", ratio=11),
        Layout(_journeys(state, lower - 2, wide), name="journeys", ratio=9),
    )
    return layout


def _header(state: BoardState, pulse: Pulse, wide: bool) -> RenderableType:
    clock = datetime.fromtimestamp(pulse.now / 1000, pulse.zone)
    left = Text.assemble(
        ("● ", "bold green"), (f"{clock:%H:%M:%S}", "bold bright_white"), (f"  ×{pulse.speed:g}", "cyan")
    )
    firing = len(state.open_alerts())
    parts = [
        (f"{pulse.published:,}", " events"),
        (f"{pulse.per_second:.0f}", " in/s"),
        (f"{pulse.records_per_second:.0f}", " out/s"),
        ("–" if pulse.behind_s is None else f"{pulse.behind_s:.1f} s", " behind"),
        (f"{state.dead_letters.total()}", " dead letters" if wide else " dead"),
    ]
    right = Text("   " if wide else "  ").join(
        Text.assemble((number, "bold"), (word, "grey62")) for number, word in parts
    )
    grid = Table.grid(expand=True)
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_row(left, right)
    title = "[bold]Contact Streams[/] [grey62]· simulated centre[/]"
    return _panel(grid, title, "red" if firing else "green")


def _panel(body: RenderableType, title: str, style: str = _FRAME) -> Panel:
    return Panel(body, title=title, title_align="left", border_style=style, box=box.ROUNDED, padding=(0, 1))


def _pairs(state: BoardState) -> list[Pair]:
    """Channels and queues with something to show, in the board's order."""

    def order(pair: Pair) -> tuple[int, str]:
        return (CHANNEL_ORDER.index(pair[0]) if pair[0] in CHANNEL_ORDER else len(CHANNEL_ORDER), pair[1])

    shown = [pair for pair in state.pairs() if pair[1] != "none" and (pair in state.queues or f.offered(state, pair))]
    return sorted(shown, key=order)


def _kpis(state: BoardState, pulse: Pulse, rows: list[Pair], wide: bool) -> RenderableType:
    table = Table(box=None, expand=True, padding=(0, 2 if wide else 1, 0, 0), header_style="grey62", pad_edge=False)
    table.add_column("channel · queue", no_wrap=True, ratio=1, min_width=20)
    headings = _WIDE_HEADINGS if wide else _HEADINGS
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    if wide:
        table.add_column(" waiting, 3 min", no_wrap=True, min_width=BARS + 1)
    before = ""
    for pair in rows:
        table.add_row(
            _name(pair, before), *_cells(state, pulse, pair), *([_history(state, pulse, pair)] if wide else [])
        )
        before = pair[0]
    if rows:
        table.add_section()
        table.add_row(Text("all", "bold"), *_cells(state, pulse, None), *([""] if wide else []))
    body: RenderableType = table if rows else Text("waiting for the first readings …", "grey62")
    return _panel(body, "[bold]since the doors opened[/]")


_HEADINGS = ("offer", "in time", "aband", "ASA", "AHT", "wait", "longest", "CSAT", "mood")
_WIDE_HEADINGS = ("offered", "in time", "abandoned", "ASA", "AHT", "waiting", "longest", "CSAT", "mood")


def _name(pair: Pair, before: str) -> Text:
    channel = "" if pair[0] == before else pair[0]
    return Text.assemble((f"{channel:<10}", "bold cyan"), (shown(pair[1]), ""))


def _cells(state: BoardState, pulse: Pulse, pair: Pair | None) -> list[Text]:
    queues = [queue for of, queue in state.queues.items() if pair in (None, of)]
    depth = sum(queue.depth for queue in queues)
    longest = max((wait for queue in queues if (wait := queue.longest_wait_ms(pulse.now)) is not None), default=None)
    offered = f.offered(state, pair)
    return [
        Text(f"{offered:.0f}" if offered else "–", "bold" if pair is None else ""),
        _graded(f.service_level(state, pair), lambda value: f"{value:.0%}", good=0.8, bad=0.5),
        _graded(f.abandonment(state, pair), lambda value: f"{value:.0%}", good=0.05, bad=0.15),
        _graded(f.asa(state, pair), duration, good=30_000, bad=120_000),
        Text(duration(f.aht(state, pair).value)),
        Text(str(depth) if depth else "·", "bold" if depth else "grey50"),
        Text(duration(longest), "" if longest is None else _grade(longest, 60_000, 120_000)),
        _graded(f.csat(state, pair), lambda value: f"{value:.0%}", good=0.75, bad=0.5),
        _mood(f.sentiment(state, pair)),
    ]


def _graded(share: Share, write: Callable[[float], str], good: float, bad: float) -> Text:
    return Text("–", "grey50") if share.value is None else Text(write(share.value), _grade(share.value, good, bad))


def _grade(value: float, good: float, bad: float) -> str:
    """Green up to ``good``, red beyond ``bad``; when good is the greater one, more is better."""
    if good > bad:
        value, good, bad = -value, -good, -bad
    return "green" if value <= good else "red" if value > bad else "yellow"


def _mood(share: Share) -> Text:
    return _graded(share, lambda value: f"{value:+.2f}", good=0.15, bad=-0.15)


def _history(state: BoardState, pulse: Pulse, pair: Pair) -> Text:
    """The queue's depth over the last minutes as a row of bars, all queues on the same scale."""
    if pair not in state.queues:
        return Text("")
    most = max(8, *(depth for queue in state.queues.values() for _, depth in queue.depths))
    last = pulse.now // HISTORY_STEP_MS
    bars = Text(" ")
    for step in range(last - BARS + 1, last + 1):
        depth = state.queues[pair].depth_at(step)
        level = depth / most
        style = "green" if level < 0.4 else "yellow" if level < 0.75 else "red"
        bars.append(_EIGHTHS[round(level * 7)], style if depth else "grey37")
    return bars


_PLACE = 3


def _alerts(state: BoardState, pulse: Pulse, room: int, wide: bool) -> RenderableType:
    firing, over = state.open_alerts(), state.resolved_alerts()
    table = Table.grid(expand=True, padding=(0, 1, 0, 0))
    justify: tuple[JustifyMethod, ...] = ("right", "left", "left", "left", "right")
    for number, column in enumerate(justify):
        table.add_column(justify=column, no_wrap=True, ratio=1 if number == _PLACE else None)
    kept = firing[: max(room - 1, 1) if over else room]
    for alert in kept:
        table.add_row(*_alert(alert, pulse.now, wide))
    for alert in over[: max(room - len(kept), 0)]:
        table.add_row(*_alert(alert, pulse.now, wide))
    title = f"[bold]{len(firing)} open[/] [grey62]alerts · {len(over)} resolved[/]"
    body: RenderableType = table if kept or over else Text("none so far", "grey62")
    return _panel(body, title, "red" if firing else _FRAME)


def _alert(alert: dict[str, Any], now: int, wide: bool) -> list[Text]:
    """Age, tier, customer, where, what."""
    firing, subject = alert["state"] not in OVER, alert["subject"]
    since = milliseconds(alert.get("since")) or milliseconds(alert.get("fired_at")) or now
    until = now if firing else milliseconds(alert.get("resolved_at")) or now
    sign, style = ("● ", "bold red") if firing else ("✓ ", "green")
    age = Text(sign + duration(max(until - since, 0)), style)
    place = str(subject["channel"] or "")
    if wide and subject["queue"]:
        place += f" · {shown(subject['queue'])}"
    dim = "" if firing else "grey50"
    words = (
        shown(person(subject["customer"])),
        place,
        f.what(alert) if wide else f.what(alert).removeprefix("wait "),
    )
    return [age, _tier(subject["tier"] or "none", firing, wide), *(Text(word, dim) for word in words)]


def _tier(tier: str, firing: bool, wide: bool) -> Text:
    name = f" {shown(tier if wide else tier[:4])} "
    return Text(name, TIER_STYLE.get(tier, "") if firing else _NAME_STYLE.get(tier, ""))


def _journeys(state: BoardState, room: int, wide: bool) -> RenderableType:
    table = Table.grid(expand=True, padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, ratio=1)
    table.add_column(no_wrap=True, justify="right")
    if wide:
        table.add_column(no_wrap=True, justify="right")
    journeys = [*islice(state.newest_journeys(), room)]
    for journey in journeys:
        table.add_row(*_journey(journey, wide))
    body: RenderableType = table if journeys else Text("none so far", "grey62")
    return _panel(body, "[bold]journeys[/] [grey62]that moved last[/]")


def _journey(journey: dict[str, Any], wide: bool) -> list[Text]:
    """Customer, the way through the channels, how the last contact came out, the wait so far."""
    contacts = journey["contacts"]
    way = [contacts[0]["channel"]]
    for contact in contacts[1:]:
        if contact["channel"] != way[-1]:
            way.append(contact["channel"])
    path = Text("→", "grey62").join(Text(channel, "cyan") for channel in (way[-3:] if wide else way[-2:]))
    if len(way) > (3 if wide else 2):
        path = Text.assemble(("…→", "grey62"), path)
    wait = journey.get("wait_ms")
    cells = [
        Text(shown(person(journey.get("customer"))), _NAME_STYLE.get(journey["tier"], "")),
        path,
        _outcome(contacts[-1]),
    ]
    return [*cells, Text(duration(wait) if wait else "", "grey62")] if wide else cells


_OUTCOME_STYLE = {"answered": "green", "contained": "green", "abandoned": "red", "flow_out": "yellow"}


def _outcome(contact: dict[str, Any]) -> Text:
    outcome = str(contact["outcome"])
    return Text(outcome.replace("_", " "), _OUTCOME_STYLE.get(outcome, "grey62"))


def person(owner: str | None) -> str:
    """A short name for the board: known customers by number, the others as a guest, never the whole identifier."""
    kind, _, rest = (owner or "").partition(":")
    if kind == "customer":
        return rest[:8]
    if kind in ("anonymous", "contact"):
        name = rest.rpartition(":")[2].lstrip("@").partition("@")[0]
        return f"guest …{name[-3:]}"
    return (owner or "–")[:8]


def duration(ms: float | None) -> str:
    """``m:ss``; from an hour on ``h:mm:ss``; a dash for None."""
    if ms is None:
        return "–"
    minutes, seconds = divmod(round(ms / 1000), 60)
    return f"{minutes}:{seconds:02d}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"


__all__ = ["Pulse", "duration", "person", "render"]
