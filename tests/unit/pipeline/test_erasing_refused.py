"""Erasures that cannot be made, and workers that cannot go on with those that were."""

import orjson
import pytest
from pydantic import SecretStr

from streams.base.times import HOUR_MS
from streams.engine.offline import Offline, OfflineTask
from streams.identity.erased import OtherKey
from tests.support.erasure_story import PARTITIONS, SETTINGS, erased, erasing_deployment, hers, rows, tell
from tests.support.offline import NOW, deployment, inlets
from tests.support.offline import PARTITIONS as PARTITIONS_OF


@pytest.fixture
def run() -> Offline:
    return erasing_deployment()


def test_without_a_key_nobody_is_erased_and_the_dead_letter_says_what_is_missing() -> None:
    run = deployment(partitions=PARTITIONS)
    tell(run, NOW, *hers(NOW))
    tell(run, NOW + 2000, erased("anna-77", NOW))
    (letter,) = [orjson.loads(record.value or b"") for record in run.on("contacts.dead-letters")]
    assert (letter["reason"], letter["hop"], letter["path"]) == ("not-configured", "ingest", "type")
    assert "CONTACT_STREAMS_ERASURE_KEY" in letter["message"]
    assert "customer:anna-77" in rows(run)


def test_nobody_cannot_be_erased(run: Offline) -> None:
    tell(run, NOW, erased("unknown", NOW - 1))
    (letter,) = [orjson.loads(record.value or b"") for record in run.on("contacts.dead-letters")]
    assert (letter["reason"], letter["path"]) == ("wrong-type", "data.customer_id")


def test_an_erasure_with_the_date_of_the_letter_says_which_time_it_needs(run: Offline) -> None:
    """It said to replay it: an erasure of a replay is of that replay alone."""
    tell(run, NOW, erased("anna-77", NOW - 48 * HOUR_MS))
    (letter,) = [orjson.loads(record.value or b"") for record in run.on("contacts.dead-letters")]
    assert (letter["reason"], letter["path"]) == ("too-old", "time")
    assert "give it the time of now" in letter["message"] and "replay" not in letter["message"]


@pytest.mark.parametrize("key", [None, "the key of somebody else"])
def test_a_worker_without_the_key_of_the_erased_does_not_start(run: Offline, key: str | None) -> None:
    """What had been erased came back with the next late record, without a word."""
    tell(run, NOW, *hers(NOW))
    tell(run, NOW + 2000, erased("anna-77", NOW))
    other = SETTINGS.model_copy(update={"erasure_key": None if key is None else SecretStr(key)})
    for task in run.tasks:
        if task.inlet.name in ("identify", "track"):
            again = OfflineTask(inlets(other)[task.inlet.name], PARTITIONS_OF, cache=4)
            again.changelog.update(task.changelog)
            with pytest.raises(OtherKey, match="CONTACT_STREAMS_ERASURE_KEY"):
                again.restart()
            task.restart()
