"""The engine's clock when the wall clock is set."""

from dataclasses import dataclass

from streams.engine.clock import BELIEVED_SECONDS, Clock


@dataclass
class Times:
    """Two clocks in seconds; ``set`` moves the wall clock alone."""

    wall: float = 1_000_000.0
    steady: float = 50.0

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds

    def clock(self) -> Clock:
        return Clock(lambda: self.wall, lambda: self.steady)


def test_it_goes_with_the_wall_clock() -> None:
    times = Times()
    clock = times.clock()
    assert clock.now() == 1_000_000_000
    times.passes(86_400)
    times.wall += 0.9  # slow drift
    assert clock.now() == 1_086_400_900


def test_a_jump_there_and_back_moves_nothing() -> None:
    for jump in (300.0, -300.0):
        times = Times()
        clock = times.clock()
        times.wall += jump
        times.passes(BELIEVED_SECONDS - 1)
        assert clock.now() == 1_000_059_000
        times.wall -= jump
        times.passes(1)
        assert clock.now() == 1_000_060_000
        times.wall += jump
        times.passes(BELIEVED_SECONDS - 1)
        assert clock.now() == 1_000_119_000, "the second jump counts from its own beginning"


def test_a_clock_that_stays_where_it_was_set_is_followed() -> None:
    times = Times()
    clock = times.clock()
    times.wall += 300
    assert clock.now() == 1_000_000_000
    times.passes(BELIEVED_SECONDS)
    assert clock.now() == 1_000_360_000
    times.passes(1)
    assert clock.now() == 1_000_361_000
