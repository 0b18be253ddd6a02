"""Rows as versions before wrote them, read by this one."""

from typing import Any

import orjson

from streams.contacts.histories import NEVER
from streams.customers.journey_names import OWN

# Field of version 2 and what stood there when it was left out, in the order of version 3.
_MOODS: dict[str, Any] = {"messages": [], "moods": {}, "settled_message": [NEVER, ""], "judged": [NEVER, ""]}
_JOURNEYS: dict[str, Any] = {"past": [], "shown": {}, "review": None}
_SEGMENTS: dict[str, Any] = {"standing": {}, "score": None, "score_revision": 0}
_NOTHING_KNOWN: list[Any] = [[], {}, None, [], {}, 0, None, 0]
"""Of journeys, in version 3; a row has no more of these than the program knew that wrote it."""
_SHOWN, _CLOSED, _DIGEST = 1, 2, 3
"""Where it says what was published, and where that says whether it is closed and what it looked like."""

ANYBODY = ""
"""In place of a name: a version before did not say whose a deadline is."""


def by_capability(row: bytes) -> bytes:
    """A row of version 2, which had the state of every capability side by side, in that of version 3, where each has a
    field of its own.
    """
    customer = orjson.loads(row)
    lines = {name: _by_capability(line) for name, line in customer.get("lines", {}).items()}
    due = {line: {ANYBODY: at} for line, at in customer.pop("due").items()}
    return orjson.dumps({**customer, "lines": lines, "due": due})


def journeys_by_name(row: bytes) -> bytes:
    """A row of version 3, whose journeys were all published under the customer's key, in that of version 4, where each
    has a record of its own: all of them are due to be published once more, and the record under that key to be removed.
    """
    customer = orjson.loads(row)
    for line in customer.get("lines", {}).values():
        known = line.get("journeys", [])
        journeys = [*known, *_NOTHING_KNOWN[len(known) :]]
        for shown in journeys[_SHOWN].values():
            shown[_DIGEST] = 0
        line |= {"journeys": [*journeys, {OWN: [0, 0]}], "stale": True}
    return orjson.dumps({**customer, "due": {line: {ANYBODY: 0} for line in customer.get("lines", {})}})


def open_journeys(row: bytes) -> bytes:
    """A row of version 4, which did not tell when a journey is open, in that of version 5: with one that is, the row is
    due to tell it.
    """
    customer = orjson.loads(row)
    due = customer.get("due", {})
    for name, line in customer.get("lines", {}).items():
        journeys = line.get("journeys", [])
        if len(journeys) > _SHOWN and not all(shown[_CLOSED] for shown in journeys[_SHOWN].values()):
            line["stale"] = True
            due = due | {name: {ANYBODY: 0}}
    return orjson.dumps({**customer, "due": due})


def alerts_together(row: bytes) -> bytes:
    """A row of version 5, where waits and moods were two capabilities, in that of version 6, where all alert rules are
    one: with the moods by rule, until they are settled anew.
    """
    customer = orjson.loads(row)
    for line in customer.get("lines", {}).values():
        waits, moods = line.pop("waits", {}), line.pop("moods", [])
        moods = [*moods, *_NO_MOODS[len(moods) :]]
        if waits or moods[0] or moods[1] or moods[4]:
            line["watched"] = _watched(waits, moods)
    due = {}
    for line, each in customer.get("due", {}).items():
        theirs = [at for name, at in each.items() if name in _WATCHED]
        due[line] = {name: at for name, at in each.items() if name not in _WATCHED}
        due[line] |= {"watched": min(theirs)} if theirs else {}
    return orjson.dumps({**customer, "due": due})


_WATCHED = frozenset({"waits", "moods"})
_NO_MOODS: list[Any] = [[], {}, [NEVER, ""], [NEVER, ""], {}]


def _watched(waits: dict[str, Any], moods: list[Any]) -> list[Any]:
    """As version 6 has them."""
    messages, by_rule, settled, _, alerts = moods
    told = {name: each | {"kind": "waiting"} for name, each in waits.items()}
    of_moods = {"about": "customer", "unit": "sentiment"}
    told |= {name: each | of_moods | {"evidence": each["subject"][5:6]} for name, each in alerts.items()}
    sums = {f"rule:{rule}": [each.get("sums", [0.0, 0.0, 0]), each.get("count", 0)] for rule, each in by_rule.items()}
    going = {rule: _going(*each["firing"]) for rule, each in by_rule.items() if each.get("firing")}
    return [told, messages, sums, settled, going, 0]


def _going(message: list[Any], tier: str, milli: float) -> list[Any]:
    time, name, _, key, contact, channel, queue, *_rest = [*message, None]
    subject = [key, contact, channel, queue, tier, name]
    return ["sentiment", time, name, round(milli / 1000, 3), None, None, "sentiment", subject]


def _by_capability(line: dict[str, Any]) -> dict[str, Any]:
    alerts = line.pop("alerts", {})
    moods, journeys, segments = (_taken(line, fields) for fields in (_MOODS, _JOURNEYS, _SEGMENTS))
    moods.append({name: each for name, each in alerts.items() if each["kind"] == "sentiment"})
    waits = {name: each for name, each in alerts.items() if each["kind"] != "sentiment"}
    return {**line, "waits": waits, "moods": moods, "journeys": journeys, "segments": segments}


def _taken(line: dict[str, Any], fields: dict[str, Any]) -> list[Any]:
    return [line.pop(name, otherwise) for name, otherwise in fields.items()]
