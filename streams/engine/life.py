"""The life of a task: its states, and the only ways from one to the next.

::

    CREATED ───► RESTORING ───► SUSPENDED ◄───► READY
       │             │              │             │
       └─────────────┴──────┬───────┴─────────────┘
                            ▼
                          LOST ───► CLOSED

Whether a batch is at work is no state but a fact beside them. One begins in `State.READY` alone; it ends in whatever
state the task has come to meanwhile, and is waited for by whoever needs the tables at rest. When the next batch may
begin, and when the next tick is due, are times that the task tells.
"""

import asyncio
from collections.abc import Mapping
from enum import Enum

from streams.engine.errors import IllegalTransition


class State(Enum):
    """What a task is good for."""

    CREATED = "created"
    """It is made, and has fenced nobody."""
    RESTORING = "restoring"
    """It fences every owner before it and reads the changelog. What it holds is a part of the state."""
    SUSPENDED = "suspended"
    """Its tables stand at a commit; no batch begins: until its inputs are sought, and from the beginning of a rebalance
    on. A batch that is at work then commits."""
    READY = "ready"
    """Its inputs are sought: batches begin."""
    LOST = "lost"
    """It failed, or was given away. Nobody looks at its tables again: the next owner reads what it committed."""
    CLOSED = "closed"
    """Its store and its producer are let go."""

    @property
    def gone(self) -> bool:
        """Is there no way back?"""
        return self in (State.LOST, State.CLOSED)


NEXT: Mapping[State, frozenset[State]] = {
    State.CREATED: frozenset({State.RESTORING, State.LOST}),
    State.RESTORING: frozenset({State.SUSPENDED, State.LOST}),
    State.SUSPENDED: frozenset({State.READY, State.LOST}),
    State.READY: frozenset({State.SUSPENDED, State.LOST}),
    State.LOST: frozenset({State.CLOSED}),
    State.CLOSED: frozenset(),
}
"""State → those that may follow."""


class Life:
    """The state of one task, and whether a batch is at work on it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.state = State.CREATED
        self._at_rest = asyncio.Event()
        self._at_rest.set()

    def become(self, state: State) -> None:
        """Raises `IllegalTransition`."""
        if state not in NEXT[self.state]:
            raise IllegalTransition(f"{self.name} is {self.state.value} and cannot become {state.value}")
        self.state = state

    @property
    def at_work(self) -> bool:
        """Is a batch at work, or somebody else who needs that none is?"""
        return not self._at_rest.is_set()

    @property
    def free(self) -> bool:
        """May a batch begin?"""
        return self.state is State.READY and not self.at_work

    def work(self) -> None:
        """A batch begins. Raises `IllegalTransition` when the task is not ready, or one is at work already."""
        if not self.free:
            busy = " and at work" if self.at_work else ""
            raise IllegalTransition(f"{self.name} is {self.state.value}{busy}: no batch may begin")
        self._at_rest.clear()

    def rest(self) -> None:
        """It has ended, whatever has become of the task."""
        self._at_rest.set()

    async def at_rest(self) -> None:
        """Wait until no batch is at work."""
        await self._at_rest.wait()
