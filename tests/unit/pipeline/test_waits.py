"""Events that waited too long come again, and stream time waits for them until they were read."""

from typing import Any

import msgspec

from streams.base.links import Again, Hurried
from streams.base.records import Event, Line
from streams.engine import Outputs
from streams.identity.waiting import Waiting
from streams.pipeline.waits import HOLD_MS, Waits

KEY, OTHER = "voice|c1\x1fweek", "voice|c2\x1fweek"
LINES = {"week": Line(9_000), "": Line(8_000)}


def event(time: int) -> Event:
    return Event(
        id=f"e{time}", source="/s", type="contact.initiated", time=time, contact="c1", channel="voice", line="week"
    )


def held(*times: int) -> Waiting:
    return Waiting(tuple(map(event, times)), tuple(100 for _ in times), frozenset({"phone:+1"}), asked_at=1)


def waits(rows: dict[str, Any]) -> Waits:
    return Waits(rows, {}, "identity.links")  # type: ignore[arg-type]


def test_time_waits_for_what_comes_again() -> None:
    own, out = waits({KEY: held(5_000, 4_000)}), Outputs({"identity.links": 1}, 1, {})
    own.hurry(KEY, out)
    sent = [
        msgspec.json.decode(each or b"", type=Again | Hurried) for items in out.grouped().values() for _, each in items
    ]
    assert [getattr(each, "event", None) for each in sent] == [event(5_000), event(4_000), None]
    assert (KEY in own, own.oldest()) == (True, {"week": 4_000})
    assert own.reached(dict(LINES), 100) == {"": Line(8_000)}
    assert own.reached(dict(LINES), 100 + HOLD_MS) == {"": Line(8_000), "week": Line(3_999)}
    own.came(Hurried(KEY))
    assert (KEY in own, own.reached(dict(LINES), 5_000)) == (False, LINES)


def test_a_contact_that_waits_again_meanwhile_is_waited_for_until_all_has_come() -> None:
    own, out = waits({KEY: held(5_000)}), Outputs({"identity.links": 1}, 1, {})
    own.hurry(KEY, out)
    own.rows[KEY] = held(3_000)
    own.hurry(KEY, out)
    own.came(Hurried(KEY))
    assert own.oldest() == {"week": 3_000}
    own.came(Hurried(KEY))
    own.came(Hurried(OTHER))
    assert own.oldest() == {}
    own.rows[OTHER] = held(1_000)
    own.hurry(OTHER, out)
    own.forget("week")
    assert OTHER not in own
