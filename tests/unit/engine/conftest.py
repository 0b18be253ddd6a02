"""What tests of tasks need in place of a broker."""

import pytest

from streams.engine import Connection
from streams.engine import task as module
from tests.support.tasks import Changelogs, Producer


@pytest.fixture
def changelogs(monkeypatch: pytest.MonkeyPatch) -> Changelogs:
    """In place of the broker's, for every task that is made."""
    made = Changelogs()
    monkeypatch.setattr(Connection, "transactional_producer", lambda connection, name: Producer(made.told, name))
    monkeypatch.setattr(module, "start_client", made.start)
    monkeypatch.setattr(module.changelog, "opened", made.opened)
    return made
