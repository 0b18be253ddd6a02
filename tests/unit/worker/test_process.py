"""A worker's start: what signals do to it."""

import os
import signal
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from streams.base.errors import UserError
from streams.settings import Settings
from streams.worker import process


@pytest.fixture
def hung_up() -> Iterator[list[int]]:
    """What comes to the handler of before; it would end the process otherwise."""
    found: list[int] = []
    before = signal.signal(signal.SIGHUP, lambda number, _: found.append(number))
    umask = os.umask(0)
    os.umask(umask)
    yield found
    signal.signal(signal.SIGHUP, before)
    os.umask(umask)


@pytest.mark.parametrize("sent", [0, 2])
def test_a_sighup_during_the_start_is_answered_when_it_can_be(
    sent: int, hung_up: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    class Reloading:
        def __init__(self, *_: Any) -> None:
            pass

        def ask(self) -> None:
            asked.append("asked")

    def read(_: Settings) -> None:
        for _ in range(sent):
            os.kill(os.getpid(), signal.SIGHUP)

    async def nothing(*_: Any) -> None:
        return None

    async def start() -> None:
        raise UserError("no broker")

    monkeypatch.setattr(process.rules, "of", read)
    monkeypatch.setattr(process.rules, "warnings", lambda *_: ())
    monkeypatch.setattr(process.logs, "configure", lambda _: None)
    monkeypatch.setattr(process, "at_start", nothing)
    monkeypatch.setattr(process, "Reloading", Reloading)
    app = SimpleNamespace(app=SimpleNamespace(start=start, stop=nothing), metrics=None)
    monkeypatch.setattr(process, "build", lambda *_, **__: app)
    assert process.run(Settings()) == (1, "no broker")
    assert (bool(asked), hung_up) == (bool(sent), []), "what comes to the loop's handler as well is asked for once more"
