"""What connectors sent is counted by minute, and told exactly once."""

from schemas import flow
from streams.base.alert_records import Heard
from streams.intake.pulses import LONGEST_NAME, MOST_WAITING, OTHER, PULSE_MS, Counts, Pulses, channel_of

TOPICS = {"contacts.voice": "voice", "customers.profile": "customers.profile"}
M0 = 1_772_442_000_000


def of(source: object, **more: object) -> dict[str, object]:
    return {"source": source, "type": "contact.queued", **more}


def pulses(waiting: dict[str, Counts] | None = None) -> Pulses:
    return Pulses("ingest-0", {} if waiting is None else waiting, TOPICS)


def test_counts_by_connector_channel_and_minute_in_full() -> None:
    one = pulses()
    for at, topic, refused in (
        (0, "contacts.voice", False),
        (59_999, "contacts.voice", False),
        (60_000, "contacts.voice", True),
        (5, "customers.profile", False),
    ):
        one.count(of("/pbx"), topic, M0 + at, refused=refused)
    one.count({}, "contacts.voice", M0, refused=True)
    one.count(of("x" * (LONGEST_NAME + 1)), "contacts.voice", M0, refused=True)
    one.count(of("/pbx", replayid="r"), "contacts.voice", M0, refused=False)
    one.count({"source": "/pbx", "type": "replay.ended"}, "contacts.voice", M0, refused=False)
    one.keep()
    found = one.take(M0)
    assert found is not None
    assert found.task == "ingest-0"
    assert found.of == (
        Heard("", "voice", M0, 0, 2),
        Heard("/pbx", "customers.profile", M0, 1, 0),
        Heard("/pbx", "voice", M0, 2, 0),
        Heard("/pbx", "voice", M0 + 60_000, 0, 1),
    )
    assert one.take(M0 + PULSE_MS) is None


def test_at_most_one_record_in_some_seconds_and_what_waits_is_kept_by_the_table() -> None:
    table: dict[str, Counts] = {}
    one = pulses(table)
    one.count(of("/pbx"), "contacts.voice", M0, refused=False)
    one.keep()
    assert one.take(M0) is not None
    one.count(of("/pbx"), "contacts.voice", M0, refused=False)
    one.keep()
    assert one.take(M0 + PULSE_MS - 1) is None
    other = pulses(table)  # the worker stopped, and another one goes on
    other.count(of("/pbx"), "contacts.voice", M0, refused=True)
    other.keep()
    found = other.take(M0 + 1)
    assert found is not None
    assert found.of == (Heard("/pbx", "voice", M0, 1, 1),)
    assert table == {}
    one.count(of("/pbx"), "contacts.voice", M0, refused=False)
    one.keep()
    assert one.take(M0 - 10_000) is not None, "the clock was set back"


def test_many_connectors_are_other() -> None:
    one = pulses()
    for number in range(MOST_WAITING + 50):
        one.count(of(f"/{number:04}"), "contacts.voice", M0, refused=True)
    one.keep()
    found = one.take(M0)
    assert found is not None
    assert len(found.of) == MOST_WAITING + 1
    assert [each.refused for each in found.of if each.source == OTHER] == [50]


def test_the_channel_of_a_topic() -> None:
    assert channel_of("contacts.voice") == "voice"
    assert channel_of("customers.profile") == "customers.profile"
    every = {topic for topic in flow.inputs("ingest") if channel_of(topic) is None}
    assert every == {"alert.commands", "alert.silences", "alert.rules", "identity.commands"}


def test_what_people_say_comes_from_no_connector() -> None:
    one = Pulses("ingest-0", {}, {topic: channel_of(topic) for topic in ("contacts.voice", "alert.rules")})
    for topic in ("alert.rules", "contacts.voice"):
        for refused in (False, True):
            one.count(of("/contact-streams/rules"), topic, M0, refused=refused)
    one.keep()
    found = one.take(M0)
    assert found is not None
    assert [(each.channel, each.accepted, each.refused) for each in found.of] == [("voice", 1, 1)]
