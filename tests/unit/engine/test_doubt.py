"""What is remembered of refused batches."""

import pytest

from streams.engine import doubt as module
from streams.engine.doubt import RETRY_SECONDS, TICKS, Doubt
from tests.support.records import record


def test_the_end_of_batches_is_tried_again_by_a_tick_and_by_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    doubt, why, some = Doubt(), ValueError("refused"), [record(topic="in", offset=7)]
    for _ in range(TICKS):
        assert doubt.left_out([]) is None
        doubt.learn([], why)
    assert (doubt.left_out([]), doubt.left_out(some)) == (why, why)
    now += RETRY_SECONDS
    assert (doubt.left_out([]), doubt.left_out(some)) == (None, why)
    doubt.learn([], why)
    assert doubt.left_out([]) is why, "not at every tick"
    assert not doubt.past({})
    now += RETRY_SECONDS
    doubt.passed()
    assert (doubt.left_out([]), doubt.left_out(some)) == (None, None)
    assert doubt.past({})
