"""A replay is over between identifiers when nothing of it is on its way: no sooner, and then soon."""

from collections import deque
from random import Random

import pytest

from streams.base.links import Round
from streams.identity.ending import Ending, heard, step, stirred


class Tasks:
    """Some tasks, and between every two a channel that keeps the order. A message makes others until it is spent.

    In one batch a task handles what has come, as far as it likes; what it sends is on its way then.
    """

    def __init__(self, count: int, random: Random) -> None:
        self.count, self.random = count, random
        self.rows = [Ending() for _ in range(count)]
        self.inputs = [random.randrange(4) for _ in range(count)]
        """What is still to be read of the replay itself."""
        self.channels: dict[tuple[int, int], deque[int | Round]] = {
            (source, to): deque() for source in range(count) for to in range(count)
        }

    def on_the_way(self) -> int:
        return sum(isinstance(each, int) for channel in self.channels.values() for each in channel)

    def send(self, source: int, spent: int) -> None:
        for _ in range(self.random.randrange(3) if spent > 0 else 0):
            self.channels[source, self.random.randrange(self.count)].append(spent - 1)

    def batch(self, task: int) -> None:
        if self.inputs[task] and self.random.random() < 0.7:
            self.inputs[task] -= 1
            self.send(task, 4)
        for source in self.random.sample(range(self.count), self.count):
            channel = self.channels[source, task]
            for _ in range(self.random.randint(0, len(channel))):
                found = channel.popleft()
                if isinstance(found, Round):
                    self.rows[task] = heard(self.rows[task], found)
                else:
                    self.rows[task] = stirred(self.rows[task])
                    self.send(task, found)
        if self.inputs[task]:
            return
        before = self.rows[task]
        self.rows[task], told = step(before, f"identify-{task}", self.count, "week")
        if told is not None:
            for to in range(self.count):
                self.channels[task, to].append(told)


@pytest.mark.parametrize("seed", range(300))
def test_it_is_over_when_nothing_is_on_its_way(seed: int) -> None:
    random = Random(seed)
    tasks = Tasks(random.choice([1, 2, 3, 5]), random)
    for _ in range(3000):
        tasks.batch(random.randrange(tasks.count))
        over = [row.over for row in tasks.rows]
        if any(over):
            assert tasks.on_the_way() == 0
            assert not any(tasks.inputs)
        if all(over):
            break
    assert all(row.over and not row.heard for row in tasks.rows)
    rounds = {row.number for row in tasks.rows}
    assert len(rounds) == 1  # all end with one round
    assert rounds.pop() >= 2


def test_what_comes_once_more_changes_nothing() -> None:
    row, told = step(Ending(), "identify-0", 2, "week")
    assert told == Round("identify-0", 2, "week", 1, quiet=False)
    for origin in ("identify-0", "identify-1", "identify-1"):
        row = heard(row, Round(origin, 2, "week", 1, quiet=False))
    row, told = step(row, "identify-0", 2, "week")
    assert told == Round("identify-0", 2, "week", 2, quiet=True)
    assert heard(row, Round("identify-1", 2, "week", 1, quiet=False)) == row  # of a round that is past
    assert step(row, "identify-0", 2, "week") == (row, None)


def test_who_handled_something_is_not_quiet() -> None:
    row, _ = step(Ending(), "identify-0", 1, "week")
    row = stirred(heard(row, Round("identify-0", 1, "week", 1, quiet=False)))
    row, told = step(row, "identify-0", 1, "week")
    assert told is not None
    assert not told.quiet
    row = heard(row, told)
    row, told = step(row, "identify-0", 1, "week")
    assert told is not None
    assert told.quiet
    row, told = step(heard(row, told), "identify-0", 1, "week")
    assert (row.over, told) == (True, None)
