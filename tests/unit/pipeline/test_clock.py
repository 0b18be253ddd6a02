"""A wall clock that jumps: what the agents make of it."""

from streams.base.records import Line
from streams.engine import TaskInfo
from streams.engine.outputs import Outputs
from streams.pipeline.stage import PROGRESS_INTERVAL_MS, ProgressSender


def told(sender: ProgressSender, watermark: int, now: int) -> int:
    """How many progress records are sent at a moment of the wall clock."""
    out = Outputs({"next": 2}, now, {})
    sender.send({"": Line(watermark)}, out)
    return sum(len(items) for items in out.grouped().values())


def test_a_clock_that_was_set_back_does_not_silence_the_progress() -> None:
    sender = ProgressSender(TaskInfo("ingest", 0, 1, ("contacts.voice",)), "next")
    assert told(sender, 1, 1_000_000) == 2
    assert told(sender, 2, 1_000_000 + PROGRESS_INTERVAL_MS - 1) == 0, "too soon after the last one"
    assert told(sender, 3, 400_000) == 2, "ten minutes back: not to wait until they have passed again"
    assert told(sender, 4, 400_000 + PROGRESS_INTERVAL_MS) == 2
