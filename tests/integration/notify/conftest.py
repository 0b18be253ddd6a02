"""A webhook, a file that leads to it, and topics."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.notify import Hook, Post

SECRET = "s3cret-of-the-hook"


@pytest.fixture
async def post(bootstrap: str, prefix: str) -> Post:
    return await Post(bootstrap, prefix).create()


@pytest.fixture
async def hook(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hook]:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    async with Hook().run() as found:
        yield found


@pytest.fixture
def file(tmp_path: Path, hook: Hook) -> Path:
    """All alerts to the webhook ``desk``."""
    found = tmp_path / "notify.yaml"
    found.write_text(
        f"targets:\n  desk:\n    webhook: {{url: {hook.url}, secret: {{env: HOOK_SECRET}}}}\n    timeout: 1s\n"
        "routes:\n  - targets: [desk]\n"
    )
    return found
