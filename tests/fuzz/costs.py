"""``python -m tests.fuzz.costs``: what one event can cost at most, in CPU, outputs and bytes, by stage.

Each case prepares what makes its event dear, sends the event, and lets time pass as far as it makes the agents work.
"""

import logging
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from schemas import flow
from streams.base.times import iso
from streams.engine.offline import Offline
from tests.fuzz.stories import START, Event, encode, home
from tests.support.offline import deployment

HOUR = 3_600_000


@dataclass
class Cost:
    """Of one stage."""

    cpu_ms: float = 0.0
    outputs: int = 0
    bytes: int = 0


@dataclass
class Scene:
    """A deployment, the clock, and what was spent since the last `reset`."""

    deployment: Offline = field(default_factory=deployment)
    now: int = START
    count: int = 0
    spent: dict[str, Cost] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.reset()
        for task in self.deployment.tasks:
            task.batch = self._measured(task.inlet.name, task.batch)  # type: ignore[method-assign]

    def reset(self) -> None:
        self.spent = {hop: Cost() for hop in flow.stages()}

    def _measured(self, hop: str, batch: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*given: Any) -> Any:
            began = time.thread_time()
            sends = batch(*given)
            cost = self.spent[hop]
            cost.cpu_ms += (time.thread_time() - began) * 1000
            for items in sends.values():
                for key, value in items:
                    if key is not None:
                        cost.outputs += 1
                        cost.bytes += len(key) + len(value or b"")
            return sends

        return timed

    def event(self, kind: str, data: Event, **attributes: Any) -> None:
        """Publish one; it is read with the next `turn`."""
        self.count += 1
        made = {
            "specversion": "1.0", "id": f"e{self.count}", "source": "/costs", "type": kind, "time": iso(self.now - 5),
            "data": data, **attributes,
        }  # fmt: skip
        topic, key = home(made)
        if kind.startswith("replay."):
            topic, key = data["topics"][0], None
        self.deployment.publish(topic, key, encode(made), self.now)

    def contact(self, kind: str, contact: str = "c", **data: Any) -> None:
        line = {"replayid": data.pop("line")} if "line" in data else {}
        at = {"time": data.pop("time")} if "time" in data else {}
        self.event(kind, {"contact_id": contact, "channel": "chat", **data}, **line, **at)

    def turn(self, later: int = 1000) -> None:
        self.now += later
        self.deployment.run(self.now)


def digits(scene: Scene) -> Iterator[None]:
    """a message of 100,000 digits"""
    yield
    scene.contact("message.sent", direction="inbound", author="customer", text=("00 12 34 " * 12_000)[:100_000])


def written(scene: Scene) -> Iterator[None]:
    """a message of 100,000 characters, scored and masked"""
    yield
    scene.contact(
        "message.sent", direction="inbound", author="customer", text=("I am angry, call a@b.example. " * 4000)[:100_000]
    )


def largest(scene: Scene) -> Iterator[None]:
    """an event of 1 MB, nearly all in fields that nobody knows"""
    yield
    scene.contact("contact.held", **{f"unknown-{n}": "x" * 1900 for n in range(510)})


def long_field(scene: Scene) -> Iterator[None]:
    """990 KB of digits in a field that the type does not know"""
    yield
    scene.contact("contact.held", comment="00 12 34 56 78 " * 66_000)


def refused(scene: Scene) -> Iterator[None]:
    """1 MB that is no JSON"""
    yield
    scene.deployment.publish("contacts.chat", b"c", b"x" * 1_000_000, scene.now)


def agent(scene: Scene) -> Iterator[None]:
    """an agent who serves 3,000 queues"""
    yield
    scene.event("agent.state_changed", {"agent_id": "a", "state": "busy", "queues": [f"q{n}" for n in range(3000)]})


def profile(scene: Scene) -> Iterator[None]:
    """a profile with as many preferences as there may be, 65,000 characters"""
    yield
    preferences = {str(number): "\u20ac" * 62 for number in range(1000)}
    scene.event("customer.profile_changed", {"customer_id": "k", "tier": "gold", "preferences": preferences})


def owner(scene: Scene) -> Iterator[None]:
    """a contact of 2,000 events that turns out to be another customer's"""
    for _ in range(2000):
        scene.contact("contact.held", customer_id="k-1", queue="q")
    scene.turn()
    scene.turn()
    yield
    scene.contact("contact.held", customer_id="k-2")


def crowd(scene: Scene) -> Iterator[None]:
    """one more event of a customer with 500 open contacts of long names"""
    for number in range(500):
        contact = f"{number}-{'x' * 190}"
        for kind in ("contact.initiated", "contact.queued", "contact.connected"):
            scene.contact(kind, contact, customer_id="k", tier="gold", queue="q")
    scene.turn()
    scene.turn()
    yield
    scene.contact("contact.held", f"1-{'x' * 190}", customer_id="k")


def tiers(scene: Scene) -> Iterator[None]:
    """one more wait in a queue where 1,500 wait, each of another tier of 200 emoji"""
    for number in range(1500):
        scene.contact("contact.queued", f"c{number}", queue="q", tier=f"{number}{chr(0x1F600) * 190}")
    scene.turn(20_000)
    scene.turn(20_000)
    yield
    scene.contact("contact.queued", "last", queue="q", tier="gold")
    scene.turn(20_000)


def waiting(scene: Scene) -> Iterator[None]:
    """a contact that waits until it times out after 24 h"""
    yield
    scene.contact("contact.queued", queue="q", tier="gold", customer_id="k")
    for _ in range(27):
        scene.turn(HOUR)


def replayed(scene: Scene) -> Iterator[None]:
    """a contact that waits on a replay from 1970 whose end lies in 2099"""
    about = {"replay_id": "r", "topics": ["contacts.chat"]}
    scene.event("replay.started", about, replayid="r", time="1970-01-01T00:00:00Z")
    yield
    scene.contact("contact.queued", queue="q", tier="gold", customer_id="k", line="r", time="1970-01-01T00:00:01Z")
    scene.event("replay.ended", about, replayid="r", time="2099-12-31T00:00:00Z")


def late(scene: Scene) -> Iterator[None]:
    """an event 55 minutes late: windows that were published are amended"""
    scene.contact("contact.queued", "other", queue="q")
    scene.turn(10_000)
    scene.turn(10_000)
    yield
    scene.contact("contact.queued", "late", queue="new", time=iso(scene.now - 55 * 60_000))


CASES = (digits, written, largest, long_field, refused, agent, profile, owner, crowd, tiers, waiting, replayed, late)


def main() -> int:
    logging.disable(logging.CRITICAL)
    console = Console(width=200)
    table = Table("event", *flow.stages(), "largest record")
    for case in CASES:
        scene = Scene()
        scene.contact("contact.initiated", "warm-up", customer_id="w")
        scene.turn()
        going = case(scene)
        next(going)
        scene.turn(10)
        scene.reset()
        before = Counter({where: len(log) for where, log in scene.deployment.topics.items()})
        next(going, None)
        for later in (1000, 1000, 1000, 20_000):
            scene.turn(later)
        sizes = [
            len(r.value or b"") + len(r.key or b"")
            for (topic, p), log in scene.deployment.topics.items()
            for r in log[before[topic, p] :]
            if not topic.startswith(("contacts.chat", "customers.", "agents."))
        ]
        cells = [f"{c.cpu_ms:,.0f} ms, {c.outputs:,} outputs, {c.bytes / 1000:,.0f} KB" for c in scene.spent.values()]
        table.add_row((case.__doc__ or "").strip(), *cells, f"{max(sizes, default=0):,} B")
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
