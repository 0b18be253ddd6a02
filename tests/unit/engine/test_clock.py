"""The engine's clock when the wall clock is set."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.clock import ALLOWED_SECONDS, BELIEVED_SECONDS, Clock


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


def heard(times: Times, clock: Clock, wrong: float, took: float = 0.01) -> None:
    """A commit: the broker, whose clock is right, stamps it halfway. ``wrong``: what our wall clock is off by, s."""
    sent = clock.steady()
    times.passes(took / 2)
    appended = int((times.wall - wrong) * 1000)
    times.passes(took / 2)
    clock.heard(sent, appended, clock.steady())


@given(st.floats(-4, 4), st.floats(0.001, 30))
def test_a_clock_that_is_about_right_is_left_alone(wrong: float, took: float) -> None:
    times = Times(wall=1_000_000 + wrong)
    clock = times.clock()
    assert clock.ahead() is None
    heard(times, clock, wrong, took)
    assert abs(clock.ahead() or 0.0) <= abs(wrong) + 0.002
    assert clock.now() == pytest.approx(times.wall * 1000, abs=2)


@given(st.sampled_from([-1, 1]), st.floats(6, 86_400))
def test_a_clock_that_is_wrong_for_long_is_followed_by_five_seconds_only(sign: int, hours: float) -> None:
    """It was set while the worker ran, and is believed after a minute: the broker knows better."""
    times, wrong = Times(), sign * hours
    clock = times.clock()
    heard(times, clock, 0)
    times.wall += wrong
    for _ in range(int(BELIEVED_SECONDS) + 30):
        clock.now()
        times.passes(1)
        heard(times, clock, wrong)
    right = times.wall - wrong
    assert clock.ahead() == pytest.approx(wrong, abs=0.2)
    assert clock.now() / 1000 == pytest.approx(right + sign * min(hours, ALLOWED_SECONDS), abs=0.2)


def test_a_broker_that_is_slow_to_answer_makes_nobody_wrong() -> None:
    times = Times()
    clock = times.clock()
    for took in (20.0, 0.01, 60.0):
        heard(times, clock, 0, took)
        assert clock.ahead() == pytest.approx(0, abs=0.002)


def test_a_broker_whose_clock_is_set_is_followed() -> None:
    times = Times()
    clock = times.clock()
    heard(times, clock, 0)
    heard(times, clock, 100)
    assert clock.ahead() == pytest.approx(100, abs=0.2)
    assert clock.now() / 1000 == pytest.approx(times.wall - 95, abs=0.2)
