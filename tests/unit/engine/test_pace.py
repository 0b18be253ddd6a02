"""The interval between batches follows the load of the thread."""

import pytest

from streams.engine.pace import BUSY, IDLE, SAMPLE_SECONDS, Pace

SHORTEST = 0.02


class Machine:
    """A clock, and a thread that uses a given share of it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.cpu = 0.0

    def run(self, pace: Pace, share: float, samples: int) -> float:
        for _ in range(samples):
            self.now += SAMPLE_SECONDS
            self.cpu += share * SAMPLE_SECONDS
            pace.interval()
        return pace.interval()


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.mark.parametrize(
    ("share", "interval"),
    [
        (0.0, SHORTEST),
        (IDLE, SHORTEST),
        ((IDLE + BUSY) / 2, (SHORTEST + 0.1) / 2),
        (BUSY, 0.1),
        (1.0, 0.1),
    ],
)
def test_a_steady_load_settles_at_its_interval(machine: Machine, share: float, interval: float) -> None:
    pace = Pace(SHORTEST, 0.1, lambda: machine.now, lambda: machine.cpu)
    assert machine.run(pace, share, 50) == pytest.approx(interval, abs=1e-4)


def test_a_worker_that_was_busy_becomes_quick_again(machine: Machine) -> None:
    pace = Pace(SHORTEST, 0.1, lambda: machine.now, lambda: machine.cpu)
    assert machine.run(pace, 1.0, 20) == 0.1
    assert machine.run(pace, 0.0, 4) == SHORTEST


def test_one_busy_moment_changes_little(machine: Machine) -> None:
    pace = Pace(SHORTEST, 0.1, lambda: machine.now, lambda: machine.cpu)
    machine.run(pace, 0.1, 20)
    assert machine.run(pace, 1.0, 1) < 0.04


def test_the_setting_is_the_upper_bound_and_may_be_below_the_shortest(machine: Machine) -> None:
    pace = Pace(SHORTEST, 0.0, lambda: machine.now, lambda: machine.cpu)
    assert machine.run(pace, 1.0, 20) == 0.0
