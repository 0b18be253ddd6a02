"""What most tests of the engine begin with."""

import pytest

from streams.engine import topology
from tests.support.engine import Pipeline


@pytest.fixture
async def pipeline(bootstrap: str, prefix: str) -> Pipeline:
    """Its topics are made; nothing runs yet."""
    return await Pipeline(bootstrap, prefix).create()


@pytest.fixture
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers look at their topics more than three times a second."""
    monkeypatch.setattr(topology, "LOOK_SECONDS", 0.3)
    monkeypatch.setattr(topology, "SETTINGS_SECONDS", 0.3)
