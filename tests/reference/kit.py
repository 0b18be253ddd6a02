"""What the tests of single kinds share: run a history in each way, look one figure up."""

import json
from typing import Any

from tests.reference import drive
from tests.reference.drive import Outcome, total
from tests.reference.events import HOUR, MONDAY, Event, History, Story, history
from tests.reference.model import Place
from tests.reference.run import WAYS as ALL_WAYS
from tests.reference.sums import Ratio
from tests.support.offline import NOW

WAYS = ("replay", "paced replay", "live")
T = MONDAY + 9 * HOUR


def story(channel: str, contact: str, at: int = T, /, **common: Any) -> Story:
    return Story(channel, contact, at, common)


def call(contact: str, at: int = T, /, **common: Any) -> Story:
    return story("voice", contact, at, **common)


def run(way: str, told: History) -> Outcome:
    """``way``: one of `WAYS`. Nothing may be refused."""
    came = ALL_WAYS[way](told)
    assert came.letters == [], [(x["reason"], x["message"]) for x in came.letters]
    return came


def tell(way: str, *told: Story | list[Event], after: int = HOUR) -> Outcome:
    return run(way, history(*told, after=after))


def figure(came: Outcome, name: str) -> dict[Place, Ratio]:
    """(channel, queue, tier) → numerator and denominator over all days, where there is something."""
    return {key[:3]: ratio for key, ratio in total(came.days).items() if key[3] == name}


def counted(came: Outcome, name: str) -> dict[Place, int]:
    return {place: top for place, (top, _) in figure(came, name).items()}


def owners(came: Outcome) -> dict[str, int]:
    """Owner → contacts of the journey, where it has any."""
    return {who: j["counts"]["contacts"] for who, j in came.journeys.items() if j["counts"]["contacts"]}


def contacts(came: Outcome, owner: str) -> dict[str, dict[str, Any]]:
    """Contact → as the journey lists it; each once."""
    listed = came.journeys[owner]["contacts"]
    assert len({(c["channel"], c["contact_id"]) for c in listed}) == len(listed), "a contact is listed twice"
    return {c["contact_id"]: c for c in listed}


def standing(came: Outcome) -> list[tuple[str, str, str | None]]:
    """Alerts that are neither withdrawn nor moved: (owner, contact, how they ended)."""
    kept = [a for a in came.alerts if a["reason"] not in ("withdrawn", "moved")]
    return sorted((a["customer"], a["contact_id"] or "", a["reason"]) for a in kept)


def filler(until_s: float, every_s: float = 600) -> list[Event]:
    """Somebody else's events, so that a replay's time comes along."""
    s = call("filler", customer_id="filler")
    for number in range(int(until_s / every_s) + 1):
        s.at(number * every_s, "article.viewed", article_id="x")
    return s.events


def mark(run: Any, lines: list[str], kind: str, at: int | str, topics: list[str]) -> None:
    for line in lines:
        for topic in topics:
            made = {
                "specversion": "1.0", "id": f"{line}:{kind}:{at}:{topic}", "source": "/centre", "type": f"replay.{kind}",
                "time": at if isinstance(at, str) else drive.rfc(at), "data": {"replay_id": line, "topics": topics}, "replayid": line,
            }  # fmt: skip
            run.publish(topic, f"replay:{line}".encode(), json.dumps(made).encode(), NOW)
