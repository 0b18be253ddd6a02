"""What if a queue had been worked off in another order: the same arrivals, the same moments at which an agent was free.

The rule is in docs/policies.md, with why nobody is lost by it.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from streams.contacts.contact import ABANDONED, ANSWERED
from streams.policies.record import Key, Recorded

Queue = tuple[str, str]
"""Channel and queue."""
Name = tuple[Key, int]
"""A contact, and which of its stays."""


class Waiting(NamedTuple):
    """A stay that a free agent may end. Times in ms."""

    name: Name
    priority: int
    entered: int
    left: int
    answered: bool
    """By being answered; else it was abandoned."""


def taken(waiting: Iterable[Waiting], handle_ms: int) -> dict[Name, int]:
    """When an agent takes whom of one queue. Who is not in it left as recorded, unanswered.

    ``handle_ms``: how long an agent is busy with one who in the record had left before.
    """
    arrivals = sorted(waiting, key=lambda each: each.entered)
    free = [each.left for each in arrivals if each.answered]
    heapq.heapify(free)
    line: list[tuple[int, int, bool, int, Name]] = []
    came, found = 0, dict[Name, int]()
    while free:
        now = heapq.heappop(free)
        while came < len(arrivals) and arrivals[came].entered <= now:
            each = arrivals[came]
            heapq.heappush(line, (-each.priority, each.entered, not each.answered, each.left, each.name))
            came += 1
        while line:
            _, _, gives_up, left, name = heapq.heappop(line)
            if gives_up and left <= now:
                continue  # has left by now
            found[name] = now
            if gives_up:  # the agent is busy with one more, and free again afterwards
                heapq.heappush(free, now + handle_ms)
            break
    return found


def replayed(contacts: Iterable[Recorded], priority: Mapping[Key, int]) -> dict[Name, int]:
    """When each stay is answered that is: of all queues. ``priority``: of each contact."""
    queues: dict[Queue, list[Waiting]] = defaultdict(list)
    contacts = list(contacts)
    for contact in contacts:
        of_it = priority[contact.key]
        for place, stay in enumerate(contact.stays):
            if stay.left is not None and stay.outcome in (ANSWERED, ABANDONED):
                name = (contact.key, place)
                of_queue = queues[contact.channel, stay.queue]
                of_queue.append(Waiting(name, of_it, stay.entered, stay.left, stay.outcome == ANSWERED))
    handled = handle_times(contacts)
    found: dict[Name, int] = {}
    for queue, waiting in queues.items():
        found |= taken(waiting, handled.get(queue, 0))
    return found


def handle_times(contacts: Iterable[Recorded]) -> dict[Queue, int]:
    """Mean handle time (ms) of the contacts that were answered in a queue, by the queue in which they were last."""
    sums: dict[Queue, tuple[int, int]] = {}
    for contact in contacts:
        queue = next((stay.queue for stay in reversed(contact.stays) if stay.outcome == ANSWERED), None)
        if queue is not None:
            count, total = sums.get((contact.channel, queue), (0, 0))
            sums[contact.channel, queue] = count + 1, total + contact.handle_ms
    return {queue: (2 * total + count) // (2 * count) for queue, (count, total) in sums.items()}


class Served(NamedTuple):
    """How a contact comes out."""

    outcome: str
    wait_ms: int
    """In queues, until it is answered or leaves."""
    extra_ms: int = 0
    """Of an agent, for one who in the record had left before."""


def served(contact: Recorded, taken_at: Mapping[Name, int], handled: Mapping[Queue, int]) -> Served:
    """The contact with its stays as they come out."""
    wait_ms = 0
    for place, stay in enumerate(contact.stays):
        if stay.left is None or (contact.answered is not None and stay.entered > contact.answered):
            break
        at = taken_at.get((contact.key, place))
        if at is None:
            wait_ms += stay.left - stay.entered
            continue
        wait_ms += at - stay.entered
        rescued = stay.outcome != ANSWERED
        extra_ms = handled.get((contact.channel, stay.queue), 0) if rescued and not contact.handle_ms else 0
        return Served(ANSWERED, wait_ms, extra_ms)
    return Served(contact.outcome, wait_ms)
