"""The audit of the topic ``contact.quality`` finds what differs."""

from dataclasses import replace
from typing import Any

from streams.engine.offline import Offline
from tests.chaos.audit import quality, state
from tests.chaos.audit.logs import Difference, Logs, Rec
from tests.support.transcripts import CURT, KIND, run_of, talk


def audited(run: Offline) -> list[Difference]:
    found = Logs({"contact.quality": [Rec(*place, **told) for place, told in _told(run)]})
    [track] = [task for task in run.tasks if task.info.inlet == "track"]
    head = b"customers\0"
    rows = {
        (0, "customers", key[len(head) :].decode()): state.row_of(row)
        for key, row in track.changelog.items()
        if key.startswith(head)
    }
    return list(quality.check(found, rows))


def _told(run: Offline) -> list[tuple[tuple[str, int, int, int], dict[str, Any]]]:
    return [
        ((each.topic, each.partition, each.offset, each.timestamp), {"key": each.key, "value": each.value})
        for each in run.on("contact.quality")
    ]


def test_the_audit_holds_the_topic_against_the_rows() -> None:
    run = run_of([*talk("c1", "en", KIND["en"]), *talk("c2", "de", CURT["de"], "bob")])
    assert audited(run) == []
    [log] = [log for (topic, _), log in run.topics.items() if topic == "contact.quality" and log]
    other = replace(log[-1], value=log[-1].value.replace(b'"transfers":0', b'"transfers":1'), offset=99)
    log.append(other)
    (difference,) = audited(run)
    assert "is not what was told last" in difference.what
    log.append(replace(other, key=b"r/customer:eve/1"))
    assert len(audited(run)) == 2
    log += [replace(other, value=None), replace(other, key=b"r/customer:eve/1", value=None)]
    (difference,) = audited(run)
    assert "is told by the row alone" in difference.what
