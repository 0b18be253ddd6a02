"""The faults, and the schedule in which a seed injects them."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from streams.local.broker import Broker
from tests.chaos.disk import Disk
from tests.chaos.fleet import RESTART_SECONDS, Fleet, Slot
from tests.chaos.load import Load
from tests.chaos.poison import KINDS, Dose, serve

SESSION_MS = 6000
FREEZE_SECONDS = 20.0
BROKER_SECONDS = 180.0
"""A busy machine takes its time to start a broker."""
BASE = 2
"""Workers that run when no fault changes their number."""
MOST = 3
Say = Callable[[str], None]


@dataclass
class World:
    """What faults act upon. ``longest`` bounds how long one freezes the broker, seconds."""

    fleet: Fleet
    broker: Broker
    load: Load
    dice: random.Random
    longest: float
    say: Say
    disk: Disk | None = None
    """Where the workers keep their state, when not in memory."""
    doses: int = 0
    """Helpings of poison so far."""
    broker_free: asyncio.Lock = field(default_factory=asyncio.Lock)
    disk_free: asyncio.Lock = field(default_factory=asyncio.Lock)
    shape_free: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One change of the number of workers, or round of restarts, at a time."""

    async def pause(self, low: float, high: float) -> None:
        """Let some time pass, seconds."""
        await asyncio.sleep(self.dice.uniform(low, high))

    def victim(self) -> Slot:
        """A worker on which no other fault is at work, if there is one."""
        slots = self.fleet.running()
        return self.dice.choice([slot for slot in slots if not slot.busy] or slots)


async def kill(world: World) -> None:
    """SIGKILL of a worker; its supervisor starts it again."""
    slot = world.victim()
    world.say(f"kill {slot.name}")
    slot.signal(signal.SIGKILL)
    await world.pause(0.5, 3)


async def term(world: World) -> None:
    """SIGTERM of a worker; its supervisor starts it again."""
    slot = world.victim()
    world.say(f"term {slot.name}")
    await world.fleet.restart(slot)
    await world.pause(0.5, 2)


async def stop(world: World) -> None:
    """SIGSTOP of a worker for longer than its session lasts: it wakes up as a zombie."""
    slot = world.victim()
    slot.busy = True
    seconds = SESSION_MS / 1000 + world.dice.uniform(0.5, 4)
    world.say(f"freeze {slot.name} for {seconds:.1f} s")
    slot.signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        slot.signal(signal.SIGCONT)
        slot.busy = False
    await world.pause(0.5, 2)


async def broker_kill(world: World) -> None:
    """SIGKILL of the broker; it starts again with its data."""
    async with world.broker_free:
        world.say("kill broker")
        await asyncio.to_thread(world.broker.kill)
        await world.pause(0.2, 3)
        await asyncio.to_thread(world.broker.start, timeout=BROKER_SECONDS)
        world.say("broker is back")
    await world.pause(1, 3)


async def broker_freeze(world: World) -> None:
    """The broker answers nothing for 20 s, with all connections open."""
    async with world.broker_free:
        seconds = min(FREEZE_SECONDS, world.longest)
        world.say(f"freeze broker for {seconds:.0f} s")
        world.broker.pause()
        try:
            await asyncio.sleep(seconds)
        finally:
            world.broker.resume()
    await world.pause(1, 3)


async def scale(world: World) -> None:
    """One worker, three, one, and back."""
    async with world.shape_free:
        world.say("scale 1, 3, 1")
        await _to(world, 1)
        await world.pause(0.5, 3)
        await _to(world, MOST)
        await world.pause(4, 8)
        await _to(world, 1)
        await world.pause(0.5, 3)
        await _to(world, BASE)
    await world.pause(1, 3)


async def _to(world: World, count: int) -> None:
    await asyncio.gather(*(world.fleet.remove(slot) for slot in world.fleet.running()[count:]))
    for number in range(1, count + 1):
        world.fleet.add(f"w{number}")


async def rolling(world: World) -> None:
    """Every worker is restarted in turn, the next one when the last is ready."""
    async with world.shape_free:
        world.say("rolling restart")
        for slot in world.fleet.running():
            await world.fleet.restart(slot)
            await asyncio.sleep(RESTART_SECONDS + 0.1)
            await world.fleet.ready(slot, 15)


async def fatal(world: World) -> None:
    """A record that ends the process of whoever handles it."""
    world.say("fatal record")
    await world.load.fatal()
    await world.pause(3, 6)


async def poison(world: World) -> None:
    """Every kind of poison, one after the other in any order."""
    publisher = world.load.publisher
    world.doses += 1
    for kind in world.dice.sample(sorted(KINDS), len(KINDS)):
        world.say(f"poison: {kind}")
        name = f"poison-{world.load.seed}-{world.doses}"
        await serve(Dose(world.dice, name, publisher.bootstrap, publisher.prefix), kind)
        await world.pause(0.2, 1)


async def clock(world: World) -> None:
    """The wall clock of a worker, or of all of them, jumps by minutes and back again."""
    slots = world.fleet.running() if world.dice.random() < 0.5 else [world.victim()]
    seconds = world.dice.choice([-1, 1]) * world.dice.uniform(20, 240)
    world.say(f"clock of {', '.join(slot.name for slot in slots)} {seconds:+.0f} s")
    for slot in slots:
        world.fleet.shift_clock(slot.name, seconds)
    await world.pause(2, 6)
    for slot in slots:
        world.fleet.shift_clock(slot.name, 0)
    await world.pause(0.5, 2)


async def full_disk(world: World) -> None:
    """The disk that holds the workers' state is full for a while."""
    disk = world.disk
    if disk is None or disk.why_not:
        world.say(f"no full disk: {disk.why_not if disk else 'this seed keeps the state in memory'}")
        return
    async with world.disk_free:
        world.say("disk full")
        try:
            await asyncio.to_thread(disk.fill)
            await world.pause(4, 10)
        finally:
            disk.free()
        world.say("disk has room again")
    await world.pause(0.5, 2)


FAULTS: dict[str, Callable[[World], Awaitable[None]]] = {
    "kill": kill,
    "term": term,
    "stop": stop,
    "broker-kill": broker_kill,
    "broker-freeze": broker_freeze,
    "scale": scale,
    "rolling": rolling,
    "fatal": fatal,
    "poison": poison,
    "clock": clock,
    "disk": full_disk,
}
RAISE = "raise"
"""Not an event in time: a share of the records on which the agent raises."""
NAMES = (*FAULTS, RAISE)
PATIENCE = (1.0, 9.0)
"""How long the next fault waits, seconds, while the one before is still at work."""


async def inject(world: World, names: list[str], seconds: float, done: Counter[str]) -> None:
    """Faults in an order that the dice decide, each of them once before any comes again, until the time is over."""
    deck: list[str] = []
    running: set[asyncio.Task[None]] = set()
    ends = asyncio.get_running_loop().time() + seconds
    try:
        await world.pause(1, 3)
        while names and asyncio.get_running_loop().time() < ends:
            if not deck:
                deck = world.dice.sample(names, len(names))
            name = deck.pop()
            task = asyncio.ensure_future(_run(world, name, done))
            running.add(task)
            await asyncio.wait([task], timeout=world.dice.uniform(*PATIENCE))
            await world.pause(0.2, 2)
        await asyncio.gather(*running)
    finally:
        for task in running:
            task.cancel()


async def _run(world: World, name: str, done: Counter[str]) -> None:
    done[name] += 1
    await FAULTS[name](world)
