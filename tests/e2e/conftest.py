"""A system per test."""

from pathlib import Path

import pytest

from streams import settings as settings_module
from streams.settings import Settings
from tests.support.system import System


@pytest.fixture
def settings(bootstrap: str, prefix: str) -> Settings:
    return settings_module.load(
        bootstrap_servers=bootstrap, topic_prefix=prefix, session_timeout_ms=6000, log_format="json", log_level="info",
        state_key="the state key of the tests",
    )  # fmt: skip


@pytest.fixture
async def system(settings: Settings, tmp_path: Path) -> System:
    return await System(settings, tmp_path).create()
