"""The demo on a real broker, at two speeds: what the simulator counted and what came out of the topics agree."""

from functools import partial
from pathlib import Path

import pytest

from streams.demo.run import Options, run
from streams.kafka import topics
from streams.kafka.connection import connection_of
from streams.kafka.drain import wait_drained
from streams.local.processes import workers
from streams.settings import Settings
from tests.support.offline import RULES


@pytest.mark.parametrize(("seed", "duration", "speed"), [(3, 6.0, 20.0), (4, 3.0, 200.0)])
async def test_the_demo_agrees_with_its_own_truth(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str], seed: int, duration: float, speed: float
) -> None:
    await topics.create(connection_of(settings), topics.wanted(settings))
    options = Options(RULES, duration, speed, seed, plain=True)
    start = partial(workers, settings, 1, tmp_path)
    code = await run(options, connection_of(settings), settings.topic_prefix, start, partial(wait_drained, settings))
    said = capsys.readouterr().out
    assert "figures agree with the simulator's own truth" in said, said
    assert "✗" not in said
    assert code == 0
