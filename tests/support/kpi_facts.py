"""Facts for the tests of panes, windows and queues."""

from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from msgspec.structs import replace

from streams.base.records import Fact
from streams.base.times import HOUR_MS, MINUTE_MS, iso, to_ms
from streams.hours.calendars import WEEKDAYS, Calendar, Hours
from streams.metrics.catalogue import CATALOGUE, INSTANT
from streams.metrics.kpis import nothing, reading
from streams.metrics.panes import Pane, gathered, plus
from streams.metrics.rules import KpiPolicy, Window
from streams.metrics.tables import FOREVER, Tables
from streams.metrics.windows import Counted, advance, fold_all, record_key

T0 = 917_859_600_000
"""1999-02-01T09:00:00Z, on every grid."""


def at(seconds: float) -> int:
    return T0 + round(seconds * 1000)


def fact(name: str, ident: str, seconds: float, **more: object) -> Fact:
    given: dict[str, object] = {"channel": "voice", "queue": "sales", "tier": "gold"}
    return Fact(fact=name, id=ident, time=at(seconds), **(given | more))  # type: ignore[arg-type]


def leg(ident: str, entered: float, left: float | None, outcome: str = "answered", **more: object) -> list[Fact]:
    """Facts of one queue leg, in seconds from T0; ``left`` None: it still waits."""
    opened = fact("leg_opened", ident, entered, **more)
    if left is None:
        return [opened]
    return [opened, fact("leg_closed", ident, left, entered=at(entered), outcome=outcome, **more)]


def fold(tables: Tables, one: Fact, policy: KpiPolicy) -> Counted:
    """Count one fact, as `fold_all`."""
    return fold_all(tables, (one,), policy)[0]


def add(pane: Pane, one: Fact, policy: KpiPolicy) -> Pane:
    """The pane with one fact counted, or taken back where its sign is −1."""
    return plus(pane, gathered((one,), policy))


def taken_back(given: Fact) -> Fact:
    return replace(given, sign=-given.sign)


outcomes = st.sampled_from(["answered", "abandoned", "flow_out"])
_small = st.integers(0, 90_000)


@st.composite
def one_fact(draw: st.DrawFn, seconds: int = 3600) -> Fact:
    """Any fact of one of four queues and tiers, within ``seconds`` of T0."""
    name = draw(
        st.sampled_from(
            [
                "leg_opened",
                "leg_closed",
                "contact_offered",
                "contact_handled",
                "first_response",
                "feedback",
                "sentiment",
                "quality",
            ]
        )
    )
    time = T0 + draw(st.integers(0, seconds * 1000))
    more: dict[str, object] = {
        "queue": draw(st.sampled_from(["sales", "support"])),
        "tier": draw(st.sampled_from(["gold", "none"])),
    }
    match name:
        case "leg_closed":
            more |= {"entered": time - draw(_small), "outcome": draw(outcomes)}
        case "contact_offered":
            more |= {"outcome": draw(outcomes), "value": draw(_small)}
        case "contact_handled":
            more |= {"talk_ms": draw(_small), "hold_ms": draw(_small), "wrap_ms": draw(_small)}
        case "first_response":
            more |= {
                "variant": draw(st.sampled_from(["any", "human_from_start", "human_from_handoff"])),
                "value": draw(_small),
            }
        case "feedback":
            more |= {"variant": draw(st.sampled_from(["csat", "nps", "ces"])), "value": 1000 * draw(st.integers(0, 10))}
        case "sentiment":
            more |= {"value": draw(st.integers(-1000, 1000))}
        case "quality":
            side = st.none() | st.integers(0, 1000)
            more |= {"business": draw(side), "human": draw(side), "hidden": draw(side)}
    found = fact(name, str(draw(st.integers(0, 5))), 0, **more)
    return replace(found, time=time)


WINDOWS = (
    Window(MINUTE_MS, 10_000),
    Window(5 * MINUTE_MS, MINUTE_MS),
    Window(15 * MINUTE_MS, 5 * MINUTE_MS),
    Window(60 * MINUTE_MS, 15 * MINUTE_MS),
    Window("day", HOUR_MS),
)
"""Those shipped, but all by tier, and the shortest every ten seconds."""


def kpi_policy(**more: Any) -> KpiPolicy:
    """`WINDOWS`, and facts ten minutes late at most."""
    return KpiPolicy(**({"windows": WINDOWS, "lateness_ms": 10 * MINUTE_MS} | more))


POLICY = kpi_policy()
OFFICE = Hours(
    {"office": Calendar(ZoneInfo("UTC"), dict.fromkeys(WEEKDAYS[:5], ((9 * 60, 18 * 60),)))}, queues={"sales": "office"}
)
"""The queue sales is open from Monday to Friday, 9 to 18 o'clock UTC; T0 is a Monday at 9."""
Record = dict[str, Any]


def count(tables: Tables, facts: Iterable[Fact], policy: KpiPolicy = POLICY) -> list[str]:
    return [fold(tables, each, policy) for each in facts]


def move(tables: Tables, seconds: float, ended: bool = False, policy: KpiPolicy = POLICY) -> list[Record]:
    return advance(tables, "", at(seconds), ended, policy)


def of_length(records: list[Record], length_ms: int) -> list[Record]:
    return [each for each in records if each["window"]["length_ms"] == length_ms]


def value(record: Record, kpi: str, variant: str) -> Any:
    """Of one that is left out: 0 of a count, None of others."""
    (known,) = [each for each in (*CATALOGUE, *INSTANT) if (each.name, each.variant) == (kpi, variant)]
    found = [each["value"] for each in record["readings"] if (each["kpi"], each["variant"]) == (kpi, variant)]
    return found[0] if found else reading(known, *nothing(known))["value"]


def standing(records: list[Record], *, over: bool = True) -> dict[str, list[Any]]:
    """Key → readings of every window, as if each had a record: one that has none reads like the last one before it.
    ``over``: time has passed all of them, so the last one says that nothing is left."""
    lanes: dict[tuple[Any, ...], dict[int, Record]] = {}
    for each in records:
        window = each["window"]
        lane = lanes.setdefault((each["line"], *each["dimensions"].values(), window["length_ms"]), {})
        start = to_ms(window["start"])
        if start not in lane or each["revision"] >= lane[start]["revision"]:
            lane[start] = each
    found = {}
    for lane in lanes.values():
        starts = sorted(lane)
        for start, after in zip(starts, [*starts[1:], FOREVER], strict=True):
            record = lane[start]
            length, every = record["window"]["length_ms"], record["window"].get("every_ms")
            until = start + (length if every and length < 12 * HOUR_MS else 1)
            for at_ in range(start, min(after, until), every or 1):
                key = record_key({**record, "window": {"start": iso(at_), "length_ms": length}})
                found[key] = list(record["readings"])
            assert not over or not record["readings"] or after <= until or until == start + 1, (
                f"nothing said that {key} is over"
            )
    return found


def entered(record: Record) -> int:
    return int(value(record, "legs_entered", "all"))
