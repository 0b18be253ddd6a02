"""Which tier follows from what profiles say of a customer's value, recounted in the words of docs/segmentation.md, for
the bounds of the load.
"""

from collections.abc import Sequence
from typing import Any

from tests.chaos.audit.times import ms

Changes = list[tuple[int, str, str]]
"""(time, event id, tier), oldest first."""
BOUNDS = (("silver", 100, 80, 0), ("gold", 500, 300, 1000), ("platinum", 1000, 900, 1000))
"""Tier, entered from, left below, minimum stay in ms; the lowest first."""
NAMES = ["", *(name for name, *_ in BOUNDS)]


def changes(profiles: Sequence[Any], now: int) -> Changes:
    """Each change of the tier by value, up to a stream time."""
    told = sorted(profiles, key=lambda each: (each.time, each.event["id"]))
    told = [each for each in told if {"value_cents", "spend_cents", "contract_cents", "contract_until"} & {*each.data}]
    found: Changes = []
    tier, since, value = "", 0, 0.0
    parts: dict[str, int] = {}
    ends: int | None = None
    for number, each in enumerate(told):
        parts |= {name: each.data[name] for name in each.data if name.endswith("_cents")}
        ends = ms(each.data["contract_until"]) if "contract_until" in each.data else ends
        following = told[number + 1].time if number + 1 < len(told) else now
        at: int | None = each.time
        while at is not None:
            if at in (each.time, ends):
                runs = ends is None or at < ends
                value = parts.get("value_cents", 0) + parts.get("spend_cents", 0) / 2
                value = round(value + (parts.get("contract_cents", 0) if runs else 0))
            new = _after(tier, at - since, value)
            if new != tier:
                tier, since = new, at
                found.append((at, "", tier))
            moments = [ends] if ends is not None and parts.get("contract_cents") else []
            if tier and value < BOUNDS[NAMES.index(tier) - 1][2]:
                moments.append(since + BOUNDS[NAMES.index(tier) - 1][3])
            at = min((moment for moment in moments if at < moment < following), default=None)
    return found


def _after(tier: str, stayed: int, value: float) -> str:
    reached = max((place for place, (_, enter, *_) in enumerate(BOUNDS, 1) if value >= enter), default=0)
    place = NAMES.index(tier)
    if reached > place:
        return NAMES[reached]
    if not place or value >= BOUNDS[place - 1][2] or stayed < BOUNDS[place - 1][3]:
        return tier
    return NAMES[max((below for below in range(1, place) if value >= BOUNDS[below - 1][2]), default=0)]


def both(given: Changes, values: Changes, most: int = 16) -> Changes:
    """What is given and what follows from the value, as one; before the first of as many as are kept nothing is said."""
    begins = given[0][0] if len(given) >= most else 0
    found: Changes = []
    for at in sorted({time for time, *_ in [*given, *values] if time >= begins}):
        _, name, tier = ([each for each in given if each[0] <= at] or [(0, "", "")])[-1]
        if not tier:
            name, tier = "", ([each[2] for each in values if each[0] <= at] or [""])[-1]
        if (name, tier) != (found[-1][1:] if found else ("", "")):
            found.append((at, name, tier))
    return found
