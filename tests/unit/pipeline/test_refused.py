"""What `track` refuses: a replay too many of a customer, a command for no alert. Both are dead letters; all else stays."""

from typing import Any

import orjson
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from streams.base.records import Line, Progress
from streams.base.times import iso
from streams.customers.customers import MAX_REPLAYS
from tests.fuzz.check import places_of
from tests.fuzz.costs import Scene
from tests.support.logs import a_cut, by_key, journeys_of, run
from tests.support.offline import hops
from tests.support.records import each_of
from tests.support.track_story import T0, D, M, S, event


def letters(scene: Scene) -> list[dict[str, Any]]:
    return [orjson.loads(each.value or b"") for each in scene.deployment.on("contacts.dead-letters")]


@pytest.mark.parametrize("junk", [0, 7, 20])
def test_junk_replays_take_nothing_from_a_replay_that_is_known(junk: int) -> None:
    """Eight valid events once erased a customer's open contacts on somebody else's replay, without a trace."""
    scene = Scene()
    scene.turn()
    about = {"replay_id": "real", "topics": ["contacts.chat"]}
    scene.event("replay.started", about, replayid="real", time=iso(0))
    one = {"customer_id": "k", "line": "real"}
    scene.contact("contact.queued", "c", queue="q", **one, time=iso(2000))
    scene.turn()
    scene.turn()
    for number in range(junk):
        scene.contact("contact.held", f"j{number}", customer_id="k", line=f"junk-{number}", time=iso(1000))
    scene.turn()
    scene.contact("contact.connected", "c", agent_id="a", **one, time=iso(30_000))
    scene.contact("contact.ended", "c", by="agent", **one, time=iso(60_000))
    scene.event("replay.ended", about, replayid="real", time=iso(90_000))
    for _ in range(4):
        scene.turn()
    records = scene.deployment.on("contact.measurements")
    sent = [fact for each in records for fact in each_of(orjson.loads(each.value or b""))]
    facts = {each["fact"] for each in sent if each.get("line") == "real" and each.get("kind") == "fact"}
    of_contacts = {"leg_opened", "leg_closed", "contact_offered", "contact_handled"}
    journeys = {"journey_solved", "journey_resolved", "journey_opened", "journey_left"}
    assert facts == of_contacts | journeys | {"quality"}
    found = letters(scene)
    assert sum(each.get("count", 1) for each in found) == max(0, junk - MAX_REPLAYS + 1)
    assert {(each["hop"], each["reason"], each["path"]) for each in found} <= {("track", "replay-refused", "replayid")}


def test_a_command_for_no_alert_is_a_dead_letter() -> None:
    """It once vanished: no output, no dead letter, no metric."""
    scene = Scene()
    scene.turn()
    scene.event("alert.commanded", {"alert_id": "wait.abc@customer:nobody", "action": "close", "by": "x"})
    scene.turn()
    [letter] = letters(scene)
    assert (letter["hop"], letter["reason"], letter["path"]) == ("alert", "wrong-type", "data.alert_id")
    assert "it never fired, or it was over and is forgotten" in letter["message"]


@st.composite
def many_lines(draw: st.DrawFn) -> list[Any]:
    """Events of one customer on a dozen lines, some of which end."""
    log: list[Any] = []
    ended: set[str] = set()
    for number in range(draw(st.integers(10, 60))):
        line = draw(st.sampled_from(["", *(f"r{number}" for number in range(12))]))
        kind = draw(st.sampled_from(["contact.queued", "contact.connected", "contact.ended"]))
        at = number * draw(st.sampled_from([0, S, M]))
        if draw(st.integers(0, 4)) == 0:
            if line in ended:
                continue
            if line and draw(st.booleans()):
                ended.add(line)
            log.append(Progress("up-0", 1, {line: Line(T0 + at, ended=line in ended)}))
        elif line not in ended:
            more = {"by": "agent"} if kind == "contact.ended" else {}
            contact = f"c{draw(st.integers(0, 2))}"
            log.append(event(kind, at, contact, line=line, queue="cards", tier="gold", id=f"e{number}", **more))
    open_ones = [name for name in ("", *(f"r{number}" for number in range(12))) if name not in ended]
    end = {name: Line(T0 + 400 * D, ended=bool(name)) for name in open_ones}
    return [*log, Progress("up-0", 1, end)]


@settings(max_examples=100, phases=[Phase.explicit, Phase.reuse, Phase.generate], deadline=None)
@given(many_lines(), a_cut)
def test_what_is_refused_is_a_function_of_the_log(log: list[Any], cuts: list[tuple[int, bool]]) -> None:
    one, *others = (run(hops()["track"], log, each) for each in ([(1, False)], cuts, [(len(log), False)]))
    places = [
        sorted(place for each in task.on("contacts.dead-letters") for place in places_of(each))
        for task in (one, *others)
    ]
    assert places == [places[0]] * 3
    for other in others:
        for topic in ("alerts", "contact.measurements"):
            assert by_key(other, topic) == by_key(one, topic)
        assert journeys_of(other) == journeys_of(one)
